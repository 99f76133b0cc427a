//! The bucket that recordings go to.
//!
//! In: the layers of settings. Out: which bucket, and what its spool may take. Does not know credentials: the AWS SDK
//! looks for them where it always does.

use clap::Args;
use origin_storage::{Encryption, S3Config};

use crate::layers::{Layers, base, whole};

/// Tags that an object may have (S3's own limit).
const TAGS_MAX: usize = 10;

/// The flags of the bucket.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct BucketFlags {
    /// Bucket that live segments and recordings go to, by S3; credentials are taken from where the AWS SDK looks for
    /// them [default: the disk alone]
    #[arg(long, value_name = "NAME")]
    s3_bucket: Option<String>,
    /// What stands before all keys there, such as matinee/ [default: nothing]
    #[arg(long, value_name = "TEXT")]
    s3_prefix: Option<String>,
    /// Where S3 is spoken, such as https://minio.example.com:9000 [default: Amazon's]
    #[arg(long, value_name = "URL")]
    s3_endpoint: Option<String>,
    /// Region of the bucket [default: of the environment, the profile or the machine]
    #[arg(long, value_name = "NAME")]
    s3_region: Option<String>,
    /// Whether the bucket's name stands in the path: yes or no [default: yes where --s3-endpoint is named]
    #[arg(long, value_name = "WHETHER")]
    s3_path_style: Option<String>,
    /// How the store encrypts: AES256, aws:kms, or aws:kms and a key behind another colon [default: as it does]
    #[arg(long, value_name = "HOW")]
    s3_encryption: Option<String>,
    /// Tags of each object for rules of life cycle, such as class=recording&house=a [default: none]
    #[arg(long, value_name = "TAGS")]
    s3_tags: Option<String>,
    /// What media may take on the disk before the bucket, in MiB; beyond it those go that the bucket has, then shows
    /// are not recorded [default: 10240]
    #[arg(long, value_name = "MIB")]
    s3_spool_mib: Option<String>,
}

/// Every name a setting of the bucket goes by.
pub(crate) const NAMES: &[&str] = &[
    "s3_bucket",
    "s3_prefix",
    "s3_endpoint",
    "s3_region",
    "s3_path_style",
    "s3_encryption",
    "s3_tags",
    "s3_spool_mib",
];

/// The bucket, and its spool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bucket {
    pub(crate) s3: S3Config,
    pub(crate) spool_bytes_max: u64,
}

impl Bucket {
    /// What the house calls it: by that it knows whether it sent there what it has.
    pub(crate) fn name(&self) -> String {
        let place = self.s3.endpoint.as_deref().unwrap_or("s3");
        format!("{place} {} {}", self.s3.bucket, self.s3.prefix)
    }
}

impl BucketFlags {
    pub(super) fn flag(&self, name: &str) -> Option<&String> {
        match name {
            "s3_bucket" => self.s3_bucket.as_ref(),
            "s3_prefix" => self.s3_prefix.as_ref(),
            "s3_endpoint" => self.s3_endpoint.as_ref(),
            "s3_region" => self.s3_region.as_ref(),
            "s3_path_style" => self.s3_path_style.as_ref(),
            "s3_encryption" => self.s3_encryption.as_ref(),
            "s3_tags" => self.s3_tags.as_ref(),
            "s3_spool_mib" => self.s3_spool_mib.as_ref(),
            _ => None,
        }
    }
}

impl Layers<'_> {
    pub(super) fn bucket(&mut self) -> Option<Bucket> {
        let bucket = self.value("s3_bucket", None, |text| name(text).map(Some));
        let endpoint = self.value("s3_endpoint", None, |text| base(text, &["http", "https"]));
        let s3 = S3Config {
            bucket: bucket.clone().unwrap_or_default(),
            prefix: self.value("s3_prefix", String::new(), prefix),
            region: self.value("s3_region", None, |text| name(text).map(Some)),
            path_style: self.value("s3_path_style", endpoint.is_some(), |text| match text {
                "yes" | "true" => Ok(true),
                "no" | "false" => Ok(false),
                _ => Err("is neither yes nor no".to_owned()),
            }),
            encryption: self.value("s3_encryption", None, |text| encryption(text).map(Some)),
            tags: self.value("s3_tags", None, |text| tags(text).map(Some)),
            endpoint,
        };
        let spool_bytes_max = self
            .value("s3_spool_mib", 10 << 30, |text| whole(text, 1, 1 << 40).map(|mib| mib << 20));
        let alone = S3Config { path_style: s3.endpoint.is_some(), ..S3Config::default() };
        if bucket.is_none() && s3 != alone {
            self.refuse("--s3-…: there is no bucket without --s3-bucket");
        }
        bucket.map(|_| Bucket { s3, spool_bytes_max })
    }
}

