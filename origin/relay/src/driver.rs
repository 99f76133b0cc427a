//! The relay itself: the only place with clocks, FFmpeg and resolvers.
//!
//! In: an address. Out: a transport stream in real time. Does not know what becomes of it.

mod proxy;
mod way;

use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use ffmpeg_next as ffmpeg;

use ffmpeg::media::Type;
use ffmpeg::{Dictionary, Packet, Rational, codec, format};

use self::way::Way;
use crate::Error;
use crate::config::{NETWORK_WAIT_US_MAX, PROBE_BYTES_MAX, PROBE_US_MAX, PROTOCOLS};
use crate::machine::pace::Pace;
use crate::machine::source::{self, Rtmp};

/// Where the transport stream goes.
const OUTPUT: &str = "pipe:1";
const MICROSECONDS: Rational = Rational(1, 1_000_000);

/// Fetches `url` and writes it to standard output until the source ends. It blocks, and belongs in a process of its
/// own.
///
/// # Errors
/// Whatever ends it, with whose fault it is.
pub fn relay(url: &str, allow_private: bool) -> Result<(), Error> {
    let way = Way::new(allow_private)?;
    let found = way.find(&source::read(url)?)?;
    ffmpeg::init().map_err(broken)?;
    ffmpeg::log::set_level(ffmpeg::log::Level::Fatal); // its errors quote addresses
    let mut input = open(url, &found, &way)?;
    let mut output = format::output_as(&OUTPUT, "mpegts").map_err(broken)?;
    let taken = streams(&input, &mut output)?;
    let mut options = Dictionary::new();
    options.set("flush_packets", "1");
    output.write_header_with(options).map_err(broken)?;
    let (mut pace, begun) = (Pace::default(), Instant::now());
    loop {
        let mut packet = Packet::empty();
        match packet.read(&mut input) {
            Ok(()) => {}
            Err(ffmpeg::Error::InvalidData) => continue, // one packet is lost
            Err(ffmpeg::Error::Eof) => break,
            Err(error) => return Err(Error::Unreachable(error.to_string())),
        }
        let Some(to) = taken.get(packet.stream()).copied().flatten() else { continue };
        let Some(from) = input.stream(packet.stream()).map(|stream| stream.time_base()) else {
            continue;
        };
        if let Some(dts) = packet.dts() {
            let now_us = i64::try_from(begun.elapsed().as_micros()).unwrap_or(i64::MAX);
            let dts_us = ffmpeg::Rescale::rescale(&dts, from, MICROSECONDS);
            thread::sleep(Duration::from_micros(pace.wait_us(dts_us, now_us)));
        }
        packet.set_stream(to);
        packet.set_position(-1);
        let base = output.stream(to).map_or(from, |stream| stream.time_base());
        packet.rescale_ts(from, base);
        packet.write(&mut output).map_err(broken)?;
    }
    output.write_trailer().map_err(broken)
}

/// Opens the source.
fn open(url: &str, found: &[SocketAddr], way: &Way) -> Result<format::context::Input, Error> {
    let Some(rtmp) = Rtmp::read(url) else { return open_http(url, way) };
    let opened = |at: SocketAddr| {
        let mut options = Dictionary::new();
        options.set("rtmp_tcurl", &rtmp.told());
        open_at(&rtmp.at(at), options)
    };
    if rtmp.is_secure() {
        return opened(way.under_tls(&source::read(url)?, found)?);
    }
    // By the very addresses that were checked, the first that answers.
    let mut failed = Error::Address("has a host whose name stands for nothing");
    for address in found {
        match opened(*address) {
            Ok(input) => return Ok(input),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

/// Where a playlist or a redirection leads is checked by the proxy, and connected to. RTMP has neither.
fn open_http(url: &str, way: &Way) -> Result<format::context::Input, Error> {
    let mut options = Dictionary::new();
    options.set("http_proxy", &format!("http://{}", way.proxy()?));
    options.set("http_persistent", "0");
    // What it speaks TLS with is the proxy, which speaks it with the server and looks at its certificate.
    options.set("tls_verify", "0");
    open_at(url, options)
}

fn open_at(url: &str, mut options: Dictionary) -> Result<format::context::Input, Error> {
    options.set("protocol_whitelist", PROTOCOLS);
    options.set("rw_timeout", &NETWORK_WAIT_US_MAX.to_string());
    options.set("probesize", &PROBE_BYTES_MAX.to_string());
    options.set("analyzeduration", &PROBE_US_MAX.to_string());
    format::input_with_dictionary(&url, options)
        .map_err(|error| Error::Unreachable(error.to_string()))
}

/// The best video and the best audio, and the place each has in the output.
fn streams(
    input: &format::context::Input,
    output: &mut format::context::Output,
) -> Result<Vec<Option<usize>>, Error> {
    let mut taken = vec![None; input.streams().count()];
    let mut next = 0;
    for kind in [Type::Video, Type::Audio] {
        let Some(stream) = input.streams().best(kind) else { continue };
        let context = codec::Context::from_parameters(stream.parameters()).map_err(broken)?;
        output.add_stream_with(&context).map_err(broken)?;
        if let Some(place) = taken.get_mut(stream.index()) {
            *place = Some(next);
        }
        next += 1;
    }
    if next == 0 {
        return Err(Error::Nothing);
    }
    Ok(taken)
}

fn broken(error: ffmpeg::Error) -> Error {
    Error::Broken(error.to_string())
}
