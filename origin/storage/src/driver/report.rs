//! What operators hear of the store: metrics and log lines.
//!
//! In: what happened. Out: `matinee_storage_…`, tracing events. Does not change anything.

use std::io;
use std::time::Duration;

use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

use crate::machine::{Failure, Health, Loss, Machine};

pub(super) fn describe() {
    describe_counter!("matinee_storage_lost_total", "Objects lost to the recording, by reason");
    describe_counter!("matinee_storage_write_failures_total", "Failed writes, by reason");
    describe_counter!("matinee_storage_written_bytes_total", "Bytes written to disk");
    describe_counter!(
        "matinee_storage_notes_lost_total",
        "Notes and parts that a process after this one would not find"
    );
    describe_histogram!("matinee_storage_write_seconds", "Time to write one object to disk");
    describe_counter!("matinee_storage_reads_total", "Reads, by where the object was found");
    describe_gauge!("matinee_storage_memory_bytes", "Bytes of objects in memory");
    describe_gauge!("matinee_storage_memory_objects", "Objects in memory");
    describe_gauge!("matinee_storage_write_queue_objects", "Objects waiting for the disk");
    describe_gauge!("matinee_storage_degraded", "1 while the disk does not take objects");
    gauge!("matinee_storage_degraded").set(0.0);
}

pub(super) fn read(from: &'static str) {
    counter!("matinee_storage_reads_total", "from" => from).increment(1);
}

pub(super) fn written(bytes: usize, took: Duration) {
    counter!("matinee_storage_written_bytes_total").increment(bytes as u64);
    histogram!("matinee_storage_write_seconds").record(took.as_secs_f64());
}

/// One failed write; the change of health is what a person reads, this is for whoever searches.
pub(super) fn failed(key: &str, error: &io::Error, failure: Failure) {
    let reason = failure_name(failure);
    counter!("matinee_storage_write_failures_total", "reason" => reason).increment(1);
    tracing::debug!(key, %error, reason, "a write failed");
}

pub(super) fn lost(key: &str, loss: Loss) {
    let reason = match loss {
        Loss::QueueFull => "queue_full",
        Loss::Disk(failure) => failure_name(failure),
        Loss::Memory => "memory_full",
        Loss::TooLarge => "too_large",
        Loss::Stopped => "recording_stopped",
    };
    counter!("matinee_storage_lost_total", "reason" => reason).increment(1);
    match loss {
        // It was said once that the recording stopped.
        Loss::Stopped => tracing::debug!(key, reason, "an object is not recorded"),
        _ => tracing::error!(key, reason, "an object is lost to the recording"),
    }
}

/// A part or a note that another process would not find.
pub(super) fn not_outliving(what: &'static str) {
    counter!("matinee_storage_notes_lost_total", "what" => what).increment(1);
}

/// Our own packager named an object outside the scheme.
pub(super) fn not_a_key(key: &str) {
    counter!("matinee_storage_lost_total", "reason" => "not_a_key").increment(1);
    tracing::error!(key, "an object's name is not of the key scheme");
}

pub(super) fn health(health: Health) {
    match health {
        Health::Good => {
            gauge!("matinee_storage_degraded").set(0.0);
            tracing::info!("the disk takes objects again");
        }
        Health::Degraded(failure) => {
            gauge!("matinee_storage_degraded").set(1.0);
            let advice = match failure {
                Failure::DiskFull => "free some space; writing goes on by itself",
                Failure::Refused => "give this user write access; writing goes on by itself",
                Failure::Io => "look after the disk; writing goes on by itself",
            };
            let reason = failure_name(failure);
            tracing::error!(reason, advice, "the disk does not take objects; live goes on");
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "2^53 bytes are 9 petabytes")]
pub(super) fn levels(machine: &Machine) {
    let (objects, bytes) = machine.memory();
    gauge!("matinee_storage_memory_bytes").set(bytes as f64);
    gauge!("matinee_storage_memory_objects").set(objects as f64);
    gauge!("matinee_storage_write_queue_objects").set(machine.waiting() as f64);
}

const fn failure_name(failure: Failure) -> &'static str {
    match failure {
        Failure::DiskFull => "disk_full",
        Failure::Refused => "refused",
        Failure::Io => "io",
    }
}
