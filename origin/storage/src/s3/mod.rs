//! An S3 bucket behind the port of `shared/media`.
//!
//! In: keys and bytes. Out: requests by the AWS SDK, each tried once; answers, and failures told apart. Does not know
//! what is kept in the bucket, nor when to try again.

mod failure;

use std::ops::Range;
use std::time::Duration;

use aws_config::meta::region::RegionProviderChain;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    CompletedMultipartUpload, CompletedPart, Delete, ObjectIdentifier, ServerSideEncryption,
};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use bytes::{Bytes, BytesMut};
use shared_media::{Answer, Bucket, BucketError, BucketFailure, Listed, Page, Piece};

use self::failure::{failed, is_absent};

/// The longest a connection may take to come about.
const CONNECT_MAX: Duration = Duration::from_secs(3);
/// The longest one request may take, its body and the answer's included.
const REQUEST_MAX: Duration = Duration::from_secs(30);
/// Objects larger than this are put in pieces of it.
const PIECE_BYTES: usize = 8 << 20;
/// How many objects one request deletes at most (S3's own limit).
const DELETES_MAX: usize = 1000;
/// The region of stores that are not Amazon's and do not care.
const REGION: &str = "us-east-1";

/// Which bucket, and how it is spoken to. Credentials come from where the AWS SDK looks for them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct S3Config {
    /// The bucket.
    pub bucket: String,
    /// What stands before all keys, such as `matinee/`; empty for nothing.
    pub prefix: String,
    /// Where the store is, if it is not Amazon's: a URL.
    pub endpoint: Option<String>,
    /// Its region; by default what the environment or the profile says.
    pub region: Option<String>,
    /// Whether the bucket's name stands in the path, not in the host's name.
    pub path_style: bool,
    /// How the store encrypts what it keeps, if other than by its default.
    pub encryption: Option<Encryption>,
    /// Tags of each object, for rules of life cycle: `name=value&name=value`, URL-encoded.
    pub tags: Option<String>,
}

/// How the store encrypts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Encryption {
    /// With keys of its own.
    Aes256,
    /// With a key of the key service, or its default one.
    Kms(Option<String>),
}

/// The bucket.
#[derive(Debug, Clone)]
pub struct S3 {
    client: Client,
    config: S3Config,
}

