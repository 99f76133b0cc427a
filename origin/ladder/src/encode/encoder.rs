//! One rung's encoder: opened in hardware where that is wanted and there, else in software.
//!
//! In: pictures of one size. Out: access units, one per picture, in decoding order. Does not know how encoders are set
//! for their purpose.

use std::collections::VecDeque;
use std::io::{self, Write as _};

use ffmpeg_next as ffmpeg;
use ffmpeg_next::codec;
use ffmpeg_next::color::Range;
use ffmpeg_next::encoder;
use ffmpeg_next::format::Pixel;
use ffmpeg_next::frame::Video as Frame;
use shared_media::closed_captions::{self, Triplet};
use shared_media::hdr::{Curve, Hdr};
use shared_media::{
    AccessUnit, Rational, RenditionId, Ticks, TrackConfig, VideoCodec, VideoConfig,
};

use super::drawer::Look;
use super::purpose::{Purpose, is_numbered, keyframe_distance, options, threading};
use super::vaapi::Surfaces;
use super::{Trouble, ticks_base};
use crate::config::Hardware;
use crate::error::Error;
use crate::machine::coded::{self, Coded, Depth};
use crate::machine::frame::FromChild;

/// Most pictures in an encoder whose captions wait for them: more than any encoder looks ahead, if none drops any.
const CAPTIONED_MAX: usize = 64;

/// What a rung wants of its encoder.
pub(crate) struct Wanted {
    pub(crate) id: RenditionId,
    pub(crate) codec: VideoCodec,
    pub(crate) bit_rate: u32,
    pub(crate) threads: u8,
    pub(crate) hardware: Option<Hardware>,
    pub(crate) purpose: Purpose,
    /// Its pictures have 10 bits and this curve; in software alone.
    pub(crate) hdr: Option<Curve>,
}

impl Wanted {
    /// The form of its pictures.
    pub(crate) const fn form(&self) -> Pixel {
        if self.hdr.is_some() { Pixel::YUV420P10LE } else { Pixel::YUV420P }
    }

    const fn depth(&self) -> Depth {
        if self.hdr.is_some() { Depth::Ten } else { Depth::Eight }
    }
}

/// The encoder.
pub(crate) struct Encoder {
    inner: encoder::Video,
    /// Where its pictures are uploaded to first, if it takes them from a device.
    surfaces: Option<Surfaces>,
    codec: VideoCodec,
    depth: Depth,
    hdr: Option<Hdr>,
    purpose: Purpose,
    size: (u32, u32),
    stated_rate: Option<Rational>,
    record: Option<bytes::Bytes>,
    /// Cuts that are in the encoder.
    cuts: Vec<i64>,
    /// Captions of pictures that are in the encoder. We write them: not every FFmpeg does, nor for every codec.
    captions: VecDeque<(i64, Vec<Triplet>)>,
    /// The latest unit's decoding time.
    last_dts: Option<i64>,
    /// Numbers in the place of times, where the encoder wants them.
    numbered: Option<Numbered>,
}

/// The pictures in an encoder that knows them by their numbers.
#[derive(Default)]
struct Numbered {
    next: i64,
    /// When each is shown.
    shown: VecDeque<(i64, i64)>,
}

impl Numbered {
    /// A copy of a picture with its number.
    fn put(&mut self, image: &Frame, pts: i64) -> Frame {
        let mut image = image.clone();
        image.set_pts(Some(self.next));
        self.shown.push_back((self.next, pts));
        self.next += 1;
        image
    }

    /// When the picture of a number is shown.
    fn take(&mut self, number: i64) -> Option<i64> {
        let at = self.shown.iter().position(|(own, _)| *own == number)?;
        self.shown.remove(at).map(|(_, pts)| pts)
    }
}

impl Encoder {
    /// Opens the first that can be: hardware that is wanted, then software. What cannot be opened is complained about,
    /// and the parent is told.
    pub(crate) fn open(
        wanted: &Wanted,
        size: (u32, u32),
        source: &Frame,
        look: Look<'_>,
        index: u8,
        said: &mut Vec<FromChild>,
    ) -> Result<Self, Trouble> {
        let mut names = names(wanted.codec, wanted.hardware).peekable();
        let mut failed = ("none", ffmpeg::Error::EncoderNotFound);
        while let Some(name) = names.next() {
            match open(name, wanted, size, source, look) {
                Ok((inner, surfaces)) => {
                    let is_full_range = inner.color_range() == Range::JPEG;
                    return Ok(Self {
                        inner,
                        surfaces,
                        codec: wanted.codec,
                        depth: wanted.depth(),
                        hdr: wanted.hdr.map(|curve| Hdr { curve, is_full_range }),
                        purpose: wanted.purpose,
                        size,
                        stated_rate: look.stated_rate,
                        record: None,
                        cuts: Vec::new(),
                        captions: VecDeque::new(),
                        last_dts: None,
                        numbered: is_numbered(name, wanted.purpose).then(Numbered::default),
                    });
                }
                Err(error) => failed = (name, error),
            }
            if let Some(next) = names.peek() {
                said.push(FromChild::Fallback(index));
                let (id, error) = (&wanted.id, failed.1);
                // Nobody but the parent reads it; if it is gone, so is this child soon.
                let _ =
                    writeln!(io::stderr(), "{id}: {name} does not open ({error}), {next} is tried");
            }
        }
        let (name, error) = failed;
        Err(Trouble::Encoder(Error::Encoder(name, format!("{}: {error}", wanted.id))))
    }

