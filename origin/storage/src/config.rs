//! Every limit of the store.
//!
//! In: nothing. Out: [`Config`]. Does not know where the values come from.

use std::path::PathBuf;

use crate::Error;
use crate::machine::spool::Limits;

/// Least time a part must stay readable, in seconds: it is listed for three target durations, and a player may ask for
/// it as long again after it left the playlist (rfc8216bis 6.2.2, with the longest target duration of 4 s).
pub(crate) const PART_RETENTION_S_MIN: u64 = 24;

/// Where the store keeps its objects, and how much of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The directory of the objects; made if its parent exists.
    pub root: PathBuf,
    /// All objects in memory together, in bytes. Beyond it the oldest are dropped, saved ones first.
    pub memory_bytes_max: usize,
    /// How long a part stays readable, in seconds; at least 24.
    pub part_retention_s: u64,
    /// How long an object stays in memory besides being on disk, in seconds.
    pub segment_memory_s: u64,
    /// How long an object that the disk did not take stays in memory, in seconds: the live playlists list it meanwhile.
    pub lost_memory_s: u64,
    /// One object, in bytes; larger ones are neither taken nor read.
    pub object_bytes_max: usize,
    /// Objects waiting for the disk.
    pub write_queue_max: usize,
    /// Bytes waiting for the disk.
    pub write_queue_bytes_max: usize,
    /// How often one object is tried before it is counted lost. A full disk does not count: it is waited for.
    pub write_attempts_max: u32,
    /// Pause between two tries, in milliseconds.
    pub write_retry_ms: u64,
    /// Names of lost segments that are remembered, to mark them in the recording's playlist.
    pub lost_names_max: usize,
    /// Reads from disk at the same time; more wait.
    pub reads_max: usize,
    /// What the disk may take as the spool of a bucket, where there is one, and how hard it tries to send.
    pub spool: Limits,
    /// Reads from the bucket at the same time; more wait.
    pub far_reads_max: usize,
    /// How long a drain may wait for the disk, in milliseconds.
    pub drain_ms_max: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            root: PathBuf::from("objects"),
            memory_bytes_max: 1 << 30,
            part_retention_s: 60,
            segment_memory_s: 60,
            lost_memory_s: 15 * 60,
            object_bytes_max: 64 << 20,
            write_queue_max: 4096,
            write_queue_bytes_max: 512 << 20,
            write_attempts_max: 3,
            write_retry_ms: 1000,
            lost_names_max: 16_384,
            reads_max: 64,
            spool: Limits::default(),
            far_reads_max: 8,
            drain_ms_max: 10_000,
        }
    }
}

impl Config {
    /// Refuses values with which the store would break its promises.
    ///
    /// # Errors
    /// [`Error::Config`], naming the value and its bound.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let at_least = [
            ("part_retention_s", self.part_retention_s, PART_RETENTION_S_MIN),
            ("write_queue_max", self.write_queue_max as u64, 1),
            ("write_attempts_max", u64::from(self.write_attempts_max), 1),
            ("reads_max", self.reads_max as u64, 1),
            ("far_reads_max", self.far_reads_max as u64, 1),
            ("spool.at_once_max", self.spool.at_once_max as u64, 1),
            ("spool.failures_max", u64::from(self.spool.failures_max), 1),
            ("object_bytes_max", self.object_bytes_max as u64, 1),
            ("memory_bytes_max", self.memory_bytes_max as u64, self.object_bytes_max as u64),
            (
                "write_queue_bytes_max",
                self.write_queue_bytes_max as u64,
                self.object_bytes_max as u64,
            ),
        ];
        match at_least.into_iter().find(|(_, value, least)| value < least) {
            Some((name, value, least)) => Err(Error::Config { name, value, least }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_hold_and_a_short_retention_is_refused() {
        assert_eq!(Config::default().check(), Ok(()));
        let short = Config { part_retention_s: 6, ..Config::default() };
        let refused = Error::Config { name: "part_retention_s", value: 6, least: 24 };
        assert_eq!(short.check(), Err(refused));
    }
}
