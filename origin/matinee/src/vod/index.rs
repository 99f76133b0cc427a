//! The first job of a film: its file is looked through, and it is decided where it is cut.
//!
//! In: a film. Out: how it is cut, and the jobs that make it. Does not know what is in packets.

use std::path::Path;

use origin_control::FilmLease;
use origin_ladder::film;
use origin_vod::machine::{Keyframes, chunks, plan};
use shared_media::Ticks;

use super::error::Failure;
use super::made::{Done, Made, write};
use super::{Films, THREADS};

/// A film of which less than one part in so many can be read is not the one that was looked into.
const READ_SHARE: u64 = 2;

impl Films {
    pub(super) async fn index(&self, lease: &FilmLease, file: &Path) -> Result<Done, Failure> {
        let known = self.control.film(lease.asset).await?;
        let plan = plan(&self.vod, &known.media, known.keep_hdr);
        let sounds = plan.sounds.iter().map(|one| one.stream);
        let texts = plan.subtitles.iter().map(|one| one.stream);
        let pictures = plan.pictures.as_ref().map(|pictures| pictures.stream);
        let mut streams: Vec<u32> = pictures.into_iter().chain(sounds).chain(texts).collect();
        streams.sort_unstable();
        streams.dedup();
        let index = film::index(&self.ladder, file, &streams, pictures).await?;
        check_length(index.length, known.media.duration_ms)?;
        let is_copied = plan.rungs.iter().any(|rung| rung.is_copy);
        let keyframes =
            Keyframes { keyframes: &index.keyframes, early: &index.early, length: index.length };
        let cutting = chunks(&self.vod, &keyframes, is_copied)
            .map_err(|error| Failure::File(error.to_string()))?;
        let made = Made {
            plan,
            cutting,
            begin: index.begin,
            length: index.length,
            frame_rate: index.frame_rate,
            threads: THREADS,
            anchor_us: known.created_at.saturating_mul(1_000_000),
            is_untimed: index.is_untimed,
        };
        let jobs = made.jobs();
        if jobs.is_empty() {
            return Err(Failure::File("nothing in it can be played".to_owned()));
        }
        Ok(Done::Index(write(&made)?, jobs))
    }
}

/// Readers take a file to end where its bytes are bad.
fn check_length(length: Ticks, stated_ms: u64) -> Result<(), Failure> {
    let read_ms = u64::try_from(length.as_micros() / 1000).unwrap_or_default();
    if read_ms >= stated_ms / READ_SHARE {
        return Ok(());
    }
    let (read, stated) = (read_ms / 1000, stated_ms / 1000);
    Err(Failure::File(format!("of its {stated} s no more than {read} s can be read")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_film_that_ends_long_before_it_should_is_none() {
        assert!(check_length(Ticks::from_millis(9_000), 10_000).is_ok());
        assert!(check_length(Ticks::from_millis(5_000), 10_001).is_ok());
        let cut = check_length(Ticks::from_millis(4_999), 10_001).unwrap_err();
        assert!(cut.is_hopeless() && cut.to_string().contains("of its 10 s no more than 4 s"));
    }
}
