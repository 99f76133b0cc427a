//! What encodes films here, by name: whatever has the same makes the same bytes of the same file.
//!
//! In: the libraries that are loaded. Out: a line of text. Does not know films.

use std::fmt::Write as _;

use ffmpeg_next as ffmpeg;
use ffmpeg_next::format::Pixel;
use ffmpeg_next::frame::Video as Frame;
use ffmpeg_next::{codec, filter, software};

/// Grows whenever other bytes come of the same file by our own doing: settings, filters, the order of steps.
const REVISION: u32 = 2;
/// Lines and columns of the picture that is encoded to learn what encodes it.
const SIDE: u32 = 64;
/// What x264 and x265 say of themselves in their first unit, up to their builds, and what follows these.
const X264: (&[u8], &[u8]) = (b"x264 - core ", b" - ");
const X265: (&[u8], &[u8]) = (b"x265 (build ", b":[");
/// Characters of what they say.
const BUILD_CHARS_MAX: usize = 60;

/// The name of what encodes films: versions of the libraries, how they were built, the kind of processor, and our own
/// revision.
#[must_use]
pub fn identity() -> String {
    let version = |of: u32| format!("{}.{}.{}", of >> 16, of >> 8 & 0xff, of & 0xff);
    let mut name = format!("libavcodec {}", version(codec::version()));
    for (library, of) in [
        ("libavfilter", filter::version()),
        ("libswscale", software::scaling::version()),
        ("libswresample", software::resampling::version()),
    ] {
        // A String takes whatever is written.
        let _ = write!(name, ", {library} {}", version(of));
    }
    let x264 = first_unit("libx264", &[("x264-params", "log-level=error")]);
    let x264 = x264.ok().and_then(|unit| build(X264, &unit));
    let x264 = x264.map_or_else(|| "no x264".to_owned(), |text| format!("x264 core {text}"));
    let quiet = "log-level=none:pools=none:wpp=0:frame-threads=1";
    let x265 = first_unit("libx265", &[("x265-params", quiet)]);
    let x265 = x265.ok().and_then(|unit| build(X265, &unit));
    let x265 = x265.map(|text| format!("x265 build {}", text.replacen(") -", "", 1)));
    let x265 = x265.unwrap_or_else(|| "no x265".to_owned());
    // It says nothing of itself: what it makes of a picture tells it from others.
    let aom = first_unit("libaom-av1", &[("usage", "good"), ("cpu-used", "6")]);
    let aom =
        aom.map_or_else(|_| "no aom".to_owned(), |unit| format!("aom like {:08x}", digest(&unit)));
    let built = digest(codec::configuration().as_bytes());
    let processor = std::env::consts::ARCH;
    let _ = write!(name, ", {x264}, {x265}, {aom}, built {built:08x}, {processor}");
    let _ = write!(name, ", revision {REVISION}");
    name
}

/// What an encoder makes of one picture.
fn first_unit(name: &str, options: &[(&str, &str)]) -> Result<Vec<u8>, ffmpeg::Error> {
    ffmpeg::init()?;
    // What encoders reckon when they are closed is of no use to whoever reads a log.
    ffmpeg::log::set_level(ffmpeg::log::Level::Error);
    let codec = ffmpeg::encoder::find_by_name(name).ok_or(ffmpeg::Error::EncoderNotFound)?;
    let mut video = codec::Context::new_with_codec(codec).encoder().video()?;
    video.set_width(SIDE);
    video.set_height(SIDE);
    video.set_format(Pixel::YUV420P);
    video.set_time_base(ffmpeg::Rational::new(1, 25));
    let mut encoder = video.open_with(options.iter().copied().collect())?;
    let mut picture = Frame::new(Pixel::YUV420P, SIDE, SIDE);
    for plane in 0..picture.planes() {
        for (shade, byte) in (0..251_u8).cycle().zip(picture.data_mut(plane)) {
            *byte = shade;
        }
    }
    picture.set_pts(Some(0));
    encoder.send_frame(&picture)?;
    encoder.send_eof()?;
    let mut packet = ffmpeg::Packet::empty();
    encoder.receive_packet(&mut packet)?;
    Ok(packet.data().unwrap_or_default().to_vec())
}

/// What stands between two texts in a unit, if it is short.
fn build((before, after): (&[u8], &[u8]), unit: &[u8]) -> Option<String> {
    let at = unit.windows(before.len()).position(|window| window == before)?;
    let rest = unit.get(at + before.len()..)?;
    let mut windows = rest.windows(after.len()).take(BUILD_CHARS_MAX);
    let until = windows.position(|window| window == after)?;
    let text = std::str::from_utf8(rest.get(..until)?).ok()?;
    Some(text.to_owned())
}

/// Tells bytes apart (FNV-1a).
fn digest(bytes: &[u8]) -> u32 {
    let step = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    bytes.iter().copied().fold(0x811c_9dc5, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_encodes_has_a_name_that_is_the_same_each_time() {
        let name = identity();
        assert_eq!(name, identity());
        for part in [
            "libavcodec ",
            "libswscale ",
            ", x264 core ",
            ", x265 build ",
            ", aom like ",
            ", built ",
            ", revision 2",
        ] {
            assert!(name.contains(part), "{name}");
        }
        assert!(name.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{name}");
    }

    #[test]
    fn a_build_is_read_where_it_is_said_and_nowhere_else() {
        let said = b"\x06\x05..x264 - core 164 r3095 baee400 - H.264/MPEG-4 AVC codec";
        assert_eq!(build(X264, said).as_deref(), Some("164 r3095 baee400"));
        for other in [&b"x264 - core 164"[..], b"", b"x264 - core \xff\xff - "] {
            assert_eq!(build(X264, other), None);
        }
        let said = b"\x4e\x01..x265 (build 199) - 3.5+1-f0c1022b6:[Linux][GCC 12.2.0][64 bit]";
        assert_eq!(build(X265, said).as_deref(), Some("199) - 3.5+1-f0c1022b6"));
        assert_ne!(digest(b"--enable-a"), digest(b"--enable-b"));
    }
}
