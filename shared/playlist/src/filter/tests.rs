//! The tier's view of a multivariant playlist: what goes, what stays, and that groups stay whole.

use proptest::prelude::*;

use super::*;

fn seen(playlist: &str, height_max: u16) -> String {
    let runs = by_height(playlist.as_bytes(), height_max).unwrap();
    String::from_utf8(runs.concat()).unwrap()
}

const LADDER: &str = "#EXTM3U\n\
    #EXT-X-INDEPENDENT-SEGMENTS\n\
    #EXT-X-CONTENT-STEERING:SERVER-URI=\"steer.json\"\n\
    #EXT-X-SESSION-KEY:METHOD=AES-128,URI=\"key\"\n\
    #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"hi\",NAME=\"a, hi\",URI=\"hi.m3u8\"\n\
    #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"lo\",NAME=\"lo\",URI=\"lo.m3u8\"\n\
    #EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"hi\",NAME=\"text\",URI=\"text.m3u8\"\n\
    \n\
    #EXT-X-STREAM-INF:BANDWIDTH=6,RESOLUTION=1920x1080,CODECS=\"avc1.640028,mp4a.40.2\",\
    AUDIO=\"hi\"\n\
    # a comment between\n\
    1080.m3u8\n\
    #EXT-X-STREAM-INF:BANDWIDTH=3,RESOLUTION=720x1280,AUDIO=\"lo\",SUBTITLES=\"hi\"\n\
    720.m3u8\n\
    #EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"mp4a.40.2\",AUDIO=\"lo\"\n\
    sound.m3u8\n\
    #EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=2,RESOLUTION=1920x1080,URI=\"i1080.m3u8\"\n\
    #EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,RESOLUTION=1280x720,URI=\"i720.m3u8\"";

#[test]
fn what_is_above_the_tier_goes_with_its_groups() {
    assert_eq!(seen(LADDER, 1080), LADDER);
    let of_720 = seen(LADDER, 720);
    for gone in ["\"a, hi\"", "1920x1080", "\n1080.m3u8", "i1080.m3u8"] {
        assert!(LADDER.contains(gone) && !of_720.contains(gone), "{gone}: {of_720}");
    }
    assert_eq!(of_720.lines().count(), LADDER.lines().count() - 4);
    assert!(of_720.contains("# a comment between\n#EXT-X-STREAM-INF:BANDWIDTH=3"));
    assert!(of_720.contains("text.m3u8"), "another type, the same name: {of_720}");
    let of_480 = seen(LADDER, 480);
    assert!(!of_480.contains("720") && !of_480.contains("text.m3u8"), "{of_480}");
    assert!(of_480.contains("sound.m3u8") && of_480.contains("lo.m3u8") && of_480.ends_with('\n'));
}

#[test]
fn nothing_left_is_refused() {
    let only = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=6,RESOLUTION=1920x1080\na.m3u8\n";
    let error = by_height(only.as_bytes(), 720).unwrap_err();
    assert_eq!(error, FilterError::TierTooLow { height_max: 720 });
    assert_eq!(error.to_string(), "the show has nothing at or below 720p");
    for none in ["", "#EXTM3U\n", "#EXTM3U\n#EXTINF:2,\na.ts\n"] {
        assert_eq!(by_height(none.as_bytes(), 720), Err(FilterError::NotMultivariant), "{none}");
    }
}

#[test]
fn a_picture_of_unknown_height_is_above_every_tier() {
    for (attributes, stays) in [
        ("BANDWIDTH=1", true),
        ("BANDWIDTH=1,CODECS=\"mp4a.40.2\"", true),
        ("BANDWIDTH=1,CODECS=\"mp4a.40.2, ec-3,fLaC,Opus,stpp.ttml.im1t\"", true),
        ("BANDWIDTH=1,CODECS=\"avc1.64001f,mp4a.40.2\"", false),
        ("BANDWIDTH=1,CODECS=\"mp4a.40.2,hvc1.2.4.L123.B0\"", false),
        ("BANDWIDTH=1,FRAME-RATE=25", false),
        ("BANDWIDTH=1,VIDEO-RANGE=PQ", false),
        ("BANDWIDTH=1,RESOLUTION=wide", false),
        ("BANDWIDTH=1,RESOLUTION=640x", false),
        ("BANDWIDTH=1,RESOLUTION=640x360", true),
        ("BANDWIDTH=1,NAME=\"RESOLUTION=1920x1080\"", true),
    ] {
        let base = "#EXT-X-STREAM-INF:BANDWIDTH=1,RESOLUTION=2x1\nbase.m3u8\n";
        let text = format!("#EXTM3U\n{base}#EXT-X-STREAM-INF:{attributes}\na.m3u8\n");
        assert_eq!(seen(&text, 480).contains("\na.m3u8"), stays, "{attributes}");
    }
}

