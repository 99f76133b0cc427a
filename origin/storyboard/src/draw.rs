//! Draws pictures beside one another: keyframes in, one JPEG out.
//!
//! In: fragmented MP4 that has keyframes only. Out: a JPEG (ITU-T T.81) with a tile for each. Does not know where the
//! pictures come from.

use std::io::Write as _;
use std::os::fd::AsRawFd as _;

use ffmpeg_next as ffmpeg;
use ffmpeg_next::codec::{self, Id};
use ffmpeg_next::format::Pixel;
use ffmpeg_next::frame::Video as Frame;
use ffmpeg_next::media::Type;
use ffmpeg_next::software::scaling;

use crate::Error;

/// Black, and no colour.
const BLACK: [u8; 3] = [0, 128, 128];
/// The quantiser, 2 to 31: about 4 kB for a small picture.
const QUANTISER: i32 = 5;
/// Largest picture that is decoded, in pixels of one side: more is none of the ladder's.
const SIDE_MAX: u32 = 8192;

/// What is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spec {
    /// Width of a tile, in pixels, even.
    pub width: u32,
    /// Its height, even.
    pub height: u32,
    /// How many stand beside one another.
    pub tiles: u32,
}

/// Draws keyframes, which stand behind their init segment, as a strip.
///
/// # Errors
/// Any of [`Error`].
pub fn draw(film: Vec<u8>, spec: Spec) -> Result<Vec<u8>, Error> {
    // FFmpeg reads from what has a name: a pipe that is filled beside.
    let piped = |error: std::io::Error| Error::Broken(error.to_string());
    let (from, mut to) = std::io::pipe().map_err(piped)?;
    std::thread::scope(|scope| {
        // It may have what it needs before it has read everything: then the other end is gone.
        scope.spawn(move || to.write_all(&film));
        let drawn = strip(&format!("pipe:{}", from.as_raw_fd()), spec);
        drop(from);
        drawn
    })
}

/// Draws the keyframes of what FFmpeg knows as `input`.
fn strip(input: &str, spec: Spec) -> Result<Vec<u8>, Error> {
    let broken = |error: ffmpeg::Error| Error::Ffmpeg(error.to_string());
    let media = |error: ffmpeg::Error| Error::Media(error.to_string());
    ffmpeg::init().map_err(broken)?;
    let mut source = ffmpeg::format::input(&input).map_err(media)?;
    let stream = source.streams().best(Type::Video);
    let stream = stream.ok_or_else(|| Error::Media("there is no video".to_owned()))?;
    let index = stream.index();
    let context = codec::Context::from_parameters(stream.parameters()).map_err(media)?;
    let mut decoder = context.decoder().video().map_err(media)?;
    let mut strip = Strip::new(spec);
    for (of, packet) in source.packets() {
        if of.index() != index {
            continue;
        }
        // A picture that cannot be decoded leaves its tile black.
        let _ = decoder.send_packet(&packet);
        strip.receive(&mut decoder)?;
    }
    let _ = decoder.send_eof();
    strip.receive(&mut decoder)?;
    if strip.drawn == 0 {
        return Err(Error::Media("no picture could be decoded".to_owned()));
    }
    encode(&strip.image).map_err(broken)
}

/// The strip as it is filled.
struct Strip {
    spec: Spec,
    image: Frame,
    drawn: u32,
}

impl Strip {
    fn new(spec: Spec) -> Self {
        let mut image = Frame::new(Pixel::YUVJ420P, spec.width * spec.tiles, spec.height);
        for (plane, value) in BLACK.into_iter().enumerate() {
            image.data_mut(plane).fill(value);
        }
        Self { spec, image, drawn: 0 }
    }

    fn receive(&mut self, decoder: &mut ffmpeg::decoder::Video) -> Result<(), Error> {
        let mut picture = Frame::empty();
        while decoder.receive_frame(&mut picture).is_ok() {
            if self.drawn < self.spec.tiles {
                self.put(&picture).map_err(|error| Error::Media(error.to_string()))?;
                self.drawn += 1;
            }
        }
        Ok(())
    }

