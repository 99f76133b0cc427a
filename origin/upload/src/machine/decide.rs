//! What is to be done with a request.
//!
//! In: its headers; the upload it is for, as it stands. Out: [`Create`], [`Patch`], headers of answers, or a
//! [`Refusal`]. Does not know bodies, files or time but as a number.

use http::HeaderMap;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use shared_wire::upload::{Stage, Upload};

use super::metadata::Metadata;
use super::request::{name, number, one};
use super::{Checksum, Concat, Refusal};
use crate::Config;

/// How chunks are labelled.
const CHUNK_TYPE: &str = "application/offset+octet-stream";

/// A new upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Create {
    /// Bytes it is to have; `None`: said later, or known from its parts.
    pub length: Option<u64>,
    /// What is said of it, and the header as it was sent.
    pub metadata: Option<String>,
    /// What it is to others.
    pub concat: Concat,
    /// That header as it was sent.
    pub concat_sent: Option<String>,
    /// Its first chunk, if there is one in the same request.
    pub chunk: Option<Chunk>,
}

/// Bytes in a request's body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// How many may come at most.
    pub bytes_max: u64,
    /// How many are said to come.
    pub said: Option<u64>,
    /// Their sum.
    pub checksum: Option<Checksum>,
}

/// A chunk for an upload that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patch {
    /// Bytes the whole is to have, from now on.
    pub length: Option<u64>,
    /// The chunk.
    pub chunk: Chunk,
}

