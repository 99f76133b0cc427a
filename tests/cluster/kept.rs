//! What the bucket of a site has of a film, and what its house lists.
//!
//! In: a site. Out: objects, playlists. Does not know who made them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::alone::{self, CHUNK_S, Made, Objects};
use crate::site::Site;
use crate::worker::Worker;
use crate::{LOOK_EVERY, WAIT_MAX};

impl Site {
    /// None, and word of it, where no PostgreSQL is installed.
    pub(crate) async fn open(lease_s: u32) -> Option<Self> {
        Self::open_with(lease_s, CHUNK_S).await
    }

    pub(crate) fn worker(&self) -> Worker {
        self.worker_by(&self.postgres.url())
    }

    /// A worker that reaches the database by this address.
    pub(crate) fn worker_by(&self, url: &str) -> Worker {
        self.worker_of(url, None)
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
            let bytes = self.bucket.object(&key).await;
            found.insert(key.split_once('/').expect("a key").1.to_owned(), bytes);
        }
        found
    }

    /// The keys that the bucket has of a show.
    pub(crate) async fn keys(&self, show: &str) -> Vec<String> {
        self.bucket.listed(&format!("{show}/")).await
    }

    /// Waits until the bucket has something of a show.
    pub(crate) async fn has(&self, show: &str) {
        let deadline = Instant::now() + WAIT_MAX;
        while self.keys(show).await.is_empty() {
            assert!(Instant::now() < deadline, "nothing is made");
            tokio::time::sleep(LOOK_EVERY).await;
        }
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