    pub(crate) const fn size(&self) -> (u32, u32) {
        self.size
    }

    pub(crate) fn encode(
        &mut self,
        image: &Frame,
        look: Look<'_>,
        index: u8,
        said: &mut Vec<FromChild>,
    ) -> Result<(), ffmpeg::Error> {
        if look.cut {
            self.cuts.push(look.pts.0);
        }
        if !look.captions.is_empty() {
            self.captions.push_back((look.pts.0, look.captions.to_vec()));
            if self.captions.len() > CAPTIONED_MAX {
                self.captions.pop_front();
            }
        }
        let sent = match (&mut self.surfaces, &mut self.numbered) {
            (Some(surfaces), _) => {
                surfaces.upload(image).and_then(|image| self.inner.send_frame(&image))
            }
            (None, Some(numbered)) => self.inner.send_frame(&numbered.put(image, look.pts.0)),
            (None, None) => self.inner.send_frame(image),
        };
        self.receive(index, said);
        sent
    }

    /// Delivers what it holds.
    pub(crate) fn finish(&mut self, index: u8, said: &mut Vec<FromChild>) {
        // Refused only if it is at its end already.
        let _ = self.inner.send_eof();
        self.receive(index, said);
    }

    /// Takes everything that is ready. The first unit carries the parameter sets: they become the configuration.
    fn receive(&mut self, index: u8, said: &mut Vec<FromChild>) {
        let mut packet = ffmpeg::Packet::empty();
        while self.inner.receive_packet(&mut packet).is_ok() {
            let (Some(said_pts), Some(bytes)) = (packet.pts(), packet.data()) else { continue };
            let times = match &mut self.numbered {
                // Such an encoder hands pictures out in the order they are shown.
                Some(numbered) => numbered.take(said_pts).map(|pts| (pts, Some(pts))),
                None => Some((said_pts, packet.dts())),
            };
            let Some((pts, said_dts)) = times else { continue };
            let Coded { record, data } = coded::take_apart(self.codec, self.depth, bytes);
            if let Some(record) = record
                && self.record.as_ref() != Some(&record)
            {
                let (width, height) = self.size;
                self.record = Some(record.clone());
                let config = VideoConfig {
                    codec: self.codec,
                    record,
                    width,
                    height,
                    frame_rate: self.stated_rate,
                    hdr: self.hdr,
                };
                said.push(FromChild::Config(index, TrackConfig::Video(config)));
            }
            let cut = self.cuts.iter().position(|cut| *cut == pts);
            if let Some(cut) = cut {
                self.cuts.swap_remove(cut);
            }
            let captions = self.captions.iter().position(|(at, _)| *at == pts);
            let captions = captions.and_then(|at| self.captions.remove(at));
            let captions = captions.map(|(_, captions)| captions).unwrap_or_default();
            let data = closed_captions::write(self.codec, data, &captions);
            // An IDR picture that only a new child needed is no place to cut at: the other rungs have none there.
            let (keyframe, dts) = (cut.is_some(), Ticks(self.dts(pts, said_dts)));
            let pts = Ticks(pts);
            said.push(FromChild::Unit(index, AccessUnit { pts, dts, keyframe, data }));
        }
    }

    /// When a unit is decoded: at once where nothing is reordered, else when its encoder says, which may err for films
    /// of a picture or two.
    fn dts(&mut self, pts: i64, said: Option<i64>) -> i64 {
        let dts = match self.purpose {
            Purpose::Live => pts,
            Purpose::Film => {
                let earliest = self.last_dts.map_or(i64::MIN, |last| last + 1);
                said.unwrap_or(pts).max(earliest).min(pts)
            }
        };
        self.last_dts = Some(dts);
        dts
    }
}

