//! A film of which one rung keeps its range: what both kinds of playlists say, and what a tier leaves of it.
//!
//! In: a film that was made up. Out: a difference from the files in `golden/`. `MATINEE_GOLDEN=write` writes them anew.

use std::path::Path;
use std::sync::Arc;

use shared_media::hdr::Curve;
use shared_media::{Anchor, Ticks};
use shared_playlist::filter::by_height;
use shared_playlist::media::{Head, Segment};
use shared_playlist::mpd::{self, Catalogue, Presentation, Starts, Timeline};
use shared_playlist::multivariant::{IFrames, Sound, Variant};
use shared_playlist::{Multivariant, recording};

const ANCHOR: Anchor = Anchor { utc_us: 1_795_244_400_000_000 };

fn golden(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("MATINEE_GOLDEN").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    assert_eq!(text, std::fs::read_to_string(&path).unwrap(), "{}", path.display());
}

/// The renditions of such a film: what everybody plays goes first.
fn multivariant(codec: &str, curve: Curve) -> String {
    let rungs = [
        ("1080p", (1920, 1080), 5_000_000, "avc1.640028", None),
        ("720p", (1280, 720), 2_600_000, "avc1.64001f", None),
        ("1080p-hdr", (1920, 1080), 4_000_000, codec, Some(curve)),
    ];
    let variant = |(name, size, bandwidth, codec, hdr): (&str, _, _, &str, _)| Variant {
        bandwidth,
        average_bandwidth: bandwidth,
        codecs: vec![codec.to_owned(), "mp4a.40.2".to_owned()],
        resolution: Some(size),
        hdr,
        frame_rate_millihertz: Some(24_000),
        audio: Some("audio".to_owned()),
        subtitles: None,
        uri: format!("{name}/index.m3u8"),
    };
    let i_frames = |(name, size, bandwidth, codec, hdr): (&str, _, u64, &str, _)| IFrames {
        bandwidth: bandwidth / 10,
        average_bandwidth: bandwidth / 10,
        codec: codec.to_owned(),
        resolution: Some(size),
        hdr,
        uri: format!("{name}/iframes.m3u8"),
    };
    let alone = Variant {
        codecs: vec!["mp4a.40.2".to_owned()],
        resolution: None,
        frame_rate_millihertz: None,
        ..variant(("audio", (0, 0), 130_000, "", None))
    };
    let sound = Sound {
        group: "audio".to_owned(),
        name: "audio".to_owned(),
        language: None,
        default: true,
        channels: 2,
        sample_rate: Some(48_000),
        uri: "audio/index.m3u8".to_owned(),
    };
    let multivariant = Multivariant {
        sounds: vec![sound],
        variants: rungs.into_iter().map(variant).chain([alone]).collect(),
        i_frames: rungs.into_iter().map(i_frames).collect(),
        anchor_us: Some(ANCHOR.utc_us),
        ..Multivariant::default()
    };
    multivariant.render()
}

fn mpd_of(multivariant: &str) -> String {
    let catalogue = Catalogue::read(multivariant.as_bytes()).unwrap();
    let segment = |msn: i64| Segment {
        head: Head {
            discontinuity: false,
            map: Some("film/i0.mp4".into()),
            utc_us: ANCHOR.utc_us_at(Ticks(msn * 180_000)),
        },
        uri: format!("film/s{msn}.m4s"),
        range: None,
        duration: Ticks(180_000),
        gap: false,
        parts: Vec::new(),
    };
    let mut map = None;
    let entries = (0..3).map(|msn| recording::entry(&Arc::new(segment(msn)), &mut map));
    let entries: String = entries.collect();
    let text = recording::finish(&format!("{}{entries}", recording::header(2, false)));
    let timeline = |_: &str| Timeline::of_text(&text, catalogue.anchor_us);
    let timelines: Vec<Timeline> = catalogue.names().map(timeline).collect();
    let presentation = Presentation { catalogue: &catalogue, timelines: &timelines, live: None };
    presentation.render(&mut Starts::new()).unwrap()
}

#[test]
fn both_ranges_are_said_and_a_tier_may_take_one_away() {
    let whole = multivariant("hvc1.2.4.L120.90", Curve::Pq);
    golden("hdr.m3u8", &whole);
    let (_, parsed) = m3u8_rs::parse_master_playlist(whole.as_bytes()).unwrap();
    let first = parsed.variants[0].codecs.as_deref();
    assert_eq!(first, Some("avc1.640028,mp4a.40.2"), "a player begins with it");
    assert_eq!(whole.matches(",VIDEO-RANGE=").count(), 6, "but for the sound alone");
    let runs = |height| by_height(whole.as_bytes(), height).unwrap().concat();
    let seen = String::from_utf8(runs(720)).unwrap();
    assert!(!seen.contains("-hdr") && seen.contains("VIDEO-RANGE=SDR") && seen.contains("audio/"));
    assert_eq!(runs(1080), whole.as_bytes());
}

#[test]
fn nothing_is_said_where_there_is_one_range() {
    let sdr = multivariant("avc1.640028", Curve::Pq).replace(",VIDEO-RANGE=PQ", "");
    let sdr = mpd_of(&sdr.replace(",VIDEO-RANGE=SDR", ""));
    assert_eq!(sdr.matches("<AdaptationSet ").count(), 2);
    assert!(!sdr.contains("EssentialProperty"), "{sdr}");
}

#[test]
fn dash_has_a_set_for_each_range_and_no_switching_between() {
    let pq = mpd_of(&multivariant("hvc1.2.4.L120.90", Curve::Pq));
    golden("hdr.mpd", &pq);
    let filtered = String::from_utf8(mpd::filter(pq.as_bytes(), 720).unwrap()).unwrap();
    assert!(!filtered.contains("EssentialProperty") && filtered.contains("id=\"720p\""));
    let hlg = mpd_of(&multivariant("av01.0.08M.10.0.110.09.18.09.0", Curve::Hlg));
    assert!(hlg.contains("cicp:TransferCharacteristics\" value=\"18\""), "{hlg}");
    assert!(!hlg.contains("adaptation-set-switching"), "{hlg}");
}
