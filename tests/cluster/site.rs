//! A house that makes no films itself, and what it shares with workers: a PostgreSQL, and a bucket that has files too.
//!
//! In: how long leases and pieces are. Out: workers. Does not know what they make, nor what goes wrong.

use tests::House;
use tests::postgres::Postgres;

use crate::server::{BUCKET, CREDENTIALS, Kind, Server};
use crate::worker::Worker;

/// All of it.
pub(crate) struct Site {
    pub(crate) house: House,
    pub(crate) postgres: Postgres,
    pub(crate) bucket: Server,
    lease_s: String,
    chunk_s: String,
}

impl Site {
    /// None, and word of it, where no PostgreSQL is installed.
    pub(crate) async fn open_with(lease_s: u32, chunk_s: &str) -> Option<Self> {
        let postgres = Postgres::start()?;
        let bucket = Server::with_bucket(Kind::Moto).await;
        let lease_s = lease_s.to_string();
        let flags = flags(&postgres.url(), &bucket, [&lease_s, chunk_s]);
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        let flags = [&flags[..], &["--transcodes", "0"]].concat();
        let directory = tempfile::tempdir().expect("a temporary directory");
        let house = House::start_told(directory, &["127.0.0.1:0"; 3], &flags, &CREDENTIALS);
        let chunk_s = chunk_s.to_owned();
        Some(Self { house, postgres, bucket, lease_s, chunk_s })
    }

    /// A worker that reaches the database by this address; on one core alone, if one is named.
    pub(crate) fn worker_of(&self, url: &str, core: Option<usize>) -> Worker {
        let flags = flags(url, &self.bucket, [&self.lease_s, &self.chunk_s]);
        Worker::start_on(core, &flags.iter().map(String::as_str).collect::<Vec<_>>())
    }
}

fn flags(url: &str, bucket: &Server, [lease_s, chunk_s]: [&str; 2]) -> Vec<String> {
    let endpoint = format!("http://{}", bucket.address);
    let all = [
        ["--database", url],
        ["--lease-s", lease_s],
        ["--chunk-s", chunk_s],
        ["--s3-bucket", BUCKET],
        ["--s3-endpoint", &endpoint],
    ];
    all.concat().into_iter().map(str::to_owned).collect()
}
