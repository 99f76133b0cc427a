//! What is assumed of a source before it has shown itself, so that a show need not wait for a GOP.
//!
//! In: the first keyframe's bytes, what has come since, what the publisher says. Out: the target duration, or that the
//! source does not fit one; the bit rate it will hardly exceed. Does not know renditions.
//!
//! Everything here is a guess, and hints may be lies. A guess about the GOP that was too short is made good by the
//! switch to encoding ([`Verdict::Outgrown`]), so that the target duration stays; one about the bit rate by the first
//! whole segment.
//!
//! [`Verdict::Outgrown`]: crate::machine::source::Verdict::Outgrown

use shared_media::{TICKS_PER_SECOND, Ticks, VideoCodec};

use crate::config::{Config, span};

/// Target durations a source may lead with, in seconds.
const TARGET_DURATIONS_S: [u32; 2] = [2, 4];
/// Most NAL units of a keyframe that are looked at, …
const NALS_MAX: usize = 64;
/// … and most bytes of one.
const NAL_BYTES_MAX: usize = 4 << 10;
/// The UUIDs by which x264 and x265 name their settings.
const X264: [u8; 16] = *b"\xdc\x45\xe9\xbd\xe6\xd9\x48\xb7\x96\x2c\xd8\x20\xd9\x23\xee\xef";
const X265: [u8; 16] = *b"\x2c\xa2\xde\x09\xb5\x17\x47\xdb\xbb\x55\xa4\xfe\x7f\xc2\xfc\x4e";
/// What boxes add to media, in bit/s: three parts a second of some 400 bytes, and twelve for each unit.
const BOXES_BIT_RATE: u64 = 24_000;
/// How many times what is usual, or what came, a declared bit rate is believed to be at most.
const DECLARED_TIMES_MAX: u64 = 4;

/// What is known of how far a source's keyframes are apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Gop {
    /// From the first keyframe to the second, if that came.
    pub(crate) measured: Option<Ticks>,
    /// The most that its encoder is set to.
    pub(crate) stated: Option<Ticks>,
    /// How long pictures have come since the first keyframe.
    pub(crate) watched: Ticks,
}

/// So much of a track has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Flow {
    /// Bytes of the first unit, of a picture a keyframe.
    pub(crate) first: u64,
    /// Bytes of those after it.
    pub(crate) rest: u64,
    /// From the first unit to the last.
    pub(crate) span: Ticks,
}

/// The target duration in seconds for a source that passes through; `None` if its GOP fits none, so that it is encoded.
///
/// - A GOP that was measured is believed. Where the encoder is set to more, and that fits as well, that counts: a
///   change of scene may have made the first GOP short.
/// - Settings that fit no target say little: keyframes may be forced closer together (`-force_key_frames`), or not.
///   They are believed of a source that was watched for as long as a GOP of the shortest target lasts ([`is_known`]).
/// - Where nothing is known, the GOP is taken for one that fits the shortest target: that is what every guide for live
///   encoders says, and whoever waited to be sure would wait for a whole GOP.
pub(crate) fn target_duration_s(config: &Config, gop: &Gop) -> Option<u32> {
    let shortest = seconds_span(TARGET_DURATIONS_S[0]);
    let outlasted = gop.measured.is_none() && gop.watched >= shortest + span(config.gop_slack_ms);
    let is_believed = |stated: &Ticks| outlasted || fitting(config, *stated).is_some();
    let stated = gop.stated.filter(is_believed);
    let assumed = match gop.measured {
        Some(measured) => stated.map_or(measured, |stated| stated.max(measured)),
        None => stated.unwrap_or(shortest).max(gop.watched),
    };
    fitting(config, assumed)
}

/// Whether more of the source would change nothing, as far as its GOP goes; `settled` says that it has been given the
/// time in which its first part is made anyway.
pub(crate) fn is_known(config: &Config, gop: &Gop, settled: bool) -> bool {
    let is_unclear = gop.stated.is_some_and(|stated| fitting(config, stated).is_none());
    let longest = if is_unclear {
        seconds_span(TARGET_DURATIONS_S[0]) + span(config.gop_slack_ms)
    } else {
        span(config.probe_media_ms_max)
    };
    gop.measured.is_some() || (settled && !is_unclear) || gop.watched >= longest
}

/// The shortest target duration that a GOP fits, in seconds.
fn fitting(config: &Config, gop: Ticks) -> Option<u32> {
    let slack = span(config.gop_slack_ms);
    TARGET_DURATIONS_S.into_iter().find(|seconds| gop <= seconds_span(*seconds) + slack)
}

