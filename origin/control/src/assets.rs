//! Assets as rows: files that are there, what is said of them, and what is in them.
//!
//! In: uploads that are whole; what their owners say; what was found in a file. Out: rows, found again by what is
//! said of them. Does not know files, nor who looks into them.

pub(crate) mod chapters;
pub(crate) mod keeping;
mod recordings;
mod trim;

use std::collections::BTreeSet;
use std::sync::Arc;

use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::{Expr, LikeExpr, SimpleExpr};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use shared_wire::AssetId;
use shared_wire::api::{
    Asset, AssetKind, AssetList, AssetState, ChangeAsset, KeepHdr, MediaInfo, Priority,
    TAG_CHARS_MAX, TAGS_MAX, Visibility,
};
use shared_wire::upload::{NewAsset, Upload};
use tokio::sync::Notify;

use crate::films::share;
use crate::page::{Page, check_text};
use crate::rows::{self, Change, Rows, assets};
use crate::shows::{ShowSaid, Shows};
use crate::{Config, Error};

pub use recordings::FoundRecording;

/// Characters of an asset's description.
const DESCRIPTION_CHARS_MAX: usize = 5000;
/// Characters of a search.
const SEARCH_CHARS_MAX: usize = 200;

/// What is looked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Search {
    /// In title, description and tags.
    pub(crate) text: Option<String>,
    /// Where it stands.
    pub(crate) state: Option<AssetState>,
    /// Whose it is.
    pub(crate) account: Option<String>,
    /// What it is made of.
    pub(crate) kind: Option<AssetKind>,
}

/// All assets.
pub(crate) struct Assets {
    rows: Rows,
    config: Config,
    shows: Arc<Shows>,
    /// Told when there is something to look into.
    pub(crate) fresh: Arc<Notify>,
    /// Told when there is something to transcode.
    pub(crate) uploaded: Arc<Notify>,
}

impl Assets {
    pub(crate) fn new(rows: Rows, config: Config, shows: Arc<Shows>) -> Self {
        Self { rows, config, shows, fresh: Arc::default(), uploaded: Arc::default() }
    }

    /// A page of those that are looked for, newest first.
    ///
    /// # Errors
    /// [`Error::Invalid`], storage errors.
    pub(crate) async fn list(&self, search: Search, page: Page) -> Result<AssetList, Error> {
        let mut query = assets::Entity::find();
        if let Some(text) = &search.text {
            check_text("q", text, SEARCH_CHARS_MAX)?;
            for word in text.to_lowercase().split_whitespace() {
                query = query.filter(contains(word));
            }
        }
        if let Some(state) = search.state {
            query = query.filter(assets::Column::State.eq(state.name()));
        }
        if let Some(name) = search.account {
            query = query.filter(assets::Column::Account.eq(name));
        }
        if let Some(kind) = search.kind {
            query = query.filter(assets::Column::Kind.eq(kind.name()));
        }
        let found = page.of(query, assets::Column::Position).all(self.rows.read()).await?;
        let (found, next) = page.cut(found, |row| row.position);
        let mut assets: Vec<Asset> = found.iter().map(of_row).collect::<Result<_, _>>()?;
        self.tell(&mut assets).await?;
        Ok(AssetList { assets, next })
    }

    /// One of them.
    ///
    /// # Errors
    /// [`Error::AssetUnknown`], storage errors.
    pub(crate) async fn get(&self, id: AssetId) -> Result<Asset, Error> {
        let row = by_id(id).one(self.rows.read()).await?;
        let mut asset = of_row(&row.ok_or(Error::AssetUnknown)?)?;
        self.tell(std::slice::from_mut(&mut asset)).await?;
        Ok(asset)
    }

