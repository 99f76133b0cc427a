//! `matinee asset chapters`: what can be jumped to in an asset.
//!
//! In: points and titles as people write them. Out: chapters, as people read them. Does not know HTTP.

use clap::Args;
use reqwest::Method;
use serde_json::json;
use shared_wire::AssetId;
use shared_wire::api::{ChapterList, ChapterMark, SetChapters};

use super::asset::length;
use super::error::Error;
use super::house::{House, HouseFlags};
use super::table::table;
use super::trim::point;

/// What is to become of chapters; if nothing, they are listed.
#[derive(Debug, Clone, Args)]
pub(crate) struct ChapterFlags {
    /// The asset's id
    asset: AssetId,
    /// A chapter, in the place of those it has: '1:23 The rehearsal'; again for more
    #[arg(long = "at", value_name = "TIME TITLE", value_parser = mark)]
    marks: Vec<ChapterMark>,
    /// It has no chapters
    #[arg(long, conflicts_with = "marks")]
    none: bool,
    /// It has those of its file again
    #[arg(long, conflicts_with_all = ["marks", "none"])]
    undo: bool,
    /// Which house
    #[command(flatten)]
    house: HouseFlags,
}

impl ChapterFlags {
    /// # Errors
    /// Any of [`Error`].
    pub(super) async fn run(self) -> Result<String, Error> {
        let Self { asset, marks, none, undo, house } = self;
        let (at, path) = (House::find(&house).await?, format!("/v1/assets/{asset}/chapters"));
        let list: ChapterList = if undo {
            at.delete(&path).await?
        } else if none || !marks.is_empty() {
            at.set(Method::PUT, &path, &SetChapters { chapters: marks }).await?
        } else {
            at.get(&path).await?
        };
        Ok(if house.json { json!(list).to_string() } else { listed(&list) })
    }
}

fn listed(list: &ChapterList) -> String {
    if list.chapters.is_empty() {
        return "It has no chapters: matinee asset chapters ID --at '0:00 TITLE' --at …".to_owned();
    }
    let row = |mark: &ChapterMark| [length(mark.start_ms), mark.title.clone()];
    let rows: Vec<_> = list.chapters.iter().map(row).collect();
    table(["BEGINS", "TITLE"], &rows)
}

/// A chapter: a point, and behind it a title.
fn mark(text: &str) -> Result<ChapterMark, String> {
    let (at, title) = text.trim().split_once(' ').unwrap_or((text, ""));
    let title = title.trim().to_owned();
    if title.is_empty() {
        return Err(format!("`{text}` is no time with a title such as `1:23 The rehearsal`"));
    }
    Ok(ChapterMark { start_ms: point(at)?, title })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chapter_is_a_time_and_a_title() {
        let title = "The  rehearsal".to_owned();
        assert_eq!(mark("1:23  The  rehearsal "), Ok(ChapterMark { start_ms: 83_000, title }));
        for text in ["", "1:23", "1:23 ", "The rehearsal"] {
            assert!(mark(text).is_err(), "{text}");
        }
    }
}