#[test]
fn a_group_that_may_be_meant_stays() {
    let text = "#EXTM3U\n#EXT-X-DEFINE:NAME=\"q\",VALUE=\"lo\"\n\
        #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"lo\",NAME=\"a\",URI=\"lo.m3u8\"\n\
        #EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"{$q}\",NAME=\"b\",URI=\"t.m3u8\"\n\
        #EXT-X-STREAM-INF:BANDWIDTH=1,RESOLUTION=640x360,AUDIO=\"{$q}\"\na.m3u8\n\
        #EXT-X-STREAM-INF:BANDWIDTH=2,RESOLUTION=1280x720,AUDIO=\"lo\",SUBTITLES=\"lo\"\nb.m3u8\n";
    let of_360 = seen(text, 360);
    assert!(of_360.contains("lo.m3u8") && of_360.contains("t.m3u8") && !of_360.contains("b.m3u8"));
}

#[test]
fn line_ends_are_kept() {
    let text = format!("\u{feff}{}", LADDER.replace('\n', "\r\n"));
    assert_eq!(seen(&text, 720), format!("\u{feff}{}", seen(LADDER, 720).replace('\n', "\r\n")));
}

/// A multivariant playlist with groups that point here and there.
fn multivariant() -> impl Strategy<Value = String> {
    let group = || prop::sample::select(vec!["", "a", "b", "c"]);
    let side = prop::sample::select(vec![0_u32, 240, 480, 720, 1080]);
    let variant =
        (side, group(), group(), any::<bool>()).prop_map(|(side, audio, text, i_frame)| {
            let mut list = String::from("BANDWIDTH=1");
            let mut put = |name: &str, group: &str| {
                if !group.is_empty() {
                    list.push_str(&format!(",{name}=\"{group}\""));
                }
            };
            put("AUDIO", audio);
            put("SUBTITLES", text);
            if side > 0 {
                list.push_str(&format!(",RESOLUTION={}x{side}", side * 2));
            }
            match i_frame {
                true => format!("#EXT-X-I-FRAME-STREAM-INF:{list},URI=\"i.m3u8\"\n"),
                false => format!("#EXT-X-STREAM-INF:{list}\nv.m3u8\n"),
            }
        });
    let kind = prop::sample::select(vec!["AUDIO", "SUBTITLES"]);
    let rendition = (kind, group()).prop_map(|(kind, group)| {
        format!("#EXT-X-MEDIA:TYPE={kind},GROUP-ID=\"{group}\",NAME=\"x\",URI=\"m.m3u8\"\n")
    });
    let other = prop::sample::select(vec!["#EXT-X-START:TIME-OFFSET=0\n", "\n", "# x\n"]);
    let line = prop_oneof![variant, rendition, other.prop_map(str::to_owned)];
    prop::collection::vec(line, 0..12).prop_map(|lines| format!("#EXTM3U\n{}", lines.concat()))
}

proptest! {
    #[test]
    fn groups_and_variants_belong_together(text in multivariant(), height_max in 0_u16..1200) {
        if let Ok(runs) = by_height(text.as_bytes(), height_max) {
            let seen = String::from_utf8(runs.concat()).unwrap();
            let tags = |name: &'static str| {
                seen.lines().filter(move |line| line.starts_with(name)).map(str::as_bytes)
            };
            prop_assert!(tags("#EXT-X-STREAM-INF").count() > 0);
            prop_assert_eq!(tags("#EXT-X-STREAM-INF").count(), seen.matches("\nv.m3u8").count());
            for media in tags("#EXT-X-MEDIA") {
                let value = |name| attribute(media.split_at(13).1, name).unwrap().value;
                let list = [value("TYPE"), b"=\"", value("GROUP-ID"), b"\""].concat();
                let named = tags("#EXT-X-STREAM-INF").chain(tags("#EXT-X-I-FRAME-STREAM-INF"))
                    .any(|line| memmem::find(line, &list).is_some());
                prop_assert!(named, "{}", seen);
            }
            let again = by_height(seen.as_bytes(), height_max).unwrap().concat();
            prop_assert_eq!(again, seen.into_bytes());
        }
    }

    #[test]
    fn nothing_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), limit: u16) {
        let head = b"#EXT-X-STREAM-INF:\na\n#EXT-X-MEDIA:".to_vec();
        let _ = by_height(&[head, bytes].concat(), limit);
    }
}
