//! How hard a film's pictures are to encode, and how far apart its keyframes are.
//!
//! In: an opened file. Out: what some short stretches of it say. Does not know what is made of it.
//!
//! From a few places spread over the film some pictures are drawn small and encoded at one quality: how many bits that
//! takes is the measure. It takes seconds whatever the film's length, and says of a slide show that it is none of
//! football.

use std::time::{Duration, Instant};

use ffmpeg_next as ffmpeg;

use ffmpeg::codec::{self, threading};
use ffmpeg::format::Pixel;
use ffmpeg::format::context::Input;
use ffmpeg::frame::Video as Frame;
use ffmpeg::software::scaling;
use ffmpeg::{Dictionary, Packet, Rational, Rescale as _, decoder, encoder};

use crate::config::{
    COMPLEXITY_PLACES, COMPLEXITY_S_MAX, KEYFRAME_US_MAX, PACKETS_MAX, PLACE_PICTURES, THREADS,
};

const MICROSECONDS: Rational = Rational(1, 1_000_000);
/// Pictures are drawn within this size, which also evens out what noise there is.
const DRAWN_WITHIN: (u32, u32) = (640, 360);
/// The quality that is kept.
const CRF: &str = "23";
/// What films take of that, in bits per pixel, as a rule.
const BITS_PER_PIXEL_OF_FILMS: f64 = 0.1;
/// A keyframe stands for so many pictures.
const GOP: f64 = 60.0;

/// What was found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// Against what films take as a rule.
    pub(crate) percent: Option<u32>,
    /// The longest way between keyframes that was seen.
    pub(crate) keyframe_ms_max: Option<u64>,
}

