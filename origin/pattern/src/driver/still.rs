//! A picture from a file, as a slate.
//!
//! In: a file and the size of the canvas. Out: the canvas, or what is wrong with the file.

use std::path::Path;

use ffmpeg_next as ffmpeg;

use ffmpeg::codec;
use ffmpeg::format::Pixel;
use ffmpeg::media::Type;
use ffmpeg::software::scaling;
use ffmpeg::util::frame::Video as Frame;

use crate::config::{HEIGHT_MAX, WIDTH_MAX};
use crate::error::Error;
use crate::picture::canvas::{Canvas, Color};
use crate::picture::slate;

/// The longest side of a picture that is taken.
const SIDE_MAX: u32 = 16_384;

/// The first picture of a file, as large as fits, in the middle of black.
pub(super) fn load(file: &Path, width: u32, height: u32) -> Result<Canvas, Error> {
    let bad = |error: ffmpeg::Error| Error::Picture { why: error.to_string() };
    // What is named like an address would be fetched.
    let whole = file.canonicalize().map_err(|error| Error::Picture { why: error.to_string() })?;
    let mut source = ffmpeg::format::input(&whole).map_err(bad)?;
    let stream = source.streams().best(Type::Video);
    let stream = stream.ok_or_else(|| Error::Picture { why: "there is none in it".to_owned() })?;
    let index = stream.index();
    let context = codec::Context::from_parameters(stream.parameters()).map_err(bad)?;
    let mut decoder = context.decoder().video().map_err(bad)?;
    let mut picture = Frame::empty();
    for (of, packet) in source.packets() {
        if of.index() != index {
            continue;
        }
        decoder.send_packet(&packet).map_err(bad)?;
        if decoder.receive_frame(&mut picture).is_ok() {
            return fit(&picture, width, height);
        }
    }
    decoder.send_eof().map_err(bad)?;
    decoder.receive_frame(&mut picture).map_err(bad)?;
    fit(&picture, width, height)
}

fn fit(picture: &Frame, width: u32, height: u32) -> Result<Canvas, Error> {
    let bad = |error: ffmpeg::Error| Error::Picture { why: error.to_string() };
    let (from_width, from_height) = (picture.width(), picture.height());
    let sides = 1..=SIDE_MAX;
    if !sides.contains(&from_width) || !sides.contains(&from_height) {
        return Err(Error::Picture { why: format!("{from_width}x{from_height} is too large") });
    }
    // Below 2^14 times 2^12 each, so that nothing runs over.
    let (width, height) = (width.min(WIDTH_MAX), height.min(HEIGHT_MAX));
    let by_width = (width, (from_height * width / from_width) & !1);
    let by_height = ((from_width * height / from_height) & !1, height);
    let (to_width, to_height) = if by_width.1 <= height { by_width } else { by_height };
    let (to_width, to_height) = (to_width.max(2), to_height.max(2));
    let mut scaler = scaling::Context::get(
        picture.format(),
        from_width,
        from_height,
        Pixel::YUV420P,
        to_width,
        to_height,
        scaling::Flags::BICUBIC,
    )
    .map_err(bad)?;
    let mut scaled = Frame::new(Pixel::YUV420P, to_width, to_height);
    scaler.run(picture, &mut scaled).map_err(bad)?;
    let (columns, rows) = (to_width as usize, to_height as usize);
    let mut canvas = Canvas::new(columns, rows, Color::rgb(0, 0, 0));
    for (plane, samples, columns) in [
        (0, &mut canvas.luma, columns),
        (1, &mut canvas.blue, columns / 2),
        (2, &mut canvas.red, columns / 2),
    ] {
        let lines = scaled.data(plane).chunks(scaled.stride(plane));
        for (to, from) in samples.chunks_exact_mut(columns.max(1)).zip(lines) {
            to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
        }
    }
    Ok(slate::framed(width, height, &canvas))
}
