//! The slate: what stands where a show should be while its publisher is away.
//!
//! In: a size, or a picture of any size. Out: the canvas. Does not know encoders or files.

use super::canvas::{Area, Canvas, Color};
use super::font::{Size, glyph};

/// The words: how high a letter is and where its top is, in shares of the height, and what they say.
const WORDS: [(f32, f32, &str); 2] =
    [(0.072, 0.44, "BACK IN A MOMENT"), (0.028, 0.58, "THE SHOW GOES ON SOON")];
/// The most of the width that a line of words takes.
const WIDTH_SHARE_MAX: f32 = 0.86;
/// The rule between the words: top and height in shares of the height, width in shares of the width.
const RULE: (f32, f32, f32) = (0.545, 0.006, 0.08);

/// A slate of this size, in luma samples, both even: a night sky and two lines of words.
#[must_use]
pub fn words(width: u32, height: u32) -> Canvas {
    let (columns, rows) = (width as usize, height as usize);
    let mut canvas = Canvas::new(columns, rows, Color::rgb(0, 0, 0));
    for y in 0..rows {
        let share = y as f32 / rows.max(1) as f32;
        let level = |from: f32, more: f32| (from + more * share) as u8;
        let color = Color::rgb(level(13.0, 6.0), level(17.0, 8.0), level(28.0, 14.0));
        canvas.fill(Area { x: 0, y, width: columns, height: 1 }, color);
    }
    let (w, h) = (width as f32, height as f32);
    let even = |v: f32| (v / 2.0).round() as usize * 2;
    let rule = Area {
        x: even(w * (1.0 - RULE.2) / 2.0),
        y: even(h * RULE.0),
        width: even(w * RULE.2),
        height: even(h * RULE.1).max(2),
    };
    canvas.fill(rule, Color::rgb(255, 184, 92));
    let inks = [Color::rgb(232, 236, 244), Color::rgb(120, 132, 156)];
    for ((cap, at, text), ink) in WORDS.into_iter().zip(inks) {
        line(&mut canvas, cap * h, at * h, text, ink);
    }
    canvas
}

/// A line of words in the middle, smaller where it would be too wide.
fn line(canvas: &mut Canvas, cap: f32, top: f32, text: &str, color: Color) {
    let size = |cap: f32| Size { cap, stroke: cap / 9.0 };
    let wide = |size: Size| text.chars().map(|one| size.advance(one)).sum::<f32>();
    let most = canvas.width as f32 * WIDTH_SHARE_MAX;
    let size = size(cap * (most / wide(size(cap))).min(1.0));
    let mut x = (canvas.width as f32 - wide(size)) / 2.0;
    for character in text.chars() {
        let (left, top) = ((x - size.stroke).round(), (top - size.stroke).round());
        canvas.stamp(left as usize, top as usize, &glyph(character, size), color);
        x += size.advance(character);
    }
}

/// A picture in the middle of black. One larger than the canvas is cut off.
#[must_use]
pub fn framed(width: u32, height: u32, picture: &Canvas) -> Canvas {
    let mut canvas = Canvas::new(width as usize, height as usize, Color::rgb(0, 0, 0));
    let middle = |whole: usize, part: usize| (whole.saturating_sub(part) / 2) & !1;
    let left = middle(canvas.width, picture.width);
    let top = middle(canvas.height, picture.height);
    for shift in [0, 1] {
        let (whole, part) = (canvas.width >> shift, picture.width >> shift);
        let planes: &mut [(&mut Vec<u8>, &Vec<u8>)] = match shift {
            0 => &mut [(&mut canvas.luma, &picture.luma)],
            _ => &mut [(&mut canvas.blue, &picture.blue), (&mut canvas.red, &picture.red)],
        };
        for (to, from) in planes {
            let rows = from.chunks_exact(part.max(1));
            for (row, place) in rows.zip(to.chunks_exact_mut(whole.max(1)).skip(top >> shift)) {
                let places = place.iter_mut().skip(left >> shift);
                places.zip(row).for_each(|(place, sample)| *place = *sample);
            }
        }
    }
    canvas
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_stand_in_the_middle_of_every_size() {
        for (width, height) in [(1280, 720), (284, 160), (1080, 1920), (3840, 2160)] {
            let canvas = words(width, height);
            let bright = |x: usize, y: usize| canvas.luma[y * canvas.width + x] > 150;
            let columns: Vec<usize> =
                (0..canvas.width).filter(|x| (0..canvas.height).any(|y| bright(*x, y))).collect();
            let (first, last) = (columns[0], columns[columns.len() - 1]);
            let right = canvas.width - 1 - last;
            assert!(first.abs_diff(right) <= canvas.width / 20, "{first} and {right}");
            assert!(first > canvas.width / 50, "{width}x{height}: cut off");
            assert!(last - first > canvas.width / 3, "{width}x{height}: too small");
        }
    }

    #[test]
    fn a_picture_is_framed_in_black() {
        let white = Canvas::new(100, 60, Color::rgb(255, 255, 255));
        let canvas = framed(200, 160, &white);
        let at = |x: usize, y: usize| canvas.luma[y * 200 + x];
        assert_eq!((at(49, 80), at(50, 80), at(149, 80), at(150, 80)), (16, 235, 235, 16));
        assert_eq!((at(100, 49), at(100, 50), at(100, 109), at(100, 110)), (16, 235, 235, 16));
        assert_eq!(framed(100, 60, &white), white);
        assert_eq!(framed(50, 30, &white), Canvas::new(50, 30, Color::rgb(255, 255, 255)));
    }
}
