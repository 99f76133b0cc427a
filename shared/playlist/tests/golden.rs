//! Every form of playlist against its file in `golden/`, and against `m3u8-rs` as a second reader.
//!
//! In: snapshots, and the files. Out: a difference. `MATINEE_GOLDEN=write` writes the files anew.

use std::path::Path;
use std::sync::Arc;

use shared_media::Ticks;
use shared_playlist::directives::Skip;
use shared_playlist::media::{ByteRange, Head, OpenSegment, Part, Report, Segment};
use shared_playlist::multivariant::{
    ClosedCaption, ClosedCaptions, IFrames, Sound, Subtitles, Variant,
};
use shared_playlist::{DateRange, DateRanges, MediaPlaylist, Multivariant, Past, recording};

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
        range: None,
        duration: Ticks(180_000),
        gap: msn == 5,
        parts: if msn == 5 { Vec::new() } else { (0..6).map(|n| part(msn, n)).collect() },
    })
}

/// Segments 2 to 10 are complete, 11 has two parts.
fn live() -> MediaPlaylist {
    MediaPlaylist {
        i_frames_only: false,
        target_duration_s: 2,
        part_target_us: 333_340,
        media_sequence: 2,
        discontinuity_sequence: 0,
        past: Vec::new(),
        segments: (2..=10).map(segment).collect(),
        open: Some(OpenSegment { head: head(11), parts: vec![part(11, 0), part(11, 1)] }),
        hint: Some("lx2k9a/p11.2.m4s".to_owned()),
        reports: vec![
            Report { uri: "iframes.m3u8".to_owned(), last_msn: 21, last_part: None },
            Report { uri: "../480p/index.m3u8".to_owned(), last_msn: 11, last_part: Some(0) },
            Report { uri: "../audio/index.m3u8".to_owned(), last_msn: 10, last_part: None },
        ],
        date_ranges: Arc::default(),
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
    let (whole, delta) = (live().render(), live().render_delta(Skip::Segments));
    golden("delta.m3u8", &delta);
    let (_, after_skip) = delta.split_once("#EXT-X-SKIP:SKIPPED-SEGMENTS=3\n").unwrap();
    let without_map = after_skip.replacen("#EXT-X-MAP:URI=\"lx2k9a/i0.mp4\"\n", "", 1);
    assert!(whole.ends_with(&without_map));
    assert!(after_skip.starts_with("#EXT-X-MAP:"));
}

/// The same with two date ranges, the first of them old, and two removed.
fn with_date_ranges() -> MediaPlaylist {
    let range = |id: &str, start_s: i64| DateRange {
        id: id.to_owned(),
        class: Some("com.example.scene".to_owned()),
        start_ms: START_UTC_US / 1000 + start_s * 1000,
        end_on_next: true,
        ..DateRange::default()
    };
    let tags = vec![(range("one", 5).tag().into(), true), (range("two", 22).tag().into(), false)];
    let date_ranges = Arc::new(DateRanges { tags, removed: vec!["a, b".into(), "c".into()] });
    MediaPlaylist { date_ranges, ..live() }
}

#[test]
fn date_ranges_stand_in_whole_playlists_and_only_new_ones_in_deltas_that_skip_them() {
    let whole = with_date_ranges().render();
    golden("date_ranges.m3u8", &whole);
    let delta = with_date_ranges().render_delta(Skip::SegmentsAndDateRanges);
    golden("date_ranges_delta.m3u8", &delta);
    assert!(delta.contains("RECENTLY-REMOVED-DATERANGES=\"a, b\tc\""), "{delta}");
    assert!(delta.contains("\n#EXT-X-VERSION:10\n"), "{delta}");
    assert!(delta.contains("ID=\"two\"") && !delta.contains("ID=\"one\""), "{delta}");
    let segments = with_date_ranges().render_delta(Skip::Segments);
    assert!(segments.contains("ID=\"two\"") && segments.contains("ID=\"one\""), "{segments}");
    assert!(segments.contains("\n#EXT-X-VERSION:9\n") && !segments.contains("RECENTLY"));
    let none = live().render_delta(Skip::SegmentsAndDateRanges);
    assert!(none.contains(",RECENTLY-REMOVED-DATERANGES=\"\"\n"), "{none}");
    let short = MediaPlaylist { segments: (5..=10).map(segment).collect(), ..with_date_ranges() };
    assert_eq!(short.render_delta(Skip::SegmentsAndDateRanges), short.render());
}

#[test]
fn a_playlist_put_together_of_pieces_is_the_same() {
    let whole = live();
    for kept in [1, 2, 3] {
        // A piece that goes on with the init segment of one that was dropped.
        let mut map = Some("lx2k9a/i0.mp4".into());
        let (old, new) = whole.segments.split_at(kept);
        let past = vec![Arc::new(Past::new(old, &mut map))];
        let pieces = MediaPlaylist { past, segments: new.to_vec(), ..live() };
        assert_eq!(pieces.render(), whole.render());
        assert_eq!(pieces.render_delta(Skip::Segments), whole.render_delta(Skip::Segments));
        assert_eq!(pieces.edge(), whole.edge());
    }
    let ended = MediaPlaylist { past: Vec::new(), ended: true, ..live() };
    assert_eq!(ended.render_delta(Skip::Segments), ended.render());
}

#[test]
fn nothing_to_skip_is_a_whole_playlist() {
    let short = MediaPlaylist { segments: (5..=10).map(segment).collect(), ..live() };
    assert_eq!(short.render_delta(Skip::Segments), short.render());
    let ended = MediaPlaylist { ended: true, ..live() };
    assert_eq!(ended.render_delta(Skip::Segments), ended.render());
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

/// Two pictures of each of the segments 2 to 10, a gap where there is none.
fn i_frames_of(msn: u64) -> Vec<Arc<Segment>> {
    let whole = segment(msn);
    if whole.gap {
        return vec![whole];
    }
    let picture = |second: bool| {
        let mut head = head(msn);
        head.discontinuity &= !second;
        head.utc_us += i64::from(second) * 1_200_000;
        let offset = if second { 91_234 } else { 0 };
        let range = Some(ByteRange { length: 20_480 + msn, offset });
        let duration = if second { Ticks(72_000) } else { Ticks(108_000) };
        let (uri, parts) = (whole.uri.clone(), Vec::new());
        Arc::new(Segment { head, uri, range, duration, gap: false, parts })
    };
    vec![picture(false), picture(true)]
}

fn i_frames() -> MediaPlaylist {
    MediaPlaylist {
        i_frames_only: true,
        media_sequence: 4,
        past: Vec::new(),
        segments: (2..=10).flat_map(i_frames_of).collect(),
        open: None,
        hint: None,
        reports: vec![
            Report { uri: "index.m3u8".to_owned(), last_msn: 11, last_part: Some(1) },
            Report { uri: "../480p/iframes.m3u8".to_owned(), last_msn: 20, last_part: None },
        ],
        ..live()
    }
}

/// What a playlist promises its clients.
fn server_control(text: &str) -> Option<&str> {
    text.lines().find(|line| line.starts_with("#EXT-X-SERVER-CONTROL:"))
}

#[test]
fn i_frame_playlist() {
    let text = i_frames().render();
    golden("i_frames.m3u8", &text);
    assert_eq!(server_control(&text), server_control(&live().render()));
    assert!(!text.contains("EXT-X-PART") && !text.contains("PRELOAD-HINT"));
    let (_, parsed) = m3u8_rs::parse_media_playlist(text.as_bytes()).unwrap();
    assert!(parsed.i_frames_only);
    assert_eq!((parsed.media_sequence, parsed.segments.len()), (4, 17));
    let range = parsed.segments[1].byte_range.as_ref().unwrap();
    assert_eq!((range.length, range.offset), (20_482, Some(91_234)));
    let spans = |text: &str| {
        let (_, parsed) = m3u8_rs::parse_media_playlist(text.as_bytes()).unwrap();
        let breaks: Vec<_> = parsed
            .segments
            .iter()
            .filter(|segment| segment.discontinuity)
            .map(|segment| segment.program_date_time)
            .collect();
        let millis: f32 = parsed.segments.iter().map(|segment| segment.duration * 1000.0).sum();
        (breaks, millis.round())
    };
    assert_eq!(spans(&text), spans(&live().render()));
}

#[test]
fn an_i_frame_playlist_has_delta_updates_and_an_end() {
    let delta = i_frames().render_delta(Skip::Segments);
    golden("i_frames_delta.m3u8", &delta);
    let (_, after_skip) = delta.split_once("#EXT-X-SKIP:SKIPPED-SEGMENTS=5\n").unwrap();
    let without_map = after_skip.replacen("#EXT-X-MAP:URI=\"lx2k9a/i0.mp4\"\n", "", 1);
    assert!(i_frames().render().ends_with(&without_map));
    let ended = MediaPlaylist { ended: true, ..i_frames() };
    assert_eq!(ended.render_delta(Skip::Segments), ended.render());
    assert!(ended.render().contains("\n#EXT-X-ENDLIST\n"));
    let edge = i_frames().edge();
    assert_eq!((edge.next_msn, edge.has_parts, edge.open_parts), (21, false, 0));
}

#[test]
fn recording_while_live_and_after() {
    let mut text = recording::header(2, false);
    let mut map = None;
    for msn in 4..=9 {
        text.push_str(&recording::entry(&segment(msn), &mut map));
    }
    golden("event.m3u8", &text);
    golden("vod.m3u8", &recording::finish(&text));
}

#[test]
fn recorded_i_frames() {
    let mut text = recording::header(2, true);
    let mut map = None;
    for picture in (4..=9).flat_map(i_frames_of) {
        text.push_str(&recording::entry(&picture, &mut map));
    }
    golden("i_frames_vod.m3u8", &recording::finish(&text));
}

#[test]
fn multivariant_with_sound_apart() {
    let sound = Sound {
        group: "audio".to_owned(),
        name: "Main \"mix\"".to_owned(),
        language: Some("en".to_owned()),
        default: true,
        channels: 2,
        sample_rate: Some(48_000),
        uri: "audio/index.m3u8".to_owned(),
    };
    let variant = |name: &str, resolution, bandwidth, codec: &str| Variant {
        bandwidth,
        average_bandwidth: bandwidth * 3 / 4,
        codecs: vec![codec.to_owned(), "mp4a.40.2".to_owned()],
        resolution: Some(resolution),
        hdr: None,
        frame_rate_millihertz: Some(29_970),
        audio: Some("audio".to_owned()),
        subtitles: Some("captions".to_owned()),
        uri: format!("{name}/index.m3u8"),
    };
    let within = |id: &str, name: &str, language: Option<&str>| ClosedCaption {
        instream_id: id.to_owned(),
        name: name.to_owned(),
        language: language.map(str::to_owned),
        default: id == "CC1",
    };
    let multivariant = Multivariant {
        sounds: vec![sound],
        closed_captions: ClosedCaptions::Some(vec![
            within("CC1", "English", Some("en")),
            within("CC3", "CC3", None),
            within("SERVICE1", "English, \"708\"", Some("en")),
        ]),
        subtitles: vec![Subtitles {
            group: "captions".to_owned(),
            name: "English".to_owned(),
            language: "en".to_owned(),
            default: true,
            forced: false,
            uri: "cc-en/index.m3u8".to_owned(),
        }],
        variants: vec![
            variant("source", (1920, 1080), 6_000_000, "avc1.640028"),
            variant("480p", (854, 480), 1_400_000, "avc1.64001f"),
        ],
        i_frames: vec![IFrames {
            bandwidth: 420_000,
            average_bandwidth: 300_000,
            codec: "avc1.640028".to_owned(),
            resolution: Some((1920, 1080)),
            hdr: None,
            uri: "source/iframes.m3u8".to_owned(),
        }],
        anchor_us: Some(START_UTC_US),
    };
    let text = multivariant.render();
    golden("multivariant.m3u8", &text);
    let (_, parsed) = m3u8_rs::parse_master_playlist(text.as_bytes()).unwrap();
    let within = "CLOSED-CAPTIONS=\"closed-captions\"";
    assert_eq!(
        text.lines().filter(|line| line.ends_with(within)).count(),
        parsed.variants.len() - 1
    );
    assert!(parsed.independent_segments && parsed.alternatives[0].channels.as_deref() == Some("2"));
    let i_frames: Vec<_> = parsed.variants.iter().filter(|variant| variant.is_i_frame).collect();
    assert_eq!((i_frames.len(), i_frames[0].uri.as_str()), (1, "source/iframes.m3u8"));
    let first = &parsed.variants[0];
    assert_eq!((first.bandwidth, first.average_bandwidth), (6_000_000, Some(4_500_000)));
    assert_eq!(first.codecs.as_deref(), Some("avc1.640028,mp4a.40.2"));
    assert_eq!((first.frame_rate, first.audio.as_deref()), (Some(29.97), Some("audio")));
}

#[test]
fn multivariant_of_sound_alone() {
    let multivariant = Multivariant {
        sounds: Vec::new(),
        subtitles: Vec::new(),
        closed_captions: ClosedCaptions::None,
        variants: vec![Variant {
            bandwidth: 130_000,
            average_bandwidth: 128_000,
            codecs: vec!["mp4a.40.2".to_owned()],
            resolution: None,
            hdr: None,
            frame_rate_millihertz: None,
            audio: None,
            subtitles: None,
            uri: "audio/index.m3u8".to_owned(),
        }],
        i_frames: Vec::new(),
        anchor_us: None,
    };
    golden("sound_alone.m3u8", &multivariant.render());
}
