//! The rungs of a film: how large, and how many bits.
//!
//! In: what its pictures are like. Out: rungs, highest first. Does not know sounds.
//!
//! Bits follow the area of a picture, how many there are in a second, and how much there is in them (`matinee probe`
//! has encoded some of them to know). None of the three does so in proportion: larger pictures are smoother, more of
//! them differ less, and what is twice as hard to encode may look a little worse.

use shared_wire::api::VideoInfo;

use crate::Config;

/// What bits are reckoned against: 1280 × 720, thirty pictures a second.
const REFERENCE: (f64, f64) = (1280.0 * 720.0, 30.0);
/// How bits follow the area.
const BY_AREA: f64 = 0.75;
/// How they follow the pictures in a second.
const BY_RATE: f64 = 0.5;
/// How they follow the complexity.
const BY_COMPLEXITY: f64 = 0.8;
/// Complexity outside of these is not believed, in percent.
const COMPLEXITIES: std::ops::RangeInclusive<u32> = 20..=250;
/// Of a film of which nothing is known.
pub(super) const COMPLEXITY_OF_FILMS: u32 = 100;

/// What films are made of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Film {
    /// As it is shown: turned, with square pixels.
    pub(super) size: (u32, u32),
    pub(super) pictures_per_s: f64,
    pub(super) complexity_percent: u32,
    /// Bits of the film's own pictures per second, as an H.264 of that quality would take.
    pub(super) own_bits_per_s: Option<u64>,
}

/// A rung's size and bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rung {
    pub(super) size: (u32, u32),
    pub(super) bits_per_s: u64,
}

impl Film {
    pub(super) fn of(video: &VideoInfo, bits_per_s: Option<u64>, codec: &str) -> Self {
        let width = video.shown_width.unwrap_or(video.width);
        let size = match video.rotation {
            90 | 270 => (video.height, width),
            _ => (width, video.height),
        };
        let complexity = video.complexity_percent.unwrap_or(COMPLEXITY_OF_FILMS);
        Self {
            size: (even(size.0), even(size.1)),
            pictures_per_s: f64::from(video.frames_per_1000_s.max(1)) / 1000.0,
            complexity_percent: complexity.clamp(*COMPLEXITIES.start(), *COMPLEXITIES.end()),
            own_bits_per_s: bits_per_s.map(|bits| bits.saturating_mul(worth(codec)) / 100),
        }
    }

    pub(super) const fn shorter_side(&self) -> u32 {
        if self.size.0 < self.size.1 { self.size.0 } else { self.size.1 }
    }

    /// The rungs, highest first: the film's own size, and the sides below it.
    pub(super) fn rungs(&self, config: &Config) -> Vec<Rung> {
        let own = self.shorter_side();
        // One so close below the film's own says nothing new.
        let mut sides: Vec<u32> = config
            .sides
            .iter()
            .copied()
            .filter(|side| *side >= 2 && side * 10 <= own * 9)
            .collect();
        sides.push(own);
        sides.sort_unstable_by(|a, b| b.cmp(a));
        sides.dedup();
        let mut rungs: Vec<Rung> = Vec::new();
        for size in sides.into_iter().map(|side| self.at(side)) {
            let bits_per_s = self.bits_per_s(size, config);
            let above = rungs.last().map(|rung| rung.bits_per_s);
            if above.is_some_and(|above| above <= config.slowest_bits_per_s || above <= bits_per_s)
            {
                break;
            }
            rungs.push(Rung { size, bits_per_s });
        }
        rungs
    }

    /// What the rung that keeps the film's range takes in this codec, at the film's own size; as all others, never more
    /// than the film itself has.
    pub(super) fn hdr_bits_per_s(&self, codec: &str, config: &Config) -> u64 {
        let worth = worth(codec).max(1);
        let own = self.own_bits_per_s.map_or(u64::MAX, |own| own.saturating_mul(100) / worth);
        let bits = self.wanted(self.size, config).saturating_mul(config.hdr_percent) / worth;
        bounded(bits.min(own), config)
    }

    /// The film's shape with this shorter side.
    fn at(&self, side: u32) -> (u32, u32) {
        let own = u64::from(self.shorter_side().max(1));
        let fit = |length: u32| {
            let scaled = (u64::from(length) * u64::from(side) + own / 2) / own;
            even(u32::try_from(scaled).unwrap_or(u32::MAX))
        };
        (fit(self.size.0), fit(self.size.1))
    }

    /// What pictures of this size take, whatever the film has.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "bits per second, far below what a float holds exactly"
    )]
    pub(super) fn wanted(&self, size: (u32, u32), config: &Config) -> u64 {
        let bits = config.reference_bits_per_s as f64
            * (area(size) / REFERENCE.0).powf(BY_AREA)
            * (self.pictures_per_s / REFERENCE.1).clamp(0.1, 4.0).powf(BY_RATE)
            * (f64::from(self.complexity_percent) / 100.0).powf(BY_COMPLEXITY);
        bits as u64
    }

    /// What a rung takes: never more than the film itself has for such pictures.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "bits per second, far below what a float holds exactly"
    )]
    fn bits_per_s(&self, size: (u32, u32), config: &Config) -> u64 {
        let share = (area(size) / area(self.size).max(1.0)).powf(BY_AREA);
        let own = self.own_bits_per_s.map_or(u64::MAX, |own| (own as f64 * share) as u64);
        bounded(self.wanted(size, config).min(own), config)
    }
}

