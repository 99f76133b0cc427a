//! Which renditions a show has, decided once.
//!
//! In: the source's size, what is known of its GOP and its bit rate, whether there is sound. Out: the plan for the
//! packager and the jobs for the child. Does not know units.

use serde::{Deserialize, Serialize};
use shared_media::{
    DeclaredRates, Plan, Rational, Rendition, RenditionId, Rung, SoundTrack, TICKS_PER_SECOND,
    Ticks, TrackKind, VideoCodec, VideoConfig,
};

use crate::config::{Config, RungSpec, span};
use crate::machine::capacity::{Demand, Kind, Work};
use crate::machine::frame::Job;
use crate::machine::hints::{self, Flow, Gop};

/// What a source-sized rung gets per picture area, measured against this one.
const REFERENCE: (f64, f64) = (1280.0 * 720.0, 2_500_000.0);
const SOURCE_BIT_RATE_MAX: f64 = 12_000_000.0;
/// Channels of the sound that everybody gets, …
const STEREO: u8 = 2;
/// … and of the one beside it, of a source that has more than two: 5.1.
const SURROUND: u8 = 6;
/// Frame rates outside this range are a publisher's mistake and are not believed.
const FRAME_RATES: std::ops::RangeInclusive<f64> = 1.0..=240.0;

/// What the probe saw.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// The picture, if there is one.
    pub(crate) video: Option<VideoConfig>,
    /// Its sounds, by number.
    pub(crate) sounds: Vec<Heard>,
    /// What is known of its GOP.
    pub(crate) gop: Gop,
    /// What has come of the picture.
    pub(crate) flow: Flow,
    /// What the publisher says of its bit rates.
    pub(crate) declared: DeclaredRates,
    /// The distance of pictures as measured, in ticks.
    pub(crate) picture_distance: Option<Ticks>,
}

/// One of the publisher's sounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) track: SoundTrack,
    /// It is what the encoder would make of it.
    pub(crate) passes: bool,
    pub(crate) channels: u8,
    /// What has come of it.
    pub(crate) flow: Flow,
}

/// How a show is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shape {
    /// What the packager is told.
    pub(crate) plan: Plan,
    /// What the child is told: all video rungs that it encodes or may come to encode, highest first.
    pub(crate) jobs: Vec<Job>,
    /// The rendition the source is passed through as.
    pub(crate) passed: Option<RenditionId>,
    /// The sound renditions.
    pub(crate) sounds: Vec<SoundShape>,
    /// The source's size, in pixels.
    pub(crate) size: (u32, u32),
    /// Keyframe distance from the beginning.
    pub(crate) cadence: Option<Ticks>,
    /// For rate control.
    pub(crate) frame_rate: Rational,
}

/// One sound rendition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SoundShape {
    pub(crate) id: RenditionId,
    /// Of which of the publisher's sounds it is made. A memo of before there were several does not say it.
    #[serde(default)]
    pub(crate) track: SoundTrack,
    /// What the publisher sends is handed on, and not encoded.
    #[serde(default)]
    pub(crate) passes: bool,
    pub(crate) channels: u8,
    /// In bit/s.
    pub(crate) bit_rate: u32,
}

