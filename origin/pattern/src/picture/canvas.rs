//! Planes of YUV 4:2:0 and the filling of shapes with smooth edges.
//!
//! In: shapes in luma samples. Out: planes. Does not know what the shapes mean.

/// A colour in BT.709, limited range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Color {
    /// Luma, 16 to 235.
    pub y: u8,
    /// Blue difference.
    pub u: u8,
    /// Red difference.
    pub v: u8,
}

impl Color {
    /// The colour of an sRGB triple.
    #[must_use]
    pub fn rgb(r: u8, g: u8, b: u8) -> Self {
        let (r, g, b) = (f32::from(r), f32::from(g), f32::from(b));
        let luma = 0.2126 * r + 0.7152 * g + 0.0722 * b;
        let scaled =
            |difference: f32, range: f32| (difference / range * 224.0 / 255.0 + 128.0) as u8;
        Self {
            y: (luma * 219.0 / 255.0 + 16.0) as u8,
            u: scaled(b - luma, 1.8556),
            v: scaled(r - luma, 1.5748),
        }
    }
}

/// A rectangle: left, top, width, height, in luma samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Area {
    /// Left edge.
    pub x: usize,
    /// Top edge.
    pub y: usize,
    /// Width.
    pub width: usize,
    /// Height.
    pub height: usize,
}

impl Area {
    /// The smallest area with even edges around a rectangle of any numbers, cut off at the canvas.
    fn around(x0: f32, y0: f32, x1: f32, y1: f32, canvas: &Canvas) -> Self {
        let down = |v: f32| v.max(0.0) as usize & !1;
        let up = |v: f32, max: usize| ((v.max(0.0).ceil() as usize).div_ceil(2) * 2).min(max);
        let (x, y) = (down(x0).min(canvas.width), down(y0).min(canvas.height));
        let (right, bottom) = (up(x1, canvas.width).max(x), up(y1, canvas.height).max(y));
        Self { x, y, width: right - x, height: bottom - y }
    }
}

/// A shape as the share of each sample that it covers, 0 to 255.
#[derive(Debug, Clone)]
pub struct Mask {
    /// Width in samples.
    pub width: usize,
    /// Height in samples.
    pub height: usize,
    /// The shares, row by row.
    pub cover: Vec<u8>,
}

/// A picture in three planes; width and height are even.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Canvas {
    /// Width in luma samples.
    pub width: usize,
    /// Height in luma samples.
    pub height: usize,
    /// Luma, `width` a row.
    pub luma: Vec<u8>,
    /// Blue difference, `width / 2` a row.
    pub blue: Vec<u8>,
    /// Red difference, `width / 2` a row.
    pub red: Vec<u8>,
}

impl Canvas {
    /// A canvas of one colour.
    #[must_use]
    pub fn new(width: usize, height: usize, color: Color) -> Self {
        let (luma, chroma) = (width * height, width / 2 * (height / 2));
        Self {
            width,
            height,
            luma: vec![color.y; luma],
            blue: vec![color.u; chroma],
            red: vec![color.v; chroma],
        }
    }

    /// Fills a rectangle; the edges of its colour lie on even samples.
    pub fn fill(&mut self, area: Area, color: Color) {
        let right = (area.x + area.width).min(self.width);
        for y in area.y..(area.y + area.height).min(self.height) {
            let row = y * self.width;
            self.luma[row + area.x.min(right)..row + right].fill(color.y);
            if y % 2 == 0 {
                let row = y / 2 * (self.width / 2);
                let span = row + area.x.min(right) / 2..row + right / 2;
                self.blue[span.clone()].fill(color.u);
                self.red[span].fill(color.v);
            }
        }
    }

    /// Mixes a colour into one sample; `cover` is 0 to 255.
    fn mix(&mut self, x: usize, y: usize, color: Color, cover: u8) {
        let mix = |below: u8, above: u8| {
            let (a, b) = (u16::from(cover), u16::from(255 - cover));
            ((u16::from(above) * a + u16::from(below) * b + 127) / 255) as u8
        };
        let at = y * self.width + x;
        self.luma[at] = mix(self.luma[at], color.y);
        if x.is_multiple_of(2) && y.is_multiple_of(2) {
            let at = y / 2 * (self.width / 2) + x / 2;
            self.blue[at] = mix(self.blue[at], color.u);
            self.red[at] = mix(self.red[at], color.v);
        }
    }

