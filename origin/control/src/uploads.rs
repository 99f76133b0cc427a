//! Uploads as rows: who holds which, how far each is, and what they may take altogether.
//!
//! In: what uploads ask. Out: rows that all nodes share, each changed by its holder alone. Does not know tus or files.
//!
//! A holder has a **fence**, greater than that of any holder before. What is written names the fence it was held under,
//! so that a holder who was given up for gone changes nothing any more.

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect};
use shared_wire::AssetId;
use shared_wire::upload::{NewAsset, Stage, Upload, read_pieces, write_pieces};

use crate::rows::{self, Change, Rows, assets, counters, uploads};
use crate::secret::new_id;
use crate::{Config, Error, quota};

/// Uploads that are looked at in one sweep.
const DUE_MAX: u64 = 256;
/// How long a row is kept after an upload's end, so that whoever asks learns that it is gone, in seconds.
const REMEMBERED_S: i64 = 7 * 24 * 3600;

/// An upload that begins.
#[derive(Debug, Clone)]
pub struct NewUpload {
    /// The account that owns it; `None`: the house does.
    pub account: Option<String>,
    /// Bytes it is to have, if that is known.
    pub length: Option<u64>,
    /// What was said of it, as it was sent.
    pub metadata: Option<String>,
    /// What it is to others, as it was sent.
    pub concat: Option<String>,
    /// When it is removed, in seconds from now.
    pub expires_s: u32,
}

/// What asking for an upload gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UploadLock {
    /// It is held by whoever asked, under this fence; whether whoever had it may be writing still.
    Have(Upload, i64, bool),
    /// Another node has it, and was asked to let go.
    Held,
    /// There is none.
    Unknown,
}

/// What a holder wants kept.
#[derive(Debug, Clone)]
pub struct UploadChange {
    /// The upload as it is now.
    pub upload: Upload,
    /// The fence it is held under.
    pub fence: i64,
    /// Bytes of the quota it takes.
    pub reserved: u64,
    /// Whether it is let go.
    pub release: bool,
    /// What is said of the asset that it becomes.
    pub asset: Option<NewAsset>,
}

/// All uploads.
pub(crate) struct Uploads {
    rows: Rows,
    config: Config,
    /// This node, which is the same at every start, …
    node: String,
    /// … and this process.
    holder: String,
}

impl Uploads {
    /// # Errors
    /// [`Error::Random`].
    pub(crate) fn new(rows: Rows, config: Config, node: &str) -> Result<Self, Error> {
        let process: AssetId = new_id()?;
        let holder = format!("{node}/{process}");
        Ok(Self { rows, config, node: format!("{node}/"), holder })
    }

    /// Makes an upload, if there is room for it.
    ///
    /// # Errors
    /// [`Error::QuotaExceeded`], [`Error::UploadsFull`], [`Error::AccountUnknown`], storage errors.
    pub(crate) async fn create(&self, now: i64, new: NewUpload) -> Result<Upload, Error> {
        let upload = Upload {
            id: new_id()?,
            length: new.length,
            pieces: Vec::new(),
            metadata: new.metadata,
            concat: new.concat,
            stage: Stage::Open,
            expires_at: now + i64::from(new.expires_s),
            account: new.account,
        };
        let account = upload.account.as_deref();
        let reserved = upload.length.unwrap_or_default();
        let change = self.rows.write().await?;
        counters::next(&change, counters::UPLOADS).await?;
        self.check_open(&change, account).await?;
        quota::check(&change, &self.config, account, None, reserved).await?;
        let row = uploads::ActiveModel {
            id: Set(upload.id.to_string()),
            length: Set(upload.length.map(signed)),
            pieces: Set(String::new()),
            metadata: Set(upload.metadata.clone()),
            concat: Set(upload.concat.clone()),
            stage: Set(upload.stage.name().to_owned()),
            reserved: Set(signed(reserved)),
            expires_at: Set(upload.expires_at),
            fence: Set(0),
            holder: Set(None),
            held_until_ms: Set(0),
            is_wanted: Set(0),
            account: Set(upload.account.clone()),
        };
        uploads::Entity::insert(row).exec_without_returning(change.on()).await?;
        change.commit().await?;
        Ok(upload)
    }