    /// Draws a picture into the next tile, as large as fits, in the middle.
    fn put(&mut self, picture: &Frame) -> Result<(), ffmpeg::Error> {
        let (from_width, from_height) = (picture.width(), picture.height());
        let sides = 1..=SIDE_MAX;
        if !sides.contains(&from_width) || !sides.contains(&from_height) {
            return Err(ffmpeg::Error::InvalidData);
        }
        let Spec { width, height, .. } = self.spec;
        let by_width = (width, (from_height * width / from_width) & !1);
        let by_height = ((from_width * height / from_height) & !1, height);
        let (to_width, to_height) = if by_width.1 <= height { by_width } else { by_height };
        let (to_width, to_height) = (to_width.max(2), to_height.max(2));
        let mut scaler = scaling::Context::get(
            picture.format(),
            from_width,
            from_height,
            Pixel::YUVJ420P,
            to_width,
            to_height,
            scaling::Flags::AREA,
        )?;
        let mut small = Frame::new(Pixel::YUVJ420P, to_width, to_height);
        scaler.run(picture, &mut small)?;
        let left = self.drawn * width + (((width - to_width) / 2) & !1);
        let top = ((height - to_height) / 2) & !1;
        for (plane, shift) in [(0, 0), (1, 1), (2, 1)] {
            let to = (to_width >> shift, to_height >> shift);
            copy(&small, &mut self.image, plane, (left >> shift, top >> shift), to);
        }
        Ok(())
    }
}

/// Copies a plane to a place in another picture.
fn copy(from: &Frame, to: &mut Frame, plane: usize, (left, top): (u32, u32), size: (u32, u32)) {
    let (from_stride, to_stride) = (from.stride(plane), to.stride(plane));
    let (width, left) = (size.0 as usize, left as usize);
    let rows = from.data(plane).chunks(from_stride).take(size.1 as usize);
    let places = to.data_mut(plane).chunks_mut(to_stride).skip(top as usize);
    for (row, place) in rows.zip(places) {
        if let (Some(row), Some(place)) = (row.get(..width), place.get_mut(left..left + width)) {
            place.copy_from_slice(row);
        }
    }
}

fn encode(image: &Frame) -> Result<Vec<u8>, ffmpeg::Error> {
    let codec = ffmpeg::encoder::find(Id::MJPEG).ok_or(ffmpeg::Error::EncoderNotFound)?;
    let mut encoder = codec::Context::new_with_codec(codec).encoder().video()?;
    encoder.set_width(image.width());
    encoder.set_height(image.height());
    encoder.set_format(Pixel::YUVJ420P);
    encoder.set_time_base((1, 25));
    encoder.set_qmin(QUANTISER);
    encoder.set_qmax(QUANTISER);
    let mut encoder = encoder.open()?;
    let mut image = image.clone();
    image.set_pts(Some(0));
    encoder.send_frame(&image)?;
    encoder.send_eof()?;
    let mut packet = ffmpeg::Packet::empty();
    encoder.receive_packet(&mut packet)?;
    Ok(packet.data().unwrap_or_default().to_vec())
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn keyframes_become_a_strip() {
        let directory = std::env::temp_dir().join(format!("storyboard-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let (film, strip) = (directory.join("film.mp4"), directory.join("strip.jpg"));
        let made = Command::new("ffmpeg")
            .args(["-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i"])
            .args(["color=red:size=320x240:rate=1", "-t", "4", "-g", "1", "-pix_fmt", "yuv420p"])
            .args(["-movflags", "frag_keyframe+empty_moov+default_base_moof"])
            .arg(&film)
            .status();
        assert!(made.unwrap().success());
        let spec = Spec { width: 160, height: 90, tiles: 6 };
        let jpeg = draw(std::fs::read(&film).unwrap(), spec).unwrap();
        assert!(jpeg.starts_with(&[0xff, 0xd8]) && jpeg.len() < 60_000, "{} bytes", jpeg.len());
        std::fs::write(&strip, &jpeg).unwrap();
        let decoded = Command::new("ffmpeg")
            .args(["-nostdin", "-v", "error", "-i"])
            .arg(&strip)
            .args(["-f", "rawvideo", "-pix_fmt", "rgb24", "-"])
            .output();
        let pixels = decoded.unwrap().stdout;
        assert_eq!(pixels.len(), 960 * 90 * 3);
        let at = |x: usize, y: usize| &pixels[(y * 960 + x) * 3..][..3];
        for tile in 0..4 {
            let middle = at(tile * 160 + 80, 45);
            assert!(middle[0] > 200 && middle[1] < 60, "tile {tile}: {middle:?}");
            let beside = at(tile * 160 + 8, 45);
            assert!(beside.iter().all(|level| *level < 40), "4:3 in 16:9: {beside:?}");
        }
        assert!(at(5 * 160 + 80, 45).iter().all(|level| *level < 40), "no picture, no tile");
        assert!(draw(Vec::new(), spec).is_err() && draw(vec![7; 1 << 20], spec).is_err());
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