/// Decides the renditions of a show.
pub(crate) fn decide(config: &Config, seen: &Seen) -> Shape {
    let target = seen.video.as_ref().and_then(|_| hints::target_duration_s(config, &seen.gop));
    let cadence = (seen.video.is_some() && target.is_none()).then(|| span(config.cadence_ms));
    let jobs = match &seen.video {
        Some(video) => jobs(&config.rungs, video, cadence.is_some()),
        None => Vec::new(),
    };
    let expected = seen.video.as_ref().filter(|_| target.is_some()).map(|video| {
        let apart = seen.gop.measured.or(seen.gop.stated);
        hints::bit_rate(seen.flow, apart, seen.declared.video, usual_bit_rate(video))
    });
    let mut rungs: Vec<Rung> = jobs.iter().map(|job| video_rung(job, expected)).collect();
    // Where the picture is encoded the child is there anyway, and what it makes has a rate that is known at once.
    let passed = jobs.iter().find(|job| !job.active).map(|job| job.id.clone());
    let sounds = sounds(config, &seen.sounds, passed.is_some());
    rungs.extend(sounds.iter().map(|sound| Rung {
        rendition: Rendition { id: sound.id.clone(), kind: TrackKind::Audio },
        target_bit_rate: (!sound.passes).then_some(sound.bit_rate),
        expected_bit_rate: sound.passes.then(|| {
            let heard = seen.sounds.iter().find(|heard| heard.track.number == sound.track.number);
            let flow = heard.map(|heard| heard.flow).unwrap_or_default();
            hints::bit_rate(flow, None, seen.declared.audio, sound.bit_rate)
        }),
        sound: Some(sound.track.clone()),
    }));
    let cadence_s = config.cadence_ms.div_ceil(1000).max(1);
    let target_duration_s = target.unwrap_or(cadence_s);
    let shape = Shape {
        size: seen.video.as_ref().map_or((0, 0), |video| (video.width, video.height)),
        plan: Plan { rungs, target_duration_s, memo: String::new() },
        passed,
        jobs,
        sounds,
        cadence,
        frame_rate: frame_rate(seen),
    };
    shape.noted()
}

impl Shape {
    /// With a memo of itself.
    fn noted(mut self) -> Self {
        self.plan.memo.clear();
        // Nothing in it can fail to be written; without a memo the show would only not outlive the process.
        self.plan.memo = serde_json::to_string(&self).unwrap_or_default();
        self
    }

    /// Without so many of the highest encoded rungs.
    pub(crate) fn without_highest(mut self, count: usize) -> Self {
        let from = usize::from(self.passed.is_some());
        let gone = from..(from + count).min(self.jobs.len());
        self.jobs.drain(gone.clone());
        self.plan.rungs.drain(gone);
        self.noted()
    }

    /// What it asks of the machine.
    pub(crate) fn demand(&self) -> Demand {
        let encoded = self.jobs.iter().filter(|job| job.active);
        let rung = |job: &Job| Work {
            kind: Kind::Encode(job.codec),
            pixels_per_s: self.pixels(job.height, self.frame_rate.num.into())
                / u64::from(self.frame_rate.den.max(1)),
        };
        Demand {
            decode: Work {
                kind: Kind::Decode,
                pixels_per_s: self.pixels(None, self.frame_rate.num.into())
                    / u64::from(self.frame_rate.den.max(1)),
            },
            rungs: encoded.map(rung).collect(),
            kept_min: usize::from(self.passed.is_none() && !self.jobs.is_empty()),
        }
    }

    /// How many pixels so many pictures of a rung have.
    pub(crate) fn pixels(&self, height: Option<u32>, pictures: u64) -> u64 {
        let (width, height) = fit(self.size, height);
        u64::from(width).saturating_mul(height.into()).saturating_mul(pictures)
    }
}

/// Of each sound stereo for everybody; beside it, of one that surrounds its listeners, what it says in 5.1.
fn sounds(config: &Config, heard: &[Heard], may_pass: bool) -> Vec<SoundShape> {
    let of_one = |(at, heard): (usize, &Heard)| {
        let which = if at == 0 { String::new() } else { format!("-{}", at + 1) };
        let number = heard.track.number;
        let chosen = config.sounds.get(at).map(|chosen| SoundTrack { number, ..chosen.clone() });
        let track = chosen.unwrap_or_else(|| heard.track.clone());
        let shape = |name: &str, channels, bit_rate| {
            let id = named(&format!("{name}{which}"));
            let passes = may_pass && heard.passes && channels == STEREO;
            SoundShape { id, track: track.clone(), passes, channels, bit_rate }
        };
        let stereo = shape("audio", STEREO, config.audio_bit_rate);
        let surround = shape("surround", SURROUND, config.surround_bit_rate);
        [Some(stereo), Some(surround).filter(|_| heard.channels > STEREO)].into_iter().flatten()
    };
    let all = heard.iter().take(crate::machine::frame::SOUNDS_MAX / 2).enumerate();
    all.flat_map(of_one).collect()
}

