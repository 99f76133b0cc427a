//! Clips to run through a ladder, and what came out of it.
//!
//! In: arguments for the `ffmpeg` program. Out: publication events as RTMP would bring them (FLV, whole milliseconds),
//! and the staged events, sorted by rendition. Does not know what is right.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use bytes::Bytes;
use origin_ladder::{Config, Error, Handle, spawn_watched};
use shared_media::{
    AccessUnit, AudioCodec, AudioConfig, Plan, Publication, SoundTrack, Staged, Ticks, TrackConfig,
    TrackId, VideoCodec, VideoConfig,
};
use tokio::sync::mpsc;

/// The configuration of a house, with this crate's example as the child. Clips are fed faster than life, so that a
/// child behind them is no overload.
pub(crate) fn config() -> Config {
    let mut path = std::env::current_exe().expect("a test has a path");
    path.pop();
    path.pop();
    let command = vec![path.join("examples/ladder_child").into()];
    Config { command, overload_lag_ms_max: u32::MAX, ..Config::default() }
}

/// Makes an FLV file with `ffmpeg` and reads it back as a publisher's events, without the end.
pub(crate) fn make(size: (u32, u32), arguments: &str) -> Vec<Publication> {
    let directory = tempfile::tempdir().expect("a directory for the clip");
    let file = directory.path().join("clip.flv");
    let arguments = arguments.split_whitespace().map(OsString::from);
    run(Command::new("ffmpeg").args(["-v", "error", "-nostdin"]).args(arguments).arg(&file));
    flv(&std::fs::read(file).expect("the clip"), size)
}

/// The arguments of a test picture.
pub(crate) fn picture(size: (u32, u32), rate: u32, seconds: u32) -> String {
    let (width, height) = size;
    format!("-f lavfi -i testsrc2=size={width}x{height}:rate={rate}:duration={seconds}")
}

pub(crate) fn run(command: &mut Command) -> Vec<u8> {
    let output = command.output().expect("ffmpeg is installed");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && complaint.is_empty(), "{command:?}: {complaint}");
    output.stdout
}

/// Adobe FLV 10.1, annex E.4: tags of AVC and AAC.
fn flv(file: &[u8], (width, height): (u32, u32)) -> Vec<Publication> {
    let mut events = Vec::new();
    let mut rest = &file[13..];
    while rest.len() >= 11 {
        let length = number(&rest[1..4]);
        let millis = number(&rest[4..7]) + (i64::from(rest[7]) << 24);
        let body = &rest[11..11 + usize::try_from(length).expect("three bytes")];
        let data = |from: usize| Bytes::copy_from_slice(&body[from..]);
        let dts = Ticks::from_millis(millis);
        match (rest[0], body.get(1)) {
            (9, Some(0)) => {
                let video = VideoConfig {
                    codec: VideoCodec::Avc,
                    record: data(5),
                    width,
                    height,
                    frame_rate: None,
                    hdr: None,
                };
                events.push(Publication::Picture(video));
            }
            (9, Some(1)) => {
                let pts = dts + Ticks::from_millis(number(&body[2..5]));
                let unit = AccessUnit { pts, dts, keyframe: body[0] >> 4 == 1, data: data(5) };
                events.push(Publication::Unit(TrackId::Video, unit));
            }
            (8, Some(0)) => {
                let audio = AudioConfig {
                    codec: AudioCodec::Aac,
                    record: data(2),
                    sample_rate: 48_000,
                    // `channelConfiguration` (ISO/IEC 14496-3, 1.6.2.1)
                    channels: body[3] >> 3 & 15,
                };
                events.push(Publication::Sound(SoundTrack::default(), audio));
            }
            (8, Some(1)) => {
                let unit = AccessUnit { pts: dts, dts, keyframe: true, data: data(2) };
                events.push(Publication::Unit(TrackId::Audio(0), unit));
            }
            _ => {}
        }
        rest = &rest[11 + body.len() + 4..];
    }
    events
}

fn number(bytes: &[u8]) -> i64 {
    bytes.iter().fold(0, |value, byte| value << 8 | i64::from(*byte))
}

