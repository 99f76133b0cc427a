//! From the RTP clocks of sound and picture to one clock (RFC 3550, 5.1 and 6.4.1).
//!
//! In: RTP timestamps, which begin anywhere and wrap; when they came; sender reports, which say what time of the
//! sender's wall clock a timestamp is. Out: ticks of one clock for both. Does not know media.
//!
//! Reports come only after a while, so each clock is first tied to the time its first packet came. That puts sound and
//! picture as far apart as the way through the encoders was. With the first reports of both this is put right by moving
//! the sound: a picture that is moved would be seen to jerk. Later reports show how far the clocks drift.

use shared_media::{TICKS_PER_SECOND, Ticks, TrackKind};

/// A sender report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// The sender's wall clock, in microseconds since any time that is the same for both tracks.
    pub wall_us: i64,
    /// The RTP timestamp of that moment.
    pub rtp: u32,
}

/// Sound this far from the picture, by the sender's reports, is moved to it. Nobody notices less, and each move costs a
/// gap or an overlap of that size.
const APART_MAX: Ticks = Ticks::from_millis(10);
/// Reports that put them further apart than this are not believed.
const BELIEVED_MAX: Ticks = Ticks::from_millis(2000);

/// The clocks of a publisher.
#[derive(Debug)]
pub(super) struct Clock {
    video: Line,
    audio: Line,
}

/// One RTP clock.
#[derive(Debug)]
struct Line {
    rate: i64,
    /// The timestamp heard last, unwrapped.
    last: Option<i64>,
    /// What is added to a timestamp in ticks.
    offset: Ticks,
    /// The wall clock at timestamp 0, in ticks, and the report that says so.
    reported: Option<(Ticks, Report)>,
}

impl Clock {
    pub(super) const fn new() -> Self {
        Self { video: Line::new(90_000), audio: Line::new(48_000) }
    }

    /// The tick of a timestamp that came now.
    pub(super) fn tick(&mut self, kind: TrackKind, rtp: u32, now_us: u64) -> Ticks {
        let line = self.line(kind);
        let first = line.last.is_none();
        let time = line.ticks(rtp);
        if first {
            let came = Ticks::from_micros(i64::try_from(now_us).unwrap_or(i64::MAX));
            line.offset = came - time;
        }
        time + self.line(kind).offset
    }

    /// A sender report of a track that has been heard.
    pub(super) fn report(&mut self, kind: TrackKind, report: Report) {
        let line = self.line(kind);
        if line.last.is_none() || line.reported.is_some_and(|(_, known)| known == report) {
            return;
        }
        let wall = Ticks::from_micros(report.wall_us);
        line.reported = Some((wall - line.near(report.rtp), report));
        let (Some((video, _)), Some((audio, _))) = (self.video.reported, self.audio.reported)
        else {
            return;
        };
        // What the wall clock shows at tick 0, by each of them.
        let apart = (audio - self.audio.offset) - (video - self.video.offset);
        if (APART_MAX.0..=BELIEVED_MAX.0).contains(&apart.0.abs()) {
            self.audio.offset = self.audio.offset + apart;
        }
    }

    const fn line(&mut self, kind: TrackKind) -> &mut Line {
        match kind {
            TrackKind::Video => &mut self.video,
            TrackKind::Audio => &mut self.audio,
        }
    }
}

impl Line {
    const fn new(rate: i64) -> Self {
        Self { rate, last: None, offset: Ticks::ZERO, reported: None }
    }

    /// A timestamp in ticks, unwrapped to be the nearest to the last one, which it becomes.
    fn ticks(&mut self, rtp: u32) -> Ticks {
        let unwrapped = self.unwrapped(rtp);
        self.last = Some(unwrapped);
        self.in_ticks(unwrapped)
    }

    /// The same for a timestamp that is only mentioned.
    fn near(&self, rtp: u32) -> Ticks {
        self.in_ticks(self.unwrapped(rtp))
    }

    fn unwrapped(&self, rtp: u32) -> i64 {
        let Some(last) = self.last else { return i64::from(rtp) };
        // The low 32 bits of the distance, as a signed number, are the way to the nearest.
        let step = rtp.wrapping_sub(last as u32).cast_signed();
        last + i64::from(step)
    }

