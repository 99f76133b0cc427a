//! Files that are looked into, each by a child process: a hostile one hurts that alone.
//!
//! In: assets that wait, at the start and whenever one comes. Out: what is in them, or why they are refused; the bytes
//! of those are deleted. Does not know containers or codecs.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use metrics::counter;
use origin_control::Control;
use origin_probe::Refusal;
use origin_upload::Uploads;
use shared_wire::AssetId;
use shared_wire::api::MediaInfo;
use tokio::io::AsyncReadExt as _;
use tokio_util::sync::CancellationToken;

use crate::child;
use crate::error::Error;
use crate::source::{Source, Sources};

/// The environment that a child is told the file by.
const PROBE_FILE: &str = "MATINEE_PROBE_FILE";
/// How long a look may take.
const PROBE_MAX: Duration = Duration::from_secs(60);
/// How long nobody else looks: longer than that.
const CLAIM_MS: i64 = 90_000;
/// How often assets that wait are looked for, whoever took them in.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// Longest answer of a child, in bytes.
const ANSWER_BYTES_MAX: u64 = 1 << 20;

/// Whoever looks.
pub(super) struct Probing {
    pub(super) control: Control,
    pub(super) uploads: Uploads,
    pub(super) sources: Sources,
    pub(super) program: PathBuf,
}

impl Probing {
    /// Looks into one after the other until the house stops.
    pub(super) async fn work(self, stop: CancellationToken) {
        let fresh = self.control.fresh_assets();
        loop {
            match self.control.next_to_probe(CLAIM_MS).await {
                Ok(Some(asset)) => {
                    tokio::select! {
                        () = self.look(asset) => {}
                        () = stop.cancelled() => return,
                    }
                    continue;
                }
                Ok(None) => {}
                Err(error) => tracing::warn!(%error, "assets that wait are not known"),
            }
            tokio::select! {
                () = fresh.notified() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = stop.cancelled() => return,
            }
        }
    }

    async fn look(&self, asset: AssetId) {
        let found = match self.sources.open(asset).await {
            Ok(source) => self.told(&source).await,
            Err(missing) => Err(missing),
        };
        let found = match found {
            Ok(found) => found,
            Err(error) => {
                // Nothing is known of the file: somebody looks again when the claim is over.
                tracing::warn!(%asset, error, "the file could not be looked into");
                return;
            }
        };
        let result = if found.is_ok() { "taken" } else { "refused" };
        counter!("matinee_assets_probed_total", "result" => result).increment(1);
        if let Err(reason) = &found {
            tracing::info!(%asset, reason, "the file is refused");
            if let Err(error) = self.uploads.discard(asset).await {
                tracing::warn!(%asset, %error, "its bytes could not be deleted");
                return;
            }
        }
        if let Err(error) = self.control.probed(asset, found).await {
            tracing::error!(%asset, %error, "what is in the file was not kept");
        }
    }

    /// What is in the file, or why it is refused; or why neither is known.
    async fn told(&self, source: &Source) -> Result<Result<MediaInfo, String>, String> {
        let told = tokio::time::timeout(PROBE_MAX, self.child(source)).await;
        if let Some(lacks) = source.lacks() {
            return Err(lacks);
        }
        match told {
            Ok(told) => told.map_err(|error| error.to_string()),
            Err(_) if source.is_slow() => Err("the bucket is too slow".to_owned()),
            Err(_) => Ok(Err("it cannot be looked into in time".to_owned())),
        }
    }

    async fn child(&self, file: &Path) -> std::io::Result<Result<MediaInfo, String>> {
        // An address is nobody else's business, and arguments are for everybody to see.
        let mut child = child::of(&self.program, "probe").env(PROBE_FILE, file).spawn()?;
        let broken = || std::io::Error::from(std::io::ErrorKind::BrokenPipe);
        let mut from = child.stdout.take().ok_or_else(broken)?.take(ANSWER_BYTES_MAX);
        let mut answer = Vec::new();
        from.read_to_end(&mut answer).await?;
        let status = child.wait().await?;
        if !status.success() {
            // It is the file that makes it crash, each time anew.
            return Ok(Err(format!("FFmpeg cannot read it ({status})")));
        }
        let told: Result<MediaInfo, Refusal> = serde_json::from_slice(&answer)?;
        Ok(told.map_err(|refusal| refusal.to_string()))
    }
}

/// Flags of `matinee probe`.
#[derive(Debug, Args)]
pub(crate) struct ProbeFlags {
    /// The file
    #[arg(env = PROBE_FILE, hide_env_values = true)]
    file: PathBuf,
}

/// `matinee probe`: what is in a file, as JSON on standard output.
pub(crate) fn probe(flags: &ProbeFlags) -> Result<(), Error> {
    let told = origin_probe::probe(&flags.file);
    let broken = |error: std::io::Error| Error::Machine(error.to_string());
    let json = serde_json::to_string(&told).map_err(|error| Error::Us(error.to_string()))?;
    std::io::Write::write_all(&mut std::io::stdout(), json.as_bytes()).map_err(broken)
}