impl S3 {
    /// Looks for credentials, and is ready; no request is sent to the bucket yet.
    pub async fn open(config: S3Config) -> Self {
        let http = aws_smithy_http_client::Builder::new()
            .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
            .build_https();
        let named = config.region.clone().map(Region::new);
        // Stores of others have no regions: the machine is not asked where it is for them.
        let region = match (&named, &config.endpoint) {
            (None, None) => RegionProviderChain::default_provider().or_else(REGION),
            _ => RegionProviderChain::first_try(named).or_else(REGION),
        };
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_MAX)
            .read_timeout(REQUEST_MAX)
            .operation_attempt_timeout(REQUEST_MAX)
            .operation_timeout(REQUEST_MAX)
            .build();
        let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .http_client(http)
            .region(region)
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts);
        if let Some(endpoint) = &config.endpoint {
            loader = loader.endpoint_url(endpoint);
        }
        let shared = loader.load().await;
        let chosen = aws_sdk_s3::config::Builder::from(&shared).force_path_style(config.path_style);
        Self { client: Client::from_conf(chosen.build()), config }
    }

    fn key(&self, key: &str) -> String {
        format!("{}{key}", self.config.prefix)
    }

    fn encryption(&self) -> Option<ServerSideEncryption> {
        self.config.encryption.as_ref().map(|encryption| match encryption {
            Encryption::Aes256 => ServerSideEncryption::Aes256,
            Encryption::Kms(_) => ServerSideEncryption::AwsKms,
        })
    }

    fn kms_key(&self) -> Option<String> {
        match &self.config.encryption {
            Some(Encryption::Kms(key)) => key.clone(),
            _ => None,
        }
    }

    async fn put_whole(&self, key: &str, bytes: Bytes) -> Result<(), BucketError> {
        let put = self.client.put_object().bucket(&self.config.bucket).key(self.key(key));
        let put = put
            .set_server_side_encryption(self.encryption())
            .set_ssekms_key_id(self.kms_key())
            .set_tagging(self.config.tags.clone())
            .content_type(content_type(key))
            .body(ByteStream::from(bytes));
        put.send().await.map(drop).map_err(failed)
    }

    async fn put_in_pieces(&self, key: &str, bytes: Bytes) -> Result<(), BucketError> {
        let upload = self.begin(key).await?;
        let put = async {
            let mut pieces = Vec::new();
            for (number, start) in (1..).zip((0..bytes.len()).step_by(PIECE_BYTES)) {
                let piece = bytes.slice(start..bytes.len().min(start + PIECE_BYTES));
                pieces.push(self.piece(key, &upload, number, piece).await?);
            }
            self.complete(key, &upload, pieces).await
        };
        let done = put.await;
        if done.is_err() {
            // What this does not remove a rule of the bucket's life cycle does.
            let _ = self.abort(key, &upload).await;
        }
        done
    }

    async fn get_whole(
        &self,
        key: &str,
        range: Option<Range<u64>>,
        bytes_max: usize,
    ) -> Result<Option<Bytes>, BucketError> {
        if range.as_ref().is_some_and(|range| range.is_empty()) {
            return Ok(Some(Bytes::new()));
        }
        let range = range.map(|range| format!("bytes={}-{}", range.start, range.end - 1));
        let get = self.client.get_object().bucket(&self.config.bucket).key(self.key(key));
        let answer = match get.set_range(range).send().await {
            Ok(answer) => answer,
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let told = answer.content_length().and_then(|length| usize::try_from(length).ok());
        let too_large = || damaged(format!("it has more than {bytes_max} bytes"));
        if told.is_some_and(|told| told > bytes_max) {
            return Err(too_large());
        }
        let mut bytes = BytesMut::with_capacity(told.unwrap_or(0));
        let mut body = answer.body;
        while let Some(piece) = body.next().await {
            let piece = piece.map_err(|error| unreachable(&error))?;
            if bytes.len() + piece.len() > bytes_max {
                return Err(too_large());
            }
            bytes.extend_from_slice(&piece);
        }
        match told {
            Some(told) if told != bytes.len() => {
                Err(damaged(format!("{} bytes came of {told}", bytes.len())))
            }
            _ => Ok(Some(bytes.freeze())),
        }
    }

    async fn page(&self, prefix: &str, after: Option<&str>) -> Result<Page, BucketError> {
        let list = self.client.list_objects_v2().bucket(&self.config.bucket);
        let after = after.map(|after| self.key(after));
        let answer = list.prefix(self.key(prefix)).set_start_after(after).send().await;
        let answer = answer.map_err(failed)?;
        let more = answer.is_truncated().unwrap_or(false);
        let listed = |object: &aws_sdk_s3::types::Object| {
            Some(Listed {
                key: object.key()?.strip_prefix(&self.config.prefix)?.to_owned(),
                bytes: object.size().and_then(|size| u64::try_from(size).ok()).unwrap_or(0),
                at_s: object
                    .last_modified()
                    .and_then(|at| u64::try_from(at.secs()).ok())
                    .unwrap_or(0),
            })
        };
        let objects: Vec<_> = answer.contents().iter().filter_map(listed).collect();
        Ok(Page { more: more && !objects.is_empty(), objects })
    }

    /// Many with one request, or one by one where the store does not know that, or is not up to it.
    async fn remove(&self, keys: &[String]) -> Result<(), BucketError> {
        for keys in keys.chunks(DELETES_MAX) {
            let Err(error) = self.remove_at_once(keys).await else { continue };
            if matches!(error.failure, BucketFailure::Refused | BucketFailure::Unreachable) {
                return Err(error);
            }
            for key in keys {
                let delete = self.client.delete_object().bucket(&self.config.bucket);
                match delete.key(self.key(key)).send().await {
                    Err(error) if !is_absent(&error) => return Err(failed(error)),
                    _ => {}
                }
            }
        }
        Ok(())
    }

    async fn remove_at_once(&self, keys: &[String]) -> Result<(), BucketError> {
        let named = |key: &String| ObjectIdentifier::builder().key(self.key(key)).build();
        let objects: Result<Vec<_>, _> = keys.iter().map(named).collect();
        let delete = objects
            .and_then(|objects| Delete::builder().set_objects(Some(objects)).quiet(true).build());
        let delete = delete.map_err(|error| wrong(error.to_string()))?;
        let asked = self.client.delete_objects().bucket(&self.config.bucket).delete(delete);
        let answer = asked.send().await.map_err(failed)?;
        match answer.errors().iter().find(|one| one.code() != Some("NoSuchKey")) {
            Some(error) => Err(wrong(error.code().unwrap_or("an object stays").to_owned())),
            None => Ok(()),
        }
    }

    async fn finish(&self, key: &str, upload: &str, pieces: Vec<Piece>) -> Result<(), BucketError> {
        let part = |piece: Piece| {
            let part = CompletedPart::builder().part_number(piece.number).e_tag(piece.tag);
            part.set_checksum_crc32(piece.checksum).build()
        };
        let parts = pieces.into_iter().map(part).collect();
        let upload_of = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        let complete = self.client.complete_multipart_upload().bucket(&self.config.bucket);
        let complete = complete.key(self.key(key)).upload_id(upload).multipart_upload(upload_of);
        let Err(error) = complete.send().await else { return Ok(()) };
        if !is_absent(&error) {
            return Err(failed(error));
        }
        // The upload is gone: it was completed before, and the answer was lost on its way; or somebody gave it up.
        let head = self.client.head_object().bucket(&self.config.bucket).key(self.key(key));
        head.send().await.map(drop).map_err(failed)
    }
}

