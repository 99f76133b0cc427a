//! The machine-readable clock: a row of 48 black and white cells along the lower edge of the picture.
//!
//! In: UTC in milliseconds, or the luma of a decoded picture of any size. Out: the cells, or the time. Does not know
//! how the picture came here.
//!
//! | cells | what |
//! |---|---|
//! | 0, 1 | white, then black: where the strip is, and which luma is which |
//! | 2 – 43 | UTC in milliseconds since the Unix epoch, 42 bits, highest first; white is 1 (good until 2109) |
//! | 44 – 47 | CRC-4 of those 42 bits: polynomial x⁴ + x + 1, start 0, highest first |
//!
//! The strip is the lowest 1/18 of the picture, each cell 1/48 of its width: 26 × 40 samples at 1280 × 720, 5 × 8 at
//! 284 × 160. A reader takes the mean of each cell's inner half, so that scaling and blocking do not matter.

use super::canvas::{Area, Canvas, Color};

/// Cells in the strip.
pub const CELLS: usize = 48;
/// Bits of time.
const TIME_BITS: usize = 42;
/// The strip's share of the height is one of this many.
const ROWS: usize = 18;
/// Smallest difference of luma between white and black that is taken for a strip.
const CONTRAST_MIN: u32 = 80;

/// The cells that show a time; white is true.
#[must_use]
pub fn cells(utc_ms: u64) -> [bool; CELLS] {
    let mut cells = [false; CELLS];
    cells[0] = true;
    for (i, cell) in cells[2..2 + TIME_BITS].iter_mut().enumerate() {
        *cell = utc_ms >> (TIME_BITS - 1 - i) & 1 == 1;
    }
    let check = crc4(&cells[2..2 + TIME_BITS]);
    for (i, cell) in cells[2 + TIME_BITS..].iter_mut().enumerate() {
        *cell = check >> (3 - i) & 1 == 1;
    }
    cells
}

fn crc4(bits: &[bool]) -> u8 {
    bits.iter().fold(0, |crc, bit| {
        let high = (crc >> 3 & 1 == 1) ^ *bit;
        let shifted = crc << 1 & 0xf;
        if high { shifted ^ 0b0011 } else { shifted }
    })
}

/// Draws the strip.
pub fn draw(canvas: &mut Canvas, utc_ms: u64) {
    let (white, black) = (Color { y: 235, u: 128, v: 128 }, Color { y: 16, u: 128, v: 128 });
    let top = (canvas.height - canvas.height / ROWS) & !1;
    for (i, cell) in cells(utc_ms).into_iter().enumerate() {
        let (x, right) = (i * canvas.width / CELLS, (i + 1) * canvas.width / CELLS);
        let area = Area { x, y: top, width: right - x, height: canvas.height - top };
        canvas.fill(area, if cell { white } else { black });
    }
}

/// Reads the clock of a decoded picture: UTC in milliseconds since the Unix epoch. `luma` has `height` rows of `stride`
/// bytes, of which the first `width` are picture.
///
/// `None` where there is no strip, or one that is too damaged to be sure of.
#[must_use]
pub fn read_clock(luma: &[u8], width: usize, height: usize, stride: usize) -> Option<u64> {
    if width < 2 * CELLS || height < 2 * ROWS || stride < width {
        return None;
    }
    let mut levels = [0u32; CELLS];
    for (i, level) in levels.iter_mut().enumerate() {
        *level = mean(luma, stride, inner(i, width, height))?;
    }
    let (white, black) = (levels[0], levels[1]);
    let contrast = white.checked_sub(black).filter(|contrast| *contrast >= CONTRAST_MIN)?;
    let middle = u32::midpoint(white, black);
    if levels.iter().any(|level| level.abs_diff(middle) < contrast / 8) {
        return None;
    }
    let bits = levels.map(|level| level > middle);
    let (time, _) = bits[2..].split_at(TIME_BITS);
    let utc_ms = time.iter().fold(0, |time, bit| time << 1 | u64::from(*bit));
    (cells(utc_ms) == bits).then_some(utc_ms)
}

/// The inner half of a cell.
fn inner(cell: usize, width: usize, height: usize) -> Area {
    let (x, right) = (cell * width / CELLS, (cell + 1) * width / CELLS);
    let (y, tall) = (height - height / ROWS, height / ROWS);
    let (wide, tall) = (right - x, tall.max(2));
    Area { x: x + wide / 4, y: y + tall / 4, width: wide.div_ceil(2), height: tall.div_ceil(2) }
}

fn mean(luma: &[u8], stride: usize, area: Area) -> Option<u32> {
    let mut sum = 0;
    for y in area.y..area.y + area.height {
        let row = luma.get(y * stride + area.x..y * stride + area.x + area.width)?;
        sum += row.iter().map(|sample| u32::from(*sample)).sum::<u32>();
    }
    Some(sum / u32::try_from(area.width * area.height).ok()?.max(1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GREY: Color = Color { y: 60, u: 128, v: 128 };

    proptest! {
        #[test]
        fn what_is_drawn_is_read(
            ms in 0u64..1 << TIME_BITS,
            width in 142usize..1000,
            height in 80usize..600,
        ) {
            let mut canvas = Canvas::new(width * 2, height * 2, GREY);
            draw(&mut canvas, ms);
            prop_assert_eq!(read_clock(&canvas.luma, width * 2, height * 2, width * 2), Some(ms));
        }

        #[test]
        fn one_wrong_cell_is_noticed(ms in 0u64..1 << TIME_BITS, cell in 0..CELLS) {
            let mut canvas = Canvas::new(1280, 720, GREY);
            draw(&mut canvas, ms);
            let wrong = Color { y: if cells(ms)[cell] { 16 } else { 235 }, u: 128, v: 128 };
            let x = cell * 1280 / CELLS;
            canvas.fill(Area { x, y: 600, width: 27, height: 120 }, wrong);
            prop_assert_ne!(read_clock(&canvas.luma, 1280, 720, 1280), Some(ms));
        }

        #[test]
        fn no_input_breaks_the_reader(
            luma in proptest::collection::vec(0u8.., 0..5000),
            w in 0usize..200,
            h in 0usize..80,
        ) {
            let _ = read_clock(&luma, w, h, w);
        }
    }

    #[test]
    fn a_picture_without_a_strip_has_no_time() {
        let canvas = Canvas::new(1280, 720, GREY);
        assert_eq!(read_clock(&canvas.luma, 1280, 720, 1280), None);
        assert_eq!(read_clock(&canvas.luma, 1280, 7200, 1280), None);
    }
}
