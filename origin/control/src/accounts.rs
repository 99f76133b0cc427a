//! Accounts: creators who upload, and see to what they uploaded, without the administrator's credential.
//!
//! In: what an administrator asks; tokens that strangers present. Out: accounts (their token once), and what is whose.
//! Does not know HTTP, nor what an account may do.
//!
//! What an account owns is marked with its name. Accounts are made, deleted and given quotas one after the other with
//! whatever adds to what is taken (`counters::UPLOADS`), so that nothing is ever of an account that is gone.

use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter};
use shared_wire::api::{
    ACCOUNT_CHARS_MAX, Account, AccountList, CreatedAccount, NewAccount, Usage,
};
use shared_wire::upload::Stage;
use shared_wire::{AssetId, Who};

use crate::page::Page;
use crate::quota::{of, taken, unsigned};
use crate::rows::{Change, Rows, accounts, assets, counters, uploads};
use crate::secret::AccountToken;
use crate::{Config, Error};

/// All accounts.
pub(crate) struct Accounts {
    rows: Rows,
    config: Config,
}

impl Accounts {
    pub(crate) const fn new(rows: Rows, config: Config) -> Self {
        Self { rows, config }
    }

    /// Makes an account.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::AccountExists`], [`Error::AccountsFull`], [`Error::Random`], storage errors.
    pub(crate) async fn create(&self, now: i64, new: NewAccount) -> Result<CreatedAccount, Error> {
        check_name(&new.account)?;
        let quota_bytes = stored(new.quota_bytes)?;
        let token = AccountToken::random()?;
        let change = self.begin().await?;
        if of(&new.account).one(change.on()).await?.is_some() {
            return Err(Error::AccountExists);
        }
        let count = accounts::Entity::find().count(change.on()).await?;
        if count >= u64::from(self.config.accounts_max) {
            return Err(Error::AccountsFull);
        }
        let row = accounts::ActiveModel {
            position: NotSet,
            name: Set(new.account.clone()),
            hash: Set(token.hash()),
            quota_bytes: Set(quota_bytes),
            created_at: Set(now),
        };
        accounts::Entity::insert(row).exec_without_returning(change.on()).await?;
        change.commit().await?;
        Ok(CreatedAccount { account: new.account, token: token.expose() })
    }

    /// A change that nothing which adds to what is taken comes between.
    async fn begin(&self) -> Result<Change, Error> {
        let change = self.rows.write().await?;
        counters::next(&change, counters::UPLOADS).await?;
        Ok(change)
    }

    /// A page of them, newest first.
    ///
    /// # Errors
    /// Storage errors.
    pub(crate) async fn list(&self, page: Page) -> Result<AccountList, Error> {
        let query = page.of(accounts::Entity::find(), accounts::Column::Position);
        let rows = query.all(self.rows.read()).await?;
        let (rows, next) = page.cut(rows, |row| row.position);
        let mut accounts = Vec::new();
        for row in rows {
            accounts.push(self.told(row).await?);
        }
        Ok(AccountList { accounts, next })
    }

    /// One of them.
    ///
    /// # Errors
    /// [`Error::AccountUnknown`], storage errors.
    pub(crate) async fn get(&self, name: &str) -> Result<Account, Error> {
        let row = of(name).one(self.rows.read()).await?;
        self.told(row.ok_or(Error::AccountUnknown)?).await
    }

    async fn told(&self, row: accounts::Model) -> Result<Account, Error> {
        let used_bytes = taken(self.rows.read(), Some(&row.name), None).await?;
        let quota_bytes = row.quota_bytes.map(unsigned);
        Ok(Account { account: row.name, quota_bytes, used_bytes, created_at: row.created_at })
    }

    /// Gives an account another quota, or none of its own. What it has stays, and what it was promised; below what it
    /// takes already, nothing more is taken in.
    ///
    /// # Errors
    /// [`Error::AccountUnknown`], [`Error::Invalid`], storage errors.
    pub(crate) async fn set_quota(
        &self,
        name: &str,
        quota_bytes: Option<u64>,
    ) -> Result<Account, Error> {
        let quota_bytes = stored(quota_bytes)?;
        self.set(name, accounts::Column::QuotaBytes, Expr::value(quota_bytes)).await?;
        self.get(name).await
    }

    /// Gives an account another token; the one it had is good no more.
    ///
    /// # Errors
    /// [`Error::AccountUnknown`], [`Error::Random`], storage errors.
    pub(crate) async fn rotate(&self, name: &str) -> Result<CreatedAccount, Error> {
        let token = AccountToken::random()?;
        self.set(name, accounts::Column::Hash, Expr::value(token.hash())).await?;
        Ok(CreatedAccount { account: name.to_owned(), token: token.expose() })
    }