/// The same renditions as an earlier process decided on; `None` if its memo cannot be read.
pub(crate) fn recall(memo: &str) -> Option<Shape> {
    let mut shape: Shape = serde_json::from_str(memo).ok()?;
    memo.clone_into(&mut shape.plan.memo);
    Some(shape)
}

/// The size of a rung for a source of this size: the source's shape, never larger than it, even in both directions.
pub(crate) fn fit(source: (u32, u32), height: Option<u32>) -> (u32, u32) {
    let even = |value: u32| (value & !1).max(2);
    match height {
        Some(height) if height < source.1 => {
            let width = u64::from(source.0) * u64::from(height) / u64::from(source.1.max(1));
            (even(u32::try_from(width).unwrap_or(u32::MAX - 1).saturating_add(1)), even(height))
        }
        _ => (even(source.0), even(source.1)),
    }
}

/// The source-sized rung, then the lower ones. The source-sized one sleeps while the source passes through.
fn jobs(specs: &[RungSpec], video: &VideoConfig, encode_source: bool) -> Vec<Job> {
    let id = if encode_source { named(&format!("{}p", video.height)) } else { named("source") };
    let bit_rate = source_bit_rate(video);
    let source = Job {
        id,
        height: None,
        bit_rate,
        codec: VideoCodec::Avc,
        active: encode_source,
        resume: None,
    };
    let mut jobs = vec![source];
    let mut lower: Vec<&RungSpec> =
        specs.iter().filter(|spec| spec.height >= 2 && spec.height < video.height).collect();
    lower.sort_by_key(|spec| (std::cmp::Reverse(spec.height), suffix(spec.codec)));
    lower.dedup_by_key(|spec| (spec.height, spec.codec));
    jobs.extend(lower.into_iter().take(crate::machine::frame::RUNGS_MAX - 1).map(|spec| Job {
        id: named(&format!("{}p{}", spec.height, suffix(spec.codec))),
        height: Some(spec.height),
        bit_rate: spec.bit_rate,
        codec: spec.codec,
        active: true,
        resume: None,
    }));
    jobs
}

/// What a rung's name ends with, by its codec.
const fn suffix(codec: VideoCodec) -> &'static str {
    match codec {
        VideoCodec::Avc => "",
        VideoCodec::Hevc => "-hevc",
        VideoCodec::Av1 => "-av1",
    }
}

/// `expected` is what the source takes, where it passes.
fn video_rung(job: &Job, expected: Option<u32>) -> Rung {
    let expected = expected.filter(|_| job.height.is_none());
    Rung {
        rendition: Rendition { id: job.id.clone(), kind: TrackKind::Video },
        target_bit_rate: expected.is_none().then_some(job.bit_rate),
        expected_bit_rate: expected,
        sound: None,
    }
}

