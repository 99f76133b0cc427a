//! What encodes films here, by name: whatever has the same makes the same bytes of the same file.
//!
//! In: the libraries that are loaded. Out: a line of text. Does not know films.

use std::fmt::Write as _;

use ffmpeg_next as ffmpeg;
use ffmpeg_next::format::Pixel;
use ffmpeg_next::frame::Video as Frame;
use ffmpeg_next::{codec, filter, software};

/// Grows whenever other bytes come of the same file by our own doing: settings, filters, the order of steps.
const REVISION: u32 = 1;
/// Lines and columns of the picture that is encoded to learn what encodes it.
const SIDE: u32 = 64;
/// What x264 says of itself in its first unit, up to its build.
const X264: &[u8] = b"x264 - core ";
/// Characters of what it says.
const X264_CHARS_MAX: usize = 40;

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
    let x264 = x264().ok().flatten().unwrap_or_else(|| "no x264".to_owned());
    let (built, processor) = (digest(codec::configuration()), std::env::consts::ARCH);
    let _ = write!(name, ", {x264}, built {built:08x}, {processor}, revision {REVISION}");
    name
}

/// The build of x264, as it says in the first picture that it encodes: no library tells.
fn x264() -> Result<Option<String>, ffmpeg::Error> {
    ffmpeg::init()?;
    // What it reckons when it is closed is of no use to whoever reads a log.
    ffmpeg::log::set_level(ffmpeg::log::Level::Error);
    let codec = ffmpeg::encoder::find_by_name("libx264").ok_or(ffmpeg::Error::EncoderNotFound)?;
    let mut video = codec::Context::new_with_codec(codec).encoder().video()?;
    video.set_width(SIDE);
    video.set_height(SIDE);
    video.set_format(Pixel::YUV420P);
    video.set_time_base(ffmpeg::Rational::new(1, 25));
    let mut said = ffmpeg::Dictionary::new();
    said.set("x264-params", "log-level=error");
    let mut encoder = video.open_with(said)?;
    let mut picture = Frame::new(Pixel::YUV420P, SIDE, SIDE);
    for plane in 0..picture.planes() {
        picture.data_mut(plane).fill(128);
    }
    picture.set_pts(Some(0));
    encoder.send_frame(&picture)?;
    encoder.send_eof()?;
    let mut packet = ffmpeg::Packet::empty();
    encoder.receive_packet(&mut packet)?;
    Ok(packet.data().and_then(build))
}

/// `x264 core 164 r3095 baee400`, of a unit that says so.
fn build(unit: &[u8]) -> Option<String> {
    let at = unit.windows(X264.len()).position(|window| window == X264)?;
    let rest = unit.get(at + X264.len()..)?;
    let until = rest.windows(3).take(X264_CHARS_MAX).position(|window| window == b" - ")?;
    let text = std::str::from_utf8(rest.get(..until)?).ok()?;
    Some(format!("x264 core {text}"))
}

/// Tells texts apart (FNV-1a).
fn digest(text: &str) -> u32 {
    let step = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    text.bytes().fold(0x811c_9dc5, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_encodes_has_a_name_that_is_the_same_each_time() {
        let name = identity();
        assert_eq!(name, identity());
        for part in ["libavcodec ", "libswscale ", ", x264 core ", ", built ", ", revision 1"] {
            assert!(name.contains(part), "{name}");
        }
        assert!(name.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{name}");
    }

    #[test]
    fn a_build_is_read_where_it_is_said_and_nowhere_else() {
        let said = b"\x06\x05..x264 - core 164 r3095 baee400 - H.264/MPEG-4 AVC codec";
        assert_eq!(build(said).as_deref(), Some("x264 core 164 r3095 baee400"));
        for other in [&b"x264 - core 164"[..], b"", b"x264 - core \xff\xff - "] {
            assert_eq!(build(other), None);
        }
        assert_ne!(digest("--enable-a"), digest("--enable-b"));
    }
}
