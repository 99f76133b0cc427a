//! What comes out, judged by FFmpeg: clips it made go through the packager and back into it.
//!
//! In: H.264 with B-frames and AAC, made and demultiplexed here. Out: every decoded picture is the
//! clip's, in order, from segments and from parts alike; `ffprobe` finds the times and formats that
//! the playlists claim.

mod simulation;

use std::path::{Path, PathBuf};
use std::process::Command;

use bytes::Bytes;
use mp4_atom::{Atom as _, Codec, Decode as _, DecodeMaybe as _, Encode as _, Header, Moof, Moov};
use origin_packager::machine::Output;
use origin_packager::{Config, Given, Machine};
use shared_media::{
    AccessUnit, AudioCodec, AudioConfig, Poll, Rational, RenditionId, Staged, Ticks, TrackConfig,
    VideoCodec, VideoConfig,
};
use shared_playlist::recording;
use simulation::house::{ANCHOR, House, SHOW, key, now, run};
use simulation::{id, plan};

fn tool(name: &str, arguments: &[&str], directory: &Path) -> String {
    let output = Command::new(name).args(arguments).current_dir(directory).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.is_empty(), "{name} {arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// Makes a fragmented file of one track: 7 s of pictures or sound.
fn clip(directory: &Path, name: &str, encode: &str) -> PathBuf {
    let source = if name == "audio" {
        "sine=f=440:r=48000:d=7"
    } else {
        "testsrc2=s=320x180:r=30000/1001:d=7"
    };
    let file = format!("{name}.mp4");
    let mut arguments = vec!["-v", "error", "-y", "-f", "lavfi", "-i", source];
    arguments.extend(encode.split(' '));
    arguments.extend(["-movflags", "frag_every_frame+empty_moov+default_base_moof", &file]);
    tool("ffmpeg", &arguments, directory);
    directory.join(file)
}

/// Configuration and access units of such a file.
fn demultiplex(file: &Path) -> (TrackConfig, Vec<AccessUnit>) {
    let bytes = std::fs::read(file).unwrap();
    let (mut config, mut timescale, mut units) = (None, 1, Vec::new());
    let mut at = 0;
    while at < bytes.len() {
        let mut rest = &bytes[at..];
        let header = Header::decode(&mut rest).unwrap();
        let end = bytes.len() - rest.len() + header.size.unwrap();
        let mut whole = &bytes[at..end];
        if header.kind == Moov::KIND {
            let moov = Moov::decode_maybe(&mut whole).unwrap().unwrap();
            timescale = moov.trak[0].mdia.mdhd.timescale;
            config = Some(track_config(&moov.trak[0].mdia.minf.stbl.stsd.codecs[0]));
        } else if header.kind == Moof::KIND {
            let moof = Moof::decode_maybe(&mut whole).unwrap().unwrap();
            units.extend(samples(&moof, &bytes[at..], timescale));
        }
        at = end;
    }
    (config.unwrap(), units)
}

fn track_config(codec: &Codec) -> TrackConfig {
    match codec {
        Codec::Avc1(avc1) => {
            let mut avcc = Vec::new();
            avc1.avcc.encode(&mut avcc).unwrap();
            let avcc = Bytes::from(avcc.split_off(8));
            let (width, height) = (avc1.visual.width.into(), avc1.visual.height.into());
            let frame_rate = Some(Rational { num: 30_000, den: 1001 });
            TrackConfig::Video(VideoConfig {
                codec: VideoCodec::Avc,
                record: avcc,
                width,
                height,
                frame_rate,
                hdr: None,
            })
        }
        Codec::Mp4a(mp4a) => {
            let specific = mp4a.esds.es_desc.dec_config.dec_specific.clone().unwrap();
            let (asc, channels) = (specific.raw.into(), mp4a.audio.channel_count as u8);
            TrackConfig::Audio(AudioConfig {
                codec: AudioCodec::Aac,
                record: asc,
                sample_rate: 48_000,
                channels,
            })
        }
        other => panic!("{other:?}"),
    }
}

/// The access units of a fragment; `bytes` start with its `moof`.
fn samples(moof: &Moof, bytes: &[u8], timescale: u32) -> Vec<AccessUnit> {
    let traf = &moof.traf[0];
    let mut dts = traf.tfdt.as_ref().unwrap().base_media_decode_time as i64;
    let mut at = traf.trun[0].data_offset.unwrap() as usize;
    let tfhd = &traf.tfhd;
    let ticks = |units: i64| Ticks(units * 90_000 / i64::from(timescale));
    let mut units = Vec::new();
    for sample in &traf.trun[0].samples {
        let size = sample.size.or(tfhd.default_sample_size).unwrap() as usize;
        let flags = sample.flags.or(tfhd.default_sample_flags).unwrap();
        units.push(AccessUnit {
            pts: ticks(dts + sample.cts.unwrap_or(0)),
            dts: ticks(dts),
            keyframe: flags & 0x0001_0000 == 0,
            data: Bytes::copy_from_slice(&bytes[at..at + size]),
        });
        at += size;
        dts += i64::from(sample.duration.or(tfhd.default_sample_duration).unwrap());
    }
    units
}

/// Packages three clips as the three renditions of a show.
fn package(clips: &[(&str, &Path)]) -> House {
    let mut events = Vec::new();
    for (name, file) in clips {
        let (config, mut units) = demultiplex(file);
        // The clip's edit list is not read; its first picture is the show's first.
        let first = units[0].pts;
        for unit in &mut units {
            (unit.pts, unit.dts) = (unit.pts - first, unit.dts - first);
        }
        events.push((i64::MIN, Staged::Config(id(name), config)));
        let id: RenditionId = id(name);
        events.extend(units.into_iter().map(|unit| (unit.dts.0, Staged::Unit(id.clone(), unit))));
    }
    events.sort_by_key(|(at, _)| *at); // stable: configurations stay before units
    events.insert(0, (0, Staged::Plan(plan(2))));
    events.push((7 * 90_000, Staged::End));
    run(Config::default(), events)
}

/// A rendition as one file: its init segment and all of its segments, or all of their parts.
fn join(house: &House, name: &str, parts: bool, to: &Path) {
    let segments = &house.playlists[name].segments;
    let map = segments[0].head.map.as_ref().unwrap();
    let mut file = house.objects[&key(name, map)].to_vec();
    for segment in segments {
        assert_eq!(segment.head.map.as_ref(), Some(map));
        let uris: Vec<&String> = match parts {
            true => segment.parts.iter().map(|part| &part.uri).collect(),
            false => vec![&segment.uri],
        };
        uris.iter().for_each(|uri| file.extend_from_slice(&house.objects[&key(name, uri)]));
    }
    std::fs::write(to, file).unwrap();
}

/// The hash of every decoded frame, without its timestamp.
fn frames(directory: &Path, file: &str) -> Vec<String> {
    let text = tool("ffmpeg", &["-v", "error", "-i", file, "-f", "framemd5", "-"], directory);
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.rsplit(',').next().unwrap().trim().to_owned()).collect()
}

