//! What operators hear of the store: metrics and log lines.
//!
//! In: what happened. Out: `matinee_storage_…`, tracing events. Does not change anything.

use std::io;
use std::time::Duration;

use metrics::{
    Gauge, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};

use shared_media::{BucketError, BucketFailure, Now};

use crate::machine::spool::Spool;
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

/// Said where there is a bucket.
pub(super) fn describe_bucket() {
    describe_gauge!("matinee_bucket_spool_bytes", "Media on disk that the bucket lacks");
    describe_gauge!("matinee_bucket_kept_bytes", "Media on disk that the bucket has as well");
    describe_gauge!("matinee_bucket_waiting_objects", "Objects and deletions to be sent");
    describe_gauge!("matinee_bucket_oldest_seconds", "For how long the oldest of them has waited");
    describe_gauge!("matinee_bucket_degraded", "1 while the bucket takes nothing");
    describe_gauge!("matinee_bucket_spool_full", "1 while the spool has all it may");
    describe_counter!("matinee_bucket_requests_total", "Requests, by kind and result");
    describe_counter!("matinee_bucket_sent_bytes_total", "Bytes that the bucket took");
    describe_histogram!("matinee_bucket_put_seconds", "Time to send one object");
    gauge!("matinee_bucket_degraded").set(0.0);
    gauge!("matinee_bucket_spool_full").set(0.0);
}

pub(super) fn asked(what: &'static str, result: &'static str) {
    counter!("matinee_bucket_requests_total", "what" => what, "result" => result).increment(1);
}

pub(super) fn sent(bytes: usize, took: Duration) {
    counter!("matinee_bucket_sent_bytes_total").increment(bytes as u64);
    histogram!("matinee_bucket_put_seconds").record(took.as_secs_f64());
}

/// One failed request; the change of health is what a person reads, this is for whoever searches.
pub(super) fn not_done(what: &'static str, name: &str, error: &BucketError) {
    if error.failure == BucketFailure::Refused {
        tracing::warn!(what, name, %error, "the bucket refuses a request");
    } else {
        tracing::debug!(what, name, %error, "a request to the bucket failed");
    }
}

pub(super) fn bucket_health(failure: Option<BucketFailure>) {
    gauge!("matinee_bucket_degraded").set(f64::from(u8::from(failure.is_some())));
    let Some(failure) = failure else {
        tracing::info!("the bucket takes objects again");
        return;
    };
    let advice = match failure {
        BucketFailure::Unreachable | BucketFailure::Busy => {
            "look after it and the network to it; what waits on disk is sent by itself"
        }
        BucketFailure::Refused => "look after its name, region and credentials",
        BucketFailure::Wrong | BucketFailure::Damaged => "is it a store that speaks S3?",
    };
    let reason = failure.name();
    tracing::error!(reason, advice, "the bucket does not take objects; live goes on");
}

pub(super) fn spool_full(is_full: bool) {
    gauge!("matinee_bucket_spool_full").set(f64::from(u8::from(is_full)));
    if is_full {
        let advice = "see to the bucket, or give the spool more room with --s3-spool-mib";
        tracing::error!(advice, "the spool is full: shows go on, recordings do not");
    } else {
        tracing::info!("the spool has room again; shows are recorded");
    }
}

#[expect(clippy::cast_precision_loss, reason = "2^53 bytes are 9 petabytes")]
pub(super) fn spool(spool: &Spool, now: Now) {
    let (unsent, kept) = spool.bytes();
    gauge!("matinee_bucket_spool_bytes").set(unsent as f64);
    gauge!("matinee_bucket_kept_bytes").set(kept as f64);
    gauge!("matinee_bucket_waiting_objects").set(spool.waiting() as f64);
    gauge!("matinee_bucket_oldest_seconds").set(spool.oldest_us(now) as f64 / 1e6);
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
        Loss::SpoolFull => "spool_full",
    };
    counter!("matinee_storage_lost_total", "reason" => reason).increment(1);
    match loss {
        // It was said once that the recording stopped, or the spool is full.
        Loss::Stopped | Loss::SpoolFull => {
            tracing::debug!(key, reason, "an object is not recorded")
        }
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

/// How full the store is. The meters are looked up once, and not for each object.
pub(super) struct Levels {
    bytes: Gauge,
    objects: Gauge,
    waiting: Gauge,
}

impl Default for Levels {
    fn default() -> Self {
        Self {
            bytes: gauge!("matinee_storage_memory_bytes"),
            objects: gauge!("matinee_storage_memory_objects"),
            waiting: gauge!("matinee_storage_write_queue_objects"),
        }
    }
}

impl Levels {
    #[expect(clippy::cast_precision_loss, reason = "2^53 bytes are 9 petabytes")]
    pub(super) fn set(&self, machine: &Machine) {
        let (objects, bytes) = machine.memory();
        self.bytes.set(bytes as f64);
        self.objects.set(objects as f64);
        self.waiting.set(machine.waiting() as f64);
    }
}

const fn failure_name(failure: Failure) -> &'static str {
    match failure {
        Failure::DiskFull => "disk_full",
        Failure::Refused => "refused",
        Failure::Io => "io",
    }
}
