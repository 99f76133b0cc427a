//! The look itself: the only place with FFmpeg.
//!
//! In: a path. Out: [`MediaInfo`], or a [`Refusal`]. Does not know who asks.

use std::io::Read as _;
use std::path::Path;

use ffmpeg_next as ffmpeg;

use ffmpeg::codec::packet::side_data::Type as Side;
use ffmpeg::color::TransferCharacteristic as Transfer;
use ffmpeg::format::context::Input;
use ffmpeg::format::stream::{Disposition, Stream};
use ffmpeg::media::Type;
use ffmpeg::{Dictionary, DictionaryRef, Packet, Rational, Rescale as _, codec, format};
use shared_wire::api::{AudioInfo, Chapter, MediaInfo, StreamInfo, VideoInfo};

use crate::Refusal;
use crate::complexity;
use crate::config::{
    CHAPTERS_MAX, DEMUXERS, DURATION_US_MAX, DURATION_US_MIN, MISSING_US_MAX, PACKETS_MAX,
    PROBE_BYTES_MAX, PROBE_US_MAX, PROTOCOLS, PROTOCOLS_OF_HOUSE, SIDE_MAX, SIDE_MIN, STREAMS_MAX,
    TEXT_CHARS_MAX,
};
use crate::place;
use crate::sniff::playlist;

const MICROSECONDS: Rational = Rational(1, 1_000_000);
const MILLISECONDS: Rational = Rational(1, 1000);
/// Bytes that are looked at for a playlist.
const SNIFFED_BYTES: u64 = 4096;

/// Looks into a file. It blocks, and belongs in a process of its own.
///
/// # Errors
/// Why the file is not taken.
pub fn probe(path: &Path) -> Result<MediaInfo, Refusal> {
    sniff(path)?;
    let unreadable = |error: ffmpeg::Error| Refusal::Unreadable(error.to_string());
    ffmpeg::init().map_err(unreadable)?;
    ffmpeg::log::set_level(ffmpeg::log::Level::Quiet);
    let mut input = open(path).map_err(unreadable)?;
    let count = input.streams().count();
    if count > STREAMS_MAX {
        return Err(Refusal::TooManyStreams(count));
    }
    if input.streams().any(|stream| is_encrypted(&stream)) {
        return Err(Refusal::Encrypted);
    }
    let seen = first_pictures(&mut input, count)?;
    let mut streams: Vec<StreamInfo> = input
        .streams()
        .map(|stream| tell(&stream, seen.get(stream.index()).copied().unwrap_or_default()))
        .collect();
    let mut film = streams.iter().filter(|one| !one.video.as_ref().is_some_and(|v| v.is_cover));
    if !film.any(|one| one.video.is_some() || one.audio.is_some()) {
        return Err(Refusal::NoStreams);
    }
    for video in streams.iter().filter_map(|one| one.video.as_ref()) {
        let sides = SIDE_MIN..=SIDE_MAX;
        if !sides.contains(&video.width) || !sides.contains(&video.height) {
            return Err(Refusal::Dimensions(video.width, video.height));
        }
    }
    let duration_us = input.duration();
    if !(DURATION_US_MIN..=DURATION_US_MAX).contains(&duration_us) {
        return Err(Refusal::Duration(duration_us / 1000));
    }
    let whole = input.io_size();
    let from_us = first_us(&input);
    check_end(&mut input, from_us, duration_us)?;
    for (at, stream) in streams.iter_mut().enumerate() {
        if let Some(video) = stream.video.as_mut().filter(|video| !video.is_cover) {
            let found = complexity::look(&mut input, at, (from_us, duration_us));
            (video.complexity_percent, video.keyframe_ms_max) =
                (found.percent, found.keyframe_ms_max);
            break; // further ones are not the film
        }
    }
    Ok(MediaInfo {
        container: input.format().name().to_owned(),
        duration_ms: u64::try_from(duration_us / 1000).unwrap_or_default(),
        bits_per_s: bits_per_s(&input, whole, duration_us),
        streams,
        chapters: chapters(&input),
    })
}

