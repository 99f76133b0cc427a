//! `matinee status`: how the house keeps what it records.
//!
//! In: parsed arguments. Out: what to print. Does not know HTTP.

use clap::Args;
use serde_json::json;
use shared_wire::api::{Alarm, HouseStatus};

use super::error::Error;
use super::house::{House, HouseFlags};
use super::table::table;

/// Which house.
#[derive(Debug, Clone, Args)]
pub(crate) struct StatusFlags {
    #[command(flatten)]
    house: HouseFlags,
}

impl StatusFlags {
    /// Asks; what to print.
    ///
    /// # Errors
    /// Any of [`Error`].
    pub(crate) async fn run(self) -> Result<String, Error> {
        let status: HouseStatus = House::find(&self.house).await?.get("/v1/status").await?;
        Ok(if self.house.json { json!(status).to_string() } else { said(&status) })
    }
}

fn said(status: &HouseStatus) -> String {
    let alarm = match status.alarm {
        Alarm::Ok => "All is well.",
        Alarm::DiskLow => "The disk is almost full: free some space, or delete recordings.",
        Alarm::RecordingStopped => {
            "A show on the air is not recorded any more: recordings have all they may take."
        }
        Alarm::DiskFull => "The disk is full: shows go on, recordings do not. Free some space.",
        Alarm::DiskBroken => {
            "The disk does not take what is written: shows go on, recordings do not."
        }
    };
    let free = size(status.disk_free_bytes);
    let (all, low) = (size(status.disk_bytes), size(status.disk_low_bytes));
    let taken = size(status.recordings_bytes);
    let may = status.recordings_bytes_max.map(|max| format!(" of {}", size(max)));
    let mut text = format!(
        "{alarm}\n\n  disk        {free} free of {all}; alarm below {low}\n  recordings  {taken}{}",
        may.unwrap_or_default()
    );
    if !status.on_air.is_empty() {
        let rows: Vec<_> = status
            .on_air
            .iter()
            .map(|one| {
                let recorded = if one.is_recorded { "yes" } else { "no" };
                [one.show.to_string(), size(one.recording_bytes), recorded.to_owned()]
            })
            .collect();
        text.push_str("\n\n");
        text.push_str(&table(["ON AIR", "RECORDING", "GROWS"], &rows));
    }
    text
}

/// Bytes in the unit a person would use.
fn size(bytes: u64) -> String {
    let units = ["kB", "MB", "GB", "TB"];
    let (mut unit, mut scaled) = ("B", bytes * 10);
    for next in units {
        if scaled < 10_000 {
            break;
        }
        (unit, scaled) = (next, scaled / 1000);
    }
    if unit == "B" {
        format!("{bytes} B")
    } else {
        format!("{}.{} {unit}", scaled / 10, scaled % 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_well() {
        for (bytes, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_500, "1.5 kB"),
            (20_000_000, "20.0 MB"),
            (1_234_567_890, "1.2 GB"),
            (7_000_000_000_000_000, "7000.0 TB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }
}
