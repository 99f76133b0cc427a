//! A request's headers, read strictly: each at most once, numbers in digits.
//!
//! In: headers of strangers. Out: the method meant, values, or a [`Refusal`]. Does not know uploads.

use http::HeaderMap;

use super::VERSION;

/// Names of headers, in lower case as HTTP's libraries have them.
pub mod name {
    /// The version of the protocol.
    pub const RESUMABLE: &str = "tus-resumable";
    /// Versions that are spoken.
    pub const VERSIONS: &str = "tus-version";
    /// What is done beyond the core.
    pub const EXTENSION: &str = "tus-extension";
    /// The largest upload.
    pub const MAX_SIZE: &str = "tus-max-size";
    /// Checksums that are known.
    pub const CHECKSUM_ALGORITHM: &str = "tus-checksum-algorithm";
    /// Where a chunk begins.
    pub const OFFSET: &str = "upload-offset";
    /// Bytes of the whole.
    pub const LENGTH: &str = "upload-length";
    /// That they are not known yet.
    pub const DEFER_LENGTH: &str = "upload-defer-length";
    /// What is said of the file.
    pub const METADATA: &str = "upload-metadata";
    /// Parts of a whole.
    pub const CONCAT: &str = "upload-concat";
    /// The checksum of a chunk.
    pub const CHECKSUM: &str = "upload-checksum";
    /// Until when an upload is kept.
    pub const EXPIRES: &str = "upload-expires";
    /// The method that is meant.
    pub const METHOD_OVERRIDE: &str = "x-http-method-override";
}

/// What the protocol does not allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The status.
    pub status: u16,
    /// The stable name.
    pub code: &'static str,
    /// What is wrong, and what would be right.
    pub detail: String,
}

impl Refusal {
    pub(crate) fn new(status: u16, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into() }
    }
}

/// What a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// What can the server do?
    Options,
    /// How far is the upload?
    Head,
    /// A new upload.
    Post,
    /// A chunk.
    Patch,
    /// The end of an upload.
    Delete,
}

/// The method that is meant: `X-HTTP-Method-Override` before what the request line says.
///
/// # Errors
/// 405 for any other.
pub fn method(actual: &str, headers: &HeaderMap) -> Result<Method, Refusal> {
    let meant = one(headers, name::METHOD_OVERRIDE)?.unwrap_or(actual);
    match meant {
        "OPTIONS" => Ok(Method::Options),
        "HEAD" => Ok(Method::Head),
        "POST" => Ok(Method::Post),
        "PATCH" => Ok(Method::Patch),
        "DELETE" => Ok(Method::Delete),
        _ => Err(Refusal::new(
            405,
            "method_not_allowed",
            "uploads take OPTIONS, HEAD, POST, PATCH and DELETE",
        )),
    }
}

/// Refuses a version that is not spoken. `OPTIONS` has none.
///
/// # Errors
/// 412.
pub fn version(headers: &HeaderMap) -> Result<(), Refusal> {
    if one(headers, name::RESUMABLE)? == Some(VERSION) {
        return Ok(());
    }
    let detail = format!("send `Tus-Resumable: {VERSION}`");
    Err(Refusal::new(412, "tus_version_unsupported", detail))
}

/// The one value of a header.
///
/// # Errors
/// 400 if there are several, or it is no printable ASCII.
pub(super) fn one<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Refusal> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let wrong = |what: &str| Refusal::new(400, "header_malformed", format!("`{name}` {what}"));
    if values.next().is_some() {
        return Err(wrong("stands there more than once"));
    }
    let text = value.to_str().map_err(|_| wrong("holds what is not ASCII"))?;
    Ok(Some(text.trim()))
}

/// A non-negative integer, which fits where lengths of files do.
///
/// # Errors
/// 400.
pub(super) fn number(headers: &HeaderMap, name: &str) -> Result<Option<u64>, Refusal> {
    let Some(text) = one(headers, name)? else { return Ok(None) };
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let read = text.parse().ok().filter(|number: &u64| digits && i64::try_from(*number).is_ok());
    let wrong = || {
        let detail = format!("`{name}` must be a non-negative integer");
        Refusal::new(400, "header_malformed", detail)
    };
    read.map(Some).ok_or_else(wrong)
}