fn sniff(path: &Path) -> Result<(), Refusal> {
    let mut start = Vec::new();
    place::open(path)
        .and_then(|file| file.take(SNIFFED_BYTES).read_to_end(&mut start))
        .map_err(|error| Refusal::Unreadable(error.to_string()))?;
    if start.is_empty() {
        return Err(Refusal::Empty);
    }
    playlist(&start).map_or(Ok(()), |kind| Err(Refusal::Playlist(kind.to_owned())))
}

fn open(path: &Path) -> Result<Input, ffmpeg::Error> {
    let mut options = Dictionary::new();
    if place::of_house(path).is_some() {
        options.set("protocol_whitelist", PROTOCOLS_OF_HOUSE);
        options.set("http_proxy", ""); // whatever the environment says
    } else {
        options.set("protocol_whitelist", PROTOCOLS);
    }
    options.set("format_whitelist", DEMUXERS);
    options.set("probesize", &PROBE_BYTES_MAX.to_string());
    options.set("analyzeduration", &PROBE_US_MAX.to_string());
    options.set("max_streams", &(STREAMS_MAX + 1).to_string());
    format::input_with_dictionary(&path, options)
}

fn is_encrypted(stream: &Stream<'_>) -> bool {
    let is_key = |kind| matches!(kind, Side::EncryptionInitInfo | Side::EncryptionInfo);
    stream.side_data().any(|data| is_key(data.kind()))
}

/// What only the first picture of a stream says.
#[derive(Debug, Clone, Copy, Default)]
struct First {
    /// It is two fields.
    is_interlaced: bool,
    /// Its packet says when it is decoded, and not when it is shown.
    is_untimed: bool,
}

/// Decodes the first picture of each video stream.
fn first_pictures(input: &mut Input, count: usize) -> Result<Vec<First>, Refusal> {
    let mut decoders: Vec<Option<ffmpeg::decoder::Video>> = (0..count).map(|_| None).collect();
    for stream in input.streams() {
        if stream.parameters().medium() == Type::Video && !is_cover(&stream) {
            let context = codec::Context::from_parameters(stream.parameters());
            let opened = context.and_then(|context| context.decoder().video()).ok();
            if let Some(place) = decoders.get_mut(stream.index()) {
                *place = opened;
            }
        }
    }
    let mut seen = vec![First::default(); count];
    let mut picture = ffmpeg::frame::Video::empty();
    for _ in 0..PACKETS_MAX {
        let mut packet = Packet::empty();
        if packet.read(input).is_err() {
            break; // what is missing is judged by the end of the file
        }
        if packet.side_data().any(|data| data.kind() == Side::EncryptionInfo) {
            return Err(Refusal::Encrypted);
        }
        let at = packet.stream();
        let Some(place) = decoders.get_mut(at) else { continue };
        let (Some(decoder), Some(seen)) = (&mut *place, seen.get_mut(at)) else { continue };
        seen.is_untimed |= packet.is_key() && packet.pts().is_none() && packet.dts().is_some();
        let _ = decoder.send_packet(&packet); // one that cannot be decoded says nothing
        if decoder.receive_frame(&mut picture).is_ok() {
            seen.is_interlaced = picture.is_interlaced();
            *place = None;
        }
        if decoders.iter().all(Option::is_none) {
            break;
        }
    }
    Ok(seen)
}

/// Where the file begins, in microseconds of media.
fn first_us(input: &Input) -> i64 {
    let told = input.streams().filter(|one| one.start_time() != ffmpeg::ffi::AV_NOPTS_VALUE);
    let begins = told.map(|one| one.start_time().rescale(one.time_base(), MICROSECONDS));
    begins.min().unwrap_or_default()
}

