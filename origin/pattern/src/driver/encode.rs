//! The two encoders: x264 without delay, and AAC.
//!
//! In: pictures and moments. Out: packets. Does not know the network.

use ffmpeg_next as ffmpeg;

use ffmpeg::codec::encoder;
use ffmpeg::format::{Pixel, Sample, sample};
use ffmpeg::util::frame;
use ffmpeg::{ChannelLayout, Dictionary, Packet, Rational, codec, color};

use shared_media::VideoCodec;
use shared_media::closed_captions::{self, Triplet};

use super::broken;
use crate::config::{Codec, Config};
use crate::error::Error;
use crate::picture::canvas::Canvas;
use crate::sound::{self, SAMPLE_RATE};

/// Samples in a frame of AAC-LC (ISO/IEC 14496-3, 4.5.1.1).
const BLOCK_SAMPLES: u64 = 1024;

/// Pictures in, H.264 out: Main profile, closed groups, no reordering, each frame at once.
pub(super) struct VideoEncoder {
    pub(super) encoder: encoder::Video,
    /// One frame of the card.
    pub(super) time_base: Rational,
    codec: VideoCodec,
    frame: frame::Video,
}

impl VideoEncoder {
    pub(super) fn open(config: &Config) -> Result<Self, Error> {
        let name = match config.codec {
            Codec::Avc => "libx264",
            Codec::Hevc => "libx265",
        };
        let found = encoder::find_by_name(name).ok_or(Error::NoEncoder { name })?;
        let open = |error| broken("opening the video encoder", error);
        let mut video = codec::Context::new_with_codec(found).encoder().video().map_err(open)?;
        let rate = Rational::new(i32::try_from(config.frame_rate).unwrap_or(i32::MAX), 1);
        video.set_width(config.width);
        video.set_height(config.height);
        video.set_format(Pixel::YUV420P);
        video.set_time_base(rate.invert());
        video.set_frame_rate(Some(rate));
        video.set_gop(config.gop_frames);
        video.set_max_b_frames(0);
        video.set_bit_rate(config.video_bit_rate as usize);
        video.set_colorspace(color::Space::BT709);
        video.set_color_primaries(color::Primaries::BT709);
        video.set_color_transfer_characteristic(color::TransferCharacteristic::BT709);
        video.set_color_range(color::Range::MPEG);
        video.set_flags(codec::Flags::GLOBAL_HEADER | codec::Flags::CLOSED_GOP);
        let bit_rate = config.video_bit_rate.to_string();
        let mut options = Dictionary::new();
        let gop = config.gop_frames;
        // Closed groups of one length, whatever the picture; what x264 is told by options, x265 is by parameters.
        let own = format!(
            "keyint={gop}:min-keyint={gop}:scenecut=0:open-gop=0:bframes=0:pools=1:log-level=none"
        );
        let of_codec: &[(&str, &str)] = match config.codec {
            Codec::Avc => &[("sc_threshold", "0"), ("profile", "main"), ("threads", "1")],
            Codec::Hevc => &[("x265-params", &own)],
        };
        let all = [
            ("preset", "superfast"),
            ("tune", "zerolatency"),
            ("forced-idr", "1"),
            ("maxrate", &bit_rate),
            ("bufsize", &bit_rate),
        ];
        for (name, value) in all.iter().chain(of_codec) {
            options.set(name, value);
        }
        Ok(Self {
            encoder: video.open_with(options).map_err(open)?,
            time_base: rate.invert(),
            codec: match config.codec {
                Codec::Avc => VideoCodec::Avc,
                Codec::Hevc => VideoCodec::Hevc,
            },
            frame: frame::Video::new(Pixel::YUV420P, config.width, config.height),
        })
    }

    /// Encodes a frame with these captions beside it.
    pub(super) fn encode(
        &mut self,
        picture: &Canvas,
        number: u64,
        captions: &[Triplet],
    ) -> Result<Vec<Packet>, Error> {
        for (plane, samples, width) in [
            (0, &picture.luma, picture.width),
            (1, &picture.blue, picture.width / 2),
            (2, &picture.red, picture.width / 2),
        ] {
            let stride = self.frame.stride(plane);
            let rows = self.frame.data_mut(plane).chunks_mut(stride);
            for (to, from) in rows.zip(samples.chunks_exact(width)) {
                to[..width].copy_from_slice(from);
            }
        }
        self.frame.set_pts(Some(number.cast_signed()));
        let failed = |error| broken("encoding a picture", error);
        self.encoder.send_frame(&self.frame).map_err(failed)?;
        let mut packets = drain(&mut self.encoder);
        let own = |packet: &&mut Packet| packet.pts() == Some(number.cast_signed());
        if let Some(packet) = packets.iter_mut().find(own).filter(|_| !captions.is_empty()) {
            *packet = self.with_captions(packet, captions);
        }
        Ok(packets)
    }