/// As much as a rung may take, in thousands, so that people read it.
fn bounded(bits: u64, config: &Config) -> u64 {
    (bits.min(config.bits_per_s_max) / 1000 * 1000).max(config.bits_per_s_min)
}

fn area((width, height): (u32, u32)) -> f64 {
    f64::from(width) * f64::from(height)
}

/// What an H.264 takes that looks like a hundred bits of this codec.
fn worth(codec: &str) -> u64 {
    match codec {
        "hevc" | "vp9" => 150,
        "av1" => 180,
        "mpeg2video" | "mpeg1video" => 60,
        _ => 100,
    }
}

const fn even(value: u32) -> u32 {
    if value < 2 { 2 } else { value & !1 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn film(width: u32, height: u32, complexity_percent: u32) -> Film {
        Film {
            size: (width, height),
            pictures_per_s: 30.0,
            complexity_percent,
            own_bits_per_s: None,
        }
    }

    fn told(film: &Film) -> Vec<((u32, u32), u64)> {
        let rungs = film.rungs(&Config::default());
        rungs.iter().map(|rung| (rung.size, rung.bits_per_s / 1000)).collect()
    }

    #[test]
    fn a_usual_film_has_the_usual_ladder() {
        let expected = [
            ((1920, 1080), 4592),
            ((1280, 720), 2500),
            ((852, 480), 1359),
            ((640, 360), 883),
            ((284, 160), 261),
        ];
        assert_eq!(told(&film(1920, 1080, 100)), expected);
    }

    #[test]
    fn a_slide_show_gets_less_than_football_and_needs_fewer_rungs() {
        let (slides, football) = (told(&film(1920, 1080, 20)), told(&film(1920, 1080, 200)));
        assert!(slides[0].1 * 5 < football[0].1, "{slides:?} {football:?}");
        assert!(slides.len() < football.len(), "{slides:?} {football:?}");
    }

    #[test]
    fn an_upright_film_is_measured_by_its_shorter_side() {
        let sizes: Vec<_> = told(&film(1080, 1920, 100)).iter().map(|(size, _)| *size).collect();
        assert_eq!(sizes, [(1080, 1920), (720, 1280), (480, 852), (360, 640), (160, 284)]);
    }

    #[test]
    fn nothing_takes_more_than_the_film_has() {
        let poor = Film { own_bits_per_s: Some(900_000), ..film(1920, 1080, 100) };
        let rungs = told(&poor);
        assert_eq!(rungs[0], ((1920, 1080), 900));
        assert!(rungs[1].1 < 500, "{rungs:?}");
    }

    #[test]
    fn a_wider_range_takes_a_little_more_than_its_codec_saves() {
        let (config, usual) = (Config::default(), film(1920, 1080, 100));
        let bits = |film: &Film| ["hevc", "av1"].map(|codec| film.hdr_bits_per_s(codec, &config));
        assert_eq!(bits(&usual), [3_674_000, 3_061_000]);
        let poor = Film { own_bits_per_s: Some(900_000), ..usual };
        assert_eq!(bits(&poor), [600_000, 500_000]);
    }

    #[test]
    fn a_size_between_the_usual_ones_is_a_rung_and_its_neighbour_below_is_none() {
        let sides = |height: u32| -> Vec<u32> {
            told(&film(height * 16 / 9, height, 100)).iter().map(|((_, side), _)| *side).collect()
        };
        assert_eq!(sides(800), [800, 720, 480, 360, 160]);
        assert_eq!(sides(750), [750, 480, 360, 160]);
        assert_eq!(sides(120), [120]);
    }

    proptest! {
        #[test]
        fn rungs_fall_in_size_and_bits(
            width in 16_u32..8192, height in 16_u32..8192, rate in 1_u32..240,
            complexity_percent in 20_u32..=250, own in prop::option::of(1_u64..100_000_000),
        ) {
            let film = Film {
                size: (even(width), even(height)),
                pictures_per_s: f64::from(rate),
                complexity_percent,
                own_bits_per_s: own,
            };
            let (config, rungs) = (Config::default(), film.rungs(&Config::default()));
            prop_assert_eq!(rungs[0].size, film.size);
            for rung in &rungs {
                let bits = config.bits_per_s_min..=config.bits_per_s_max;
                prop_assert!(bits.contains(&rung.bits_per_s));
                prop_assert!(rung.size.0 % 2 == 0 && rung.size.1 % 2 == 0);
            }
            for pair in rungs.windows(2) {
                prop_assert!(pair[1].bits_per_s < pair[0].bits_per_s);
                prop_assert!(pair[1].size.0 <= pair[0].size.0 && pair[1].size.1 <= pair[0].size.1);
            }
        }
    }
}