    /// Refuses one more unfinished upload where there are as many as may be: no account has all of the house's.
    async fn check_open(&self, change: &Change, account: Option<&str>) -> Result<(), Error> {
        let open = || uploads::Entity::find().filter(uploads::Column::Stage.eq(Stage::Open.name()));
        let all = open().count(change.on()).await?;
        let is_full = all >= u64::from(self.config.uploads_open_max);
        let own_max = u64::from(self.config.uploads_open_of_account_max);
        let is_full = match account {
            Some(name) if !is_full => {
                let own = open().filter(uploads::Column::Account.eq(name));
                own.count(change.on()).await? >= own_max
            }
            _ => is_full,
        };
        if is_full { Err(Error::UploadsFull) } else { Ok(()) }
    }

    /// One upload, whoever holds it.
    ///
    /// # Errors
    /// Storage errors.
    pub(crate) async fn find(&self, id: AssetId) -> Result<Option<Upload>, Error> {
        let row = uploads::Entity::find_by_id(id.to_string()).one(self.rows.read()).await?;
        row.map(|row| of_row(&row)).transpose()
    }

    /// Takes an upload that nobody has, or whose holder is gone; asks the holder to let go otherwise.
    ///
    /// # Errors
    /// Storage errors.
    pub(crate) async fn lock(&self, id: AssetId) -> Result<UploadLock, Error> {
        let change = self.rows.write().await?;
        let row = uploads::Entity::find_by_id(id.to_string()).lock_exclusive();
        let Some(row) = row.one(change.on()).await? else { return Ok(UploadLock::Unknown) };
        let now_ms = change.now_ms().await?;
        // Requests of this process take turns, and an earlier process of this node is dead: only one has the data
        // directory. Of another node it is known only that it said nothing for as long as a lease is.
        let is_elsewhere =
            row.holder.as_deref().is_some_and(|holder| !holder.starts_with(&self.node));
        let update = uploads::Entity::update_many().filter(uploads::Column::Id.eq(&row.id));
        if is_elsewhere && row.held_until_ms > now_ms {
            let wanted = update.col_expr(uploads::Column::IsWanted, Expr::value(1_i64));
            wanted.exec(change.on()).await?;
            change.commit().await?;
            return Ok(UploadLock::Held);
        }
        let fence = row.fence.saturating_add(1);
        update
            .col_expr(uploads::Column::Fence, Expr::value(fence))
            .col_expr(uploads::Column::Holder, Expr::value(self.holder.clone()))
            .col_expr(uploads::Column::HeldUntilMs, Expr::value(self.held_until(now_ms)))
            .col_expr(uploads::Column::IsWanted, Expr::value(0_i64))
            .exec(change.on())
            .await?;
        change.commit().await?;
        Ok(UploadLock::Have(of_row(&row)?, fence, is_elsewhere))
    }

    fn held_until(&self, now_ms: i64) -> i64 {
        let lease_ms = i64::try_from(self.config.lease.as_millis()).unwrap_or(i64::MAX);
        now_ms.saturating_add(lease_ms)
    }

