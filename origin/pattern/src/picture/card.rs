//! The test card: what stands still is drawn once, what moves is drawn anew for each frame.
//!
//! In: a size, then a moment and a number for each frame. Out: the canvas. Does not know encoders or clocks.

use std::collections::HashMap;
use std::f32::consts::TAU;

use super::canvas::{Area, Canvas, Color, Mask};
use super::font::{Size, glyph};
use super::{calendar, strip};
use crate::sound::is_beep;

/// The card is laid out on a sheet of this size and scaled from there.
const SHEET: (f32, f32) = (1280.0, 720.0);
/// The dial's centre and radius.
const DIAL: (f32, f32, f32) = (222.0, 352.0, 138.0);
/// Where the clock begins.
const CLOCK: (f32, f32) = (436.0, 276.0);
/// Height of the clock's digits.
const CLOCK_CAP: f32 = 78.0;
/// Where the frame number begins.
const COUNTER: (f32, f32) = (560.0, 412.0);
/// Where the date begins.
const DATE: (f32, f32) = (994.0, 412.0);
/// Height of small letters.
const SMALL_CAP: f32 = 24.0;
/// The block that flashes with the beep: left, top, width, height.
const FLASH: (f32, f32, f32, f32) = (1120.0, 72.0, 96.0, 64.0);
/// The colour bars: left, top, width and height of each.
const BARS: (f32, f32, f32, f32) = (432.0, 508.0, 98.0, 56.0);

/// A test card of one size.
pub struct Card {
    scale: f32,
    origin: (f32, f32),
    still: Canvas,
    canvas: Canvas,
    /// What the last frame drew over the still picture.
    touched: Vec<Area>,
    big: HashMap<char, Mask>,
    small: HashMap<char, Mask>,
}

/// The card's colours.
struct Palette {
    ink: Color,
    dim: Color,
    line: Color,
    amber: Color,
    well: Color,
}

fn palette() -> Palette {
    Palette {
        ink: Color::rgb(232, 236, 244),
        dim: Color::rgb(120, 132, 156),
        line: Color::rgb(52, 62, 84),
        amber: Color::rgb(255, 184, 92),
        well: Color::rgb(26, 32, 48),
    }
}

impl Card {
    /// A card of this size, in luma samples; both even.
    #[must_use]
    pub fn new(width: u32, height: u32) -> Self {
        let (w, h) = (width as f32, height as f32);
        let scale = (w / SHEET.0).min(h / SHEET.1);
        let still = Canvas::new(width as usize, height as usize, Color::rgb(0, 0, 0));
        let mut card = Self {
            scale,
            origin: ((w - SHEET.0 * scale) / 2.0, (h - SHEET.1 * scale) / 2.0),
            canvas: still.clone(),
            still,
            touched: Vec::new(),
            big: HashMap::new(),
            small: HashMap::new(),
        };
        let digits = || "0123456789:.-".chars();
        card.big = digits().map(|c| (c, glyph(c, card.size(CLOCK_CAP)))).collect();
        card.small = digits().map(|c| (c, glyph(c, card.size(SMALL_CAP)))).collect();
        card.draw_still();
        card.canvas.clone_from(&card.still);
        card
    }

    /// Draws the frame of a moment (UTC in microseconds since the Unix epoch) and answers the picture.
    pub fn draw(&mut self, utc_us: i64, frame: u64) -> &Canvas {
        for area in std::mem::take(&mut self.touched) {
            self.canvas.restore(&self.still, area);
        }
        let utc_ms = u64::try_from(utc_us / 1000).unwrap_or_default();
        let colors = palette();
        self.draw_hand(utc_us, colors.amber);
        let shapes = std::mem::take(&mut self.big);
        let end = self.stamps(
            CLOCK,
            self.size(CLOCK_CAP),
            &shapes,
            &calendar::time(utc_ms),
            0..8,
            colors.ink,
        );
        self.stamps(
            end,
            self.size(CLOCK_CAP),
            &shapes,
            &calendar::time(utc_ms),
            8..12,
            colors.amber,
        );
        self.big = shapes;
        let shapes = std::mem::take(&mut self.small);
        let number = format!("{:07}", frame % 10_000_000);
        self.stamps(COUNTER, self.size(SMALL_CAP), &shapes, &number, 0..7, colors.ink);
        let date = calendar::date(utc_ms);
        self.stamps(DATE, self.size(SMALL_CAP), &shapes, &date, 0..10, colors.ink);
        self.small = shapes;
        if is_beep(utc_us) {
            let area = self.area(FLASH);
            self.canvas.fill(area, Color::rgb(255, 255, 255));
            self.touched.push(area);
        }
        strip::draw(&mut self.canvas, utc_ms);
        &self.canvas
    }

