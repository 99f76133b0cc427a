//! The child process that draws covers and strips for the whole house, one after another.
//!
//! In: keyframes, what to draw. Out: a JPEG, or a line in the log. Does not know pixels, nor what a drawing is for.
//!
//! To start a child that links FFmpeg takes fifty milliseconds of a core, a drawing a few: so one child draws again and
//! again. What it decodes is hostile; it goes with the first drawing that fails or takes too long, and after many, so
//! that whatever a picture did to it does not stay. It goes as well when nothing was drawn for a while.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use metrics::counter;
use origin_storyboard::{Spec, desk};
use shared_wire::ShowId;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin, ChildStdout};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::child;

/// How long a drawing may take.
const DRAW_MAX: Duration = Duration::from_secs(10);
/// How many drawings a child makes.
const DRAWINGS_MAX: u32 = 100;
/// How long a child stays that is asked for nothing: a show on the air asks each minute.
const REST: Duration = Duration::from_secs(90);

/// Has a child draw.
#[derive(Clone)]
pub(crate) struct Pen {
    program: PathBuf,
    at_rest: Arc<Mutex<Option<Drawer>>>,
}

/// The child.
struct Drawer {
    to: ChildStdin,
    from: ChildStdout,
    drawings: u32,
    used: Instant,
    /// Killed with this.
    _child: Child,
}

/// Why there is no drawing.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// The child is not what it should be, or not there.
    #[error("the drawing child: {0}")]
    Child(#[from] std::io::Error),
    /// What was asked for cannot be drawn.
    #[error("{0}")]
    Refused(String),
}

impl Pen {
    pub(crate) fn new(program: PathBuf) -> Self {
        Self { program, at_rest: Arc::default() }
    }

    /// Draws keyframes, which stand behind their init segment; `None` if it cannot be done, which is said in the log.
    pub(crate) async fn draw(&self, show: ShowId, film: Bytes, spec: Spec) -> Option<Bytes> {
        // Held while it draws: one at a time.
        let mut at_rest = self.at_rest.lock().await;
        // Taken away: a child whose drawing is not waited for any more is in the middle of it.
        let drawer = at_rest.take();
        let drawn = tokio::time::timeout(DRAW_MAX, self.drawn(drawer, film, spec)).await;
        let why = match drawn {
            Ok(Ok((jpeg, drawer))) => {
                counter!("matinee_storyboard_drawings_total", "result" => "drawn").increment(1);
                if drawer.drawings < DRAWINGS_MAX {
                    *at_rest = Some(drawer);
                    tokio::spawn(self.clone().rest());
                }
                return Some(jpeg);
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => "it took too long".to_owned(),
        };
        counter!("matinee_storyboard_drawings_total", "result" => "failed").increment(1);
        tracing::warn!(%show, why, "a picture of the show could not be drawn");
        None
    }

    async fn drawn(
        &self,
        at_rest: Option<Drawer>,
        film: Bytes,
        spec: Spec,
    ) -> Result<(Bytes, Drawer), Failure> {
        if let Some(mut drawer) = at_rest {
            match drawer.draw(&film, spec).await {
                Ok(jpeg) => return Ok((jpeg, drawer)),
                // It may have gone while it rested: that is not this picture's fault.
                Err(Failure::Child(error)) => tracing::debug!(%error, "another child draws"),
                Err(refused @ Failure::Refused(_)) => return Err(refused),
            }
        }
        let mut drawer = self.start()?;
        let jpeg = drawer.draw(&film, spec).await?;
        Ok((jpeg, drawer))
    }

    fn start(&self) -> Result<Drawer, Failure> {
        let mut child = child::of(&self.program, "draw").stdin(Stdio::piped()).spawn()?;
        let broken = || std::io::Error::from(std::io::ErrorKind::BrokenPipe);
        let to = child.stdin.take().ok_or_else(broken)?;
        let from = child.stdout.take().ok_or_else(broken)?;
        Ok(Drawer { to, from, drawings: 0, used: Instant::now(), _child: child })
    }

    /// Lets the child go once nothing was asked of it for a while.
    async fn rest(self) {
        tokio::time::sleep(REST).await;
        self.at_rest.lock().await.take_if(|drawer| drawer.used.elapsed() >= REST);
    }
}

impl Drawer {
    async fn draw(&mut self, film: &[u8], spec: Spec) -> Result<Bytes, Failure> {
        let too_large = || Failure::Refused("its keyframes are too large".to_owned());
        let head = desk::head(spec, film.len()).ok_or_else(too_large)?;
        self.to.write_all(&head).await?;
        self.to.write_all(film).await?;
        let mut head = [0; desk::ANSWER_HEAD];
        self.from.read_exact(&mut head).await?;
        let none = || std::io::Error::other("what it says is no answer");
        let (is_drawn, length) = desk::answer(head).ok_or_else(none)?;
        let mut bytes = vec![0; length];
        self.from.read_exact(&mut bytes).await?;
        (self.drawings, self.used) = (self.drawings + 1, Instant::now());
        match is_drawn {
            true if bytes.starts_with(&[0xff, 0xd8]) => Ok(bytes.into()),
            true => Err(none().into()),
            false => Err(Failure::Refused(String::from_utf8_lossy(&bytes).into_owned())),
        }
    }
}