    async fn set(
        &self,
        name: &str,
        column: accounts::Column,
        to: sea_orm::sea_query::SimpleExpr,
    ) -> Result<(), Error> {
        let change = self.begin().await?;
        let update = accounts::Entity::update_many().col_expr(column, to);
        let update = update.filter(accounts::Column::Name.eq(name));
        if update.exec(change.on()).await?.rows_affected == 0 {
            return Err(Error::AccountUnknown);
        }
        change.commit().await
    }

    /// Deletes an account that owns nothing, or whose assets and uploads are handed over to the house.
    ///
    /// # Errors
    /// [`Error::AccountUnknown`], [`Error::AccountOwns`], storage errors; then nothing has changed.
    pub(crate) async fn delete(&self, name: &str, hand_over: bool) -> Result<Account, Error> {
        let gone = self.get(name).await?;
        let change = self.begin().await?;
        if !hand_over {
            let kept = assets::Entity::find().filter(assets::Column::Account.eq(name));
            let kept = kept.count(change.on()).await?;
            let takes = Condition::any()
                .add(uploads::Column::Stage.eq(Stage::Open.name()))
                .add(uploads::Column::Reserved.gt(0));
            let coming = uploads::Entity::find().filter(uploads::Column::Account.eq(name));
            let coming = coming.filter(takes).count(change.on()).await?;
            if kept + coming > 0 {
                return Err(Error::AccountOwns { assets: kept, uploads: coming });
            }
        }
        // Also of what is only remembered as gone: who has the name next must not be told of it.
        let nobody = || Expr::value(None::<String>);
        assets::Entity::update_many()
            .filter(assets::Column::Account.eq(name))
            .col_expr(assets::Column::Account, nobody())
            .exec(change.on())
            .await?;
        uploads::Entity::update_many()
            .filter(uploads::Column::Account.eq(name))
            .col_expr(uploads::Column::Account, nobody())
            .exec(change.on())
            .await?;
        let deleted = accounts::Entity::delete_many().filter(accounts::Column::Name.eq(name));
        if deleted.exec(change.on()).await?.rows_affected == 0 {
            return Err(Error::AccountUnknown);
        }
        change.commit().await?;
        Ok(gone)
    }

    /// The account whose token this is. It is found by its hash, as stream keys are: the time that takes tells nothing
    /// of the token (`secret`).
    ///
    /// # Errors
    /// Storage errors.
    pub(crate) async fn by_token(&self, presented: &str) -> Result<Option<String>, Error> {
        let Some(token) = AccountToken::parse(presented) else { return Ok(None) };
        let found = accounts::Entity::find().filter(accounts::Column::Hash.eq(token.hash()));
        Ok(found.one(self.rows.read()).await?.map(|row| row.name))
    }

    /// What whoever asks takes, and may take: an account of its own, the administrator of the whole house.
    ///
    /// # Errors
    /// [`Error::AccountUnknown`], storage errors.
    pub(crate) async fn usage(&self, who: &Who) -> Result<Usage, Error> {
        match who {
            Who::House => {
                let used_bytes = taken(self.rows.read(), None, None).await?;
                let quota_bytes = self.config.uploads_bytes_max;
                Ok(Usage { account: None, quota_bytes, used_bytes })
            }
            Who::Account(name) => {
                let Account { account, quota_bytes, used_bytes, .. } = self.get(name).await?;
                Ok(Usage { account: Some(account), quota_bytes, used_bytes })
            }
        }
    }

    /// Whether `who` may know of an asset. Whether there is one is not asked where that does not depend on it.
    ///
    /// # Errors
    /// Storage errors.
    pub(crate) async fn may_see(&self, who: &Who, asset: AssetId) -> Result<bool, Error> {
        let Who::Account(name) = who else { return Ok(true) };
        let own = crate::assets::by_id(asset).filter(assets::Column::Account.eq(name));
        Ok(own.count(self.rows.read()).await? > 0)
    }
}

/// A quota as the database has it.
fn stored(quota_bytes: Option<u64>) -> Result<Option<i64>, Error> {
    let reason = || format!("must be at most {}", i64::MAX);
    let invalid = |_| Error::Invalid { field: "quota_bytes", reason: reason() };
    quota_bytes.map(i64::try_from).transpose().map_err(invalid)
}

/// An account's name stands in addresses and logs.
fn check_name(name: &str) -> Result<(), Error> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let fits = (1..=ACCOUNT_CHARS_MAX).contains(&name.len())
        && name.bytes().all(|b| plain(b) || b"._-".contains(&b))
        && name.bytes().next().is_some_and(plain);
    if fits {
        return Ok(());
    }
    let reason = format!(
        "must be 1 to {ACCOUNT_CHARS_MAX} of a-z 0-9 . _ -, and begin with a letter or a digit"
    );
    Err(Error::Invalid { field: "account", reason })
}
