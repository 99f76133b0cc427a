//! What uploads are told, once; and every limit they keep.
//!
//! In: the binary's values. Out: [`Config`]. Does not know flags or files.

use std::time::Duration;

/// Everything uploads have to be told.
#[derive(Debug, Clone)]
pub struct Config {
    /// Bytes of one file.
    pub size_max: u64,
    /// How long an upload that nobody goes on with is kept, in seconds.
    pub expires_s: u32,
    /// Bytes of `Upload-Metadata`.
    pub metadata_bytes_max: usize,
    /// Parts of one concatenation.
    pub parts_max: usize,
    /// How long a request may be silent.
    pub silence_max: Duration,
    /// How often what has come is made safe and counted while a request goes on.
    pub save_every: Duration,
    /// How long whoever wants an upload waits for the one that has it.
    pub turn_wait: Duration,
    /// Bytes that are gathered before they are written; each request has two such buffers.
    pub write_bytes: usize,
    /// Bytes that an upload of unknown length takes of the quota at a time.
    pub reserve_bytes: u64,
    /// How often uploads that expired are looked for.
    pub sweep_every: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            size_max: 256 << 30,
            expires_s: 7 * 24 * 3600,
            metadata_bytes_max: 8 * 1024,
            parts_max: 64,
            silence_max: Duration::from_secs(60),
            save_every: Duration::from_secs(1),
            turn_wait: Duration::from_secs(15),
            write_bytes: 1 << 19,
            reserve_bytes: 64 << 20,
            sweep_every: Duration::from_secs(30),
        }
    }
}
