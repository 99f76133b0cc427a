//! The letters of the card, as strokes: no font file, smooth at every size.
//!
//! In: a character and a size. Out: a [`Mask`]. Does not know where it will stand.
//!
//! A glyph lies on a grid 4 wide and 6 high. Two digits are a point, points after one another a stroke, commas part
//! strokes. Within a stroke corners are rounded; where a corner is to be sharp, two strokes meet.

use super::canvas::{Mask, cover, distance};

/// Height of the grid.
const GRID_HEIGHT: f32 = 6.0;
/// How far from a corner its rounding begins, in grid steps.
const ROUNDING: f32 = 1.5;
/// Into how many lines a rounded corner is cut.
const ROUNDING_LINES: u8 = 6;

/// The strokes of a character; those we do not have are blank.
fn strokes(character: char) -> &'static str {
    match character {
        '0' | 'O' => "20 00 06 46 40 20",
        '1' => "11 20,20 26",
        '2' => "01 00 40 43 03 06,06 46",
        '3' => "01 00 40 43 23,23 43 46 06 05",
        '4' => "30 04,04 44,30 36",
        '5' => "40 00,00 03,03 43 46 06 05",
        '6' => "41 40 00 06 46 43 03 04",
        '7' => "00 40,40 16",
        '8' => "20 00 03 43 40 20,23 03 06 46 43 23",
        '9' => "42 43 03 00 40 46 06 05",
        'A' => "06 00 40 46,04 44",
        'B' => "00 06,00 30 33 03,23 43 46 06",
        'C' => "41 40 00 06 46 45",
        'D' => "00 06,00 40 46 06",
        'E' => "40 00,00 06,06 46,03 33",
        'F' => "40 00,00 06,03 33",
        'G' => "41 40 00 06 46 43,43 23",
        'H' => "00 06,40 46,03 43",
        'I' => "20 26",
        'J' => "40 46 06 04",
        'K' => "00 06,40 03,03 46",
        'L' => "00 06,06 46",
        'M' => "06 00,00 23,23 40,40 46",
        'N' => "06 00,00 46,46 40",
        'P' => "06 00,00 40 43 03",
        'Q' => "20 00 06 46 40 20,34 46",
        'R' => "06 00,00 40 43 03,23 46",
        'S' => "41 40 00 03 43 46 06 05",
        'T' => "00 40,20 26",
        'U' => "00 06 46 40",
        'V' => "00 26,26 40",
        'W' => "00 16,16 22,22 36,36 40",
        'X' => "00 46,40 06",
        'Y' => "00 23,23 40,23 26",
        'Z' => "00 40,40 06,06 46",
        ':' => "22 22,25 25",
        '.' => "26 26",
        '-' => "13 33",
        _ => "",
    }
}

/// The size of letters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Size {
    /// Height of a capital letter, in luma samples.
    pub cap: f32,
    /// Width of a stroke, in luma samples.
    pub stroke: f32,
}

impl Size {
    /// How far the next character stands from this one's left edge.
    #[must_use]
    pub fn advance(self, character: char) -> f32 {
        let unit = self.cap / GRID_HEIGHT;
        let width = match character {
            ':' | '.' | 'I' => 1.2,
            ' ' => 2.0,
            _ => 4.0,
        };
        unit * (width + 1.0) + self.stroke
    }

    /// How much of the grid's left a narrow character leaves out.
    fn bearing(self, character: char) -> f32 {
        let narrow = matches!(character, ':' | '.' | 'I');
        if narrow { 1.4 * self.cap / GRID_HEIGHT } else { 0.0 }
    }
}

/// The shape of a character; its origin lies one stroke's width inside the mask on every side.
#[must_use]
pub fn glyph(character: char, size: Size) -> Mask {
    let unit = size.cap / GRID_HEIGHT;
    let left = size.stroke - size.bearing(character);
    let lines: Vec<_> = strokes(character)
        .split(',')
        .flat_map(|stroke| rounded(&points(stroke)))
        .map(|line| line.map(|(x, y)| (x * unit + left, y * unit + size.stroke)))
        .collect();
    let width = (size.advance(character) + 2.0 * size.stroke).ceil() as usize;
    let height = (size.cap + 2.0 * size.stroke).ceil() as usize;
    let near = |x: usize, y: usize| {
        let point = (x as f32 + 0.5, y as f32 + 0.5);
        let nearest = |best: f32, [a, b]: &[(f32, f32); 2]| best.min(distance(point, *a, *b));
        lines.iter().fold(f32::MAX, nearest) - size.stroke / 2.0
    };
    let cover = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    Mask { width, height, cover: cover.map(|(x, y)| self::cover(near(x, y))).collect() }
}

fn points(stroke: &str) -> Vec<(f32, f32)> {
    let digit = |byte: u8| f32::from(byte.saturating_sub(b'0'));
    let point = |text: &str| match text.as_bytes() {
        [x, y] => Some((digit(*x), digit(*y))),
        _ => None,
    };
    stroke.split(' ').filter_map(point).collect()
}

/// A stroke's lines, its inner corners rounded.
fn rounded(points: &[(f32, f32)]) -> Vec<[(f32, f32); 2]> {
    let Some((first, rest)) = points.split_first() else { return Vec::new() };
    let mut path = vec![*first];
    for (i, corner) in rest.iter().enumerate() {
        let Some(next) = rest.get(i + 1) else {
            path.push(*corner);
            continue;
        };
        let (from, to) = (towards(*corner, points[i]), towards(*corner, *next));
        for line in 0..=ROUNDING_LINES {
            let t = f32::from(line) / f32::from(ROUNDING_LINES);
            path.push(between(between(from, *corner, t), between(*corner, to, t), t));
        }
    }
    path.windows(2).map(|pair| [pair[0], pair[1]]).collect()
}

/// The point where a corner's rounding begins on the way to a neighbour: never beyond half the way.
fn towards(corner: (f32, f32), neighbour: (f32, f32)) -> (f32, f32) {
    let length = (neighbour.0 - corner.0).hypot(neighbour.1 - corner.1).max(f32::EPSILON);
    between(corner, neighbour, (ROUNDING / length).min(0.5))
}

fn between(a: (f32, f32), b: (f32, f32), t: f32) -> (f32, f32) {
    (a.0 + (b.0 - a.0) * t, a.1 + (b.1 - a.1) * t)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size { cap: 24.0, stroke: 3.0 };

    #[test]
    fn every_letter_and_digit_has_its_own_shape() {
        let all: Vec<_> = ('A'..='Z').chain('1'..='9').chain([':', '.', '-']).collect();
        for (i, a) in all.iter().enumerate() {
            let shape = glyph(*a, SIZE);
            assert!(shape.cover.iter().any(|cover| *cover > 200), "{a} is blank");
            for b in &all[i + 1..] {
                assert_ne!(shape.cover, glyph(*b, SIZE).cover, "{a} looks like {b}");
            }
        }
    }

    #[test]
    fn what_we_do_not_have_is_blank() {
        assert!(glyph('ß', SIZE).cover.iter().all(|cover| *cover == 0));
    }
}