    /// A hand that goes round once a second and points up at each full second.
    fn draw_hand(&mut self, utc_us: i64, color: Color) {
        let turn = utc_us.rem_euclid(1_000_000) as f32 / 1_000_000.0 * TAU;
        let (sin, cos) = turn.sin_cos();
        let at = |radius: f32| self.point(DIAL.0 + sin * radius, DIAL.1 - cos * radius);
        let (tail, tip) = (at(-26.0), at(DIAL.2 - 22.0));
        let center = self.point(DIAL.0, DIAL.1);
        let hand = self.canvas.line(tail, tip, 2.5 * self.scale, color);
        let hub = self.canvas.line(center, center, 9.0 * self.scale, color);
        self.touched.extend([hand, hub]);
    }

    /// Stamps some of a text's characters and answers where the next one would stand.
    fn stamps(
        &mut self,
        at: (f32, f32),
        size: Size,
        shapes: &HashMap<char, Mask>,
        text: &str,
        which: std::ops::Range<usize>,
        color: Color,
    ) -> (f32, f32) {
        let (mut x, y) = self.point(at.0, at.1);
        let top = (y - size.stroke).round() as usize;
        for character in text.chars().skip(which.start).take(which.len()) {
            if let Some(mask) = shapes.get(&character) {
                let left = (x - size.stroke).round() as usize;
                let area = self.canvas.stamp(left, top, mask, color);
                self.touched.push(area);
            }
            x += size.advance(character);
        }
        ((x - self.origin.0) / self.scale, at.1)
    }

    fn draw_still(&mut self) {
        let colors = palette();
        self.draw_ground(colors.line);
        self.text((64.0, 64.0), 40.0, "MATINEE", colors.ink);
        self.text((64.0, 124.0), 18.0, "LIVE TEST PATTERN", colors.dim);
        self.text((928.0, 95.0), 18.0, "1 KHZ BEEP", colors.dim);
        self.draw_dial(&colors);
        self.text((434.0, 226.0), 18.0, "COORDINATED UNIVERSAL TIME", colors.dim);
        self.text((434.0, COUNTER.1 + 3.0), 18.0, "FRAME", colors.dim);
        let flash = self.area(FLASH);
        self.still.fill(flash, colors.well);
        self.draw_bars();
    }

    /// A night sky: a gradient too soft to band, and a grid to see scaling by.
    fn draw_ground(&mut self, line: Color) {
        let (width, height) = (self.still.width, self.still.height);
        for y in 0..height {
            let share = y as f32 / height as f32;
            let color = Color::rgb(
                (13.0 + 6.0 * share) as u8,
                (17.0 + 8.0 * share) as u8,
                (28.0 + 14.0 * share) as u8,
            );
            self.still.fill(Area { x: 0, y, width, height: 1 }, color);
        }
        for column in 1..16 {
            for row in 1..9 {
                let point = self.point(column as f32 * 80.0, row as f32 * 80.0 - 8.0);
                self.still.line(point, point, 1.6 * self.scale, line);
            }
        }
    }