    /// Keeps what its holder says of an upload, all of it or nothing; whether somebody else wants it, and `None` if it
    /// is held no more.
    ///
    /// # Errors
    /// [`Error::QuotaExceeded`], storage errors.
    pub(crate) async fn change(&self, now: i64, new: UploadChange) -> Result<Option<bool>, Error> {
        let UploadChange { upload, fence, reserved, release, asset } = new;
        let id = upload.id.to_string();
        let change = self.rows.write().await?;
        // In the order of every change that adds to what is taken, so that no two wait for each other.
        counters::hold(&change, counters::UPLOADS).await?;
        let row = uploads::Entity::find_by_id(&id).lock_exclusive().one(change.on()).await?;
        let Some(row) = row.filter(|row| row.fence == fence) else { return Ok(None) };
        if signed(reserved) > row.reserved {
            // Whose it is, the row says: it may have been handed over since.
            let account = row.account.as_deref();
            quota::check(&change, &self.config, account, Some(&id), reserved).await?;
        }
        let now_ms = change.now_ms().await?;
        let holder = (!release).then(|| self.holder.clone());
        let until = if release { 0 } else { self.held_until(now_ms) };
        uploads::Entity::update_many()
            .filter(uploads::Column::Id.eq(&id))
            .col_expr(uploads::Column::Length, Expr::value(upload.length.map(signed)))
            .col_expr(uploads::Column::Pieces, Expr::value(write_pieces(&upload.pieces)))
            .col_expr(uploads::Column::Stage, Expr::value(upload.stage.name()))
            .col_expr(uploads::Column::Reserved, Expr::value(signed(reserved)))
            .col_expr(uploads::Column::ExpiresAt, Expr::value(upload.expires_at))
            .col_expr(uploads::Column::Holder, Expr::value(holder))
            .col_expr(uploads::Column::HeldUntilMs, Expr::value(until))
            .exec(change.on())
            .await?;
        if let Some(mut asset) = asset {
            // What holds now is kept: who makes the film, and when, changes nothing.
            asset.keep_hdr.get_or_insert(self.config.keep_hdr);
            crate::assets::insert(&change, now, (&upload, row.account), asset).await?;
        }
        if upload.stage == Stage::Gone {
            assets::Entity::delete_many()
                .filter(assets::Column::Id.eq(&id))
                .exec(change.on())
                .await?;
        }
        change.commit().await?;
        Ok(Some(row.is_wanted != 0))
    }

    /// Uploads that nobody holds and that have expired, or are whole and yet open. Rows of those that are long over are
    /// forgotten.
    ///
    /// # Errors
    /// Storage errors.
    pub(crate) async fn due(&self, now: i64) -> Result<Vec<AssetId>, Error> {
        use uploads::Column;
        let change = self.rows.write().await?;
        let now_ms = change.now_ms().await?;
        uploads::Entity::delete_many()
            .filter(Column::Stage.ne(Stage::Open.name()))
            .filter(Column::Reserved.eq(0))
            .filter(Column::ExpiresAt.lte(now - REMEMBERED_S))
            .exec(change.on())
            .await?;
        let free =
            Condition::any().add(Column::Holder.is_null()).add(Column::HeldUntilMs.lte(now_ms));
        let is_open = || Condition::all().add(Column::Stage.eq(Stage::Open.name()));
        // A holder that vanished may have left it whole; parts may wait to be put together.
        let left =
            Condition::any().add(Column::Holder.is_not_null()).add(Column::Concat.like("final;%"));
        let due = Condition::any()
            .add(Condition::all().add(Column::ExpiresAt.lte(now)).add(Column::Reserved.gt(0)))
            .add(is_open().add(Column::ExpiresAt.lte(now)))
            .add(is_open().add(left));
        let found = uploads::Entity::find().filter(free).filter(due).limit(DUE_MAX);
        let rows = found.all(change.on()).await?;
        change.commit().await?;
        rows.iter().map(|row| rows::id(&row.id)).collect()
    }
}

/// A length as the database has it. None is longer: the protocol takes no number that does not fit.
fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

fn of_row(row: &uploads::Model) -> Result<Upload, Error> {
    let corrupt = |what: &str| Error::Corrupt { what: format!("the upload {} has {what}", row.id) };
    Ok(Upload {
        id: rows::id(&row.id)?,
        length: row.length.map(|length| u64::try_from(length).unwrap_or_default()),
        pieces: read_pieces(&row.pieces).ok_or_else(|| corrupt("no pieces"))?,
        metadata: row.metadata.clone(),
        concat: row.concat.clone(),
        stage: Stage::named(&row.stage).ok_or_else(|| corrupt("no stage"))?,
        expires_at: row.expires_at,
        account: row.account.clone(),
    })
}
