//! Every form of playlist against its file in `golden/`, and against `m3u8-rs` as a second reader.
//!
//! In: snapshots, and the files. Out: a difference. `MATINEE_GOLDEN=write` writes the files anew.

use std::path::Path;
use std::sync::Arc;

use shared_media::Ticks;
use shared_playlist::media::{Head, OpenSegment, Part, Report, Segment};
use shared_playlist::multivariant::{Sound, Variant};
use shared_playlist::{MediaPlaylist, Multivariant, recording};

const START_UTC_US: i64 = 1_795_244_400_000_000;

fn golden(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("MATINEE_GOLDEN").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    assert_eq!(text, std::fs::read_to_string(&path).unwrap(), "{}", path.display());
}

fn part(msn: u64, number: u32) -> Part {
    Part {
        uri: format!("lx2k9a/p{msn}.{number}.m4s"),
        duration: Ticks(30_000),
        independent: number.is_multiple_of(3),
        gap: false,
    }
}

fn head(msn: u64) -> Head {
    Head {
        discontinuity: msn == 8,
        map: Some(if msn < 8 { "lx2k9a/i0.mp4".into() } else { "lx2k9a/i1.mp4".into() }),
        utc_us: START_UTC_US + i64::try_from(msn).unwrap() * 2_000_000,
    }
}

fn segment(msn: u64) -> Arc<Segment> {
    Arc::new(Segment {
        head: head(msn),
        uri: format!("lx2k9a/s{msn}.m4s"),
        duration: Ticks(180_000),
        gap: msn == 5,
        parts: if msn == 5 { Vec::new() } else { (0..6).map(|n| part(msn, n)).collect() },
    })
}

/// Segments 2 to 10 are complete, 11 has two parts.
fn live() -> MediaPlaylist {
    MediaPlaylist {
        target_duration_s: 2,
        part_target_us: 333_340,
        media_sequence: 2,
        discontinuity_sequence: 0,
        segments: (2..=10).map(segment).collect(),
        open: Some(OpenSegment { head: head(11), parts: vec![part(11, 0), part(11, 1)] }),
        hint: Some("lx2k9a/p11.2.m4s".to_owned()),
        reports: vec![
            Report { uri: "../480p/index.m3u8".to_owned(), last_msn: 11, last_part: Some(0) },
            Report { uri: "../audio/index.m3u8".to_owned(), last_msn: 10, last_part: None },
        ],
        ended: false,
    }
}

#[test]
fn live_playlist() {
    let text = live().render();
    golden("live.m3u8", &text);
    let (_, parsed) = m3u8_rs::parse_media_playlist(text.as_bytes()).unwrap();
    assert_eq!((parsed.version, parsed.target_duration, parsed.media_sequence), (Some(9), 2, 2));
    assert_eq!(parsed.segments.len(), 9);
    let dates = parsed.segments.iter().map(|s| s.program_date_time.unwrap().timestamp_micros());
    assert!(dates.eq((2..=10).map(|msn| START_UTC_US + msn * 2_000_000)));
    assert!(parsed.segments.iter().map(|s| s.discontinuity).eq((2..=10).map(|msn| msn == 8)));
    let maps: Vec<_> = parsed.segments.iter().map(|s| s.map.is_some()).collect();
    assert_eq!(maps, [true, false, false, false, false, false, true, false, false]);
}

#[test]
fn a_delta_update_keeps_everything_after_the_skip_boundary() {
    let (whole, delta) = (live().render(), live().render_delta());
    golden("delta.m3u8", &delta);
    let (_, after_skip) = delta.split_once("#EXT-X-SKIP:SKIPPED-SEGMENTS=3\n").unwrap();
    let without_map = after_skip.replacen("#EXT-X-MAP:URI=\"lx2k9a/i0.mp4\"\n", "", 1);
    assert!(whole.ends_with(&without_map));
    assert!(after_skip.starts_with("#EXT-X-MAP:"));
}

#[test]
fn nothing_to_skip_is_a_whole_playlist() {
    let short = MediaPlaylist { segments: (5..=10).map(segment).collect(), ..live() };
    assert_eq!(short.render_delta(), short.render());
    let ended = MediaPlaylist { ended: true, ..live() };
    assert_eq!(ended.render_delta(), ended.render());
}

#[test]
fn ended_playlist() {
    let hint = Some("lx2k9a/p11.2.m4s".to_owned());
    let ended = MediaPlaylist { ended: true, open: None, hint, ..live() };
    golden("ended.m3u8", &ended.render());
    let (_, parsed) = m3u8_rs::parse_media_playlist(ended.render().as_bytes()).unwrap();
    assert!(parsed.end_list);
}

#[test]
fn first_part() {
    let first = MediaPlaylist {
        media_sequence: 0,
        segments: Vec::new(),
        open: Some(OpenSegment { head: head(0), parts: vec![part(0, 0)] }),
        hint: Some("lx2k9a/p0.1.m4s".to_owned()),
        reports: Vec::new(),
        ..live()
    };
    golden("first_part.m3u8", &first.render());
}

#[test]
fn recording_while_live_and_after() {
    let mut text = recording::header(2);
    let mut map = None;
    for msn in 4..=9 {
        text.push_str(&recording::entry(&segment(msn), &mut map));
    }
    golden("event.m3u8", &text);
    golden("vod.m3u8", &recording::finish(&text));
}

#[test]
fn multivariant_with_sound_apart() {
    let sound = Sound {
        group: "audio".to_owned(),
        name: "Main \"mix\"".to_owned(),
        language: Some("en".to_owned()),
        default: true,
        channels: 2,
        uri: "audio/index.m3u8".to_owned(),
    };
    let variant = |name: &str, resolution, bandwidth, codec: &str| Variant {
        bandwidth,
        average_bandwidth: bandwidth * 3 / 4,
        codecs: vec![codec.to_owned(), "mp4a.40.2".to_owned()],
        resolution: Some(resolution),
        frame_rate_millihertz: Some(29_970),
        audio: Some("audio".to_owned()),
        uri: format!("{name}/index.m3u8"),
    };
    let multivariant = Multivariant {
        sounds: vec![sound],
        variants: vec![
            variant("source", (1920, 1080), 6_000_000, "avc1.640028"),
            variant("480p", (854, 480), 1_400_000, "avc1.64001f"),
        ],
    };
    let text = multivariant.render();
    golden("multivariant.m3u8", &text);
    let (_, parsed) = m3u8_rs::parse_master_playlist(text.as_bytes()).unwrap();
    assert!(parsed.independent_segments);
    assert_eq!(parsed.alternatives[0].channels.as_deref(), Some("2"));
    let first = &parsed.variants[0];
    assert_eq!((first.bandwidth, first.average_bandwidth), (6_000_000, Some(4_500_000)));
    assert_eq!(first.codecs.as_deref(), Some("avc1.640028,mp4a.40.2"));
    assert_eq!((first.frame_rate, first.audio.as_deref()), (Some(29.97), Some("audio")));
}

#[test]
fn multivariant_of_sound_alone() {
    let multivariant = Multivariant {
        sounds: Vec::new(),
        variants: vec![Variant {
            bandwidth: 130_000,
            average_bandwidth: 128_000,
            codecs: vec!["mp4a.40.2".to_owned()],
            resolution: None,
            frame_rate_millihertz: None,
            audio: None,
            uri: "audio/index.m3u8".to_owned(),
        }],
    };
    golden("sound_alone.m3u8", &multivariant.render());
}
