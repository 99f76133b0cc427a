//! Tiers: what the tickets of a show admit to, by name. Tickets name their tier; what it admits to is looked up when a
//! session begins, so that a tier put right is right for the tickets already sold.
//!
//! In: names and policies that creators choose. Out: the policy of a name. Does not know tickets' secrets, sessions or
//! edges.

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{LockType, OnConflict};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};
use shared_ticket::config::TIER_CHARS_MAX;
use shared_wire::api::{TIER_ALL, Tier, TierList};
use shared_wire::{COUNTRIES_MAX, Countries, Policy, ShowId};

use crate::rows::{Change, Rows, shows, tickets, tiers};
use crate::{Config, Error};

/// All tiers of the house.
pub(crate) struct Tiers {
    rows: Rows,
    config: Config,
}

impl Tiers {
    pub(crate) const fn new(rows: Rows, config: Config) -> Self {
        Self { rows, config }
    }

    /// Makes or changes a tier of a show that exists. Sessions that play go on as they began.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::TiersFull`], storage errors.
    pub(crate) async fn put(
        &self,
        show: ShowId,
        name: &str,
        policy: Policy,
    ) -> Result<Tier, Error> {
        check_name(name)?;
        self.check(&policy)?;
        let change = self.rows.write().await?;
        // Tiers of a show are made one after the other, so that there are never too many.
        let held = shows::Entity::find().filter(shows::Column::Id.eq(show.to_string()));
        held.lock(LockType::NoKeyUpdate).one(change.on()).await?;
        let others = of(show).filter(tiers::Column::Name.ne(name)).count(change.on()).await?;
        if others >= u64::try_from(self.config.tiers_per_show_max).unwrap_or(u64::MAX) {
            return Err(Error::TiersFull);
        }
        let row = tiers::ActiveModel {
            show_id: Set(show.to_string()),
            name: Set(name.to_owned()),
            // A struct of numbers, names and lists of them always serialises.
            policy: Set(serde_json::to_string(&policy).unwrap_or_default()),
        };
        let or_change = OnConflict::columns([tiers::Column::ShowId, tiers::Column::Name])
            .update_column(tiers::Column::Policy)
            .to_owned();
        tiers::Entity::insert(row)
            .on_conflict(or_change)
            .exec_without_returning(change.on())
            .await?;
        change.commit().await?;
        Ok(Tier { name: name.to_owned(), policy })
    }

    fn check(&self, policy: &Policy) -> Result<(), Error> {
        let wrong = |field, reason: String| Err(Error::Invalid { field, reason });
        if policy.height_max == Some(0) {
            return wrong("height_max", "must be at least 1, such as 480".to_owned());
        }
        let preview_s_max = self.config.preview_s_max;
        if policy.preview_s.is_some_and(|s| !(1..=preview_s_max).contains(&s)) {
            return wrong("preview_s", format!("must be 1 to {preview_s_max} seconds"));
        }
        let devices_max = self.config.sessions_per_ticket_max;
        if policy.devices_max.is_some_and(|n| !(1..=devices_max).contains(&u64::from(n))) {
            return wrong("devices_max", format!("must be 1 to {devices_max}"));
        }
        match &policy.countries {
            Countries::Allow(list) | Countries::Deny(list)
                if !(1..=COUNTRIES_MAX).contains(&list.len()) =>
            {
                wrong("countries", format!("must name 1 to {COUNTRIES_MAX} countries"))
            }
            _ => Ok(()),
        }
    }

    /// A tier of a show.
    ///
    /// # Errors
    /// [`Error::TierUnknown`], storage errors.
    pub(crate) async fn get(&self, show: ShowId, name: &str) -> Result<Tier, Error> {
        let policy = policy(self.rows.read(), show, name).await?;
        Ok(Tier { name: name.to_owned(), policy })
    }

    /// All tiers of a show, by name.
    ///
    /// # Errors
    /// Storage errors.
    pub(crate) async fn list(&self, show: ShowId) -> Result<TierList, Error> {
        let rows = of(show).order_by_asc(tiers::Column::Name).all(self.rows.read()).await?;
        let all = Tier { name: TIER_ALL.to_owned(), policy: Policy::default() };
        let mut tiers = vec![all];
        for row in rows {
            let policy = read(&row)?;
            tiers.push(Tier { name: row.name, policy });
        }
        Ok(TierList { tiers })
    }

    /// Drops a tier that no good ticket has.
    ///
    /// # Errors
    /// [`Error::TierUnknown`], [`Error::TierInUse`], storage errors.
    pub(crate) async fn delete(&self, now: i64, show: ShowId, name: &str) -> Result<Tier, Error> {
        let change = self.rows.write().await?;
        // A ticket of this tier is issued before, and counts, or after, and finds no tier.
        let held = named(show, name).lock_exclusive().one(change.on()).await?;
        let tier = Tier { name: name.to_owned(), policy: of_row(name, held)? };
        let good = tickets::Entity::find()
            .filter(tickets::Column::ShowId.eq(show.to_string()))
            .filter(tickets::Column::Tier.eq(name))
            .filter(tickets::Column::RevokedAt.is_null())
            .filter(tickets::Column::ExpiresAt.gt(now))
            .count(change.on())
            .await?;
        if good > 0 || name == TIER_ALL {
            return Err(Error::TierInUse);
        }
        let named = (show.to_string(), name.to_owned());
        tiers::Entity::delete_by_id(named).exec(change.on()).await?;
        change.commit().await?;
        Ok(tier)
    }
}

/// What a tier of a show admits to.
///
/// # Errors
/// [`Error::TierUnknown`], storage errors.
pub(crate) async fn policy(
    on: &impl ConnectionTrait,
    show: ShowId,
    name: &str,
) -> Result<Policy, Error> {
    of_row(name, named(show, name).one(on).await?)
}

/// The same, and it is not dropped before `change` is made.
///
/// # Errors
/// [`Error::TierUnknown`], storage errors.
pub(crate) async fn policy_held(
    change: &Change,
    show: ShowId,
    name: &str,
) -> Result<Policy, Error> {
    of_row(name, named(show, name).lock_shared().one(change.on()).await?)
}

fn named(show: ShowId, name: &str) -> sea_orm::Select<tiers::Entity> {
    tiers::Entity::find_by_id((show.to_string(), name.to_owned()))
}

fn of_row(name: &str, row: Option<tiers::Model>) -> Result<Policy, Error> {
    if name == TIER_ALL {
        return Ok(Policy::default());
    }
    read(&row.ok_or(Error::TierUnknown)?)
}

fn of(show: ShowId) -> sea_orm::Select<tiers::Entity> {
    tiers::Entity::find().filter(tiers::Column::ShowId.eq(show.to_string()))
}

fn read(row: &tiers::Model) -> Result<Policy, Error> {
    let damaged = |_| Error::Corrupt { what: format!("tier `{}` has no policy", row.name) };
    serde_json::from_str(&row.policy).map_err(damaged)
}

/// A tier's name stands in addresses, tokens and logs.
fn check_name(name: &str) -> Result<(), Error> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
    let wrong = |reason: String| Err(Error::Invalid { field: "tier", reason });
    if name == TIER_ALL {
        return wrong(format!("`{TIER_ALL}` admits to everything and cannot be changed"));
    }
    if !(1..=TIER_CHARS_MAX).contains(&name.len()) || !name.bytes().all(plain) {
        return wrong(format!("must be 1 to {TIER_CHARS_MAX} of a-z 0-9 _ -"));
    }
    Ok(())
}