/// Looks at places of a stream. What cannot be read or decoded says nothing.
pub(crate) fn look(input: &mut Input, stream: usize, (from_us, length_us): (i64, i64)) -> Found {
    let until = Instant::now() + Duration::from_secs(COMPLEXITY_S_MAX);
    let mut bits_per_pixel = Vec::new();
    let mut keyframe_us_max = None;
    for place in 0..COMPLEXITY_PLACES {
        let at_us = from_us + length_us / (2 * COMPLEXITY_PLACES) * (2 * place + 1);
        if Instant::now() >= until || input.seek(at_us, ..at_us).is_err() {
            break;
        }
        let Some(seen) = Place::look(input, stream, until) else { continue };
        bits_per_pixel.extend(seen.bits_per_pixel);
        keyframe_us_max = keyframe_us_max.max(seen.keyframe_us);
    }
    let count = f64::from(u32::try_from(bits_per_pixel.len()).unwrap_or(1).max(1));
    let mean = bits_per_pixel.iter().sum::<f64>() / count;
    Found {
        percent: (!bits_per_pixel.is_empty()).then(|| percent(mean)),
        keyframe_ms_max: keyframe_us_max.and_then(|us: i64| u64::try_from(us / 1000).ok()),
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
fn percent(bits_per_pixel: f64) -> u32 {
    (bits_per_pixel / BITS_PER_PIXEL_OF_FILMS * 100.0).round().clamp(1.0, 1000.0) as u32
}

/// What one place says.
struct Place {
    bits_per_pixel: Option<f64>,
    /// From keyframe to keyframe, in microseconds of media.
    keyframe_us: Option<i64>,
}

impl Place {
    /// Reads from a keyframe to the next, and encodes the first pictures.
    fn look(input: &mut Input, stream: usize, until: Instant) -> Option<Self> {
        let found = input.stream(stream)?;
        let base = found.time_base();
        let mut decoder = open(found.parameters())?;
        let mut sketch = None;
        let mut first_us: Option<i64> = None;
        let mut keyframe_us = None;
        for _ in 0..PACKETS_MAX {
            let mut packet = Packet::empty();
            if packet.read(input).is_err() || Instant::now() >= until {
                break;
            }
            let Some(time) = packet.pts().or(packet.dts()).filter(|_| packet.stream() == stream)
            else {
                continue;
            };
            let us = time.rescale(base, MICROSECONDS);
            let since_us = first_us.map(|first| us - first);
            match since_us {
                None if !packet.is_key() => continue,
                None => first_us = Some(us),
                Some(since) if packet.is_key() || since > KEYFRAME_US_MAX => {
                    keyframe_us = Some(since);
                    break;
                }
                Some(_) => {}
            }
            if Sketch::is_wanted(sketch.as_ref()) && decoder.send_packet(&packet).is_ok() {
                draw(&mut decoder, &mut sketch);
            }
        }
        let _ = decoder.send_eof(); // refused only if it is at its end already
        draw(&mut decoder, &mut sketch);
        Some(Self { bits_per_pixel: sketch.and_then(Sketch::bits_per_pixel), keyframe_us })
    }
}

fn open(parameters: codec::Parameters) -> Option<decoder::Video> {
    let mut context = codec::Context::from_parameters(parameters).ok()?;
    context.set_threading(threading::Config::count(THREADS));
    context.decoder().video().ok()
}

/// Encodes what the decoder has ready.
fn draw(decoder: &mut decoder::Video, sketch: &mut Option<Sketch>) {
    let mut picture = Frame::empty();
    while decoder.receive_frame(&mut picture).is_ok() {
        if !Sketch::is_wanted(sketch.as_ref()) {
            return;
        }
        if sketch.is_none() {
            *sketch = Sketch::open(&picture);
        }
        if let Some(sketch) = sketch {
            sketch.draw(&picture);
        }
    }
}

/// Pictures, drawn small and encoded.
struct Sketch {
    scaler: scaling::Context,
    of: (Pixel, u32, u32),
    drawn: Frame,
    encoder: encoder::Video,
    pictures: i64,
    keyframe_bits: f64,
    other_bits: f64,
}

impl Sketch {
    fn is_wanted(sketch: Option<&Self>) -> bool {
        sketch.is_none_or(|sketch| sketch.pictures < PLACE_PICTURES)
    }

    fn open(picture: &Frame) -> Option<Self> {
        let of = (picture.format(), picture.width(), picture.height());
        let (width, height) = within((of.1, of.2));
        let scaler = scaling::Context::get(
            of.0,
            of.1,
            of.2,
            Pixel::YUV420P,
            width,
            height,
            scaling::Flags::BILINEAR,
        );
        let codec = encoder::find_by_name("libx264")?;
        let mut context = codec::Context::new_with_codec(codec);
        context.set_threading(threading::Config::count(THREADS));
        let mut video = context.encoder().video().ok()?;
        video.set_width(width);
        video.set_height(height);
        video.set_format(Pixel::YUV420P);
        video.set_time_base(Rational(1, 25));
        video.set_gop(1 << 20);
        video.set_max_b_frames(0);
        let options = [("preset", "veryfast"), ("tune", "zerolatency"), ("crf", CRF)];
        let options: Dictionary<'_> = options.into_iter().collect();
        Some(Self {
            scaler: scaler.ok()?,
            of,
            drawn: Frame::new(Pixel::YUV420P, width, height),
            encoder: video.open_with(options).ok()?,
            pictures: 0,
            keyframe_bits: 0.0,
            other_bits: 0.0,
        })
    }

    fn draw(&mut self, picture: &Frame) {
        // One of another size has no place among the others, and says nothing.
        let is_same = (picture.format(), picture.width(), picture.height()) == self.of;
        if !is_same || self.scaler.run(picture, &mut self.drawn).is_err() {
            return;
        }
        self.drawn.set_pts(Some(self.pictures));
        if self.encoder.send_frame(&self.drawn).is_ok() {
            self.pictures += 1;
        }
        self.count();
    }

    fn count(&mut self) {
        let mut packet = Packet::empty();
        while self.encoder.receive_packet(&mut packet).is_ok() {
            let bits = f64::from(u32::try_from(packet.size()).unwrap_or(u32::MAX)) * 8.0;
            *(if packet.is_key() { &mut self.keyframe_bits } else { &mut self.other_bits }) += bits;
        }
    }

    /// Of a GOP as long as players like it. A single picture says nothing of the others.
    fn bits_per_pixel(mut self) -> Option<f64> {
        let _ = self.encoder.send_eof(); // refused only if it is at its end already
        self.count();
        let others = f64::from(u32::try_from(self.pictures - 1).ok().filter(|count| *count > 0)?);
        let of_gop = self.keyframe_bits + self.other_bits / others * (GOP - 1.0);
        let pixels = f64::from(self.drawn.width()) * f64::from(self.drawn.height());
        Some(of_gop / GOP / pixels)
    }
}

/// The same shape within what is drawn, and even.
fn within((width, height): (u32, u32)) -> (u32, u32) {
    let (width, height) = (u64::from(width.max(1)), u64::from(height.max(1)));
    let most = (u64::from(DRAWN_WITHIN.0), u64::from(DRAWN_WITHIN.1));
    let by_width = most.0 * height <= most.1 * width;
    let (to, of) = if by_width { (most.0, width) } else { (most.1, height) };
    let fit = |length: u64| {
        let fitted = if to < of { length * to / of } else { length };
        u32::try_from(fitted & !1).unwrap_or(u32::MAX).max(2)
    };
    (fit(width), fit(height))
}

#[cfg(test)]
mod tests {
    use super::within;

    #[test]
    fn pictures_are_drawn_small_in_their_own_shape() {
        assert_eq!(within((1920, 1080)), (640, 360));
        assert_eq!(within((1080, 1920)), (202, 360));
        assert_eq!(within((4096, 1716)), (640, 268));
        assert_eq!(within((320, 240)), (320, 240));
        assert_eq!(within((8192, 16)), (640, 2));
    }
}
