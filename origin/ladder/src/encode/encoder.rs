//! One rung's encoder: opened in hardware where that is wanted and there, else in software.
//!
//! In: pictures of one size. Out: access units, one per picture, decoded in the order they are shown.

use std::collections::VecDeque;
use std::io::{self, Write as _};

use ffmpeg_next as ffmpeg;
use ffmpeg_next::codec::{self, threading};
use ffmpeg_next::format::Pixel;
use ffmpeg_next::frame::Video as Frame;
use ffmpeg_next::{Dictionary, encoder};
use shared_media::closed_captions::{self, Triplet};
use shared_media::{
    AccessUnit, Rational, RenditionId, Ticks, TrackConfig, VideoCodec, VideoConfig,
};

use super::rung::Look;
use super::vaapi::Surfaces;
use super::{Trouble, ticks_base};
use crate::config::Hardware;
use crate::error::Error;
use crate::machine::coded::{self, Coded};
use crate::machine::frame::FromChild;

/// "No limit" for the distance of keyframes: only cuts make one.
const KEYFRAME_DISTANCE: u32 = 1 << 30;
/// Most pictures in an encoder whose captions wait for them: one would be enough, if none dropped any.
const CAPTIONED_MAX: usize = 64;

/// What a rung wants of its encoder.
pub(super) struct Wanted {
    pub(super) id: RenditionId,
    pub(super) codec: VideoCodec,
    pub(super) bit_rate: u32,
    pub(super) threads: u8,
    pub(super) hardware: Option<Hardware>,
}

/// The encoder.
pub(super) struct Encoder {
    inner: encoder::Video,
    /// Where its pictures are uploaded to first, if it takes them from a device.
    surfaces: Option<Surfaces>,
    codec: VideoCodec,
    size: (u32, u32),
    stated_rate: Option<Rational>,
    record: Option<bytes::Bytes>,
    /// Cuts that are in the encoder.
    cuts: Vec<i64>,
    /// Captions of pictures that are in the encoder. We write them: not every FFmpeg does, nor for every codec.
    captions: VecDeque<(i64, Vec<Triplet>)>,
}

impl Encoder {
    /// Opens the first that can be: hardware that is wanted, then software. What cannot be opened is complained about,
    /// and the parent is told.
    pub(super) fn open(
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
                    return Ok(Self {
                        inner,
                        surfaces,
                        codec: wanted.codec,
                        size,
                        stated_rate: look.stated_rate,
                        record: None,
                        cuts: Vec::new(),
                        captions: VecDeque::new(),
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

    pub(super) const fn size(&self) -> (u32, u32) {
        self.size
    }

    pub(super) fn encode(
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
        let sent = match &mut self.surfaces {
            Some(surfaces) => {
                surfaces.upload(image).and_then(|image| self.inner.send_frame(&image))
            }
            None => self.inner.send_frame(image),
        };
        self.receive(index, said);
        sent
    }

    /// Delivers what it holds.
    pub(super) fn finish(&mut self, index: u8, said: &mut Vec<FromChild>) {
        // Refused only if it is at its end already.
        let _ = self.inner.send_eof();
        self.receive(index, said);
    }

    /// Takes everything that is ready. The first unit carries the parameter sets: they become the configuration.
    fn receive(&mut self, index: u8, said: &mut Vec<FromChild>) {
        let mut packet = ffmpeg::Packet::empty();
        while self.inner.receive_packet(&mut packet).is_ok() {
            let (Some(pts), Some(bytes)) = (packet.pts(), packet.data()) else { continue };
            let Coded { record, data } = coded::take_apart(self.codec, bytes);
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
            let (keyframe, pts) = (cut.is_some(), Ticks(pts));
            said.push(FromChild::Unit(index, AccessUnit { pts, dts: pts, keyframe, data }));
        }
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
    let mut by_slice = threading::Config::count(usize::from(wanted.threads));
    by_slice.kind = threading::Type::Slice; // by frame would hold one picture back per thread
    context.set_threading(by_slice);
    let mut video = context.encoder().video()?;
    video.set_width(size.0);
    video.set_height(size.1);
    video.set_format(Pixel::YUV420P);
    video.set_time_base(ticks_base());
    let part = |value: u32| i32::try_from(value).unwrap_or(i32::MAX);
    let rate = look.frame_rate;
    video.set_frame_rate(Some(ffmpeg::Rational::new(part(rate.num), part(rate.den))));
    if source.aspect_ratio().numerator() > 0 {
        video.set_aspect_ratio(source.aspect_ratio());
    }
    video.set_colorspace(source.color_space());
    video.set_color_primaries(source.color_primaries());
    video.set_color_transfer_characteristic(source.color_transfer_characteristic());
    video.set_gop(KEYFRAME_DISTANCE);
    video.set_max_b_frames(0);
    video.set_bit_rate(usize::try_from(wanted.bit_rate).unwrap_or(usize::MAX));
    let surfaces = if name.ends_with("_vaapi") { Some(Surfaces::open(size)?) } else { None };
    if let Some(surfaces) = &surfaces {
        surfaces.feed(&mut video)?;
    }
    Ok((video.open_with(options(name, wanted))?, surfaces))
}

/// Each delivers a picture before the next one comes, an IDR picture where it is told to, and none where it is not.
fn options(name: &str, wanted: &Wanted) -> Dictionary<'static> {
    let threads = format!(
        "scenecut=0:open-gop=0:log-level=none:frame-threads=1:pools={}",
        wanted.threads.max(1)
    );
    let own: &[(&str, &str)] = match name {
        "libx264" => &[
            ("preset", "veryfast"),
            ("tune", "zerolatency"),
            ("forced-idr", "1"),
            ("sc_threshold", "0"),
        ],
        "libx265" => &[
            ("preset", "superfast"),
            ("tune", "zerolatency"),
            ("forced-idr", "1"),
            ("x265-params", &threads),
        ],
        "libaom-av1" => {
            &[("usage", "realtime"), ("cpu-used", "8"), ("lag-in-frames", "0"), ("row-mt", "1")]
        }
        "h264_nvenc" | "hevc_nvenc" | "av1_nvenc" => &[
            ("preset", "p4"),
            ("tune", "ull"),
            ("forced-idr", "1"),
            ("zerolatency", "1"),
            ("delay", "0"),
            ("no-scenecut", "1"),
        ],
        // Its IDR pictures are those of kind I; by itself it would hold one picture back.
        "h264_vaapi" | "hevc_vaapi" | "av1_vaapi" => &[("async_depth", "1")],
        _ => &[],
    };
    let cap = (u64::from(wanted.bit_rate) * 11 / 10).to_string();
    let buffer = wanted.bit_rate.to_string();
    let common = [("maxrate", &*cap), ("bufsize", &*buffer)];
    own.iter().copied().chain(common).collect()
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
            let wanted = Wanted { id, codec, bit_rate: 300_000, threads: 1, hardware };
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
