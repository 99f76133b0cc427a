//! The cut: what goes by the rule, that what stays means the same, and that deltas of it add up.

use proptest::prelude::*;

use super::*;
use view::View;

mod view;

fn cut_text(playlist: &str, depth_s: u32, form: Form) -> String {
    let cut = cut(playlist.as_bytes(), depth_s, form).unwrap();
    String::from_utf8(cut.text.into_owned()).unwrap()
}

const HEADER: &str = "#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:2\n\
    #EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,HOLD-BACK=6.0,CAN-SKIP-UNTIL=12.0\n";

/// Segments of two seconds, the last of which is `count` − 1.
fn plain(count: usize) -> String {
    let segments: String = (0..count).map(|n| format!("#EXTINF:2.000,\ns{n}.ts\n")).collect();
    format!("{HEADER}#EXT-X-MEDIA-SEQUENCE:0\n{segments}")
}

#[test]
fn the_rule() {
    for (count, depth_s, first) in [
        (100, 0, 94), // HOLD-BACK and three target durations
        (100, 12, 93),
        (100, 60, 69), // the one that ends exactly 60 s ago stays
        (100, 61, 69),
        (100, 62, 68),
        (100, 1000, 0),
        (6, 0, 0),
        (7, 0, 1),
    ] {
        let text = plain(count);
        let cut = cut(text.as_bytes(), depth_s, Form::Whole).unwrap();
        assert_eq!(cut.first_msn, first, "{count} segments, {depth_s} s");
        assert_eq!(cut.lowest_msn, first.saturating_sub(3), "three target durations of grace");
        assert_eq!(lowest_msn(text.as_bytes(), depth_s), Ok(cut.lowest_msn));
        assert_eq!(matches!(cut.text, Cow::Borrowed(_)), first == 0);
    }
    let far = plain(100).replace("HOLD-BACK=6.0", "HOLD-BACK=3600");
    assert_eq!(cut(far.as_bytes(), 0, Form::Whole).unwrap().first_msn, 91, "6 and 3, at most");
}

#[test]
fn skipping_date_ranges_is_not_offered() {
    let control = "CAN-BLOCK-RELOAD=YES,HOLD-BACK=6.0,CAN-SKIP-UNTIL=12.0";
    for offer in [
        control.replace("CAN-SKIP", "CAN-SKIP-DATERANGES=YES,CAN-SKIP"),
        format!("CAN-SKIP-DATERANGES=YES,{control}"),
        format!("{control},CAN-SKIP-DATERANGES=YES"),
    ] {
        for (count, form) in [(100, Form::Whole), (100, Form::Delta), (6, Form::Whole)] {
            let offering = plain(count).replace(control, &offer);
            assert_ne!(offering, plain(count));
            assert_eq!(cut_text(&offering, 60, form), cut_text(&plain(count), 60, form), "{offer}");
        }
    }
}

#[test]
fn a_delta_of_the_cut_playlist() {
    let delta = cut_text(&plain(100), 60, Form::Delta);
    // 69 to 99 stay; of them, those that end more than 12 s ago are skipped.
    let expected = format!(
        "{HEADER}#EXT-X-MEDIA-SEQUENCE:69\n#EXT-X-SKIP:SKIPPED-SEGMENTS=24\n\
         #EXTINF:2.000,\ns93.ts\n"
    );
    assert!(delta.starts_with(&expected), "{delta}");
    assert_eq!(cut_text(&plain(100), 0, Form::Delta), cut_text(&plain(100), 0, Form::Whole));
    let old = plain(100).replace("VERSION:9", "VERSION:8");
    assert_eq!(cut_text(&old, 60, Form::Delta), cut_text(&old, 60, Form::Whole));
    assert_eq!(cut(delta.as_bytes(), 60, Form::Delta), Err(DvrError::Delta));
}

#[test]
fn recordings_are_refused_and_the_last_word_is_not() {
    let typed = |kind: &str| format!("{}#EXT-X-PLAYLIST-TYPE:{kind}\n", plain(50));
    let end = |text: String| format!("{text}#EXT-X-ENDLIST\n");
    for text in [end(typed("VOD")), typed("VOD"), end(typed("EVENT"))] {
        assert_eq!(cut(text.as_bytes(), 3600, Form::Whole), Err(DvrError::Recording));
    }
    let ended = cut_text(&end(plain(50)), 0, Form::Whole);
    assert!(ended.contains("SEQUENCE:44\n") && ended.ends_with("s49.ts\n#EXT-X-ENDLIST\n"));
    let event = plain(50).replace("#EXT-X-MEDIA", "#EXT-X-PLAYLIST-TYPE:EVENT\n#EXT-X-MEDIA");
    assert_eq!(cut_text(&event, 0, Form::Whole), cut_text(&plain(50), 0, Form::Whole));
    assert_eq!(cut_text(&typed("EVENT"), 0, Form::Whole), cut_text(&plain(50), 0, Form::Whole));
    assert_eq!(cut_text(&event, 3600, Form::Whole), plain(50), "it may shrink later");
}