    const fn in_ticks(&self, timestamp: i64) -> Ticks {
        // 2^48 times 90 000 fits: a publisher of 48 kHz may stay for 185 years.
        let (seconds, rest) = (timestamp.div_euclid(self.rate), timestamp.rem_euclid(self.rate));
        Ticks(seconds * TICKS_PER_SECOND + rest * TICKS_PER_SECOND / self.rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use TrackKind::{Audio, Video};

    #[test]
    fn timestamps_wrap_and_step_back_without_a_jump() {
        let mut clock = Clock::new();
        let first = clock.tick(Video, u32::MAX - 2999, 1_000_000);
        assert_eq!(first, Ticks(90_000));
        assert_eq!(clock.tick(Video, 0, 1_033_333), first + Ticks(3000));
        assert_eq!(clock.tick(Video, u32::MAX - 1499, 1_033_400), first + Ticks(1500));
        assert_eq!(clock.tick(Audio, u32::MAX - 479, 1_000_000), first);
        assert_eq!(clock.tick(Audio, 480, 1_020_000), first + Ticks(1800));
    }

    #[test]
    fn two_days_of_sound_wrap_twice_and_stay_exact() {
        let mut clock = Clock::new();
        let (mut rtp, mut last) = (3_000_000_000_u32, clock.tick(Audio, 3_000_000_000, 0));
        let packets = 50 * 3600 * 50;
        for packet in 1..=packets {
            rtp = rtp.wrapping_add(960);
            last = clock.tick(Audio, rtp, packet * 20_000);
        }
        assert_eq!(last, Ticks(i64::try_from(packets).expect("small") * 1800));
    }

    /// Sound that came 120 ms before the picture it belongs to, because encoding pictures takes longer.
    #[test]
    fn reports_of_both_put_sound_and_picture_in_step() {
        let mut clock = Clock::new();
        let sound = clock.tick(Audio, 700, 1_000_000);
        let picture = clock.tick(Video, 9000, 1_120_000);
        assert_eq!(picture - sound, Ticks::from_millis(120));
        clock.report(Audio, Report { wall_us: 50_000_000, rtp: 700 });
        assert_eq!(clock.tick(Audio, 1660, 1_020_000) - sound, Ticks::from_millis(20));
        clock.report(Video, Report { wall_us: 50_000_000, rtp: 9000 });
        let sound = clock.tick(Audio, 1660, 1_020_000);
        assert_eq!(sound - picture, Ticks::from_millis(20), "20 ms of the same clock after it");
        assert_eq!(clock.tick(Video, 9000, 0), picture, "the picture is never moved");
    }

    #[test]
    fn clocks_that_drift_apart_for_hours_are_kept_in_step() {
        let mut clock = Clock::new();
        clock.tick(Audio, 0, 0);
        clock.tick(Video, 0, 0);
        // The sound card runs 100 ppm fast: its timestamps count 48 004.8 a second of the wall clock.
        for second in 1..=4 * 3600_i64 {
            let audio = u32::try_from(second * 480_048 / 10).expect("below 2^32");
            let video = u32::try_from(second * 90_000).expect("below 2^32");
            let now_us = u64::try_from(second * 1_000_000).expect("positive");
            let sound = clock.tick(Audio, audio, now_us);
            let picture = clock.tick(Video, video, now_us);
            assert!(
                (sound - picture).0.abs() <= APART_MAX.0 + 90,
                "{second}: {sound:?} {picture:?}"
            );
            clock.report(Audio, Report { wall_us: second * 1_000_000, rtp: audio });
            clock.report(Video, Report { wall_us: second * 1_000_000, rtp: video });
        }
    }

    #[test]
    fn reports_that_cannot_be_are_not_believed() {
        let mut clock = Clock::new();
        let sound = clock.tick(Audio, 0, 0);
        clock.tick(Video, 0, 0);
        clock.report(Audio, Report { wall_us: 0, rtp: 0 });
        clock.report(Video, Report { wall_us: 3_000_000_000, rtp: 0 });
        assert_eq!(clock.tick(Audio, 0, 0), sound);
        for wall_us in [i64::MIN, i64::MAX] {
            clock.report(Video, Report { wall_us, rtp: 1 });
        }
    }
}