#[test]
fn ffmpeg_decodes_what_it_encoded() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let source = clip(directory, "source", "-c:v libx264 -preset veryfast -g 60 -bf 2");
    let rung =
        clip(directory, "480p", "-c:v libx264 -preset ultrafast -g 60 -s 160x90 -tune zerolatency");
    let audio = clip(directory, "audio", "-c:a aac -b:a 96k");
    let house = package(&[("source", &source), ("480p", &rung), ("audio", &audio)]);
    assert_eq!(house.troubles, []);
    for name in ["source", "480p", "audio"] {
        join(&house, name, false, &directory.join("joined.mp4"));
        join(&house, name, true, &directory.join("parts.mp4"));
        let original = frames(directory, &format!("{name}.mp4"));
        let joined = frames(directory, "joined.mp4");
        assert_eq!(joined, frames(directory, "parts.mp4"), "{name}");
        if name == "audio" {
            // The encoder's priming ends up outside the edit list that we do not write.
            assert!(joined.len().abs_diff(original.len()) <= 1, "{name}");
        } else {
            assert!(original.len() > 200 && joined == original, "{name}");
        }
    }
}

#[test]
fn each_listed_picture_decodes_from_its_range_alone() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    // Two keyframes a segment, the second in the middle of a part; B-frames before and after it.
    let source = clip(directory, "source", "-c:v libx264 -preset veryfast -g 36 -bf 2");
    let audio = clip(directory, "audio", "-c:a aac -b:a 96k");
    let house = package(&[("source", &source), ("480p", &source), ("audio", &audio)]);
    assert_eq!(house.troubles, []);
    let original = frames(directory, "source.mp4");
    let pictures = &house.i_frames["source"].segments;
    assert_eq!(pictures.len(), original.len().div_ceil(36));
    let mut total = Ticks::ZERO;
    for picture in pictures {
        let map = picture.head.map.as_ref().unwrap();
        let mut file = house.objects[&key("source", map)].to_vec();
        file.extend_from_slice(house.picture("source", picture).unwrap());
        std::fs::write(directory.join("picture.mp4"), file).unwrap();
        let number =
            (picture.head.utc_us - simulation::house::ANCHOR.utc_us) as usize * 30 / 1_001_000;
        let number = number.next_multiple_of(36);
        assert_eq!(frames(directory, "picture.mp4"), [original[number].clone()], "{picture:?}");
        total = total + picture.duration;
    }
    let segments = house.playlists["source"].segments.iter();
    assert_eq!(total, segments.map(|segment| segment.duration).fold(Ticks::ZERO, |a, b| a + b));
    assert_eq!(total, Ticks(original.len() as i64 * 3003));
}