#[test]
fn what_is_no_media_playlist_is_refused() {
    let segment = "#EXTINF:2,\na.ts\n";
    for (text, what) in [
        (String::new(), "TARGETDURATION"),
        (format!("#EXTM3U\n{segment}"), "TARGETDURATION"),
        (format!("{HEADER}#EXT-X-STREAM-INF:BANDWIDTH=1\na.m3u8\n"), "multivariant"),
        (format!("{HEADER}{segment}#EXT-X-MEDIA-SEQUENCE:1\n"), "after a segment"),
        (format!("{HEADER}#EXT-X-MEDIA-SEQUENCE:-1\n"), "no number"),
    ] {
        let error = cut(text.as_bytes(), 0, Form::Whole).unwrap_err();
        assert!(error.to_string().contains(what), "{text}: {error}");
    }
}

#[test]
fn keys_maps_dates_and_ranges_are_inherited() {
    let key = |id: &str, format: &str| {
        format!("#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"{id}\",KEYFORMAT=\"{format}\"\n")
    };
    let (a, b, c) = (key("a", "x"), key("b", "y"), key("c", "x"));
    let map = "#EXT-X-MAP:URI=\"big.mp4\",BYTERANGE=\"700@0\"\n";
    let mut text =
        format!("{HEADER}{a}{b}{map}#EXT-X-PROGRAM-DATE-TIME:2026-11-21T09:00:00+01:00\n");
    text.push_str("#EXTINF:2,\n#EXT-X-BYTERANGE:100@700\nbig.mp4\n#EXT-X-DISCONTINUITY\n");
    text.push_str(&c);
    for _ in 0..9 {
        text.push_str("#EXTINF:2,\n#EXT-X-BYTERANGE:100\nbig.mp4\n");
    }
    let text = text.replace('\n', "\r\n");
    let expected = format!(
        "{HEADER}#EXT-X-MEDIA-SEQUENCE:4\n#EXT-X-DISCONTINUITY-SEQUENCE:1\n{a}{b}{map}{b}{c}\
         #EXT-X-PROGRAM-DATE-TIME:2026-11-21T08:00:08.000Z\n\
         #EXTINF:2,\n#EXT-X-BYTERANGE:100@1100\nbig.mp4\n#EXTINF:2,\n#EXT-X-BYTERANGE:100\n"
    );
    let cut = cut_text(&text, 0, Form::Whole);
    assert!(cut.starts_with(&expected.replace('\n', "\r\n")), "{cut}");
}

#[test]
fn a_segment_with_its_own_needs_no_other() {
    let key = |n| format!("#EXT-X-KEY:METHOD=AES-128,URI=\"k{n}\"\n");
    let segments: String = (0..10).map(|n| format!("{}#EXTINF:2,\ns{n}.ts\n", key(n))).collect();
    let cut = cut_text(&format!("{HEADER}{segments}"), 0, Form::Whole);
    assert_eq!(
        cut,
        format!(
            "{HEADER}#EXT-X-MEDIA-SEQUENCE:4\n{}",
            &segments[segments.find(&key(4)).unwrap()..]
        )
    );
    let many: String =
        (0..40).map(|n| format!("#EXT-X-KEY:METHOD=X,KEYFORMAT=\"{n}\"\n")).collect();
    let text = format!("{HEADER}{many}{segments}");
    assert!(matches!(super::cut(text.as_bytes(), 0, Form::Whole), Err(DvrError::Malformed(_))));
}

