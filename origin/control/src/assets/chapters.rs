//! Chapters of assets: those of the file, unless somebody sets others.
//!
//! In: chapters, as an administrator says them. Out: the same, for whoever asks; word to the show that it has some.
//! Does not know how players are told.

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QuerySelect as _};
use shared_wire::api::{CHAPTERS_MAX, Chapter, ChapterList, ChapterMark, MediaInfo};
use shared_wire::{AssetId, ShowId};

use super::{Assets, by_id, json, of_row};
use crate::Error;
use crate::page::check_text;
use crate::rows::assets;
use crate::shows::ShowSaid;

impl Assets {
    /// The chapters of an asset.
    ///
    /// # Errors
    /// [`Error::AssetUnknown`], storage errors.
    pub(crate) async fn chapters(&self, id: AssetId) -> Result<ChapterList, Error> {
        let row = by_id(id).one(self.rows.read()).await?;
        of(&row.ok_or(Error::AssetUnknown)?)
    }

    /// The chapters of what is played under a show, each with its end, and counted from the beginning of the whole;
    /// none if it is no asset's.
    ///
    /// # Errors
    /// Storage errors.
    pub(crate) async fn chapters_of(&self, show: ShowId) -> Result<Vec<Chapter>, Error> {
        let of_show = assets::Column::ShowId.eq(show.to_string());
        let row = assets::Entity::find().filter(of_show).one(self.rows.read()).await?;
        let Some(row) = row else { return Ok(Vec::new()) };
        let (marks, whole_ms) = (of(&row)?.chapters, of_row(&row)?.duration_ms);
        let end_ms = whole_ms.unwrap_or(u64::MAX);
        let ends = marks.iter().skip(1).map(|next| next.start_ms).chain([end_ms]);
        let ends: Vec<u64> = ends.collect();
        let chapter = |(mark, end_ms): (ChapterMark, u64)| Chapter {
            start_ms: mark.start_ms,
            end_ms,
            title: mark.title,
        };
        let is_some = |chapter: &Chapter| chapter.start_ms < chapter.end_ms;
        Ok(marks.into_iter().zip(ends).map(chapter).filter(is_some).collect())
    }

    /// Gives an asset other chapters; those of its file, if there are none.
    ///
    /// # Errors
    /// [`Error::AssetUnknown`], [`Error::AssetNotReady`], [`Error::Invalid`], storage errors.
    pub(crate) async fn set_chapters(
        &self,
        id: AssetId,
        chapters: Option<Vec<ChapterMark>>,
    ) -> Result<ChapterList, Error> {
        let turn = self.shows.turn().await;
        let change = self.rows.write().await?;
        let row = by_id(id).lock_exclusive().one(change.on()).await?;
        let mut row = row.ok_or(Error::AssetUnknown)?;
        let asset = of_row(&row)?;
        let show = asset.show.ok_or(Error::AssetNotReady)?;
        if let Some(chapters) = &chapters {
            self.check_chapters(chapters, asset.duration_ms.unwrap_or(u64::MAX))?;
        }
        row.chapters = chapters.as_ref().map(json).transpose()?;
        assets::Entity::update_many()
            .filter(assets::Column::Id.eq(id.to_string()))
            .col_expr(assets::Column::Chapters, Expr::value(row.chapters.clone()))
            .exec(change.on())
            .await?;
        let list = of(&row)?;
        let has_chapters = Some(!list.chapters.is_empty());
        let said = ShowSaid { has_chapters, ..ShowSaid::default() };
        self.shows.say_in(turn, change, Some(show), said).await?;
        Ok(list)
    }

    fn check_chapters(&self, chapters: &[ChapterMark], whole_ms: u64) -> Result<(), Error> {
        let invalid = |reason| Err(Error::Invalid { field: "chapters", reason });
        if chapters.len() > CHAPTERS_MAX {
            return invalid(format!("must be at most {CHAPTERS_MAX}"));
        }
        for mark in chapters {
            check_text("title", &mark.title, self.config.title_chars_max)?;
        }
        let is_order = |two: &[ChapterMark]| matches!(two, [a, b] if a.start_ms < b.start_ms);
        if let Some(at) = chapters.windows(2).position(|two| !is_order(two)) {
            let number = at.saturating_add(2);
            return invalid(format!(
                "must be in order: the {number}. does not begin after the one before"
            ));
        }
        match chapters.last().filter(|last| last.start_ms >= whole_ms) {
            Some(last) => {
                let at = last.start_ms;
                invalid(format!("must begin before the end: {at} is not before {whole_ms} ms"))
            }
            None => Ok(()),
        }
    }
}

/// Whether a file has chapters.
pub(crate) fn are_in(media: Option<&MediaInfo>) -> bool {
    media.is_some_and(|media| !media.chapters.is_empty())
}

/// The chapters in a row.
fn of(row: &assets::Model) -> Result<ChapterList, Error> {
    if let Some(text) = &row.chapters {
        let broken = |_| Error::Corrupt { what: format!("the asset {} has no chapters", row.id) };
        return Ok(ChapterList {
            chapters: serde_json::from_str(text).map_err(broken)?,
            is_set: true,
        });
    }
    let media = of_row(row)?.media;
    let mut chapters: Vec<ChapterMark> = media
        .into_iter()
        .flat_map(|media| media.chapters)
        .take(CHAPTERS_MAX)
        .map(|chapter| ChapterMark { start_ms: chapter.start_ms, title: chapter.title })
        .collect();
    // Files say what they like.
    chapters.sort_by_key(|mark| mark.start_ms);
    Ok(ChapterList { chapters, is_set: false })
}
