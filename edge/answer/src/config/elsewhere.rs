//! Media that viewers fetch from another host: a second CDN, or a bare bucket.
//!
//! In: three settings. Out: [`Elsewhere`], which signs. Does not know playlists, nor who watches.

use std::fmt;

use data_encoding::BASE64URL_NOPAD;
use shared_playlist::sign::directory::{Directories, Key};
use shared_playlist::sign::s3::{Bucket, Credentials, Presigner, Style};
use shared_playlist::sign::{SignError, Window};
use thiserror::Error;

use super::{MEDIA_BUCKET_S_MAX, MEDIA_BUCKET_S_MIN};

/// The other host, and how URLs there are signed. `Debug` shows neither.
pub(crate) struct Elsewhere {
    base: String,
    sign: Sign,
    window: Window,
}

/// How [`super::MEDIA_SIGN`] says it.
pub(super) enum Sign {
    Directory(Key),
    S3 { region: String, credentials: Credentials, style: Style },
}

/// What signs, at one moment.
pub(crate) enum Signing {
    Directory(Box<Directories>),
    S3(Box<Presigner>),
}

/// What is wrong with the settings, without their values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(super) enum ElsewhereError {
    #[error(
        "must be hmac:<key id>:<base64url>, s3:<region>:<access key>:<secret key> or \
         s3-host:<region>:<access key>:<secret key>"
    )]
    Form,
    #[error("needs a bucket: https://<endpoint>/<bucket>[/<prefix>], or its name in the host")]
    Bucket,
    #[error(transparent)]
    Sign(#[from] SignError),
}

impl fmt::Debug for Elsewhere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Elsewhere").field("base", &self.base).finish_non_exhaustive()
    }
}

impl Sign {
    pub(super) fn parse(text: &str) -> Result<Self, ElsewhereError> {
        let (kind, rest) = text.split_once(':').ok_or(ElsewhereError::Form)?;
        let style = match kind {
            "hmac" => {
                let (kid, secret) = rest.split_once(':').ok_or(ElsewhereError::Form)?;
                let secret = BASE64URL_NOPAD.decode(secret.as_bytes());
                let secret = secret.map_err(|_| ElsewhereError::Form)?;
                return Ok(Self::Directory(Key::new(kid, &secret)?));
            }
            "s3" => Style::Path,
            "s3-host" => Style::VirtualHost,
            _ => return Err(ElsewhereError::Form),
        };
        let mut parts = rest.splitn(3, ':').map(str::to_owned);
        match (parts.next(), parts.next(), parts.next()) {
            (Some(region), Some(access_key), Some(secret_key)) if !secret_key.is_empty() => {
                let credentials = Credentials { access_key, secret_key, session_token: None };
                Ok(Self::S3 { region, credentials, style })
            }
            _ => Err(ElsewhereError::Form),
        }
    }
}

impl Elsewhere {
    /// URLs below `base` that are good for `valid_s` seconds at least, and stay the same for a sixth of that.
    pub(super) fn new(base: &str, sign: Sign, valid_s: u32) -> Result<Self, ElsewhereError> {
        let bucket_s = (valid_s / 6).clamp(MEDIA_BUCKET_S_MIN, MEDIA_BUCKET_S_MAX);
        let window = Window::new(bucket_s, valid_s)?;
        let elsewhere = Self { base: base.to_owned(), sign, window };
        // What is wrong with a base shows when it is first used: that is now.
        elsewhere.at(0)?;
        Ok(elsewhere)
    }

    /// What signs at `now`, in seconds since the Unix epoch.
    pub(super) fn at(&self, now: i64) -> Result<Signing, ElsewhereError> {
        match &self.sign {
            Sign::Directory(key) => {
                let directories = Directories::new(&self.base, key, self.window, now)?;
                Ok(Signing::Directory(Box::new(directories)))
            }
            Sign::S3 { region, credentials, style } => {
                let bucket = self.bucket(region, *style).ok_or(ElsewhereError::Bucket)?;
                let presigner = Presigner::new(&bucket, credentials, self.window, now)?;
                Ok(Signing::S3(Box::new(presigner)))
            }
        }
    }

    /// The same, of settings that were found to be good.
    pub(crate) fn signing(&self, now: i64) -> Option<Signing> {
        self.at(now).ok()
    }

    fn bucket(&self, region: &str, style: Style) -> Option<Bucket> {
        let (scheme, rest) = self.base.trim_end_matches('/').split_once("://")?;
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (endpoint, name, prefix) = match style {
            Style::Path => {
                let (name, prefix) = path.split_once('/').unwrap_or((path, ""));
                (authority, name, prefix)
            }
            Style::VirtualHost => {
                let (name, endpoint) = authority.split_once('.')?;
                (endpoint, name, path)
            }
        };
        (!name.is_empty()).then(|| Bucket {
            endpoint: format!("{scheme}://{endpoint}"),
            name: name.to_owned(),
            prefix: prefix.to_owned(),
            region: region.to_owned(),
            style,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(base: &str, sign: &str) -> Result<(), ElsewhereError> {
        Elsewhere::new(base, Sign::parse(sign)?, 600).map(|_| ())
    }

    #[test]
    fn a_host_and_a_way_to_sign() {
        let hmac = format!("hmac:k1:{}", "A".repeat(43));
        for (base, sign) in [
            ("https://media.test", hmac.as_str()),
            ("https://media.test/live/", &hmac),
            ("https://s3.test/bucket", "s3:eu-1:AKIA:a/b:c"),
            ("https://s3.test/bucket/some/prefix", "s3:eu-1:AKIA:secret"),
            ("https://bucket.s3.test", "s3-host:eu-1:AKIA:secret"),
        ] {
            assert_eq!(made(base, sign), Ok(()), "{base} {sign}");
        }
        for (base, sign) in [
            ("media.test", hmac.as_str()),
            ("https://media.test?x", &hmac),
            ("https://media.test", "hmac:k1:AAAA"),
            ("https://media.test", "hmac:k1"),
            ("https://media.test", "md5:k1:x"),
            ("https://s3.test", "s3:eu-1:AKIA:secret"),
            ("https://s3", "s3-host:eu-1:AKIA:secret"),
            ("https://s3.test/bucket", "s3:eu-1:AKIA"),
            ("https://s3.test/bucket", "s3:eu-1::secret"),
        ] {
            assert!(made(base, sign).is_err(), "{base} {sign}");
        }
    }
}
