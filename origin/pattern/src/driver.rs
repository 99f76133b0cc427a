//! The publishing itself: the only place with clocks, FFmpeg and a socket.
//!
//! In: a [`Config`] and the word to stop. Out: a publication in real time, or why it ended. Does not know what the card
//! looks like.

mod encode;
mod outlet;
mod still;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use ffmpeg_next as ffmpeg;

use crate::captions::Captions;
use crate::config::{Config, HEIGHT_MIN, Picture, READING_US_MAX, STOP_LOOK_EVERY, WIDTH_MIN};
use crate::error::Error;
use crate::fault::{Fault, fate};
use crate::picture::canvas::Canvas;
use crate::picture::{Card, slate};
use crate::schedule::{Schedule, Step};
use encode::{AudioEncoder, VideoEncoder};
use outlet::Outlet;

/// Publishes the test pattern until `stop` is set or `config.duration` is over. It blocks, and belongs in a process or
/// thread of its own.
///
/// # Errors
/// Whatever ends it before, with whose fault it is: it does not try again by itself.
pub fn publish(config: Config, stop: &AtomicBool) -> Result<(), Error> {
    config.check()?;
    ffmpeg::init().map_err(|error| broken("starting FFmpeg", error))?;
    ffmpeg::log::set_level(ffmpeg::log::Level::Error);
    let shown = Shown::new(&config)?;
    let video = VideoEncoder::open(&config)?;
    let audio = AudioEncoder::open(&config)?;
    let outlet = Outlet::open(&config, &video, &audio)?;
    let publisher = Publisher {
        shown,
        video,
        audio,
        outlet,
        captions: config.captions.then(Captions::default),
        faults: config.faults.clone(),
        end_us: config.duration.map(|span| u64::try_from(span.as_micros()).unwrap_or(u64::MAX)),
    };
    tracing::info!(
        width = config.width,
        height = config.height,
        frame_rate = config.frame_rate,
        "the picture is on the air"
    );
    publisher.run(config.frame_rate, stop)
}

/// What is shown: anew for each frame, or always the same.
enum Shown {
    Card(Box<Card>),
    Slate(Canvas),
}

impl Shown {
    fn new(config: &Config) -> Result<Self, Error> {
        let (width, height) = (config.width, config.height);
        Ok(match &config.picture {
            Picture::Card => Self::Card(Box::new(Card::new(width, height))),
            Picture::Slate(None) => Self::Slate(slate::words(width, height)),
            Picture::Slate(Some(file)) => Self::Slate(still::load(file, width, height)?),
        })
    }

    fn draw(&mut self, utc_us: i64, frame: u64) -> &Canvas {
        match self {
            Self::Card(card) => card.draw(utc_us, frame),
            Self::Slate(canvas) => canvas,
        }
    }
}

/// Whether a file has a picture that can be a slate.
///
/// # Errors
/// [`Error::Picture`] says what is wrong with it.
pub fn look_at(picture: &Path) -> Result<(), Error> {
    ffmpeg::init().map_err(|error| broken("starting FFmpeg", error))?;
    ffmpeg::log::set_level(ffmpeg::log::Level::Fatal);
    still::load(picture, WIDTH_MIN, HEIGHT_MIN).map(drop)
}

struct Publisher {
    shown: Shown,
    video: VideoEncoder,
    audio: AudioEncoder,
    outlet: Outlet,
    captions: Option<Captions>,
    faults: Vec<Fault>,
    end_us: Option<u64>,
}

impl Publisher {
    fn run(mut self, frame_rate: u32, stop: &AtomicBool) -> Result<(), Error> {
        let (mut schedule, wait_us) = Schedule::next_after(utc_us(), frame_rate);
        let zero = Instant::now() + Duration::from_micros(wait_us);
        let mut frame = 0;
        while !stop.load(Ordering::Relaxed) {
            if self.end_us.is_some_and(|end| schedule.due_us(frame) >= end) {
                break;
            }
            let elapsed_us = follow_clocks(&mut schedule, zero);
            match schedule.step(frame, elapsed_us) {
                Step::Wait(us) => thread::sleep(Duration::from_micros(us).min(STOP_LOOK_EVERY)),
                Step::Skip(frames) => {
                    tracing::warn!(frames, "too late: frames left out");
                    frame += frames;
                }
                Step::Draw => {
                    self.send(&schedule, frame)?;
                    frame += 1;
                }
            }
        }
        self.outlet.close();
        Ok(())
    }

    /// Sends the sound up to a frame, then the frame.
    fn send(&mut self, schedule: &Schedule, frame: u64) -> Result<(), Error> {
        let due_us = schedule.due_us(frame);
        while self.audio.next_block_end_us() <= due_us {
            let first_us = self.audio.next_block_us();
            for packet in self.audio.encode(schedule.utc_us(first_us))? {
                self.outlet.write_audio(packet, fate(&self.faults, false, first_us))?;
            }
        }
        let picture = self.shown.draw(schedule.utc_us(due_us), frame);
        let (from_us, until_us) =
            (schedule.utc_us(due_us), schedule.utc_us(schedule.due_us(frame + 1)));
        let captions = self.captions.as_mut().map(|captions| captions.beside(from_us, until_us));
        let captions = captions.unwrap_or_default();
        for packet in self.video.encode(picture, frame, &captions)? {
            self.outlet.write_video(packet, fate(&self.faults, true, due_us))?;
        }
        Ok(())
    }
}

/// Reads both clocks and answers the microseconds since frame 0 was due; 0 before.
///
/// UTC is compared only where nothing came between the two readings: a thread that was put to sleep there would see a
/// clock that jumped.
fn follow_clocks(schedule: &mut Schedule, zero: Instant) -> u64 {
    let before = elapsed_us(zero);
    let utc = utc_us();
    let after = elapsed_us(zero);
    if before > 0 && after - before < READING_US_MAX {
        schedule.follow(utc, before);
    }
    after
}

fn elapsed_us(zero: Instant) -> u64 {
    u64::try_from(zero.elapsed().as_micros()).unwrap_or(u64::MAX)
}

/// The wall clock, in microseconds since the Unix epoch.
fn utc_us() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

fn broken(what: &'static str, error: ffmpeg::Error) -> Error {
    Error::Broken { what, why: error.to_string() }
}