/// The same events later.
pub(crate) fn later(events: &[Publication], by: Ticks) -> Vec<Publication> {
    let shift = |event: &Publication| match event {
        Publication::Unit(track, unit) => Publication::Unit(
            *track,
            AccessUnit { pts: unit.pts + by, dts: unit.dts + by, ..unit.clone() },
        ),
        other => other.clone(),
    };
    events.iter().map(shift).collect()
}

/// Timestamps of the pictures in the order they are shown, and of the keyframes among them.
pub(crate) fn pictures(events: &[Publication]) -> (Vec<i64>, Vec<i64>) {
    let units = events.iter().filter_map(|event| match event {
        Publication::Unit(TrackId::Video, unit) => Some(unit),
        _ => None,
    });
    shown(units)
}

fn shown<'a>(units: impl Iterator<Item = &'a AccessUnit>) -> (Vec<i64>, Vec<i64>) {
    let (mut all, mut keys) = (Vec::new(), Vec::new());
    for unit in units {
        all.push(unit.pts.0);
        keys.extend(unit.keyframe.then_some(unit.pts.0));
    }
    all.sort_unstable();
    (all, keys)
}

/// Everything that came out of a ladder.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) plan: Option<Plan>,
    pub(crate) configs: BTreeMap<String, Vec<TrackConfig>>,
    pub(crate) units: BTreeMap<String, Vec<AccessUnit>>,
    /// How many units each rendition had at each discontinuity.
    pub(crate) breaks: Vec<BTreeMap<String, usize>>,
    pub(crate) ended: bool,
    /// Rungs that were not offered any more, or again.
    pub(crate) offers: Vec<(String, bool)>,
}

impl Outcome {
    pub(crate) fn take(&mut self, event: Staged) {
        assert!(!self.ended, "nothing follows the end");
        assert_eq!(self.plan.is_none(), matches!(event, Staged::Plan(_)), "one plan, first");
        match event {
            Staged::Plan(plan) => self.plan = Some(plan),
            Staged::Config(id, config) => {
                self.configs.entry(id.to_string()).or_default().push(config);
            }
            Staged::Unit(id, unit) => {
                assert!(self.configs.contains_key(id.as_str()), "{id} is configured first");
                let units = self.units.entry(id.to_string()).or_default();
                assert!(units.last().is_none_or(|last| last.dts < unit.dts), "{id} grows");
                units.push(unit);
            }
            Staged::Offer(id, is_offered) => self.offers.push((id.to_string(), is_offered)),
            Staged::Discontinuity => {
                let counts = self.units.iter().map(|(id, units)| (id.clone(), units.len()));
                self.breaks.push(counts.collect());
            }
            Staged::End => self.ended = true,
        }
    }

    pub(crate) fn ids(&self) -> Vec<&str> {
        let rungs = self.plan.iter().flat_map(|plan| &plan.rungs);
        rungs.map(|rung| rung.rendition.id.as_str()).collect()
    }

    /// Timestamps of a rendition's pictures in the order they are shown, and of its keyframes.
    pub(crate) fn shown(&self, id: &str) -> (Vec<i64>, Vec<i64>) {
        shown(self.units.get(id).into_iter().flatten())
    }

    /// Writes a video rendition as Annex B and counts the pictures `ffprobe` decodes, with their size.
    pub(crate) fn decoded(&self, id: &str) -> (usize, String) {
        let (_directory, file) = file("rung.h264", &self.annex_b(id));
        probed("h264", "width,height", &file)
    }

    /// The same in another codec: how many pictures, and the codec's name.
    pub(crate) fn decoded_as(&self, id: &str, codec: &str) -> (usize, String) {
        let TrackConfig::Video(config) = &self.configs[id][0] else { panic!("{id} is video") };
        let (form, stream) = match config.codec {
            VideoCodec::Avc | VideoCodec::Hevc => (codec, self.annex_b(id)),
            VideoCodec::Av1 => {
                let units = self.units[id].iter().map(|unit| [&[0x12, 0], &unit.data[..]].concat());
                ("obu", units.flatten().collect())
            }
        };
        let (_directory, file) = file("rung", &stream);
        probed(form, "codec_name", &file)
    }