fn name(text: &str) -> Result<String, String> {
    let form = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let good = (1..=255).contains(&text.len()) && text.bytes().all(form);
    good.then(|| text.to_owned()).ok_or_else(|| "is not a name".to_owned())
}

fn prefix(text: &str) -> Result<String, String> {
    let form = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte);
    let good = text.len() <= 512 && text.bytes().all(form) && !text.starts_with('/');
    let why = "is not made of letters, digits and . _ - / or begins with /";
    good.then(|| text.to_owned()).ok_or_else(|| why.to_owned())
}

fn encryption(text: &str) -> Result<Encryption, String> {
    match text {
        "AES256" => Ok(Encryption::Aes256),
        "aws:kms" => Ok(Encryption::Kms(None)),
        _ => match text.strip_prefix("aws:kms:") {
            Some(key) if !key.is_empty() => Ok(Encryption::Kms(Some(key.to_owned()))),
            _ => Err("is neither AES256 nor aws:kms, with a key or without".to_owned()),
        },
    }
}

fn tags(text: &str) -> Result<String, String> {
    let form = |byte: u8| byte.is_ascii_alphanumeric() || b"._-%+".contains(&byte);
    let is_tag = |tag: &str| {
        let (name, value) = tag.split_once('=').unwrap_or_default();
        !name.is_empty() && name.bytes().chain(value.bytes()).all(form)
    };
    let good = text.split('&').count() <= TAGS_MAX && text.split('&').all(is_tag);
    let why = "is not name=value, up to ten with & between them, URL-encoded";
    good.then(|| text.to_owned()).ok_or_else(|| why.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    fn settle(named: &[(&str, &str)]) -> Result<Settings, crate::error::Error> {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let file = dir.path().join("m.toml");
        let lines = named.iter().map(|(name, value)| format!("{name} = {value:?}\n"));
        std::fs::write(&file, lines.collect::<String>()).expect("writable");
        crate::settings::tests::flags(Some(file)).settle(|_| None)
    }

    #[test]
    fn a_bucket_is_named_and_the_rest_follows() {
        assert_eq!(settle(&[]).expect("right").bucket, None);
        let plain = settle(&[("s3_bucket", "films")]).expect("right").bucket.expect("named");
        assert!(!plain.s3.path_style && plain.s3.endpoint.is_none());
        assert_eq!((plain.spool_bytes_max, plain.name().as_str()), (10 << 30, "s3 films "));
        let own = settle(&[
            ("s3_bucket", "films"),
            ("s3_endpoint", "http://127.0.0.1:9000/"),
            ("s3_prefix", "house/a/"),
            ("s3_encryption", "aws:kms:arn:aws:kms:eu-west-1:1:key/2"),
            ("s3_tags", "class=recording&house=a%20b"),
            ("s3_spool_mib", "64"),
        ]);
        let own = own.expect("right").bucket.expect("named");
        assert!(own.s3.path_style);
        assert_eq!(own.name(), "http://127.0.0.1:9000 films house/a/");
        let key = "arn:aws:kms:eu-west-1:1:key/2".to_owned();
        assert_eq!(own.s3.encryption, Some(Encryption::Kms(Some(key))));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for wrong in [
            ("s3_bucket", "a/b"),
            ("s3_prefix", "/a"),
            ("s3_endpoint", "minio:9000"),
            ("s3_path_style", "perhaps"),
            ("s3_encryption", "rot13"),
            ("s3_tags", "class"),
            ("s3_spool_mib", "0"),
        ] {
            let named = [("s3_bucket", "films"), wrong];
            let named = if wrong.0 == "s3_bucket" { &named[1..] } else { &named[..] };
            assert!(settle(named).is_err(), "{wrong:?}");
        }
        for alone in [("s3_prefix", "a"), ("s3_endpoint", "http://a"), ("s3_region", "b")] {
            assert!(settle(&[alone]).is_err(), "{alone:?}");
        }
    }
}