/// One segment's lines as a packager might write them, and their length in milliseconds.
fn segment() -> impl Strategy<Value = (Vec<String>, i64)> {
    let key = prop::sample::select(vec![
        "#EXT-X-KEY:METHOD=NONE",
        "#EXT-X-KEY:METHOD=AES-128,URI=\"k1\"",
        "#EXT-X-KEY:METHOD=AES-128,URI=\"k2\"",
        "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://1\",KEYFORMAT=\"com.apple.streamingkeydelivery\"",
    ]);
    let tag = prop_oneof![
        3 => Just("#EXT-X-DISCONTINUITY".to_owned()),
        3 => key.prop_map(str::to_owned),
        3 => (0..3).prop_map(|n| format!("#EXT-X-MAP:URI=\"i{n}.mp4\"")),
        3 => (0..60).prop_map(|n| format!("#EXT-X-PROGRAM-DATE-TIME:2026-11-21T10:00:{n:02}.500Z")),
        1 => (1..9).prop_map(|n| format!("#EXT-X-BITRATE:{n}000")),
        1 => Just("#EXT-X-GAP".to_owned()),
        1 => Just("#EXT-X-CUE-OUT:30".to_owned()),
        1 => Just("#EXT-X-DATERANGE:ID=\"a\",START-DATE=\"2026-11-21T10:00:00Z\"".to_owned()),
        1 => Just("# of no meaning".to_owned()),
        2 => (1..9, any::<bool>()).prop_map(|(n, at)| {
            let at = if at { "@5" } else { "" };
            format!("#EXT-X-PART:DURATION=0.5,URI=\"parts.mp4\",BYTERANGE=\"{n}0{at}\"")
        }),
    ];
    let range = prop::option::weighted(0.6, (1..9, prop::option::weighted(0.3, 0..99)));
    (prop::collection::vec(tag, 0..4), 100_i64..=2000, range).prop_map(
        |(mut lines, millis, range)| {
            lines.push(format!("#EXTINF:{}.{:03},", millis / 1000, millis % 1000));
            match range {
                None => lines.push("alone.ts".to_owned()),
                Some((length, at)) => {
                    let at = at.map(|at| format!("@{at}")).unwrap_or_default();
                    lines.push(format!("#EXT-X-BYTERANGE:{length}00{at}"));
                    lines.push("big.ts".to_owned());
                }
            }
            (lines, millis)
        },
    )
}

fn playlist(segments: &[(Vec<String>, i64)], sequence: &str) -> String {
    let lines = segments.iter().flat_map(|(lines, _)| lines).map(|line| format!("{line}\n"));
    format!(
        "{HEADER}{sequence}{}#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"h\"\n",
        lines.collect::<String>()
    )
}

proptest! {
    #[test]
    fn what_stays_means_the_same(
        segments in prop::collection::vec(segment(), 0..40),
        depth_s in 0_u32..40,
        sequence in prop::sample::select(vec![
            "",
            "#EXT-X-MEDIA-SEQUENCE:7\n",
            "#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-DISCONTINUITY-SEQUENCE:3\n",
        ]),
    ) {
        let text = playlist(&segments, sequence);
        let whole = View::of(&text);
        let cut = cut(text.as_bytes(), depth_s, Form::Whole).unwrap();
        let seen = View::of(std::str::from_utf8(&cut.text).unwrap());
        prop_assert_eq!(seen.first_msn, cut.first_msn);
        let stays = |msn: u64| msn >= cut.first_msn;
        let expected: Vec<_> = whole.segments.iter().filter(|one| stays(one.msn)).collect();
        prop_assert_eq!(seen.segments.iter().collect::<Vec<_>>(), expected);
        prop_assert_eq!(seen.dateranges, whole.dateranges);
        // The rule, said the other way round.
        let gone = usize::try_from(cut.first_msn - whole.first_msn).unwrap();
        let left = |from: usize| segments[from..].iter().map(|(_, millis)| millis).sum::<i64>();
        if gone > 0 {
            prop_assert!(left(gone) > i64::from(depth_s) * 1000 && left(gone) >= 12_000);
        }
        if gone < segments.len() {
            let next = left(gone + 1);
            prop_assert!(next <= i64::from(depth_s) * 1000 || next < 12_000);
        }
    }

    #[test]
    fn deltas_of_the_cut_playlist_add_up(
        segments in prop::collection::vec(segment(), 12..60),
        new in 0_usize..40,
        depth_s in 0_u32..60,
    ) {
        // A player that is at most half of CAN-SKIP-UNTIL behind may ask for a delta.
        let mut behind = 0;
        let fits = |(_, millis): &&(_, i64)| {
            behind += millis;
            behind <= 6000
        };
        let before = segments.len() - segments.iter().rev().take(new).take_while(fits).count();
        let (then, now) = (playlist(&segments[..before], ""), playlist(&segments, ""));
        let held = View::of(&cut_text(&then, depth_s, Form::Whole));
        let delta = View::of(&cut_text(&now, depth_s, Form::Delta));
        let whole = View::of(&cut_text(&now, depth_s, Form::Whole));
        prop_assert!(whole.first_msn >= held.first_msn);
        prop_assert_eq!(held.updated(&delta), whole);
    }

    #[test]
    fn nothing_makes_it_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        depth_s: u32,
        lines in prop::collection::vec(
            "#EXT(INF|-X-(KEY|MAP|PART|BYTERANGE|PROGRAM-DATE-TIME)):[0-9.@,=\"A-Z:-]{0,20}",
            0..30,
        ),
    ) {
        let text = [HEADER.as_bytes(), lines.join("\na\n").as_bytes(), &bytes].concat();
        let _ = cut(&text, depth_s, Form::Delta);
        let _ = cut(&bytes, depth_s, Form::Whole);
    }
}