    /// The packet with an SEI before it. FFmpeg's own way needs memory of its own that only unsafe code can fill.
    fn with_captions(&self, packet: &Packet, captions: &[Triplet]) -> Packet {
        let message = closed_captions::message(self.codec, captions);
        let picture = packet.data().unwrap_or_default();
        let mut captioned = Packet::copy(&[&[0, 0, 0, 1], &message[..], picture].concat());
        captioned.set_pts(packet.pts());
        captioned.set_dts(packet.dts());
        captioned.set_duration(packet.duration());
        captioned.set_flags(packet.flags());
        captioned
    }
}

/// Moments in, AAC out.
pub(super) struct AudioEncoder {
    pub(super) encoder: encoder::Audio,
    frame: frame::Audio,
    blocks: u64,
    beep: bool,
}

impl AudioEncoder {
    /// One sample.
    pub(super) fn time_base() -> Rational {
        Rational::new(1, SAMPLE_RATE.cast_signed())
    }

    pub(super) fn open(config: &Config) -> Result<Self, Error> {
        let name = "aac";
        let found = encoder::find_by_name(name).ok_or(Error::NoEncoder { name })?;
        let open = |error| broken("opening the audio encoder", error);
        let mut audio = codec::Context::new_with_codec(found).encoder().audio().map_err(open)?;
        let format = Sample::F32(sample::Type::Planar);
        audio.set_rate(SAMPLE_RATE.cast_signed());
        audio.set_format(format);
        audio.set_channel_layout(ChannelLayout::STEREO);
        audio.set_bit_rate(config.audio_bit_rate as usize);
        audio.set_time_base(Self::time_base());
        audio.set_flags(codec::Flags::GLOBAL_HEADER);
        let mut frame = frame::Audio::new(format, BLOCK_SAMPLES as usize, ChannelLayout::STEREO);
        frame.set_rate(SAMPLE_RATE);
        Ok(Self { encoder: audio.open().map_err(open)?, frame, blocks: 0, beep: config.beep })
    }

    /// When the next block begins, in microseconds after the start.
    pub(super) fn next_block_us(&self) -> u64 {
        self.blocks * BLOCK_SAMPLES * 1_000_000 / u64::from(SAMPLE_RATE)
    }

    /// When the next block is over and may be sent.
    pub(super) fn next_block_end_us(&self) -> u64 {
        (self.blocks + 1) * BLOCK_SAMPLES * 1_000_000 / u64::from(SAMPLE_RATE)
    }

    /// Encodes the next block, whose first sample is at `first_utc_us`.
    pub(super) fn encode(&mut self, first_utc_us: i64) -> Result<Vec<Packet>, Error> {
        for channel in 0..2 {
            let samples = self.frame.plane_mut::<f32>(channel);
            if self.beep {
                sound::fill(samples, first_utc_us);
            } else {
                samples.fill(0.0);
            }
        }
        self.frame.set_pts(Some((self.blocks * BLOCK_SAMPLES).cast_signed()));
        self.blocks += 1;
        let failed = |error| broken("encoding sound", error);
        self.encoder.send_frame(&self.frame).map_err(failed)?;
        let mut packets = drain(&mut self.encoder);
        // The encoder's run-in lies before the start; FLV cannot say so, and without it nothing but one block's first
        // half is lost.
        packets.retain(|packet| packet.pts().is_some_and(|pts| pts >= 0));
        Ok(packets)
    }
}

fn drain(encoder: &mut encoder::Encoder) -> Vec<Packet> {
    let mut packets = Vec::new();
    loop {
        let mut packet = Packet::empty();
        // Both "needs more" and "at the end" stop here; a real failure shows at the next `send_frame`.
        if encoder.receive_packet(&mut packet).is_err() {
            return packets;
        }
        packets.push(packet);
    }
}
