//! A house that makes no films itself, and what it shares with workers: a PostgreSQL, and a bucket that has files too.
//!
//! In: how long leases are. Out: workers; what the bucket has of a film. Does not know what goes wrong.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::server::{BUCKET, CREDENTIALS, Kind, Server};
use reqwest::Client;
use tests::House;
use tests::postgres::Postgres;

use crate::alone::{self, CHUNK_S, Made, Objects};
use crate::worker::Worker;
use crate::{LOOK_EVERY, WAIT_MAX};

/// All of it.
pub(crate) struct Site {
    pub(crate) house: House,
    pub(crate) postgres: Postgres,
    bucket: Server,
    lease_s: String,
    client: Client,
}

impl Site {
    /// None, and word of it, where no PostgreSQL is installed.
    pub(crate) async fn open(lease_s: u32) -> Option<Self> {
        let postgres = Postgres::start()?;
        let bucket = Server::with_bucket(Kind::Moto).await;
        let lease_s = lease_s.to_string();
        let flags = flags(&postgres.url(), &bucket, &lease_s);
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        let flags = [&flags[..], &["--transcodes", "0"]].concat();
        let directory = tempfile::tempdir().expect("a temporary directory");
        let house = House::start_told(directory, &["127.0.0.1:0"; 3], &flags, &CREDENTIALS);
        let client = Client::builder().no_proxy().build().expect("a client");
        Some(Self { house, postgres, bucket, lease_s, client })
    }

    pub(crate) fn worker(&self) -> Worker {
        self.worker_by(&self.postgres.url())
    }

    /// A worker that reaches the database by this address.
    pub(crate) fn worker_by(&self, url: &str) -> Worker {
        let flags = flags(url, &self.bucket, &self.lease_s);
        Worker::start(&flags.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// The film, made; what the bucket has of it, and what the house lists.
    pub(crate) async fn made(&self, asset: &str) -> Made {
        let show = alone::ready(&self.house, asset).await;
        let media = self.objects(&show).await;
        let is_list = |name: &&String| name.ends_with(".m3u8") || name.ends_with("board.vtt");
        let lists: Vec<&String> = media.keys().filter(is_list).collect();
        assert!(lists.is_empty(), "what changes is not in the bucket: {lists:?}");
        Made { media, playlists: alone::playlists(&self.house, &show).await }
    }

    /// What the bucket has of a show.
    pub(crate) async fn objects(&self, show: &str) -> Objects {
        let mut found = BTreeMap::new();
        for key in self.keys(show).await {
            let url = format!("http://{}/{BUCKET}/{key}", self.bucket.address);
            // It gives objects to whoever has any credentials, which it does not look at.
            let asked = self.client.get(url).bearer_auth("anybody").send();
            let answer = asked.await.expect("an answer");
            assert_eq!(answer.status(), 200, "{key}");
            let bytes = answer.bytes().await.expect("a body").to_vec();
            found.insert(key.split_once('/').expect("a key").1.to_owned(), bytes);
        }
        found
    }

    /// The keys that the bucket has of a show.
    pub(crate) async fn keys(&self, show: &str) -> Vec<String> {
        let url = format!(
            "http://{}/{BUCKET}?list-type=2&max-keys=1000&prefix={show}/",
            self.bucket.address
        );
        let answer = self.client.get(url).send().await.expect("an answer");
        assert_eq!(answer.status(), 200);
        let text = answer.text().await.expect("text");
        let keys = text.split("<Key>").skip(1).filter_map(|rest| rest.split("</Key>").next());
        keys.map(str::to_owned).collect()
    }

    /// Waits until the bucket has nothing of a show, and sees that it stays so.
    pub(crate) async fn loses(&self, show: &str, stays: Duration) {
        let deadline = Instant::now() + WAIT_MAX;
        while !self.keys(show).await.is_empty() {
            assert!(Instant::now() < deadline, "{:?}", self.keys(show).await);
            tokio::time::sleep(LOOK_EVERY).await;
        }
        tokio::time::sleep(stays).await;
        assert_eq!(self.keys(show).await, [""; 0], "it came back");
    }
}

fn flags(url: &str, bucket: &Server, lease_s: &str) -> Vec<String> {
    let endpoint = format!("http://{}", bucket.address);
    let all = [
        ["--database", url],
        ["--lease-s", lease_s],
        ["--chunk-s", CHUNK_S],
        ["--s3-bucket", BUCKET],
        ["--s3-endpoint", &endpoint],
    ];
    all.concat().into_iter().map(str::to_owned).collect()
}
