//! `matinee account create | list | quota | rotate | delete`.
//!
//! In: parsed arguments. Out: what to print. Does not know HTTP.

use clap::Subcommand;
use reqwest::Method;
use serde_json::json;
use shared_wire::api::{Account, AccountList, CreatedAccount, NewAccount, NewQuota};

use super::error::Error;
use super::house::{House, HouseFlags};
use super::moment;
use super::pages::all;
use super::table::table;

/// Bytes of a MiB.
const MIB: u64 = 1 << 20;

/// Create, list and delete accounts: creators who upload without the administrator's credential.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum AccountCommand {
    /// Create an account and its token
    Create {
        /// Its name: a-z 0-9 . _ -
        name: String,
        /// What its uploads and assets may take, in MiB; as much as the house has room for if not said
        #[arg(long, value_name = "MIB", value_parser = bytes)]
        quota_mib: Option<u64>,
        /// Which house
        #[command(flatten)]
        house: HouseFlags,
    },
    /// List accounts, newest first, with what they take
    List {
        /// Which house
        #[command(flatten)]
        house: HouseFlags,
    },
    /// Change what an account may take
    Quota {
        /// Its name
        name: String,
        /// In MiB, or `house`: as much as the house has room for
        #[arg(value_name = "MIB", value_parser = quota)]
        mib: Quota,
        /// Which house
        #[command(flatten)]
        house: HouseFlags,
    },
    /// Replace an account's token; the one it had is good no more
    Rotate {
        /// Its name
        name: String,
        /// Which house
        #[command(flatten)]
        house: HouseFlags,
    },
    /// Delete an account that owns nothing any more
    Delete {
        /// Its name
        name: String,
        /// Make what it owns the house's; without this it is refused while there is anything
        #[arg(long)]
        hand_over: bool,
        /// Which house
        #[command(flatten)]
        house: HouseFlags,
    },
}

/// Bytes, or `None`: as many as the house has room for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Quota(Option<u64>);

fn quota(text: &str) -> Result<Quota, String> {
    if text == "house" { Ok(Quota(None)) } else { bytes(text).map(Some).map(Quota) }
}

/// A number of MiB, in bytes.
fn bytes(text: &str) -> Result<u64, String> {
    let bytes = text.parse::<u64>().ok().and_then(|mib| mib.checked_mul(MIB));
    let bytes = bytes.filter(|bytes| i64::try_from(*bytes).is_ok());
    bytes.ok_or_else(|| "it must be a whole number of MiB".to_owned())
}

impl AccountCommand {
    /// Carries the command out; what to print.
    ///
    /// # Errors
    /// Any of [`Error`].
    pub(crate) async fn run(self) -> Result<String, Error> {
        match self {
            Self::Create { name, quota_mib, house } => {
                let new = NewAccount { account: name, quota_bytes: quota_mib };
                let at = House::find(&house).await?;
                let made: CreatedAccount = at.send("/v1/accounts", &new).await?;
                Ok(told(&made, "is made", &house))
            }
            Self::List { house } => {
                let path = "/v1/accounts";
                let accounts = all::<AccountList>(&House::find(&house).await?, path).await?;
                let said = json!({ "accounts": accounts });
                Ok(if house.json { said.to_string() } else { list(&accounts) })
            }
            Self::Quota { name, mib: Quota(quota_bytes), house } => {
                let path = format!("/v1/accounts/{}/quota", step(&name));
                let at = House::find(&house).await?;
                let new = NewQuota { quota_bytes };
                let account: Account = at.set(Method::PUT, &path, &new).await?;
                let may = share(&account);
                let said = format!("Account {name} takes {may}.");
                Ok(if house.json { json!(account).to_string() } else { said })
            }
            Self::Rotate { name, house } => {
                let path = format!("/v1/accounts/{}/token", step(&name));
                let made: CreatedAccount = House::find(&house).await?.post(&path).await?;
                Ok(told(&made, "has another token; the one before is good no more", &house))
            }
            Self::Delete { name, hand_over, house } => {
                let path = format!("/v1/accounts/{}?hand_over={hand_over}", step(&name));
                let gone: Account = House::find(&house).await?.delete(&path).await?;
                let kept = if hand_over { "; what it owned is the house's" } else { "" };
                let said = format!("Account {name} is deleted{kept}.");
                Ok(if house.json { json!(gone).to_string() } else { said })
            }
        }
    }
}

/// A name as a step of a path. What no account is called stays one step, and names none.
fn step(name: &str) -> String {
    name.replace(|c: char| !c.is_ascii_alphanumeric() && !"._-".contains(c), "~")
}

fn told(made: &CreatedAccount, what: &str, house: &HouseFlags) -> String {
    if house.json {
        return json!(made).to_string();
    }
    format!(
        "Account {} {what}.\n  token  {}\nThe token is a secret and is shown this once: with it \
         one uploads, and sees to what one uploaded.",
        made.account, made.token
    )
}

fn list(accounts: &[Account]) -> String {
    if accounts.is_empty() {
        return "There are no accounts: matinee account create …".to_owned();
    }
    let row = |account: &Account| {
        let quota = account.quota_bytes.map(mib);
        [
            account.account.clone(),
            mib(account.used_bytes),
            quota.unwrap_or_else(|| "house".to_owned()),
            moment::utc(account.created_at),
        ]
    };
    let rows: Vec<_> = accounts.iter().map(row).collect();
    table(["ACCOUNT", "USED MIB", "QUOTA MIB", "SINCE"], &rows)
}

/// `17 of 100 MiB`
fn share(account: &Account) -> String {
    let used = mib(account.used_bytes);
    match account.quota_bytes {
        Some(quota) => format!("{used} of {} MiB", mib(quota)),
        None => format!("{used} MiB, and may take what the house has room for"),
    }
}

/// Bytes in MiB, rounded up: what takes anything does not take nothing.
fn mib(bytes: u64) -> String {
    bytes.div_ceil(MIB).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotas_are_said_in_mib() {
        assert_eq!(bytes("3"), Ok(3 << 20));
        assert!(bytes("-1").is_err() && bytes("1.5").is_err() && bytes("18446744073709").is_err());
        assert!(quota("house").is_ok_and(|Quota(bytes)| bytes.is_none()));
        assert!(quota("0").is_ok_and(|Quota(bytes)| bytes == Some(0)));
        for (bytes, said) in [(0, "0"), (1, "1"), (MIB, "1"), (MIB + 1, "2")] {
            assert_eq!(mib(bytes), said);
        }
    }

    #[test]
    fn a_name_stays_one_step_of_a_path() {
        assert_eq!(step("anna-1.b_c"), "anna-1.b_c");
        assert_eq!(step("../a?b#c"), "..~a~b~c");
    }
}