/// Refuses a file whose last seconds cannot be read.
fn check_end(input: &mut Input, first_us: i64, duration_us: i64) -> Result<(), Refusal> {
    let missing_max_us = MISSING_US_MAX.min(duration_us / 4);
    let from_us = first_us.saturating_add(duration_us - missing_max_us);
    let bases: Vec<Rational> = input.streams().map(|stream| stream.time_base()).collect();
    // What cannot be sought in is read from here on.
    let _ = input.seek(from_us, ..from_us);
    let mut last_us = None;
    for _ in 0..PACKETS_MAX * 10 {
        let mut packet = Packet::empty();
        if packet.read(input).is_err() {
            break;
        }
        let Some(base) = bases.get(packet.stream()) else { continue };
        let Some(time) = packet.pts().or(packet.dts()) else { continue };
        let end = time.saturating_add(packet.duration().max(0));
        last_us = last_us.max(Some(end.rescale(*base, MICROSECONDS)));
        if last_us >= Some(from_us) {
            return Ok(());
        }
    }
    let last_ms = last_us.map_or(0, |us| us.saturating_sub(first_us).max(0) / 1000);
    let whole_ms = duration_us / 1000;
    Err(Refusal::Truncated(format!("it says {whole_ms} ms and ends at {last_ms} ms")))
}

fn bits_per_s(input: &Input, bytes: Option<i64>, duration_us: i64) -> u64 {
    let told = u64::try_from(input.bit_rate()).unwrap_or_default();
    let bytes = bytes.filter(|bytes| *bytes > 0);
    let counted = bytes.map(|bytes| i128::from(bytes) * 8_000_000 / i128::from(duration_us.max(1)));
    counted.and_then(|counted| u64::try_from(counted).ok()).unwrap_or(told)
}

fn tell(stream: &Stream<'_>, first: First) -> StreamInfo {
    let parameters = stream.parameters();
    let (kind, codec) = (parameters.medium(), parameters.id().name().to_owned());
    let bits_per_s = u64::try_from(parameters.bit_rate()).ok().filter(|bits| *bits > 0);
    let metadata = stream.metadata();
    let context = codec::Context::from_parameters(parameters).ok();
    let video = |context: codec::Context| context.decoder().video().ok();
    let audio = |context: codec::Context| context.decoder().audio().ok();
    let (video, audio) = match kind {
        Type::Video => (context.and_then(video), None),
        Type::Audio => (None, context.and_then(audio)),
        _ => (None, None),
    };
    StreamInfo {
        kind: match kind {
            Type::Video => "video",
            Type::Audio => "audio",
            Type::Subtitle => "subtitle",
            Type::Attachment => "attachment",
            _ => "data",
        }
        .to_owned(),
        codec,
        language: text(&metadata, "language").filter(|language| language != "und"),
        title: text(&metadata, "title"),
        is_default: stream.disposition().contains(Disposition::DEFAULT),
        // Matroska has no field for it; those who write it do so in a tag.
        bits_per_s: bits_per_s.or_else(|| text(&metadata, "BPS")?.parse().ok()),
        video: video.map(|decoder| pictures(stream, &decoder, first)),
        audio: audio.map(|decoder| AudioInfo {
            channels: decoder.channels(),
            layout: layout(decoder.channel_layout(), decoder.channels()),
            samples_per_s: decoder.rate(),
        }),
    }
}

fn pictures(stream: &Stream<'_>, decoder: &ffmpeg::decoder::Video, first: First) -> VideoInfo {
    let (average, base) = (stream.avg_frame_rate(), stream.rate());
    let thousandth = |rate: Rational| {
        let seconds = i64::from(rate.denominator());
        let pictures = i64::from(rate.numerator()).saturating_mul(1000);
        pictures.checked_div(seconds).and_then(|rate| u32::try_from(rate).ok()).unwrap_or_default()
    };
    let (average, base) = (thousandth(average), thousandth(base));
    let dolby = stream.side_data().any(|data| data.kind() == Side::DOVI_CONF);
    let curve = match decoder.color_transfer_characteristic() {
        Transfer::SMPTE2084 => Some("pq"),
        Transfer::ARIB_STD_B67 => Some("hlg"),
        _ => None,
    };
    let (hdr, hdr_base) = if dolby { (Some("dolby-vision"), curve) } else { (curve, None) };
    let name = decoder.format().descriptor().map_or("unknown", |form| form.name());
    VideoInfo {
        width: decoder.width(),
        height: decoder.height(),
        pixel_format: name.to_owned(),
        frames_per_1000_s: average,
        // The base rate is the least that all times fit; a hundredth apart is rounding.
        is_vfr: average > 0 && base.abs_diff(average) > average / 100,
        is_interlaced: first.is_interlaced,
        rotation: rotation(stream),
        hdr: hdr.map(str::to_owned),
        hdr_base: hdr_base.map(str::to_owned),
        is_cover: is_cover(stream),
        shown_width: shown_width(decoder),
        complexity_percent: None,
        keyframe_ms_max: None,
        is_untimed: first.is_untimed,
    }
}