/// A header of an answer.
pub type Plan = Vec<(&'static str, String)>;

/// What a `POST` asks for.
///
/// # Errors
/// 400, 413, 415.
pub fn create(headers: &HeaderMap, config: &Config) -> Result<Create, Refusal> {
    let metadata = one(headers, name::METADATA)?;
    if let Some(text) = metadata {
        let metadata = Metadata::read(text, config.metadata_bytes_max)?;
        metadata.priority()?;
        metadata.keep_hdr()?;
    }
    let concat_sent = one(headers, name::CONCAT)?;
    let concat = Concat::read(concat_sent, config.parts_max)?;
    let length = number(headers, name::LENGTH)?;
    let is_deferred = match one(headers, name::DEFER_LENGTH)? {
        None => false,
        Some("1") => true,
        Some(_) => return Err(malformed("`Upload-Defer-Length` must be 1")),
    };
    match (matches!(concat, Concat::Final(_)), length, is_deferred) {
        (true, None, false) | (false, Some(_), false) | (false, None, true) => {}
        (true, ..) => {
            return Err(malformed("a final upload has the length of its parts: send none"));
        }
        (false, Some(_), true) => {
            return Err(malformed("send `Upload-Length` or `Upload-Defer-Length`, not both"));
        }
        (false, None, false) => {
            return Err(malformed("send `Upload-Length`, or `Upload-Defer-Length: 1`"));
        }
    }
    check_size(length, config)?;
    let chunk = first_chunk(headers, length, config)?;
    if chunk.is_some() && matches!(concat, Concat::Final(_)) {
        return Err(malformed("a final upload is made of its parts: send no body"));
    }
    let metadata = metadata.map(str::to_owned);
    let concat_sent = concat_sent.map(str::to_owned);
    Ok(Create { length, metadata, concat, concat_sent, chunk })
}

/// The chunk in a request that makes an upload.
fn first_chunk(
    headers: &HeaderMap,
    length: Option<u64>,
    config: &Config,
) -> Result<Option<Chunk>, Refusal> {
    let said = number(headers, CONTENT_LENGTH.as_str())?;
    let is_chunk = is_chunk(headers)?;
    let comes = said.is_some_and(|said| said > 0) || headers.contains_key(TRANSFER_ENCODING);
    if !is_chunk {
        return if said.unwrap_or(0) > 0 { Err(wrong_type()) } else { Ok(None) };
    }
    if !comes {
        return Ok(None);
    }
    chunk(headers, 0, length, config).map(Some)
}

/// What a `PATCH` asks for.
///
/// # Errors
/// 400, 403, 404, 409, 410, 413, 415.
pub fn patch(
    headers: &HeaderMap,
    upload: &Upload,
    now: i64,
    config: &Config,
) -> Result<Patch, Refusal> {
    gone(upload, now)?;
    if super::parts_of(upload.concat.as_deref()).is_some() {
        return Err(Refusal::new(403, "upload_final", "a final upload is made of its parts"));
    }
    if !is_chunk(headers)? {
        return Err(wrong_type());
    }
    let at = number(headers, name::OFFSET)?;
    let at = at.ok_or_else(|| malformed("send `Upload-Offset`"))?;
    let offset = upload.offset();
    if at != offset {
        let detail = format!("the upload is at {offset}: ask by HEAD and go on there");
        return Err(Refusal::new(409, "offset_conflict", detail));
    }
    let said = number(headers, name::LENGTH)?;
    let length = match (upload.length, said) {
        (Some(known), Some(said)) if known != said => {
            return Err(malformed("the upload's length is known and does not change"));
        }
        (None, Some(said)) if said < offset => {
            return Err(malformed("more bytes have come than `Upload-Length` says"));
        }
        (known, said) => known.or(said),
    };
    check_size(length, config)?;
    Ok(Patch { length, chunk: chunk(headers, offset, length, config)? })
}

fn chunk(
    headers: &HeaderMap,
    at: u64,
    length: Option<u64>,
    config: &Config,
) -> Result<Chunk, Refusal> {
    let bytes_max = length.unwrap_or(config.size_max).saturating_sub(at);
    let said = number(headers, CONTENT_LENGTH.as_str())?;
    if said.is_some_and(|said| said > bytes_max) {
        return Err(beyond());
    }
    let checksum = one(headers, name::CHECKSUM)?.map(Checksum::read).transpose()?;
    Ok(Chunk { bytes_max, said, checksum })
}

/// How an upload is told of.
///
/// # Errors
/// 410.
pub fn head(upload: &Upload, now: i64) -> Result<Plan, Refusal> {
    gone(upload, now)?;
    let mut plan = Plan::new();
    let is_final = super::parts_of(upload.concat.as_deref()).is_some();
    if !is_final || upload.stage == Stage::Done {
        plan.push((name::OFFSET, upload.offset().to_string()));
    }
    match upload.length {
        Some(length) => plan.push((name::LENGTH, length.to_string())),
        None => plan.push((name::DEFER_LENGTH, "1".to_owned())),
    }
    plan.extend(upload.metadata.clone().map(|metadata| (name::METADATA, metadata)));
    plan.extend(upload.concat.clone().map(|concat| (name::CONCAT, concat)));
    Ok(plan)
}

/// Refuses an upload that was terminated or has expired.
///
/// # Errors
/// 410.
pub fn gone(upload: &Upload, now: i64) -> Result<(), Refusal> {
    let is_over = upload.stage == Stage::Open && upload.expires_at <= now && !upload.is_whole();
    if upload.stage == Stage::Gone || is_over {
        let detail = "the upload has expired or was terminated: begin anew";
        return Err(Refusal::new(410, "upload_gone", detail));
    }
    Ok(())
}

/// Refuses the byte after the last that may come.
///
/// # Errors
/// 413.
pub fn taken(taken: u64, chunk: &Chunk) -> Result<(), Refusal> {
    if taken > chunk.bytes_max { Err(beyond()) } else { Ok(()) }
}

fn check_size(length: Option<u64>, config: &Config) -> Result<(), Refusal> {
    if length.is_some_and(|length| length > config.size_max) {
        let detail = format!("a file may have {} bytes", config.size_max);
        return Err(Refusal::new(413, "upload_too_large", detail));
    }
    Ok(())
}

/// Whether the body is said to be a chunk.
fn is_chunk(headers: &HeaderMap) -> Result<bool, Refusal> {
    let kind = one(headers, CONTENT_TYPE.as_str())?.and_then(|kind| kind.split(';').next());
    Ok(kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case(CHUNK_TYPE)))
}

fn wrong_type() -> Refusal {
    let detail = format!("send the chunk as `Content-Type: {CHUNK_TYPE}`");
    Refusal::new(415, "chunk_type_wrong", detail)
}

fn beyond() -> Refusal {
    Refusal::new(413, "chunk_too_long", "the chunk goes beyond the end of the upload")
}

fn malformed(detail: &str) -> Refusal {
    Refusal::new(400, "header_malformed", detail)
}
