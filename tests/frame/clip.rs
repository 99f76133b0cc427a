//! The clip the tests publish: every frame carries its number, every second a flash and a beep.
//!
//! In: a length. Out: an FLV file with H.264 and AAC, as OBS would send it; and readers that find the numbers, flashes
//! and beeps again in what a viewer decoded. Does not know the house.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

/// Frames per second of the clip.
pub(crate) const FRAME_RATE: usize = 30;
/// Width and height the readers decode to, whatever the rung's size is.
pub(crate) const READ_SIZE: (usize, usize) = (320, 180);

/// Squares of the number strip, lowest bit first; 2^12 frames are 136 s.
const BITS: usize = 12;
/// Loudness above which there is a beep, of 32767.
const BEEP: i16 = 8000;

/// How a clip is encoded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clip {
    pub(crate) seconds: usize,
    pub(crate) height: usize,
    /// Frames from one keyframe to the next.
    pub(crate) gop: usize,
    pub(crate) b_frames: usize,
}

impl Clip {
    /// Makes the clip.
    pub(crate) fn make(self, file: &Path) {
        let gop = self.gop.to_string();
        let encoder = format!(
            "-c:v libx264 -preset ultrafast -crf 20 -g {gop} -keyint_min {gop} -sc_threshold 0 \
             -bf {} -c:a aac -b:a 128k -f flv",
            self.b_frames
        );
        self.make_with(&encoder, file);
    }

    /// Makes the clip with these arguments for encoders and format, which see to keyframes and B-frames.
    pub(crate) fn make_with(self, encoders: &str, file: &Path) {
        let width = (self.height * 16 / 9).next_multiple_of(2);
        let picture = format!("testsrc2=size={width}x{}:rate={FRAME_RATE}", self.height);
        let sound = "aevalsrc=0.8*sin(2*PI*1000*t)*lt(mod(t\\,1)\\,0.1):s=48000:c=stereo";
        let status = Command::new("ffmpeg")
            .args(["-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i", &picture])
            .args(["-f", "lavfi", "-i", sound, "-vf", &numbers(), "-t", &self.seconds.to_string()])
            .args(["-pix_fmt", "yuv420p"])
            .args(encoders.split_whitespace())
            .arg(file)
            .env("SVT_LOG", "0")
            .status()
            .expect("ffmpeg runs");
        assert!(status.success(), "ffmpeg makes the clip");
    }
}

/// Draws the number strip over the top fifth and the flash at the bottom.
fn numbers() -> String {
    let mut filter = "drawbox=x=0:y=0:w=iw:h=ih/5:color=black:t=fill".to_owned();
    for bit in 0..BITS {
        let value = 1 << bit;
        // Writing to a string cannot fail.
        let _ = write!(
            filter,
            ",drawbox=x=iw*{bit}/{BITS}:y=0:w=iw/{BITS}:h=ih/5:color=white:t=fill:\
             enable='gte(mod(n\\,{})\\,{value})'",
            value * 2
        );
    }
    filter.push_str(
        ",drawbox=x=0:y=ih*4/5:w=iw:h=ih/5:color=black:t=fill\
         ,drawbox=x=0:y=ih*4/5:w=iw:h=ih/5:color=white:t=fill:enable='lt(mod(n\\,30)\\,3)'",
    );
    filter
}

/// One decoded picture: the number it carries, and whether it flashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) number: usize,
    pub(crate) flash: bool,
}

/// Reads every picture of a rung.
pub(crate) fn pictures(file: &Path) -> Vec<Seen> {
    let (width, height) = READ_SIZE;
    let scale = format!("scale={width}:{height},format=gray");
    let raw =
        tests::decode(file, &["-an", "-vf", &scale, "-fps_mode", "passthrough", "-f", "rawvideo"]);
    raw.chunks_exact(width * height).map(|luma| see(luma, width, height)).collect()
}

fn see(luma: &[u8], width: usize, height: usize) -> Seen {
    let bright = |x: usize, y: usize| luma[y * width + x] > 128;
    let number = (0..BITS)
        .filter(|bit| bright((2 * bit + 1) * width / (2 * BITS), height / 10))
        .map(|bit| 1 << bit)
        .sum();
    Seen { number, flash: bright(width / 2, height * 9 / 10) }
}

/// The times, in seconds from the first sample, at which a beep begins.
pub(crate) fn beeps(file: &Path) -> Vec<f64> {
    let raw = tests::decode(file, &["-vn", "-ac", "1", "-ar", "48000", "-f", "s16le"]);
    let samples: Vec<i16> =
        raw.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
    let mut found: Vec<f64> = Vec::new();
    let mut last_loud: Option<usize> = None;
    for (at, sample) in samples.iter().enumerate() {
        if sample.unsigned_abs() < BEEP.unsigned_abs() {
            continue;
        }
        // Half a second of silence before it makes it a new beep.
        if last_loud.is_none_or(|last| at - last > 24_000) {
            #[expect(clippy::cast_precision_loss, reason = "a clip has few samples")]
            found.push(at as f64 / 48_000.0);
        }
        last_loud = Some(at);
    }
    found
}
