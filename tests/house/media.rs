//! What `ffprobe` and `ffmpeg` say of media that a viewer would get.
//!
//! In: a file. Out: streams, frame times, decoded picture hashes. Does not know where the file came from.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// One stream as ffprobe describes it.
#[derive(Debug, Clone)]
pub struct Probe(pub Value);

/// The streams and format of a file.
///
/// # Panics
/// If ffprobe cannot read it.
#[must_use]
pub fn probe(file: &Path) -> Probe {
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-of", "json", "-show_streams", "-show_format"])
        .arg(file)
        .output()
        .expect("ffprobe runs");
    assert!(output.status.success(), "ffprobe: {}", String::from_utf8_lossy(&output.stderr));
    Probe(serde_json::from_slice(&output.stdout).expect("JSON"))
}

/// The presentation times of all frames in seconds, in the order of decoding's output.
///
/// # Panics
/// If ffprobe cannot read it.
#[must_use]
pub fn frame_times(file: &Path) -> Vec<f64> {
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-of", "csv=p=0", "-show_entries", "frame=pts_time"])
        .arg(file)
        .output()
        .expect("ffprobe runs");
    assert!(output.status.success(), "ffprobe: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| line.trim().trim_end_matches(',').parse().ok())
        .collect()
}

/// Decodes a file to raw bytes with these output arguments; errors of the decoder fail the test.
///
/// # Panics
/// If the decoder reports any error.
#[must_use]
pub fn decode(file: &Path, output_arguments: &[&str]) -> Vec<u8> {
    let output = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-xerror", "-i"])
        .arg(file)
        .args(output_arguments)
        .arg("-")
        .output()
        .expect("ffmpeg runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{}: {said}", file.display());
    output.stdout
}
