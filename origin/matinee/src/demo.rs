//! The demo: a show of its own with the test pattern on the air, and a link to watch it.
//!
//! In: a running house. Out: a publisher child process that is restarted while the house runs, and the link. Does not
//! know how the pattern is drawn.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::Args;
use origin_control::Control;
use shared_wire::api::{NewShow, NewTicket};
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;

use crate::error::Error;

/// Hands the publishing address to the child: arguments can be read by every user of the machine.
const URL_VARIABLE: &str = "MATINEE_SOURCE_URL";
/// How long the publisher stays away after it failed.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// Flags of `matinee source`.
#[derive(Debug, Args)]
pub(crate) struct SourceFlags {
    /// rtmp://host:port/live/<stream key>, the same by rtmps://, or srt://host:port?streamid=…
    #[arg(long, env = URL_VARIABLE, hide_env_values = true)]
    url: String,
    /// Width of the picture
    #[arg(long, default_value_t = 1280)]
    width: u32,
    /// Height of the picture
    #[arg(long, default_value_t = 720)]
    height: u32,
    /// Frames per second
    #[arg(long, default_value_t = 30)]
    frame_rate: u32,
    /// How pictures are encoded: avc, or hevc by SRT
    #[arg(long, value_enum, default_value_t = CodecFlag::Avc)]
    codec: CodecFlag,
    /// What the picture takes, in kbit/s
    #[arg(long, value_name = "KBIT", default_value_t = 2500)]
    #[arg(value_parser = clap::value_parser!(u32).range(50..=50_000))]
    bit_rate: u32,
    /// What the sound takes, in kbit/s
    #[arg(long, value_name = "KBIT", default_value_t = 128)]
    #[arg(value_parser = clap::value_parser!(u32).range(32..=320))]
    audio_bit_rate: u32,
    /// Frames from one keyframe to the next; a second if not given
    #[arg(long, value_name = "FRAMES")]
    gop: Option<u32>,
    /// Silence instead of a beep every second
    #[arg(long)]
    no_beep: bool,
    /// The clock as captions within the picture, too: CEA-608, channel CC1
    #[arg(long, value_enum)]
    captions: Option<CaptionsFlag>,
    /// Do something wrong, seconds after the start: jump:AT:BY moves all timestamps, drop:AT:FOR leaves out pictures,
    /// stall:AT:FOR sends nothing, drift:PPM lets the sound's timestamps run away; may be given again
    #[arg(long = "fault", value_name = "FAULT")]
    faults: Vec<origin_pattern::Fault>,
    /// Stop after so many seconds
    #[arg(long)]
    seconds: Option<u64>,
}

/// How pictures are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum CodecFlag {
    Avc,
    Hevc,
}

/// How captions stand within the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum CaptionsFlag {
    #[value(name = "608")]
    Cea608,
}

/// `matinee source`: publishes until it is killed, its standard input closes, or the time is over.
pub(crate) fn source(flags: &SourceFlags) -> Result<(), Error> {
    static STOP: AtomicBool = AtomicBool::new(false);
    if flags.seconds.is_none() {
        // The house that started it holds the other end: when the house is gone, however it went, so is the pattern.
        std::thread::spawn(|| {
            let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
            STOP.store(true, Ordering::Relaxed);
        });
    }
    let config = origin_pattern::Config {
        url: flags.url.clone(),
        picture: origin_pattern::Picture::Card,
        width: flags.width,
        height: flags.height,
        frame_rate: flags.frame_rate,
        gop_frames: flags.gop.unwrap_or(flags.frame_rate),
        video_bit_rate: flags.bit_rate * 1000,
        audio_bit_rate: flags.audio_bit_rate * 1000,
        codec: match flags.codec {
            CodecFlag::Avc => origin_pattern::Codec::Avc,
            CodecFlag::Hevc => origin_pattern::Codec::Hevc,
        },
        beep: !flags.no_beep,
        captions: flags.captions == Some(CaptionsFlag::Cea608),
        faults: flags.faults.clone(),
        duration: flags.seconds.map(Duration::from_secs),
    };
    origin_pattern::publish(config, &STOP).map_err(Error::Pattern)
}

/// Creates the demo show, keeps the pattern on the air until `stop`, and returns the link.
pub(crate) async fn start(
    control: &Control,
    program: PathBuf,
    stop: CancellationToken,
) -> Result<String, Error> {
    let new = NewShow { title: "Matinee test pattern".to_owned(), ..NewShow::default() };
    let made = control.create_show(new).await?;
    let ticket = control.issue_ticket(made.show, NewTicket::default()).await?;
    tokio::spawn(keep_publishing(program, made.publish.rtmp, stop));
    Ok(ticket.watch_url)
}

async fn keep_publishing(program: PathBuf, url: String, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let outcome = match publisher(&program, &url) {
            Ok(mut child) => {
                // Held beside the child: waiting for a child closes what input it still has.
                let _open = child.stdin.take();
                tokio::select! {
                    outcome = child.wait() => outcome.map(|status| status.to_string()),
                    () = stop.cancelled() => return, // dropping the child kills it
                }
            }
            Err(error) => Err(error),
        };
        match outcome {
            Ok(status) => tracing::warn!(status, "the test pattern stopped; starting it again"),
            Err(error) => tracing::error!(%error, "the test pattern cannot be started"),
        }
        tokio::select! {
            () = tokio::time::sleep(RETRY_AFTER) => {}
            () = stop.cancelled() => return,
        }
    }
}

fn publisher(program: &PathBuf, url: &str) -> std::io::Result<Child> {
    Command::new(program)
        .arg("source")
        .env(URL_VARIABLE, url)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
}