    /// A rendition in NAL units behind start codes, its parameter sets first.
    pub(crate) fn annex_b(&self, id: &str) -> Vec<u8> {
        let mut stream = Vec::new();
        let TrackConfig::Video(config) = &self.configs[id][0] else { panic!("{id} is video") };
        // One set of each kind: behind what stands at these places, two bytes of its length.
        let (mut at, between, sets) = match config.codec {
            VideoCodec::Avc => (6, 1, 2),
            _ => (26, 3, 3),
        };
        for _ in 0..sets {
            let length = 256 * usize::from(config.record[at]) + usize::from(config.record[at + 1]);
            stream.extend_from_slice(&[0, 0, 0, 1]);
            stream.extend_from_slice(&config.record[at + 2..at + 2 + length]);
            at += 2 + length + between;
        }
        for unit in &self.units[id] {
            let mut rest = &unit.data[..];
            while let Some((length, after)) = rest.split_first_chunk::<4>() {
                let (nal, after) = after.split_at(u32::from_be_bytes(*length) as usize);
                stream.extend_from_slice(&[0, 0, 0, 1]);
                stream.extend_from_slice(nal);
                rest = after;
            }
        }
        stream
    }

    /// Decodes the sound rendition: mono samples at 48 kHz, the first one at the first unit's timestamp.
    pub(crate) fn sound(&self) -> Vec<f32> {
        self.heard("audio", 2, "-ac 1")
    }

    /// The samples of a sound rendition of so many channels, one after another, mixed as `mix` says.
    pub(crate) fn heard(&self, id: &str, channels: u64, mix: &str) -> Vec<f32> {
        let mut stream = Vec::new();
        for unit in &self.units[id] {
            let length = unit.data.len() + 7;
            let bits = 0x00ff_f14c_0000_1ffc_u64 | channels << 30 | (length as u64) << 13;
            stream.extend_from_slice(&bits.to_be_bytes()[1..]);
            stream.extend_from_slice(&unit.data);
        }
        let (_directory, file) = file("audio.aac", &stream);
        let form = format!("{mix} -ar 48000 -f f32le -");
        let form = form.split_whitespace();
        let output = run(Command::new("ffmpeg").args(["-v", "error", "-i"]).arg(file).args(form));
        output.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
    }
}

/// How many pictures `ffprobe` decodes of a stream of this form, and what it says of it.
fn probed(form: &str, entries: &str, file: &std::path::Path) -> (usize, String) {
    let errors = format!("-v error -err_detect explode -f {form}");
    let entries =
        format!("-count_frames -show_entries stream={entries},nb_read_frames -of csv=p=0");
    let mut probe = Command::new("ffprobe");
    let output = run(probe.args(errors.split(' ')).args(entries.split(' ')).arg(file));
    let line = String::from_utf8_lossy(&output).trim().to_owned();
    let (said, count) = line.rsplit_once(',').expect("what it is, and a count");
    (count.parse().expect("a count"), said.to_owned())
}

pub(crate) fn file(name: &str, bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join(name);
    std::fs::write(&path, bytes).expect("room for a file");
    (directory, path)
}

/// A running ladder.
pub(crate) struct Running {
    pub(crate) input: mpsc::Sender<Publication>,
    pub(crate) handle: Handle,
    output: tokio::task::JoinHandle<Outcome>,
    task: tokio::task::JoinHandle<Result<(), Error>>,
}

impl Running {
    pub(crate) fn start(config: Config) -> Self {
        let (input, events) = mpsc::channel(16);
        let (mut staged, task, handle) = spawn_watched(config, events, "test");
        let output = tokio::spawn(async move {
            let mut outcome = Outcome::default();
            while let Some(event) = staged.recv().await {
                outcome.take(event);
            }
            outcome
        });
        Self { input, handle, output, task }
    }

    pub(crate) async fn feed(&self, events: &[Publication]) {
        for event in events {
            self.input.send(event.clone()).await.expect("the ladder takes input");
        }
    }

    pub(crate) async fn finish(self) -> Outcome {
        self.feed(&[Publication::End]).await;
        self.task.await.expect("no panic").expect("no error");
        let outcome = self.output.await.expect("no panic");
        assert!(outcome.ended);
        outcome
    }
}

/// Runs a whole clip through a ladder.
pub(crate) async fn through(config: Config, events: &[Publication]) -> Outcome {
    let running = Running::start(config);
    running.feed(events).await;
    running.finish().await
}