    fn draw_dial(&mut self, colors: &Palette) {
        let center = self.point(DIAL.0, DIAL.1);
        self.still.ring(center, DIAL.2 * self.scale / 2.0, DIAL.2 * self.scale / 2.0, colors.well);
        self.still.ring(center, DIAL.2 * self.scale, 2.0 * self.scale, colors.line);
        for tick in 0..30 {
            let (sin, cos) = (tick as f32 / 30.0 * TAU).sin_cos();
            let long = tick % 5 == 0;
            let inner = DIAL.2 - if long { 22.0 } else { 14.0 };
            let at = |radius: f32| self.point(DIAL.0 + sin * radius, DIAL.1 - cos * radius);
            let (from, to) = (at(inner), at(DIAL.2 - 8.0));
            let color = if long { colors.dim } else { colors.line };
            self.still.line(from, to, 1.4 * self.scale, color);
        }
    }

    /// Eight bars of muted colour, and the same eight steps of grey below.
    fn draw_bars(&mut self) {
        let bars = [
            (191, 191, 191),
            (191, 180, 60),
            (60, 178, 184),
            (70, 168, 90),
            (168, 84, 168),
            (186, 72, 72),
            (66, 88, 186),
            (24, 28, 38),
        ];
        for (i, (r, g, b)) in bars.into_iter().enumerate() {
            let x = BARS.0 + i as f32 * BARS.2;
            let area = self.area((x, BARS.1, BARS.2, BARS.3));
            self.still.fill(area, Color::rgb(r, g, b));
            let area = self.area((x, BARS.1 + BARS.3, BARS.2, BARS.3 / 2.0));
            let grey = (255.0 * (7 - i) as f32 / 7.0) as u8;
            self.still.fill(area, Color::rgb(grey, grey, grey));
        }
    }

    fn text(&mut self, at: (f32, f32), cap: f32, text: &str, color: Color) {
        let size = self.size(cap);
        let (mut x, y) = self.point(at.0, at.1);
        for character in text.chars() {
            let mask = glyph(character, size);
            let (left, top) = ((x - size.stroke).round(), (y - size.stroke).round());
            self.still.stamp(left as usize, top as usize, &mask, color);
            x += size.advance(character);
        }
    }

    fn size(&self, cap: f32) -> Size {
        Size { cap: cap * self.scale, stroke: cap * self.scale / 9.0 }
    }

    fn point(&self, x: f32, y: f32) -> (f32, f32) {
        (self.origin.0 + x * self.scale, self.origin.1 + y * self.scale)
    }

    fn area(&self, (x, y, width, height): (f32, f32, f32, f32)) -> Area {
        let (left, top) = self.point(x, y);
        let even = |v: f32| (v / 2.0).round() as usize * 2;
        let (right, bottom) = (left + width * self.scale, top + height * self.scale);
        let (x, y) = (even(left), even(top));
        Area { x, y, width: even(right) - x, height: even(bottom) - y }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read_clock;

    #[test]
    fn a_frame_shows_its_time_at_every_size() {
        for (width, height) in [(1280, 720), (854, 480), (284, 160), (1920, 1080), (640, 640)] {
            let mut card = Card::new(width, height);
            let (w, h) = (width as usize, height as usize);
            for ms in [1_763_708_096_789, 1_763_708_097_000] {
                let canvas = card.draw(ms * 1000, 7);
                assert_eq!(read_clock(&canvas.luma, w, h, w), Some(ms.unsigned_abs()));
            }
        }
    }

    #[test]
    fn a_frame_does_not_depend_on_those_before() {
        let (mut one, mut two) = (Card::new(640, 360), Card::new(640, 360));
        for n in 0..30 {
            one.draw(1_763_708_096_000_000 + n * 33_333, 1);
        }
        let at = 1_763_708_097_500_000;
        assert!(one.draw(at, 40) == two.draw(at, 40));
    }

    #[test]
    fn it_flashes_with_the_beep() {
        let mut card = Card::new(1280, 720);
        let at = 100 * 1280 + 1160;
        assert_eq!(card.draw(5_050_000, 0).luma[at], 235);
        assert!(card.draw(5_150_000, 0).luma[at] < 60);
    }
}