/// A rendition's name: ours are a word with a digit at most, or a height with `p`, at most 11 of the 16 characters, and
/// five of a codec.
fn named(name: &str) -> RenditionId {
    RenditionId::new(name).expect("lower-case letters and digits only, within 16 characters")
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped above 0")]
fn source_bit_rate(video: &VideoConfig) -> u32 {
    let area = f64::from(video.width) * f64::from(video.height);
    let rate = REFERENCE.1 * (area / REFERENCE.0).powf(0.75);
    rate.clamp(100_000.0, SOURCE_BIT_RATE_MAX) as u32
}

/// What a source of this size takes as a rule, by its codec as rungs do.
fn usual_bit_rate(video: &VideoConfig) -> u32 {
    let avc = source_bit_rate(video);
    match video.codec {
        VideoCodec::Avc => avc,
        VideoCodec::Hevc => avc / 3 * 2,
        VideoCodec::Av1 => avc / 2,
    }
}

fn frame_rate(seen: &Seen) -> Rational {
    let stated = seen.video.as_ref().and_then(|video| video.frame_rate);
    believed_rate(stated, seen.picture_distance).unwrap_or(Rational { num: 30, den: 1 })
}

/// The frame rate as it is stated, or else as measured, if either can be.
pub(crate) fn believed_rate(stated: Option<Rational>, distance: Option<Ticks>) -> Option<Rational> {
    let measured = distance.and_then(|distance| {
        let num = u32::try_from(TICKS_PER_SECOND).ok()?;
        Some(Rational { num, den: u32::try_from(distance.0).ok()? })
    });
    let plausible = |rate: &Rational| rate.den > 0 && FRAME_RATES.contains(&rate.as_f64());
    [stated, measured].into_iter().flatten().find(plausible)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use shared_media::Language;

    use super::*;

    fn heard(number: u8, channels: u8) -> Heard {
        let track = SoundTrack { number, language: Language::new("en"), name: None };
        Heard { track, channels, passes: false, flow: Flow::default() }
    }

    fn seen(width: u32, height: u32, gop_s: Option<f64>) -> Seen {
        let video = VideoConfig {
            codec: VideoCodec::Avc,
            record: Bytes::new(),
            width,
            height,
            frame_rate: None,
            hdr: None,
        };
        #[expect(clippy::cast_possible_truncation, reason = "a few seconds")]
        let ticks = |seconds: f64| Ticks((seconds * 90_000.0) as i64);
        let (measured, watched) = (gop_s.map(ticks), ticks(gop_s.unwrap_or(4.6)));
        Seen {
            video: Some(video),
            sounds: vec![heard(0, 2)],
            gop: Gop { measured, stated: None, watched },
            picture_distance: Some(Ticks(3_003)),
            ..Seen::default()
        }
    }

    fn ids(shape: &Shape) -> Vec<&str> {
        shape.plan.rungs.iter().map(|rung| rung.rendition.id.as_str()).collect()
    }

    #[test]
    fn a_short_gop_passes_through() {
        let shape = decide(&Config::default(), &seen(1920, 1080, Some(2.002)));
        assert_eq!(ids(&shape), ["source", "720p", "480p", "160p", "audio"]);
        assert_eq!(shape.plan.target_duration_s, 2);
        let rates = |at: usize| {
            let rung: &Rung = &shape.plan.rungs[at];
            (rung.target_bit_rate, rung.expected_bit_rate)
        };
        assert_eq!((rates(0), rates(1)), ((None, Some(4_592_793)), (Some(2_500_000), None)));
        assert_eq!((shape.cadence, shape.jobs[0].active), (None, false));
        assert_eq!(shape.frame_rate, Rational { num: 90_000, den: 3_003 });
    }

    #[test]
    fn sound_passes_where_it_may_stay_as_it_is_and_the_picture_passes_too() {
        for (gop, passes) in [(Some(2.0), true), (None, false)] {
            let mut seen = seen(1920, 1080, gop);
            seen.sounds[0].passes = true;
            let shape = decide(&Config::default(), &seen);
            assert_eq!(shape.sounds[0].passes, passes);
            let rung = shape.plan.rungs.last().unwrap();
            assert_eq!(rung.target_bit_rate.is_none(), passes);
            assert_eq!(rung.expected_bit_rate, passes.then_some(128_000));
        }
    }

    #[test]
    fn what_was_decided_is_found_again() {
        let shape = decide(&Config::default(), &seen(1920, 1080, Some(2.002)));
        assert_eq!(recall(&shape.plan.memo), Some(shape));
        assert_eq!(recall("{}"), None);
    }

    #[test]
    fn only_rungs_below_the_source() {
        let shape = decide(&Config::default(), &seen(1280, 720, Some(4.0)));
        assert_eq!(ids(&shape), ["source", "480p", "160p", "audio"]);
        assert_eq!(shape.plan.target_duration_s, 4);
        let tiny = decide(&Config::default(), &seen(160, 120, Some(1.0)));
        assert_eq!(ids(&tiny), ["source", "audio"]);
    }

    #[test]
    fn chosen_rungs_are_made_where_the_source_is_higher_each_once() {
        let spec = |height, codec| RungSpec { height, bit_rate: 1, codec };
        let avc = |height| spec(height, VideoCodec::Avc);
        let rungs = [160, 360, 480, 720, 1080, 1440, 2160, 360].map(avc).to_vec();
        let config = Config { rungs, ..Config::default() };
        let whole = decide(&config, &seen(3840, 2160, Some(2.0)));
        let expected = ["source", "1440p", "1080p", "720p", "480p", "360p", "160p", "audio"];
        assert_eq!(ids(&whole), expected);
        let upright = decide(&config, &seen(720, 1280, Some(2.0)));
        assert_eq!(ids(&upright), ["source", "1080p", "720p", "480p", "360p", "160p", "audio"]);
        let newer = [spec(480, VideoCodec::Av1), spec(480, VideoCodec::Hevc), avc(480)];
        let config = Config { rungs: newer.to_vec(), ..Config::default() };
        let mixed = decide(&config, &seen(1280, 720, Some(2.0)));
        assert_eq!(ids(&mixed), ["source", "480p", "480p-av1", "480p-hevc", "audio"]);
        assert!(mixed.jobs.iter().skip(1).all(|job| job.active && job.height == Some(480)));
    }

    #[test]
    fn a_long_gop_is_encoded_anew() {
        for gop in [None, Some(4.6)] {
            let shape = decide(&Config::default(), &seen(1920, 1080, gop));
            assert_eq!(ids(&shape), ["1080p", "720p", "480p", "160p", "audio"]);
            assert_eq!(shape.plan.target_duration_s, 2);
            assert_eq!((shape.cadence, shape.passed), (Some(Ticks(180_000)), None));
        }
    }

    #[test]
    fn what_does_not_fit_is_left_out_from_the_top_and_a_picture_stays() {
        let shape = decide(&Config::default(), &seen(1920, 1080, Some(2.0)));
        let demand = shape.demand();
        assert_eq!((demand.rungs.len(), demand.kept_min), (3, 0));
        assert_eq!(demand.decode.pixels_per_s, 1920 * 1080 * 90_000 / 3_003);
        let fewer = shape.without_highest(2);
        assert_eq!(ids(&fewer), ["source", "160p", "audio"]);
        assert_eq!(recall(&fewer.plan.memo), Some(fewer.clone()));
        assert_eq!(ids(&fewer.without_highest(1)), ["source", "audio"]);
        let encoded = decide(&Config::default(), &seen(1920, 1080, None));
        assert_eq!((encoded.demand().rungs.len(), encoded.demand().kept_min), (4, 1));
        assert_eq!(ids(&encoded.without_highest(3)), ["160p", "audio"]);
    }

    #[test]
    fn sound_alone() {
        let sounds = vec![heard(0, 6), heard(2, 1)];
        let alone = Seen { sounds, ..Seen::default() };
        let shape = decide(&Config::default(), &alone);
        assert_eq!(ids(&shape), ["audio", "surround", "audio-2"]);
        let track = shape.plan.rungs[2].sound.as_ref().unwrap();
        assert_eq!((track.number, &track.language), (2, &Language::new("en")));
        let chosen = |tag| SoundTrack { language: Language::new(tag), ..SoundTrack::default() };
        let config = Config { sounds: vec![chosen("de"), chosen("fr")], ..Config::default() };
        let shape = decide(&config, &alone);
        let tracks = shape.plan.rungs.iter().filter_map(|rung| rung.sound.as_ref());
        let said: Vec<_> = tracks.map(|track| (track.number, track.language.clone())).collect();
        let (de, fr) = (Language::new("de"), Language::new("fr"));
        assert_eq!(said, [(0, de.clone()), (0, de), (2, fr)], "the house knows better");
        assert_eq!((shape.plan.target_duration_s, shape.cadence), (2, None));
        let channels: Vec<u8> = shape.sounds.iter().map(|sound| sound.channels).collect();
        assert_eq!(channels, [2, 6, 2]);
    }

    #[test]
    fn rungs_keep_the_shape_and_are_even() {
        assert_eq!(fit((1920, 1080), Some(480)), (854, 480));
        assert_eq!(fit((1920, 1080), Some(160)), (284, 160));
        assert_eq!(fit((1080, 1920), Some(720)), (406, 720));
        assert_eq!(fit((640, 360), Some(480)), (640, 360));
        assert_eq!(fit((641, 361), None), (640, 360));
    }
}