    /// Lays a mask on the canvas with its upper left corner at `x`, `y`, and answers what it touched.
    pub fn stamp(&mut self, x: usize, y: usize, mask: &Mask, color: Color) -> Area {
        let (width, height) = (self.width.saturating_sub(x), self.height.saturating_sub(y));
        for (dy, row) in mask.cover.chunks_exact(mask.width.max(1)).take(height).enumerate() {
            for (dx, cover) in row.iter().take(width).enumerate() {
                if *cover > 0 {
                    self.mix(x + dx, y + dy, color, *cover);
                }
            }
        }
        let (right, bottom) = ((x + mask.width) as f32, (y + mask.height) as f32);
        Area::around(x as f32, y as f32, right, bottom, self)
    }

    /// Fills what is nearer than `radius` to a line, and answers what it touched.
    pub fn line(&mut self, from: (f32, f32), to: (f32, f32), radius: f32, color: Color) -> Area {
        let reach = radius + 1.0;
        let area = Area::around(
            from.0.min(to.0) - reach,
            from.1.min(to.1) - reach,
            from.0.max(to.0) + reach,
            from.1.max(to.1) + reach,
            self,
        );
        self.shape(area, color, |x, y| distance((x, y), from, to) - radius);
        area
    }

    /// Fills a ring `2 * half` wide around a circle.
    pub fn ring(&mut self, center: (f32, f32), radius: f32, half: f32, color: Color) {
        let reach = radius + half + 1.0;
        let (x, y) = center;
        let area = Area::around(x - reach, y - reach, x + reach, y + reach, self);
        self.shape(area, color, |px, py| ((px - x).hypot(py - y) - radius).abs() - half);
    }

    /// Fills where `outside` (the distance to the shape's edge, negative inside) says so.
    fn shape(&mut self, area: Area, color: Color, outside: impl Fn(f32, f32) -> f32) {
        for y in area.y..area.y + area.height {
            for x in area.x..area.x + area.width {
                let cover = cover(outside(x as f32 + 0.5, y as f32 + 0.5));
                if cover > 0 {
                    self.mix(x, y, color, cover);
                }
            }
        }
    }

    /// Puts back what another canvas of the same size has in an area with even edges.
    pub fn restore(&mut self, from: &Self, area: Area) {
        let copy = |to: &mut [u8], from: &[u8], width: usize, area: Area| {
            for y in area.y..area.y + area.height {
                let span = y * width + area.x..y * width + area.x + area.width;
                to[span.clone()].copy_from_slice(&from[span]);
            }
        };
        let Area { x, y, width, height } = area;
        let half =
            Area { x: x / 2, y: y / 2, width: width.div_ceil(2), height: height.div_ceil(2) };
        copy(&mut self.luma, &from.luma, self.width, area);
        copy(&mut self.blue, &from.blue, self.width / 2, half);
        copy(&mut self.red, &from.red, self.width / 2, half);
    }
}

/// The share of a sample a shape covers, from the distance of its centre to the shape's edge.
pub(crate) fn cover(outside: f32) -> u8 {
    ((0.5 - outside).clamp(0.0, 1.0) * 255.0) as u8
}

/// The distance of a point from a line.
pub(crate) fn distance(point: (f32, f32), from: (f32, f32), to: (f32, f32)) -> f32 {
    let (px, py) = (point.0 - from.0, point.1 - from.1);
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let length2 = dx * dx + dy * dy;
    let along = if length2 > 0.0 { ((px * dx + py * dy) / length2).clamp(0.0, 1.0) } else { 0.0 };
    (px - dx * along).hypot(py - dy * along)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLACK: Color = Color { y: 16, u: 128, v: 128 };

    #[test]
    fn white_is_white_and_red_is_red() {
        assert_eq!(Color::rgb(255, 255, 255), Color { y: 235, u: 128, v: 128 });
        assert!(Color::rgb(255, 0, 0).v > 230);
    }

    #[test]
    fn what_was_touched_can_be_put_back() {
        let background = Canvas::new(64, 48, BLACK);
        let mut canvas = background.clone();
        let area = canvas.line((7.0, 9.0), (60.0, 47.0), 2.5, Color::rgb(255, 200, 0));
        assert_ne!(canvas, background);
        canvas.restore(&background, area);
        assert_eq!(canvas, background);
    }

    #[test]
    fn shapes_are_cut_off_at_the_edge() {
        let mut canvas = Canvas::new(32, 32, BLACK);
        let mask = Mask { width: 20, height: 20, cover: vec![255; 400] };
        canvas.stamp(25, 25, &mask, Color::rgb(255, 255, 255));
        canvas.line((-50.0, -50.0), (90.0, 90.0), 3.0, Color::rgb(0, 0, 255));
        canvas.ring((0.0, 0.0), 40.0, 2.0, Color::rgb(0, 255, 0));
        canvas.fill(Area { x: 20, y: 20, width: 99, height: 99 }, BLACK);
    }
}