    /// Says of assets what does not stand in their rows: how far they are, and what is known of their shows.
    async fn tell(&self, assets: &mut [Asset]) -> Result<(), Error> {
        share::say(&self.rows, assets).await?;
        for asset in assets {
            asset.deleted_at = self.deleted_at(asset);
            let show = asset.show.and_then(|show| self.shows.state(show));
            let Some(show) = show else { continue };
            (asset.cover, asset.trim) = (show.cover, show.trim);
            let shown = |whole_ms| show.trim.map_or(whole_ms, |trim| trim.of_length(whole_ms));
            asset.duration_ms = asset.duration_ms.map(shown);
        }
        Ok(())
    }

    /// Says something else of an asset.
    ///
    /// # Errors
    /// [`Error::AssetUnknown`], [`Error::Invalid`], storage errors.
    pub(crate) async fn change(&self, id: AssetId, new: ChangeAsset) -> Result<Asset, Error> {
        self.check(&new)?;
        let said = ShowSaid { title: new.title.clone(), ..ShowSaid::default() };
        let turn = self.shows.turn().await;
        let change = self.rows.write().await?;
        let row = by_id(id).lock_exclusive().one(change.on()).await?;
        let mut asset = of_row(&row.ok_or(Error::AssetUnknown)?)?;
        asset.title = new.title.unwrap_or(asset.title);
        asset.description = new.description.unwrap_or(asset.description);
        asset.visibility = new.visibility.unwrap_or(asset.visibility);
        asset.priority = new.priority.unwrap_or(asset.priority);
        if let Some(tags) = new.tags {
            let mut seen = BTreeSet::new();
            asset.tags = tags.into_iter().filter(|tag| seen.insert(tag.clone())).collect();
        }
        use assets::Column;
        assets::Entity::update_many()
            .filter(Column::Id.eq(id.to_string()))
            .col_expr(Column::Title, Expr::value(asset.title.clone()))
            .col_expr(Column::Description, Expr::value(asset.description.clone()))
            .col_expr(Column::Tags, Expr::value(json(&asset.tags)?))
            .col_expr(Column::Visibility, Expr::value(asset.visibility.name()))
            .col_expr(Column::Priority, Expr::value(asset.priority.name()))
            .col_expr(
                Column::FoundBy,
                Expr::value(found_by(&asset.title, &asset.description, &asset.tags)),
            )
            .exec(change.on())
            .await?;
        // What is watched has the asset's name.
        self.shows.say_in(turn, change, asset.show, said).await?;
        self.tell(std::slice::from_mut(&mut asset)).await?;
        Ok(asset)
    }

    fn check(&self, new: &ChangeAsset) -> Result<(), Error> {
        if let Some(title) = &new.title {
            check_text("title", title, self.config.title_chars_max)?;
        }
        if let Some(description) = &new.description {
            let is_odd = |c: char| c.is_control() && c != '\n';
            if description.chars().count() > DESCRIPTION_CHARS_MAX || description.contains(is_odd) {
                let reason = format!(
                    "must be at most {DESCRIPTION_CHARS_MAX} characters, none of them control \
                     characters but line feeds"
                );
                return Err(Error::Invalid { field: "description", reason });
            }
        }
        let tags = new.tags.as_deref().unwrap_or_default();
        if tags.len() > TAGS_MAX {
            let reason = format!("must be at most {TAGS_MAX}");
            return Err(Error::Invalid { field: "tags", reason });
        }
        tags.iter().try_for_each(|tag| check_text("tags", tag, TAG_CHARS_MAX))
    }

    /// Forgets an asset whose bytes are gone.
    ///
    /// # Errors
    /// Storage errors.
    pub(crate) async fn forget(&self, id: AssetId) -> Result<(), Error> {
        let one = Condition::all().add(assets::Column::Id.eq(id.to_string()));
        self.forget_where(one).await
    }

