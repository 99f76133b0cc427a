//! Shows that are fetched from elsewhere: control's wishes on their way to ingest; and the child process that fetches.
//!
//! In: what control tells, at the start and after it. Out: ingest, told to fetch; `matinee relay`. Does not know HLS or
//! RTMP. The address may hold a secret: it is neither logged nor told, and goes into the child's environment.

use std::path::PathBuf;

use origin_control::{Control, Pulling, Source};
use origin_ingest::{Desk, Pull, Refusal};
use origin_relay::machine::source;
use shared_wire::ShowId;
use tokio::sync::mpsc;

use crate::error::Error;

/// Hands the source's address to the child.
const URL_VARIABLE: &str = "MATINEE_RELAY_URL";
/// Whether it may lead into a private network.
const PRIVATE_VARIABLE: &str = "MATINEE_RELAY_PRIVATE";

/// Who has shows fetched.
pub(crate) struct Office {
    pub(crate) desk: Desk,
    pub(crate) program: PathBuf,
    pub(crate) allow_private: bool,
}

/// What is wrong with a source's address, if something is.
pub(crate) fn fault(url: &str) -> Option<String> {
    source::read(url).err().map(|error| error.to_string())
}

/// `matinee relay`: fetches what the house tells it to.
pub(crate) fn relay() -> Result<(), Error> {
    let url = std::env::var(URL_VARIABLE).unwrap_or_default();
    let allow_private = std::env::var_os(PRIVATE_VARIABLE).is_some();
    origin_relay::relay(&url, allow_private).map_err(Error::Relay)
}

impl Office {
    /// Fetches what an earlier process fetched, then does what it is told, for good.
    pub(crate) async fn work(self, control: Control, mut told: mpsc::Receiver<Pulling>) {
        match control.pulls().await {
            Ok(shows) => {
                for (show, from) in shows {
                    if control.is_elsewhere(show) {
                        continue; // that node fetches it
                    }
                    match self.begin(show, &from) {
                        Ok(()) => tracing::info!(%show, "the show is fetched again"),
                        Err(error) => tracing::error!(%show, %error, "the show is not fetched"),
                    }
                }
            }
            Err(error) => tracing::error!(%error, "shows that were fetched are not known"),
        }
        while let Some(Pulling { show, from, done }) = told.recv().await {
            let answer = match from {
                Some(from) => self.begin(show, &from).map_err(|refusal| refusal.to_string()),
                None => {
                    self.desk.stop_pulling(&show.to_string());
                    Ok(())
                }
            };
            // Whoever asked may have gone.
            let _ = done.send(answer);
        }
    }

    fn begin(&self, show: ShowId, from: &Source) -> Result<(), Refusal> {
        let command = vec![self.program.clone().into_os_string(), "relay".into()];
        // By `no_proxy` libavformat would go past the relay's own proxy.
        let mut environment =
            vec![(URL_VARIABLE.into(), from.expose().into()), ("no_proxy".into(), "".into())];
        if self.allow_private {
            environment.push((PRIVATE_VARIABLE.into(), "1".into()));
        }
        self.desk.pull(&show.to_string(), Pull { command, environment })
    }
}