impl Bucket for S3 {
    fn put(&self, key: &str, bytes: Bytes) -> Answer<'_, ()> {
        let key = key.to_owned();
        Box::pin(async move {
            if bytes.len() > PIECE_BYTES {
                self.put_in_pieces(&key, bytes).await
            } else {
                self.put_whole(&key, bytes).await
            }
        })
    }

    fn get(
        &self,
        key: &str,
        range: Option<Range<u64>>,
        bytes_max: usize,
    ) -> Answer<'_, Option<Bytes>> {
        let key = key.to_owned();
        Box::pin(async move {
            let get = self.get_whole(&key, range, bytes_max);
            tokio::time::timeout(REQUEST_MAX, get)
                .await
                .unwrap_or_else(|slow| Err(unreachable(&slow)))
        })
    }

    fn list(&self, prefix: &str, after: Option<&str>) -> Answer<'_, Page> {
        let (prefix, after) = (prefix.to_owned(), after.map(str::to_owned));
        Box::pin(async move { self.page(&prefix, after.as_deref()).await })
    }

    fn delete(&self, keys: Vec<String>) -> Answer<'_, ()> {
        Box::pin(async move { self.remove(&keys).await })
    }

    fn begin(&self, key: &str) -> Answer<'_, String> {
        let key = key.to_owned();
        Box::pin(async move {
            let begin = self.client.create_multipart_upload().bucket(&self.config.bucket);
            let begin = begin
                .key(self.key(&key))
                .set_server_side_encryption(self.encryption())
                .set_ssekms_key_id(self.kms_key())
                .set_tagging(self.config.tags.clone())
                .content_type(content_type(&key));
            let begun = begin.send().await.map_err(failed)?;
            begun.upload_id.ok_or_else(|| wrong("an upload without a name".to_owned()))
        })
    }

    fn piece(&self, key: &str, upload: &str, number: i32, bytes: Bytes) -> Answer<'_, Piece> {
        let put = self.client.upload_part().bucket(&self.config.bucket).key(self.key(key));
        let put = put.upload_id(upload).part_number(number).body(ByteStream::from(bytes));
        Box::pin(async move {
            let put = put.send().await.map_err(failed)?;
            let tag = put.e_tag.ok_or_else(|| wrong("a piece without a tag".to_owned()))?;
            Ok(Piece { number, tag, checksum: put.checksum_crc32 })
        })
    }

    fn complete(&self, key: &str, upload: &str, pieces: Vec<Piece>) -> Answer<'_, ()> {
        let (key, upload) = (key.to_owned(), upload.to_owned());
        Box::pin(async move { self.finish(&key, &upload, pieces).await })
    }

    fn abort(&self, key: &str, upload: &str) -> Answer<'_, ()> {
        let abort = self.client.abort_multipart_upload().bucket(&self.config.bucket);
        let abort = abort.key(self.key(key)).upload_id(upload);
        Box::pin(async move {
            match abort.send().await {
                Err(error) if !is_absent(&error) => Err(failed(error)),
                _ => Ok(()),
            }
        })
    }
}

/// What a reader that is no edge of ours is told of an object.
fn content_type(key: &str) -> &'static str {
    match key.rsplit('.').next() {
        Some("m4s" | "mp4") => "video/mp4",
        Some("m3u8") => "application/vnd.apple.mpegurl",
        Some("vtt") => "text/vtt",
        Some("jpg") => "image/jpeg",
        _ => "application/octet-stream",
    }
}

fn unreachable(error: &dyn std::error::Error) -> BucketError {
    BucketError { failure: BucketFailure::Unreachable, reason: error.to_string() }
}

fn damaged(reason: String) -> BucketError {
    BucketError { failure: BucketFailure::Damaged, reason }
}

fn wrong(reason: String) -> BucketError {
    BucketError { failure: BucketFailure::Wrong, reason }
}