    /// Forgets an asset, and what was said of it to its show.
    async fn forget_where(&self, is: Condition) -> Result<(), Error> {
        let turn = self.shows.turn().await;
        let change = self.rows.write().await?;
        let row = assets::Entity::find().filter(is.clone()).one(change.on()).await?;
        let show = row.and_then(|row| row.show_id).map(|show| rows::id(&show)).transpose()?;
        assets::Entity::delete_many().filter(is).exec(change.on()).await?;
        let said = ShowSaid { trim: Some(None), has_chapters: Some(false), ..ShowSaid::default() };
        self.shows.say_in(turn, change, show, said).await
    }

    /// An asset that is to be looked into, for whoever asks: nobody else gets it for as long as a look may take.
    ///
    /// # Errors
    /// Storage errors.
    pub(crate) async fn next_to_probe(&self, for_ms: i64) -> Result<Option<AssetId>, Error> {
        use assets::Column;
        let change = self.rows.write().await?;
        let now_ms = change.now_ms().await?;
        let row = assets::Entity::find()
            .filter(Column::State.eq(AssetState::Probing.name()))
            .filter(Column::ProbedUntilMs.lte(now_ms))
            .order_by_asc(Column::Position)
            .limit(1)
            .lock_exclusive()
            .one(change.on())
            .await?;
        let Some(row) = row else { return Ok(None) };
        assets::Entity::update_many()
            .filter(Column::Position.eq(row.position))
            .col_expr(Column::ProbedUntilMs, Expr::value(now_ms.saturating_add(for_ms)))
            .exec(change.on())
            .await?;
        change.commit().await?;
        rows::id(&row.id).map(Some)
    }

    /// What was found in an asset, or why it cannot be taken.
    ///
    /// # Errors
    /// Storage errors.
    pub(crate) async fn probed(
        &self,
        id: AssetId,
        found: Result<MediaInfo, String>,
    ) -> Result<(), Error> {
        use assets::Column;
        let change = self.rows.write().await?;
        let update = assets::Entity::update_many()
            .filter(Column::Id.eq(id.to_string()))
            .filter(Column::State.eq(AssetState::Probing.name()));
        let update = match found {
            Ok(media) => update
                .col_expr(Column::State, Expr::value(AssetState::Uploaded.name()))
                .col_expr(Column::Media, Expr::value(json(&media)?)),
            // Its bytes are gone: it takes nothing of the quota.
            Err(reason) => update
                .col_expr(Column::State, Expr::value(AssetState::Refused.name()))
                .col_expr(Column::Reason, Expr::value(reason))
                .col_expr(Column::Bytes, Expr::value(0_i64)),
        };
        update.exec(change.on()).await?;
        change.commit().await?;
        self.uploaded.notify_one();
        Ok(())
    }
}

/// Adds the asset that an upload has become, unless it is there; it is of the account that the upload's row names.
///
/// # Errors
/// Storage errors.
pub(crate) async fn insert(
    change: &Change,
    now: i64,
    (upload, account): (&Upload, Option<String>),
    NewAsset { title, file_name, priority, keep_hdr }: NewAsset,
) -> Result<(), Error> {
    if by_id(upload.id).one(change.on()).await?.is_some() {
        return Ok(());
    }
    let row = assets::ActiveModel {
        position: NotSet,
        id: Set(upload.id.to_string()),
        found_by: Set(found_by(&title, "", &[])),
        title: Set(title),
        description: Set(String::new()),
        tags: Set("[]".to_owned()),
        visibility: Set(Visibility::Private.name().to_owned()),
        state: Set(AssetState::Probing.name().to_owned()),
        reason: Set(None),
        file_name: Set(file_name),
        bytes: Set(i64::try_from(upload.offset()).unwrap_or(i64::MAX)),
        created_at: Set(now),
        media: Set(None),
        probed_until_ms: Set(0),
        show_id: Set(None),
        node: Set(None),
        made: Set(None),
        progress_percent: Set(0),
        is_playable: Set(0),
        subtitle_changes: Set(0),
        priority: Set(priority.name().to_owned()),
        served_ms: Set(0),
        encoder: Set(None),
        begun_ms: Set(0),
        ready_ms: Set(0),
        account: Set(account),
        kind: Set(AssetKind::Upload.name().to_owned()),
        started_at: Set(None),
        duration_ms: Set(None),
        chapters: Set(None),
        keep_until: Set(None),
        is_kept: Set(0),
        keep_hdr: Set(keep_hdr.map(|one| one.name().to_owned())),
    };
    assets::Entity::insert(row).exec_without_returning(change.on()).await?;
    Ok(())
}