/// FFmpeg's names of what can encode this, in the order they are tried.
fn names(codec: VideoCodec, hardware: Option<Hardware>) -> impl Iterator<Item = &'static str> {
    let hardware = match (hardware, codec) {
        (Some(Hardware::Nvenc), VideoCodec::Avc) => Some("h264_nvenc"),
        (Some(Hardware::Nvenc), VideoCodec::Hevc) => Some("hevc_nvenc"),
        (Some(Hardware::Nvenc), VideoCodec::Av1) => Some("av1_nvenc"),
        (Some(Hardware::Vaapi), VideoCodec::Avc) => Some("h264_vaapi"),
        (Some(Hardware::Vaapi), VideoCodec::Hevc) => Some("hevc_vaapi"),
        (Some(Hardware::Vaapi), VideoCodec::Av1) => Some("av1_vaapi"),
        (Some(Hardware::V4l2), VideoCodec::Avc) => Some("h264_v4l2m2m"),
        (Some(Hardware::V4l2), VideoCodec::Hevc) => Some("hevc_v4l2m2m"),
        (Some(Hardware::V4l2), VideoCodec::Av1) | (None, _) => None,
    };
    let software = match codec {
        VideoCodec::Avc => "libx264",
        VideoCodec::Hevc => "libx265",
        VideoCodec::Av1 => "libaom-av1",
    };
    hardware.into_iter().chain([software])
}

fn open(
    name: &str,
    wanted: &Wanted,
    size: (u32, u32),
    source: &Frame,
    look: Look<'_>,
) -> Result<(encoder::Video, Option<Surfaces>), ffmpeg::Error> {
    let codec = ffmpeg::encoder::find_by_name(name).ok_or(ffmpeg::Error::EncoderNotFound)?;
    let mut context = codec::Context::new_with_codec(codec);
    context.set_threading(threading(wanted));
    let mut video = context.encoder().video()?;
    video.set_width(size.0);
    video.set_height(size.1);
    video.set_format(wanted.form());
    let part = |value: u32| i32::try_from(value).unwrap_or(i32::MAX);
    let rate = look.frame_rate;
    video.set_frame_rate(Some(ffmpeg::Rational::new(part(rate.num), part(rate.den))));
    video.set_time_base(match is_numbered(name, wanted.purpose) {
        true => ffmpeg::Rational::new(part(rate.den), part(rate.num)),
        false => ticks_base(),
    });
    wanted.describe(&mut video, source);
    video.set_gop(keyframe_distance(name, wanted.purpose));
    video.set_max_b_frames(wanted.purpose.b_pictures());
    video.set_bit_rate(usize::try_from(wanted.bit_rate).unwrap_or(usize::MAX));
    let surfaces = if name.ends_with("_vaapi") { Some(Surfaces::open(size)?) } else { None };
    if let Some(surfaces) = &surfaces {
        surfaces.feed(&mut video)?;
    }
    Ok((video.open_with(options(name, wanted, source))?, surfaces))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// Without a render node there is no VAAPI: software encodes, and the parent hears of it once.
    #[test]
    fn hardware_that_does_not_open_is_told_and_software_takes_its_place() {
        ffmpeg::init().unwrap();
        let size = (320, 180);
        let frame_rate = Rational { num: 25, den: 1 };
        let captions: &[Triplet] = &[];
        let look = Look { cut: true, pts: Ticks(0), frame_rate, stated_rate: None, captions };
        let mut picture = Frame::new(Pixel::YUV420P, size.0, size.1);
        for plane in 0..3 {
            picture.data_mut(plane).fill(128);
        }
        look.mark(&mut picture);
        let opened = |hardware| {
            let id = RenditionId::new("180p").unwrap();
            let codec = VideoCodec::Avc;
            let purpose = Purpose::Live;
            let wanted =
                Wanted { id, codec, bit_rate: 300_000, threads: 1, hardware, purpose, hdr: None };
            let mut said = Vec::new();
            let opened = Encoder::open(&wanted, size, &picture, look, 3, &mut said);
            let Ok(mut encoder) = opened else { panic!("neither opens") };
            let fallbacks = said.clone();
            encoder.encode(&picture, look, 3, &mut said).unwrap();
            encoder.finish(3, &mut said);
            let is_keyframe =
                |said: &FromChild| matches!(said, FromChild::Unit(3, unit) if unit.keyframe);
            assert_eq!(said.iter().filter(|said| is_keyframe(said)).count(), 1);
            fallbacks
        };
        assert_eq!(opened(None), []);
        if !Path::new("/dev/dri").exists() {
            assert_eq!(opened(Some(Hardware::Vaapi)), [FromChild::Fallback(3)]);
        }
    }
}