/// How wide a line is shown, where pixels are not square.
fn shown_width(decoder: &ffmpeg::decoder::Video) -> Option<u32> {
    let aspect = decoder.aspect_ratio();
    let (wide, high) = (i64::from(aspect.numerator()), i64::from(aspect.denominator()));
    let width = (i64::from(decoder.width()) * wide + high / 2).checked_div(high)?;
    let width = u32::try_from(width).ok().filter(|width| (SIDE_MIN..=SIDE_MAX).contains(width))?;
    (width != decoder.width()).then_some(width)
}

fn is_cover(stream: &Stream<'_>) -> bool {
    stream.disposition().contains(Disposition::ATTACHED_PIC)
}

/// How far pictures are to be turned clockwise, of the four ways there are: the display matrix turns the other way
/// (libavutil's `display.h`).
fn rotation(stream: &Stream<'_>) -> u16 {
    let matrix = stream.side_data().find(|data| data.kind() == Side::DisplayMatrix);
    let Some(matrix) = matrix else { return 0 };
    let number = |at: usize| {
        let bytes = matrix.data().get(at * 4..at * 4 + 4)?;
        Some(i32::from_ne_bytes(bytes.try_into().ok()?))
    };
    match (number(0), number(1), number(3)) {
        (Some(0), Some(b), Some(_)) if b > 0 => 90,
        (Some(0), Some(b), Some(_)) if b < 0 => 270,
        (Some(a), ..) if a < 0 => 180,
        _ => 0,
    }
}

fn layout(layout: ffmpeg::ChannelLayout, channels: u16) -> String {
    use ffmpeg::ChannelLayout as L;
    let known = [
        (L::MONO, "mono"),
        (L::STEREO, "stereo"),
        (L::_2POINT1, "2.1"),
        (L::SURROUND, "3.0"),
        (L::QUAD, "quad"),
        (L::_4POINT0, "4.0"),
        (L::_5POINT0, "5.0(side)"),
        (L::_5POINT0_BACK, "5.0"),
        (L::_5POINT1, "5.1(side)"),
        (L::_5POINT1_BACK, "5.1"),
        (L::_6POINT1, "6.1"),
        (L::_7POINT1, "7.1"),
    ];
    let name = known.iter().find(|(known, _)| *known == layout).map(|(_, name)| *name);
    name.map_or_else(|| format!("{channels} channels"), str::to_owned)
}

fn chapters(input: &Input) -> Vec<Chapter> {
    let ms = |time: i64, base: Rational| {
        u64::try_from(time.rescale(base, MILLISECONDS)).unwrap_or_default()
    };
    let chapter = |chapter: ffmpeg::Chapter<'_>| Chapter {
        start_ms: ms(chapter.start(), chapter.time_base()),
        end_ms: ms(chapter.end(), chapter.time_base()),
        title: text(&chapter.metadata(), "title").unwrap_or_default(),
    };
    input.chapters().take(CHAPTERS_MAX).map(chapter).collect()
}

/// What a file says of itself, as far as it can be printed.
fn text(said: &DictionaryRef<'_>, key: &str) -> Option<String> {
    let text: String =
        said.get(key)?.chars().filter(|c| !c.is_control()).take(TEXT_CHARS_MAX).collect();
    (!text.is_empty()).then_some(text)
}