/// The asset's row.
pub(crate) fn by_id(id: AssetId) -> sea_orm::Select<assets::Entity> {
    assets::Entity::find().filter(assets::Column::Id.eq(id.to_string()))
}

/// Whether it is found by a word; what stands for any character in `LIKE` stands for itself.
fn contains(word: &str) -> SimpleExpr {
    let mut pattern = String::from("%");
    for c in word.chars() {
        if "\\%_".contains(c) {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    assets::Column::FoundBy.like(LikeExpr::new(pattern).escape('\\'))
}

fn found_by(title: &str, description: &str, tags: &[String]) -> String {
    format!("{title}\n{description}\n{}", tags.join("\n")).to_lowercase()
}

fn json(value: &impl serde::Serialize) -> Result<String, Error> {
    let broken = |error| Error::Storage { reason: format!("a value cannot be written: {error}") };
    serde_json::to_string(value).map_err(broken)
}

/// How the range of a film's HDR is kept, if it is.
///
/// # Errors
/// [`Error::Corrupt`] if the row is not one we wrote.
pub(crate) fn keep_hdr(row: &assets::Model) -> Result<Option<KeepHdr>, Error> {
    let Some(name) = row.keep_hdr.as_deref() else { return Ok(None) };
    let corrupt = || Error::Corrupt { what: format!("the asset {} keeps HDR as {name}", row.id) };
    let kept = KeepHdr::named(name).ok_or_else(corrupt)?;
    Ok(Some(kept).filter(|kept| *kept != KeepHdr::None))
}

/// The asset of a row.
///
/// # Errors
/// [`Error::Corrupt`] if the row is not one we wrote.
pub(crate) fn of_row(row: &assets::Model) -> Result<Asset, Error> {
    let corrupt = |what: &str| Error::Corrupt { what: format!("the asset {} has {what}", row.id) };
    let media = row.media.as_deref().map(serde_json::from_str).transpose();
    let media: Option<MediaInfo> =
        media.map_err(|_| corrupt("media information that cannot be read"))?;
    let duration_ms = row.duration_ms.and_then(|ms| u64::try_from(ms).ok());
    Ok(Asset {
        asset: rows::id(&row.id)?,
        kind: AssetKind::named(&row.kind).ok_or_else(|| corrupt("no kind"))?,
        title: row.title.clone(),
        description: row.description.clone(),
        tags: serde_json::from_str(&row.tags).map_err(|_| corrupt("no tags"))?,
        visibility: Visibility::named(&row.visibility).ok_or_else(|| corrupt("no visibility"))?,
        state: AssetState::named(&row.state).ok_or_else(|| corrupt("no state"))?,
        priority: Priority::named(&row.priority).ok_or_else(|| corrupt("no priority"))?,
        reason: row.reason.clone(),
        show: row.show_id.as_deref().map(rows::id).transpose()?,
        progress_percent: u8::try_from(row.progress_percent.clamp(0, 100)).unwrap_or(100),
        left_s: None,
        is_playable: row.is_playable != 0,
        cover: None,
        file_name: row.file_name.clone(),
        bytes: u64::try_from(row.bytes).unwrap_or_default(),
        created_at: row.created_at,
        account: row.account.clone(),
        started_at: row.started_at,
        duration_ms: duration_ms.or(media.as_ref().map(|media| media.duration_ms)),
        keep_hdr: keep_hdr(row)?,
        retention: keeping::own(row),
        deleted_at: None,
        trim: None,
        media,
    })
}