/// The bit rate that a source's segments will hardly exceed, in bit/s.
///
/// `BANDWIDTH` must not be too low (rfc8216bis 4.4.6.2): a player reads it once, and would go on choosing what its
/// network cannot carry. So this is an estimate from above. What has come counts as if keyframes were `apart`, or a
/// second where that is not known, and a quarter more, since segments differ. It may be a black picture: so what the
/// publisher declares counts too, and where it declares nothing, what is `usual`. A lie in it misleads only who joins
/// before the first segment is whole, by no more than [`DECLARED_TIMES_MAX`] times.
pub(crate) fn bit_rate(flow: Flow, apart: Option<Ticks>, declared: Option<u32>, usual: u32) -> u32 {
    let apart = apart.unwrap_or(Ticks(TICKS_PER_SECOND)).max(Ticks(TICKS_PER_SECOND / 100));
    let came = over(flow.first, apart).saturating_add(over(flow.rest, flow.span));
    let came = quarter_more(came).saturating_add(BOXES_BIT_RATE);
    let usual = u64::from(usual);
    let most = usual.max(came).saturating_mul(DECLARED_TIMES_MAX);
    let said = declared.map_or(usual, |declared| quarter_more(declared.into()).min(most));
    u32::try_from(came.max(said)).unwrap_or(u32::MAX)
}

/// So many bytes in that time, in bit/s; 0 for no time at all.
fn over(bytes: u64, time: Ticks) -> u64 {
    let time = u64::try_from(time.0).unwrap_or(0);
    let bits = bytes.saturating_mul(8).saturating_mul(TICKS_PER_SECOND.unsigned_abs());
    bits.checked_div(time).unwrap_or(0)
}

const fn quarter_more(bit_rate: u64) -> u64 {
    bit_rate.saturating_add(bit_rate / 4)
}

/// How many pictures a GOP has at most, as x264 and x265 write it beside their first keyframe
/// (`user_data_unregistered`, ITU-T H.264 D.1.6, H.265 D.2.7). Pictures without limit are [`u32::MAX`].
///
/// Emulation prevention is not undone: neither the UUIDs nor text have zeros that would need it.
pub(crate) fn keyint(codec: VideoCodec, keyframe: &[u8]) -> Option<u32> {
    let (uuid, is_sei): (_, fn(u8) -> bool) = match codec {
        VideoCodec::Avc => (X264, |head| head & 0x1f == 6),
        VideoCodec::Hevc => (X265, |head| head >> 1 & 0x3f == 39),
        VideoCodec::Av1 => return None,
    };
    let mut rest = keyframe;
    for _ in 0..NALS_MAX {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (nal, after) = after.split_at_checked(length)?;
        rest = after;
        let looked_at = nal.get(..NAL_BYTES_MAX).unwrap_or(nal);
        if nal.first().is_some_and(|head| is_sei(*head))
            && let Some(at) = find(looked_at, &uuid)
        {
            return setting(looked_at.get(at + uuid.len()..)?);
        }
    }
    None
}

