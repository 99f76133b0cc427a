//! Follows a certificate in two files.
//!
//! In: the files. Out: metrics and lines of the log. Does not know connections, nor what is in a certificate.

use std::time::Duration;

use metrics::gauge;
use shared_certificate::{Files, Look};
use tokio::time::interval;
use tracing::{error, info};

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(2);

/// Takes a new pair into use when the files change, for good.
pub(super) async fn watch(files: &Files) {
    let mut beat = interval(LOOK);
    loop {
        beat.tick().await;
        let stale = gauge!("matinee_edge_tls_certificate_stale");
        match files.look() {
            Look::Same => {}
            // What is missing for good shows in the gauge.
            Look::Away => stale.set(1.0),
            Look::New => {
                stale.set(0.0);
                info!(certificate = %files.certificate().display(), "a new certificate is in use");
            }
            Look::Bad(why) => {
                stale.set(1.0);
                error!("the new certificate is not used, the one before stays: {why}");
            }
        }
    }
}
