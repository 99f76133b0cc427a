//! Closed segments from the bucket that the house records to.
//!
//! In: a fetch that was decided. Out: the bucket's answer, if it stands for the origin's; or the origin is asked. Does
//! not decide what a bucket has, nor when it is left alone: `edge-answer` does, from what this instance remembers.

use edge_answer::config::BUCKET_WAIT_MS;
use edge_answer::{BucketFetch, Config, Fetch, Method, Went};
use spin_sdk::wasip3::http::client;
use spin_sdk::wasip3::http::types::{ErrorCode, Response};

use crate::origin::request_to;
use crate::state;

/// What the bucket has of a fetch.
pub(crate) async fn read(config: &Config, fetch: &Fetch) -> Option<(BucketFetch, Response)> {
    let bucket = config.bucket.as_ref()?;
    let header = |name: &str| {
        let found = fetch.headers.iter().find(|(other, _)| *other == name);
        found.map(|(_, value)| &**value)
    };
    let (method, path) = (fetch.method, fetch.path_and_query.as_str());
    // Not held while the bucket is asked.
    let asked = state::memory().bucket.ask(bucket, method, path, &header, state::now_ms());
    let mut asked = asked?.ok()?;
    let headers = std::mem::take(&mut asked.headers);
    let line = (Method::Get, asked.path.as_str());
    let answer = match request_to(&bucket.at, line, headers, None, BUCKET_WAIT_MS) {
        Ok(request) => client::send(request).await,
        Err(error) => Err(error),
    };
    let went = match &answer {
        Ok(response) => judge(&asked, response),
        Err(
            ErrorCode::DnsTimeout
            | ErrorCode::ConnectionTimeout
            | ErrorCode::ConnectionReadTimeout
            | ErrorCode::ConnectionWriteTimeout
            | ErrorCode::HttpResponseTimeout,
        ) => Went::Slow,
        Err(_) => Went::Unreachable,
    };
    note(&asked, went);
    answer.ok().filter(|_| went == Went::Well).map(|response| (asked, response))
}

fn judge(asked: &BucketFetch, response: &Response) -> Went {
    let headers: Vec<(String, Vec<u8>)> = response.get_headers().copy_all();
    let header = |name: &str| {
        let found = headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
        found.and_then(|(_, value)| std::str::from_utf8(value).ok())
    };
    asked.judge(response.get_status_code(), &header)
}

fn note(asked: &BucketFetch, went: Went) {
    let (mut memory, now_ms) = (state::memory(), state::now_ms());
    let was_resting = memory.bucket.is_resting(now_ms);
    memory.bucket.went(asked, went, now_ms);
    if memory.bucket.is_resting(now_ms) && !was_resting {
        eprintln!("the bucket is left alone for a while: {}", went.as_str());
    }
}
