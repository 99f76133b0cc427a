//! `matinee caption`: says something on a track of captions of a show that is on the air.
//!
//! In: parsed arguments; a WebVTT file, or lines as somebody writes them. Out: what to print. Does not know HTTP.

use std::io::{BufRead, Read as _};
use std::path::{Path, PathBuf};

use clap::Args;
use reqwest::Method;
use serde_json::json;
use shared_wire::ShowId;
use shared_wire::api::{CaptionsTaken, NewCaptions, NewCue};
use tokio::sync::mpsc;

use super::error::Error;
use super::house::{House, HouseFlags};
use super::moment;

/// Bytes of a line that are read; the house takes fewer.
const LINE_BYTES_MAX: u64 = 4096;
/// Bytes of a file that are read; the house takes fewer.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// Lines that wait while the house answers.
const LINES_WAITING_MAX: usize = 16;
/// How many characters people read in a second.
const CHARS_READ_PER_S: u64 = 15;
/// How long a text is shown that nobody gave a time, in milliseconds.
const SHOWN_MS: std::ops::RangeInclusive<u64> = 2000..=7000;

/// Say something on a track of captions of a show that is on the air.
#[derive(Debug, Clone, Args)]
pub(crate) struct CaptionFlags {
    /// The show's id
    #[arg(value_name = "SHOW")]
    show: ShowId,
    /// The track's language, such as en or pt-BR
    #[arg(value_name = "LANGUAGE", value_parser = language)]
    language: String,
    /// What is said; if neither it nor --file is there, each line of standard input as it comes
    #[arg(value_name = "TEXT", conflicts_with = "file")]
    text: Option<String>,
    /// The cues of a WebVTT file, whose zero is now
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// How long it is shown, such as 4s; as long as it takes to read if not said
    #[arg(long = "for", value_name = "DURATION", value_parser = moment::duration_s,
        conflicts_with = "file")]
    shown_s: Option<u32>,
    /// Which house
    #[command(flatten)]
    house: HouseFlags,
}

/// Reads a language: it becomes a step of an address.
fn language(text: &str) -> Result<String, String> {
    let is_tag = !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    is_tag.then(|| text.to_owned()).ok_or_else(|| "it must be such as en or pt-BR".to_owned())
}

impl CaptionFlags {
    /// Carries the command out; what to print.
    ///
    /// # Errors
    /// Any of [`Error`].
    pub(crate) async fn run(self) -> Result<String, Error> {
        let path = format!("/v1/shows/{}/captions/{}", self.show, self.language);
        let file = self.file.as_deref().map(read).transpose()?;
        let at = House::find(&self.house).await?;
        let taken: CaptionsTaken = match (file, &self.text) {
            (Some(file), _) => at.send_vtt(Method::POST, &path, file).await?,
            (None, Some(text)) => at.send(&path, &self.cue(text)).await?,
            (None, None) => self.lines(&at, &path, lines_of_stdin()).await?,
        };
        let number = if taken.cues == 1 { "1 cue is" } else { &format!("{} cues are", taken.cues) };
        let said = format!("{number} on the way to whoever watches.");
        Ok(if self.house.json { json!(taken).to_string() } else { said })
    }

    /// Says each line when it comes. One that is refused is told, and does not keep the next from being said.
    async fn lines(
        &self,
        at: &House,
        path: &str,
        mut lines: mpsc::Receiver<Result<String, Error>>,
    ) -> Result<CaptionsTaken, Error> {
        let (mut taken, mut refused) = (0, 0);
        while let Some(line) = lines.recv().await {
            let line = line?;
            if line.trim().is_empty() {
                continue;
            }
            match at.send::<CaptionsTaken>(path, &self.cue(line.trim())).await {
                Ok(more) => taken += more.cues,
                // No other line would fare better.
                Err(Error::Refused(why))
                    if ["show_unknown", "caption_track_unknown"].contains(&why.code.as_str()) =>
                {
                    return Err(Error::Refused(why));
                }
                Err(Error::Refused(why)) => {
                    refused += 1;
                    eprintln!("matinee: {}", Error::Refused(why));
                }
                Err(error) => return Err(error),
            }
        }
        if refused > 0 { Err(Error::Unsaid { refused }) } else { Ok(CaptionsTaken { cues: taken }) }
    }

    /// A text that is shown from now on.
    fn cue(&self, text: &str) -> NewCaptions {
        let chars = u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
        let read_ms = (chars.saturating_mul(1000) / CHARS_READ_PER_S)
            .clamp(*SHOWN_MS.start(), *SHOWN_MS.end());
        let shown_ms = self.shown_s.map_or(read_ms, |seconds| u64::from(seconds) * 1000);
        let (start_in_ms, end_in_ms) = (Some(0), i64::try_from(shown_ms).ok());
        let text = text.to_owned();
        NewCaptions { cues: vec![NewCue { start_in_ms, end_in_ms, text, ..NewCue::default() }] }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let read = std::fs::File::open(path)
        .and_then(|file| file.take(FILE_BYTES_MAX).read_to_end(&mut bytes));
    match read {
        Ok(_) => Ok(bytes),
        Err(error) => {
            Err(Error::Input { from: path.display().to_string(), reason: error.to_string() })
        }
    }
}

/// Standard input, line by line. A thread waits for it: it may never end, and nobody waits for the thread.
fn lines_of_stdin() -> mpsc::Receiver<Result<String, Error>> {
    let (sender, receiver) = mpsc::channel(LINES_WAITING_MAX);
    std::thread::spawn(move || {
        let mut stdin = std::io::stdin().lock();
        while let Some(line) = next_line(&mut stdin) {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

fn next_line(input: &mut impl BufRead) -> Option<Result<String, Error>> {
    let wrong = |reason: String| Err(Error::Input { from: "standard input".to_owned(), reason });
    let mut line = Vec::new();
    match input.take(LINE_BYTES_MAX).read_until(b'\n', &mut line) {
        Ok(0) => None,
        Ok(_) if !line.ends_with(b"\n") && line.len() as u64 == LINE_BYTES_MAX => {
            Some(wrong(format!("a line is longer than {LINE_BYTES_MAX} bytes")))
        }
        Ok(_) => Some(Ok(String::from_utf8_lossy(&line).into_owned())),
        Err(error) => Some(wrong(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_one_by_one_and_never_without_end() {
        let mut input = std::io::Cursor::new(b"one\r\n\ntw\xff".to_vec());
        let mut next = || next_line(&mut input).map(Result::unwrap);
        assert_eq!((next(), next()), (Some("one\r\n".to_owned()), Some("\n".to_owned())));
        assert_eq!((next(), next()), (Some("tw\u{fffd}".to_owned()), None));
        let mut long = std::io::Cursor::new(vec![b'a'; 5000]);
        assert!(next_line(&mut long).is_some_and(|line| line.is_err()));
    }

    #[test]
    fn languages_are_steps_of_an_address() {
        assert_eq!(language("pt-BR").as_deref(), Ok("pt-BR"));
        for wrong in ["", "a/b", "ä", "a b", "?"] {
            assert!(language(wrong).is_err(), "{wrong}");
        }
    }
}
