//! The bucket that this edge reads closed segments from.
//!
//! In: eight settings. Out: [`Bucket`], which signs requests, or what is missing. Does not know when it is asked.

use std::convert::Infallible;
use std::fmt;

use shared_playlist::sign::s3::{self, Credentials, DayKey, Requests, Signed, Style};

use super::{
    BUCKET, BUCKET_ENDPOINT, BUCKET_KEY_ID, BUCKET_PATH_STYLE, BUCKET_PREFIX, BUCKET_REGION,
    BUCKET_SECRET, BUCKET_SECRETS, BUCKET_SETTINGS, BUCKET_TOKEN, ConfigError, Names, Origin,
};

/// A bucket, and who may read it. `Debug` shows where it is and no more.
#[derive(Clone)]
pub struct Bucket {
    /// Where requests go.
    pub at: Origin,
    requests: Requests,
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bucket").field("at", &self.at).finish_non_exhaustive()
    }
}

impl Bucket {
    /// Reads the names of a bucket alone, for a host that reads it itself; `None` if none is named.
    ///
    /// # Errors
    /// Everything that is missing or wrong, at once.
    pub fn from_lookup(
        lookup: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, Vec<ConfigError>> {
        let mut names = Names { lookup, faults: Vec::new() };
        let bucket = names.bucket();
        if names.faults.is_empty() { Ok(bucket) } else { Err(names.faults) }
    }

    /// The request for the object with this key at `now`, in seconds since the Unix epoch.
    pub(crate) fn get(&self, key: &str, kept: &mut Option<DayKey>, now: i64) -> Signed {
        self.requests.get(key, kept, now)
    }
}

impl<L: Fn(&str) -> Option<String>> Names<L> {
    /// All that a bucket needs, or none of it.
    pub(super) fn bucket(&mut self) -> Option<Bucket> {
        let mut text = |name| self.optional(name, |text| Ok::<_, Infallible>(text.to_owned()));
        let (name, endpoint) = (text(BUCKET), text(BUCKET_ENDPOINT));
        let (region, prefix) = (text(BUCKET_REGION), text(BUCKET_PREFIX));
        let style = text(BUCKET_PATH_STYLE);
        let (key_id, secret, session_token) =
            (text(BUCKET_KEY_ID), text(BUCKET_SECRET), text(BUCKET_TOKEN));
        let Some(name) = name else {
            let said = [&endpoint, &region, &prefix, &style, &key_id, &secret, &session_token];
            let rest = BUCKET_SETTINGS.iter().skip(1).chain(&BUCKET_SECRETS);
            for (name, _) in rest.zip(said).filter(|(_, said)| said.is_some()) {
                let reason = format!("needs {BUCKET} beside it");
                self.faults.push(ConfigError { name, reason });
            }
            return None;
        };
        let needed = [(BUCKET_REGION, &region), (BUCKET_KEY_ID, &key_id), (BUCKET_SECRET, &secret)];
        for (name, _) in needed.into_iter().filter(|(_, said)| said.is_none()) {
            let reason = format!("is not set, and {BUCKET} needs it");
            self.faults.push(ConfigError { name, reason });
        }
        let style = match style.as_deref() {
            Some("yes") => Style::Path,
            None if endpoint.is_some() => Style::Path,
            None | Some("no") => Style::VirtualHost,
            Some(_) => {
                let reason = "must be `yes` or `no`".to_owned();
                self.faults.push(ConfigError { name: BUCKET_PATH_STYLE, reason });
                return None;
            }
        };
        let (region, access_key, secret_key) = (region?, key_id?, secret?);
        let prefix = prefix.unwrap_or_default().trim_matches('/').to_owned();
        let endpoint = endpoint.unwrap_or_else(|| format!("https://s3.{region}.amazonaws.com"));
        let bucket = s3::Bucket { endpoint, name, prefix, region, style };
        let requests =
            Requests::new(&bucket, Credentials { access_key, secret_key, session_token });
        let requests = requests.map_err(|error| {
            let reason = format!("with its endpoint, region and key: {error}");
            self.faults.push(ConfigError { name: BUCKET, reason });
        });
        let requests = requests.ok()?;
        let authority = requests.authority().to_owned();
        Some(Bucket { at: Origin { is_tls: requests.is_tls(), authority }, requests })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(said: &[(&str, &str)]) -> Result<Option<String>, Vec<String>> {
        let lookup = |name: &str| {
            said.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned())
        };
        let bucket = Bucket::from_lookup(lookup);
        let bucket = bucket.map_err(|faults| faults.iter().map(ToString::to_string).collect());
        bucket.map(|bucket| {
            bucket.map(|bucket| {
                assert!(!format!("{bucket:?}").contains("SECRET"));
                bucket.at.url(&bucket.get("s/s1.m4s", &mut None, 0).path)
            })
        })
    }

    const KEY: [(&str, &str); 2] = [(BUCKET_KEY_ID, "AKID"), (BUCKET_SECRET, "SECRET")];

    #[test]
    fn a_bucket_is_whole_or_not_there() {
        assert_eq!(read(&[]), Ok(None));
        let amazon = [&KEY[..], &[(BUCKET, "films"), (BUCKET_REGION, "eu-west-1")]].concat();
        let url = "https://films.s3.eu-west-1.amazonaws.com/s/s1.m4s";
        assert_eq!(read(&amazon), Ok(Some(url.to_owned())));
        let own = [(BUCKET_ENDPOINT, "http://minio:9000"), (BUCKET_PREFIX, "a/house/")];
        let own = [&amazon[..], &own].concat();
        let url = "http://minio:9000/films/a/house/s/s1.m4s";
        assert_eq!(read(&own), Ok(Some(url.to_owned())));
        let hosted = [&own[..], &[(BUCKET_PATH_STYLE, "no")]].concat();
        let url = "http://films.minio:9000/a/house/s/s1.m4s";
        assert_eq!(read(&hosted), Ok(Some(url.to_owned())));
    }

    #[test]
    fn what_is_missing_is_named_and_no_value_is_shown() {
        let faults = read(&[(BUCKET, "films"), (BUCKET_SECRET, "SECRET")]).unwrap_err();
        let missing = |name| format!("{name}: is not set, and MATINEE_EDGE_BUCKET needs it");
        assert_eq!(faults, [missing(BUCKET_REGION), missing(BUCKET_KEY_ID)]);
        let faults = read(&[(BUCKET_PREFIX, "a"), KEY[1]]).unwrap_err();
        let needs = |name| format!("{name}: needs MATINEE_EDGE_BUCKET beside it");
        assert_eq!(faults, [needs(BUCKET_PREFIX), needs(BUCKET_SECRET)]);
        let good = [&KEY[..], &[(BUCKET_REGION, "r")]].concat();
        for wrong in [
            [(BUCKET, "films"), (BUCKET_PATH_STYLE, "SECRET")],
            [(BUCKET, "films"), (BUCKET_ENDPOINT, "minio/SECRET")],
            [(BUCKET, "SECRET/films"), (BUCKET_ENDPOINT, "http://minio")],
        ] {
            let faults = read(&[&good[..], &wrong].concat()).unwrap_err();
            assert!(faults.len() == 1 && !faults[0].contains("SECRET/"), "{faults:?}");
        }
    }
}