fn setting(text: &[u8]) -> Option<u32> {
    const NAME: &[u8] = b" keyint=";
    let value = text.get(find(text, NAME)? + NAME.len()..)?;
    if value.starts_with(b"infinite") {
        return Some(u32::MAX);
    }
    let digits = value.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let digits = std::str::from_utf8(value.get(..digits)?).ok()?;
    digits.parse().ok().filter(|pictures| *pictures > 0)
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

/// The span of whole seconds.
pub(crate) fn seconds_span(seconds: u32) -> Ticks {
    Ticks(i64::from(seconds) * TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn gop(measured_ms: Option<i64>, stated_ms: Option<i64>, watched_ms: i64) -> Gop {
        let watched = Ticks::from_millis(watched_ms);
        let [measured, stated] = [measured_ms, stated_ms].map(|ms| ms.map(Ticks::from_millis));
        Gop { measured, stated, watched }
    }

    #[test]
    fn the_target_duration_follows_what_is_known_of_the_gop() {
        for (known, expected) in [
            (gop(None, None, 300), Some(2)), // nothing
            (gop(None, None, 2600), Some(4)),
            (gop(None, None, 4600), None),
            (gop(Some(1000), None, 1000), Some(2)), // measured
            (gop(Some(2480), None, 2480), Some(2)),
            (gop(Some(3000), None, 3000), Some(4)),
            (gop(Some(5000), None, 5000), None),
            (gop(None, Some(2000), 300), Some(2)), // stated
            (gop(None, Some(4000), 300), Some(4)),
            (gop(None, Some(2000), 3000), Some(4)), // … and outlasted
            (gop(Some(500), Some(4000), 500), Some(4)), // a change of scene
            (gop(Some(2000), Some(10_000), 2000), Some(2)), // forced keyframes
            (gop(None, Some(10_000), 2500), None),
            (gop(None, Some(i64::MAX >> 20), 300), Some(2)), // it ends before that
            (gop(None, Some(0), 0), Some(2)),
        ] {
            assert_eq!(target_duration_s(&Config::default(), &known), expected, "{known:?}");
        }
    }

    #[test]
    fn only_settings_that_fit_no_target_are_waited_for_and_not_for_long() {
        let is_known = |gop: Gop, settled| is_known(&Config::default(), &gop, settled);
        assert!(!is_known(gop(None, None, 100), false));
        assert!(is_known(gop(None, None, 100), true));
        assert!(is_known(gop(None, Some(4000), 100), true));
        assert!(is_known(gop(Some(100), Some(9000), 100), false));
        assert!(!is_known(gop(None, Some(9000), 2400), true));
        assert!(is_known(gop(None, Some(9000), 2490), true));
        assert!(!is_known(gop(None, None, 4200), false), "what comes at once is measured");
        assert!(is_known(gop(None, None, 4250), false));
    }

    #[test]
    fn bit_rates_are_estimated_from_above() {
        let second = Ticks(90_000);
        // 4 Mbit/s: a keyframe of 160 kB, then 28 kB for each of nine pictures.
        let flow = Flow { first: 160_000, rest: 126_000, span: Ticks(27_000) };
        let truth = (160_000 + 126_000 / 9 * 59) * 8 / 2;
        let known = bit_rate(flow, Some(Ticks(180_000)), None, 1);
        let unknown = bit_rate(flow, None, None, 1);
        assert!(truth < known && known < unknown && unknown < truth * 2, "{known} {unknown}");
        let black = Flow { first: 500, rest: 200, span: Ticks(27_000) };
        assert_eq!(bit_rate(black, None, None, 2_500_000), 2_500_000, "it will not stay black");
        assert_eq!(bit_rate(black, None, Some(6_000_000), 2_500_000), 7_500_000);
        assert_eq!(bit_rate(black, None, Some(800_000), 2_500_000), 1_000_000);
        assert_eq!(bit_rate(black, None, Some(u32::MAX), 2_500_000), 10_000_000, "a lie");
        assert!(bit_rate(flow, Some(second), Some(1), 1) > truth, "another");
        assert_eq!(bit_rate(Flow::default(), None, None, 128_000), 128_000);
    }

    /// A keyframe as x264 writes it: settings, then the picture.
    fn keyframe(settings: &str) -> Vec<u8> {
        let message = [&[6, 5, 200][..], &X264, settings.as_bytes(), &[0, 0x80]].concat();
        let length = |nal: &[u8]| u32::try_from(nal.len()).unwrap().to_be_bytes();
        let picture = b"\x65 keyint=1 ";
        [&length(&message)[..], &message, &length(picture), picture].concat()
    }

    #[test]
    fn the_settings_of_the_encoder_say_how_long_a_gop_is() {
        let found = |settings: &str| keyint(VideoCodec::Avc, &keyframe(settings));
        let real = "x264 - core 164 - options: cabac=1 ref=3 keyint=60 keyint_min=6 scenecut=40";
        assert_eq!(found(real), Some(60));
        assert_eq!(found("x264 - options: keyint=infinite keyint_min=6"), Some(u32::MAX));
        for other in
            ["", " keyint=", " keyint=0", " keyint=-5", " keyint=99999999999", " keyint_min=6"]
        {
            assert_eq!(found(other), None, "{other}");
        }
        let bytes = keyframe(real);
        assert_eq!(keyint(VideoCodec::Av1, &bytes), None);
        assert_eq!(keyint(VideoCodec::Hevc, &bytes), None);
        assert_eq!(
            keyint(VideoCodec::Avc, &bytes[..bytes.len() - 40]),
            None,
            "a whole message only"
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_looked_at(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            for codec in [VideoCodec::Avc, VideoCodec::Hevc, VideoCodec::Av1] {
                prop_assert_eq!(keyint(codec, &bytes), None);
            }
        }

        #[test]
        fn no_hint_makes_a_rate_of_nothing(
            (first, rest, span) in any::<(u64, u64, i64)>(),
            (apart, declared, usual) in any::<(Option<i64>, Option<u32>, u32)>(),
        ) {
            let flow = Flow { first, rest, span: Ticks(span) };
            prop_assert!(bit_rate(flow, apart.map(Ticks), declared, usual) > 0);
        }
    }
}
