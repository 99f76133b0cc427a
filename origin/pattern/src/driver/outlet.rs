//! FLV over RTMP, or a transport stream over SRT or to standard output, by libavformat.
//!
//! In: packets. Out: bytes on the wire, or whose fault it is that they are not. Does not know what is in them.

use ffmpeg_next as ffmpeg;

use ffmpeg::util::error::{
    ECONNREFUSED, ECONNRESET, EHOSTUNREACH, EIO, ENETUNREACH, EPIPE, ETIMEDOUT,
};
use ffmpeg::{Dictionary, Packet, Rational, Rescale as _, codec, format};

use super::broken;
use super::encode::{AudioEncoder, VideoEncoder};
use crate::config::{Config, NETWORK_WAIT_US_MAX};
use crate::error::Error;
use crate::fault::Fate;

const VIDEO: usize = 0;
const AUDIO: usize = 1;
const MICROSECONDS: Rational = Rational(1, 1_000_000);

/// An open publication.
pub(super) struct Outlet {
    output: format::context::Output,
    video_time_base: Rational,
    frames: u64,
}

impl Outlet {
    pub(super) fn open(
        config: &Config,
        video: &VideoEncoder,
        audio: &AudioEncoder,
    ) -> Result<Self, Error> {
        let mut options = Dictionary::new();
        options.set("rw_timeout", &NETWORK_WAIT_US_MAX.to_string());
        let is_stream = config.is_transport_stream();
        if config.is_srt() {
            // A call that never listens; libsrt's own time is shorter than the handshake of a busy server.
            options.set("connect_timeout", "10000");
        } else {
            options.set("tcp_nodelay", "1");
        }
        let form = if is_stream { "mpegts" } else { "flv" };
        let mut output = format::output_as_with(&config.url, form, options).map_err(not_opened)?;
        for (context, time_base) in [
            (&*video.encoder as &codec::Context, video.time_base),
            (&*audio.encoder, AudioEncoder::time_base()),
        ] {
            let adding = |error| broken("describing a stream", error);
            let mut stream = output.add_stream_with(context).map_err(adding)?;
            stream.set_time_base(time_base);
            if context.frame_rate().numerator() > 0 {
                stream.set_avg_frame_rate(context.frame_rate());
            }
        }
        let mut options = Dictionary::new();
        if is_stream {
            // Each frame of sound in a packet of its own: the muxer would hold back some that fit into one.
            options.set("pes_payload_size", "0");
        } else {
            options.set("flvflags", "no_duration_filesize");
        }
        options.set("flush_packets", "1");
        output
            .write_header_with(options)
            .map_err(|error| Error::Refused { why: error.to_string() })?;
        Ok(Self { output, video_time_base: video.time_base, frames: 0 })
    }

    pub(super) fn write_video(&mut self, packet: Packet, fate: Fate) -> Result<(), Error> {
        self.write(packet, VIDEO, self.video_time_base, fate)?;
        self.frames += 1;
        Ok(())
    }

    pub(super) fn write_audio(&mut self, packet: Packet, fate: Fate) -> Result<(), Error> {
        self.write(packet, AUDIO, AudioEncoder::time_base(), fate)
    }

    /// Sends at once: libavformat's own interleaving would hold each frame back until the next sound.
    fn write(
        &mut self,
        mut packet: Packet,
        stream: usize,
        from: Rational,
        fate: Fate,
    ) -> Result<(), Error> {
        if fate.lost {
            return Ok(());
        }
        let to = self.output.stream(stream).map_or(from, |stream| stream.time_base());
        packet.set_stream(stream);
        packet.rescale_ts(from, to);
        let shift = fate.shift_us.rescale(MICROSECONDS, to);
        packet.set_pts(packet.pts().map(|pts| pts + shift));
        packet.set_dts(packet.dts().map(|dts| dts + shift));
        let sent = packet.write(&mut self.output);
        sent.map(drop).map_err(|error| self.not_sent(error))
    }

    /// Says goodbye; a server that is gone by now is no error.
    pub(super) fn close(mut self) {
        if let Err(error) = self.output.write_trailer() {
            tracing::debug!(%error, "the RTMP server did not wait for the end");
        }
    }

    fn not_sent(&self, error: ffmpeg::Error) -> Error {
        let frames = self.frames;
        match error {
            ffmpeg::Error::Other { errno: EPIPE | ECONNRESET | EIO | ETIMEDOUT }
            | ffmpeg::Error::Eof
            | ffmpeg::Error::Unknown => Error::Ended { frames, why: error.to_string() },
            _ => broken("sending a packet", error),
        }
    }
}

fn not_opened(error: ffmpeg::Error) -> Error {
    let why = error.to_string();
    match error {
        ffmpeg::Error::Other { errno: ECONNREFUSED | EHOSTUNREACH | ENETUNREACH | ETIMEDOUT } => {
            Error::Unreachable { why }
        }
        ffmpeg::Error::ProtocolNotFound => Error::NoEncoder { name: "RTMP protocol or FLV" },
        _ => Error::Refused { why },
    }
}
