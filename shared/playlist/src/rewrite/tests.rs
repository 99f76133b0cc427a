//! The rewriter: what moves, what stays, and that no cut of the input makes a difference.

use proptest::prelude::*;

use super::*;

const PREFIX: &str = "/p/S/";

fn mapping() -> Mapping {
    Mapping { prefix: PREFIX.to_owned(), root: "/o/show/".to_owned() }
}

fn rewritten(pieces: &[&[u8]]) -> Vec<u8> {
    let mut rewriter = Rewriter::new(mapping());
    let mut out = Vec::new();
    for piece in pieces {
        rewriter.push(piece, &mut out).unwrap();
    }
    rewriter.finish(&mut out);
    out
}

fn text(input: &str) -> String {
    String::from_utf8(rewritten(&[input.as_bytes()])).unwrap()
}

/// Every place of a URI, both with `{}` where the prefix goes.
const PLAYLIST: &str = "#EXTM3U\n\
    #EXT-X-VERSION:10\n\
    #EXT-X-CONTENT-STEERING:SERVER-URI=\"{}steer.json\",PATHWAY-ID=\"A\"\n\
    #EXT-X-SESSION-KEY:METHOD=AES-128,URI=\"{}key\"\n\
    #EXT-X-SESSION-DATA:DATA-ID=\"a,b\",URI=\"{}data.json\"\n\
    #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"aac\",NAME=\"a, URI=\",URI=\"{}audio/index.m3u8\"\n\
    #EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"avc1.64001f,mp4a.40.2\",AUDIO=\"aac\"\n\
    {}720p/index.m3u8\n\
    #EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI=\"{}720p/iframe.m3u8\"\n\
    #EXT-X-MAP:URI=\"{}e/i0.mp4\",BYTERANGE=\"1@2\"\n\
    #EXT-X-KEY:METHOD=NONE\n\
    #EXT-X-KEY:METHOD=AES-128, URI=\"{}k\",IV=0x0\n\
    #EXT-X-DATERANGE:ID=\"x\",X-ASSET-URI=\"{}ad.m3u8\",X-ASSET-LIST=\"{}ads.json\",X-URI=\"no\"\n\
    #EXTINF:2.00000,a title, with URI=\"x\"\n\
    {}e/s1.m4s\n\
    #EXT-X-PART:DURATION=0.333,URI=\"{}e/p2.0.m4s\",INDEPENDENT=YES\n\
    #EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"{}e/p2.1.m4s\"\n\
    #EXT-X-RENDITION-REPORT:URI=\"{}../480p/index.m3u8\",LAST-MSN=2\n\
    #EXT-X-UNKNOWN:URI=\"stays\"\n\
    # a comment: URI=\"stays\"\n";

#[test]
fn every_place_of_a_uri_is_found() {
    let before = PLAYLIST.replace("{}", "");
    assert_eq!(text(&before), PLAYLIST.replace("{}", PREFIX));
}

#[test]
fn what_is_not_ours_stays() {
    for line in [
        "https://cdn.example/a.m3u8",
        "HTTP://cdn.example/a.m3u8",
        "//cdn.example/a.m3u8",
        "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://key\"",
        "#EXT-X-SESSION-KEY:URI=\"data:text/plain;base64,AA==\"",
        "{$base}/a.m3u8",
        "a/{$b}.m3u8",
        "#EXT-X-MAP:URI=\"{$base}i0.mp4\"",
        "#EXT-X-MAP:URI=\"\"",
        "#EXT-X-MAP:URI=open",
        "#EXT-X-MAP:URI=\"open",
        "#EXT-X-MAP:",
        "#EXT-X-MAP",
        "#EXT-X-MAPS:URI=\"x\"",
        "?query",
        "",
        "   ",
        "#",
    ] {
        assert_eq!(text(line), line);
        assert_eq!(text(&format!("#EXTM3U\n{line}\r\n")), format!("#EXTM3U\n{line}\r\n"));
    }
}

#[test]
fn absolute_paths_go_below_the_prefix() {
    assert_eq!(text("/o/show/720p/index.m3u8"), "/p/S/720p/index.m3u8");
    assert_eq!(text("/elsewhere/a.ts"), "/p/S/elsewhere/a.ts");
    assert_eq!(text("a:b/c"), "a:b/c", "a scheme, whatever it looks like");
    assert_eq!(text("1/a:b"), "/p/S/1/a:b");
}

#[test]
fn line_ends_and_the_mark_are_kept() {
    assert_eq!(
        text("\u{feff}#EXTM3U\r\na.ts\r\n\r\nb.ts"),
        "\u{feff}#EXTM3U\r\n/p/S/a.ts\r\n\r\n/p/S/b.ts"
    );
    assert_eq!(text("\u{feff}a.ts"), "\u{feff}/p/S/a.ts");
    assert_eq!(rewritten(&[b"a\xff\xfe.ts\n"]), b"/p/S/a\xff\xfe.ts\n");
}

#[test]
fn a_line_has_a_longest() {
    let mut rewriter = Rewriter::with_line_max(mapping(), 4);
    let mut out = Vec::new();
    assert_eq!(rewriter.push(b"abcd\nab", &mut out), Ok(()));
    assert_eq!(rewriter.push(b"cde", &mut out), Err(LineTooLong(4)));
}

/// Lines that meet every branch.
fn playlist() -> impl Strategy<Value = Vec<u8>> {
    let known: Vec<String> = PLAYLIST.lines().map(|line| line.replace("{}", "")).collect();
    let line = prop_oneof![
        prop::sample::select(known).prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..40),
        "[#A-Z:=\",{$/.a-c -]{0,40}".prop_map(String::into_bytes),
    ];
    let end = prop::sample::select(vec!["\n", "\r\n", ""]);
    prop::collection::vec((line, end), 0..12).prop_map(|lines| {
        lines.into_iter().flat_map(|(line, end)| [line, end.into()].concat()).collect()
    })
}

proptest! {
    #[test]
    fn no_cut_makes_a_difference(
        input in playlist(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..5),
    ) {
        let whole = rewritten(&[&input]);
        let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(input.len() + 1)).collect();
        places.sort_unstable();
        let mut pieces = Vec::new();
        let mut from = 0;
        for place in places {
            pieces.push(&input[from..place]);
            from = place;
        }
        pieces.push(&input[from..]);
        prop_assert_eq!(rewritten(&pieces), whole.clone());
        let bytes: Vec<&[u8]> = input.chunks(1).collect();
        prop_assert_eq!(rewritten(&bytes), whole);
    }

    #[test]
    fn an_empty_prefix_on_relative_uris_changes_no_byte(input in playlist()) {
        let input: Vec<u8> = input.into_iter().filter(|byte| *byte != b'/').collect();
        let mut rewriter = Rewriter::new(Mapping { prefix: String::new(), root: String::new() });
        let mut out = Vec::new();
        rewriter.push(&input, &mut out).unwrap();
        rewriter.finish(&mut out);
        prop_assert_eq!(out, input);
    }
}