#[test]
fn ffprobe_finds_what_the_playlists_claim() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let source = clip(directory, "source", "-c:v libx264 -preset veryfast -g 60 -bf 2");
    let audio = clip(directory, "audio", "-c:a aac -b:a 96k");
    let house = package(&[("source", &source), ("480p", &source), ("audio", &audio)]);
    let multivariant = &house.texts[&format!("{SHOW}/index.m3u8")];
    assert!(multivariant.contains("RESOLUTION=320x180,FRAME-RATE=29.970,AUDIO=\"audio\""));
    for (name, timescale) in [("source", 90_000.0), ("audio", 48_000.0)] {
        join(&house, name, false, &directory.join("joined.mp4"));
        let entries = "packet=pts,dts,flags";
        let arguments = ["-v", "error", "-show_entries", entries, "-of", "csv=p=0", "joined.mp4"];
        let packets = tool("ffprobe", &arguments, directory);
        let packets: Vec<(f64, bool)> = packets
            .lines()
            .map(|line| {
                let fields: Vec<&str> = line.split(',').collect();
                let pts = fields[0].parse::<f64>().unwrap() / timescale;
                (pts, fields[2].starts_with('K'))
            })
            .collect();
        for segment in &house.playlists[name].segments {
            let micros = segment.head.utc_us - simulation::house::ANCHOR.utc_us;
            let start = micros as f64 / 1e6;
            let found = packets.iter().find(|(pts, _)| (pts - start).abs() < 0.000_03);
            let near = packets.iter().map(|(pts, _)| *pts).find(|pts| (pts - start).abs() < 0.2);
            assert!(found.is_some_and(|(_, keyframe)| *keyframe), "{name}: {start}, but {near:?}");
        }
    }
}

/// Makes a piece of a film whose pictures stand below that folder, and gives its playlist's entries.
fn piece(given: Given, config: &TrackConfig, units: &[AccessUnit], folder: &Path) -> String {
    let show = SHOW.parse().unwrap();
    let mut machine = Machine::of_piece(Config::default(), show, "e1".to_owned(), ANCHOR, given);
    let mut renditions = plan(2);
    renditions.rungs.truncate(1);
    let unit = |unit: &AccessUnit| Staged::Unit(id("source"), unit.clone());
    let begin = [Staged::Plan(renditions), Staged::Config(id("source"), config.clone())];
    let mut entries = String::new();
    for event in begin.into_iter().chain(units.iter().map(unit)).chain([Staged::End]) {
        machine.handle(now(0), event);
        while let Poll::Output(output) = machine.poll() {
            match output {
                Output::Put(object) => {
                    std::fs::write(folder.join(object.key), object.bytes).unwrap()
                }
                Output::Append(object) if object.key == key("source", "index.m3u8") => {
                    entries.push_str(std::str::from_utf8(&object.bytes).unwrap());
                }
                Output::Trouble(error) => panic!("{error}"),
                _ => {}
            }
        }
    }
    entries
}

#[test]
fn ffmpeg_plays_a_film_from_the_list_of_its_pieces() {
    const VFR: &str = "-vf select=lt(n\\,70)+gt(n\\,140)+not(mod(n\\,5)) -fps_mode vfr";
    for rate in ["", VFR] {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path();
        let encode = format!("-c:v libx264 -preset faster -g 36 -bf 3 {rate}");
        let source = clip(directory, "source", encode.trim());
        let (config, mut units) = demultiplex(&source);
        let first = units[0].pts;
        for unit in &mut units {
            (unit.pts, unit.dts) = (unit.pts - first, unit.dts - first);
        }
        let cuts: Vec<Ticks> =
            units.iter().filter(|unit| unit.keyframe).map(|unit| unit.pts).collect();
        let mut shown: Vec<Ticks> = units.iter().map(|unit| unit.pts).collect();
        shown.sort_unstable();
        let until = *shown.last().unwrap() + Ticks(3003);
        let border = units.iter().position(|unit| unit.pts == cuts[3]).unwrap();
        std::fs::create_dir_all(directory.join(key("source", "e1"))).unwrap();
        let given = |init: usize, from: usize, to: usize| Given {
            first_msn: from as u64,
            cuts: cuts[from..to].to_vec(),
            until: cuts.get(to).copied().unwrap_or(until),
            target_duration_s: 3,
            init: init as u32,
        };
        let text = recording::header(3, false)
            + &piece(given(0, 0, 3), &config, &units[..border], directory)
            + &piece(given(1, 3, cuts.len()), &config, &units[border..], directory);
        assert_eq!(text.matches("#EXT-X-MAP").count(), 2);
        let list = key("source", "index.m3u8");
        std::fs::write(directory.join(&list), recording::finish(&text)).unwrap();
        let original = frames(directory, "source.mp4");
        assert!(original.len() >= 150, "{}", original.len());
        assert_eq!(frames(directory, &list), original);
        // Every picture is shown at its time.
        let entries = ["-v", "error", "-show_entries", "packet=pts", "-of", "csv=p=0", &list];
        let packets = tool("ffprobe", &entries, directory);
        let mut found: Vec<i64> =
            packets.lines().map(|line| line.trim_end_matches(',').parse().unwrap()).collect();
        found.sort_unstable();
        let begin = found[0];
        let found: Vec<Ticks> = found.into_iter().map(|at| Ticks(at - begin)).collect();
        assert_eq!(found, shown, "{rate}");
    }
}
