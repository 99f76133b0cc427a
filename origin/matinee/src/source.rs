//! Files that films are made of, as children open them: one in a directory by its path, one in a bucket by an address
//! of this process, which reads it there, and no more of it than is asked for.
//!
//! In: assets. Out: something to open, and word whether all that was read of it came. Does not know media.
//!
//! What a child is told of a file that the bucket does not give is no better than a broken file, and must not be held
//! against it: whoever asks judges what became of it by [`Source::lacks`].

use std::collections::{HashMap, VecDeque};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path as Step, State};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use axum::routing::get;
use futures::stream;
use origin_upload::{Disk, Far, Whole};
use shared_wire::AssetId;
use tokio::net::TcpListener;
use tokio::sync::OnceCell;

/// Bytes that are read at a time, …
const BLOCK_BYTES: u64 = 2 << 20;
/// … and how many times so many are kept: who takes one stream of several seeks for each piece of it.
const BLOCKS_MAX: usize = 8;
/// How long a bucket may be waited for before a child that takes too long is not to blame.
const WAIT_BLAMED: Duration = Duration::from_secs(20);

/// Where files are. Clones are the same.
#[derive(Clone)]
pub(crate) struct Sources {
    disk: Option<Disk>,
    far: Option<Far>,
    door: Arc<OnceCell<Door>>,
}

/// A file that is open, for as long as this is.
pub(crate) struct Source {
    path: PathBuf,
    reading: Option<(Arc<Reading>, Door, String)>,
}

/// A file in a bucket that somebody reads.
struct Reading {
    whole: Whole,
    /// Blocks by their number, the last read last.
    blocks: tokio::sync::Mutex<VecDeque<(u64, Bytes)>>,
    told: Mutex<Told>,
}

#[derive(Default)]
struct Told {
    /// What did not come.
    lacks: Option<String>,
    /// How long the bucket was waited for.
    waited: Duration,
}

/// Where children ask for files: an address of this machine alone, with a name that nobody else knows.
#[derive(Clone)]
struct Door {
    address: std::net::SocketAddr,
    guests: Arc<Mutex<HashMap<String, Arc<Reading>>>>,
}

impl Sources {
    pub(crate) fn new(disk: Option<Disk>, far: Option<Far>) -> Self {
        Self { disk, far, door: Arc::default() }
    }

    /// The directory, if there is one.
    #[cfg(test)]
    pub(crate) fn disk(&self) -> Option<&Disk> {
        self.disk.as_ref()
    }

    /// Opens the file of an asset.
    ///
    /// # Errors
    /// Why it cannot be had here and now: that is never the file's fault.
    pub(crate) async fn open(&self, asset: AssetId) -> Result<Source, String> {
        let on_disk = self.disk.as_ref().map(|disk| disk.path(asset));
        if let Some(path) = on_disk.as_ref().filter(|path| path.is_file()) {
            return Ok(Source { path: path.clone(), reading: None });
        }
        let Some(far) = &self.far else {
            let path = on_disk.unwrap_or_default();
            return Err(format!("{} is not there (--uploads)", path.display()));
        };
        let whole = far.whole(asset).await.map_err(|error| error.to_string())?;
        let whole = whole.ok_or_else(|| format!("the bucket has no file of {asset}"))?;
        let door =
            self.door.get_or_try_init(Door::open).await.map_err(|error| error.to_string())?;
        let reading = Arc::new(Reading {
            whole,
            blocks: tokio::sync::Mutex::default(),
            told: Mutex::default(),
        });
        let name = door.let_in(&reading).ok_or("the system has no random numbers")?;
        let path = PathBuf::from(format!("http://{}/{name}", door.address));
        Ok(Source { path, reading: Some((reading, door.clone(), name)) })
    }
}

impl Source {
    /// What of the file did not come, if somebody wanted what did not.
    pub(crate) fn lacks(&self) -> Option<String> {
        let (reading, ..) = self.reading.as_ref()?;
        reading.told().lacks.clone()
    }

    /// Whether the bucket is to blame if it took long.
    pub(crate) fn is_slow(&self) -> bool {
        let waited = self.reading.as_ref().map(|(reading, ..)| reading.told().waited);
        waited.is_some_and(|waited| waited > WAIT_BLAMED)
    }
}

impl Deref for Source {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.path
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        if let Some((_, door, name)) = &self.reading {
            door.guests().remove(name);
        }
    }
}

impl Reading {
    fn told(&self) -> MutexGuard<'_, Told> {
        // Each holder does one operation.
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes from a place on, as many as are at hand there, at most so many.
    async fn get(&self, at: u64, bytes_max: usize) -> std::io::Result<Bytes> {
        let number = at / BLOCK_BYTES;
        let mut blocks = self.blocks.lock().await;
        let known = blocks.iter().position(|(of, _)| *of == number);
        let block = match known.and_then(|place| blocks.remove(place)) {
            Some((_, block)) => block,
            None => self.fetch(number).await?,
        };
        blocks.push_back((number, block.clone()));
        if blocks.len() > BLOCKS_MAX {
            blocks.pop_front();
        }
        let from = usize::try_from(at % BLOCK_BYTES).unwrap_or(usize::MAX).min(block.len());
        Ok(block.slice(from..block.len().min(from.saturating_add(bytes_max))))
    }

    async fn fetch(&self, number: u64) -> std::io::Result<Bytes> {
        let began = Instant::now();
        let got = self.block(number).await;
        let mut told = self.told();
        told.waited += began.elapsed();
        got.map_err(|error| {
            let reason = match &error {
                origin_upload::Error::Bucket(reason) => reason.clone(),
                other => other.to_string(),
            };
            tracing::warn!(reason, "a file in the bucket cannot be read");
            told.lacks = Some(error.to_string());
            std::io::Error::other(reason)
        })
    }

    /// A block, which may lie in several objects.
    async fn block(&self, number: u64) -> Result<Bytes, origin_upload::Error> {
        let from = number.saturating_mul(BLOCK_BYTES);
        let until = from.saturating_add(BLOCK_BYTES).min(self.whole.bytes());
        let (mut at, mut block) = (from, Vec::new());
        while at < until {
            let left = usize::try_from(until - at).unwrap_or(usize::MAX);
            let got = self.whole.get(at, left).await?;
            at += got.len() as u64;
            if block.is_empty() && at >= until {
                return Ok(got);
            }
            block.extend_from_slice(&got);
        }
        Ok(block.into())
    }
}

impl Door {
    async fn open() -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let door = Self { address: listener.local_addr()?, guests: Arc::default() };
        let router = Router::new().route("/{name}", get(give)).with_state(door.clone());
        tokio::spawn(axum::serve(listener, router).into_future());
        Ok(door)
    }

    fn guests(&self) -> MutexGuard<'_, HashMap<String, Arc<Reading>>> {
        // Each holder does one operation.
        self.guests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn let_in(&self, reading: &Arc<Reading>) -> Option<String> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).ok()?;
        let name = data_encoding::HEXLOWER.encode(&bytes);
        self.guests().insert(name.clone(), Arc::clone(reading));
        Some(name)
    }
}

/// The file, or what of it is asked for.
async fn give(
    State(door): State<Door>,
    Step(name): Step<String>,
    headers: HeaderMap,
) -> Response<Body> {
    let Some(reading) = door.guests().get(&name).cloned() else {
        return of(StatusCode::NOT_FOUND);
    };
    let bytes = reading.whole.bytes();
    let range = headers.get(header::RANGE).and_then(|range| range.to_str().ok());
    let Some((from, until)) = range.map_or(Some((0, bytes)), |range| span(range, bytes)) else {
        return of(StatusCode::RANGE_NOT_SATISFIABLE);
    };
    let mut answer = of(if range.is_some() { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK });
    let mut say = |name, value: String| {
        if let Ok(value) = HeaderValue::try_from(value) {
            answer.headers_mut().insert(name, value);
        }
    };
    say(header::ACCEPT_RANGES, "bytes".to_owned());
    say(header::CONTENT_LENGTH, (until - from).to_string());
    if range.is_some() {
        say(header::CONTENT_RANGE, format!("bytes {from}-{}/{bytes}", until - 1));
    }
    let read = stream::unfold((reading, from), move |(reading, at)| async move {
        let room = usize::try_from(until - at).unwrap_or(usize::MAX);
        if room == 0 {
            return None;
        }
        let got = reading.get(at, room).await;
        // What gave nothing is asked no further: the body ends there, too early.
        let next = got.as_ref().map_or(until, |got| at + got.len() as u64);
        Some((got, (reading, next)))
    });
    *answer.body_mut() = Body::from_stream(read);
    answer
}

fn of(status: StatusCode) -> Response<Body> {
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = status;
    answer
}

/// The bytes that `bytes=5-` or `bytes=5-9` names, of so many.
fn span(range: &str, bytes: u64) -> Option<(u64, u64)> {
    let (from, to) = range.strip_prefix("bytes=")?.split_once('-')?;
    let from: u64 = from.parse().ok().filter(|from| *from < bytes)?;
    let until = match to {
        "" => bytes,
        to => to.parse::<u64>().ok()?.saturating_add(1).min(bytes),
    };
    (from < until).then_some((from, until))
}

#[cfg(test)]
mod tests {
    use super::span;

    #[test]
    fn ranges_are_within_the_file() {
        assert_eq!(span("bytes=0-", 10), Some((0, 10)));
        assert_eq!(span("bytes=9-", 10), Some((9, 10)));
        assert_eq!(span("bytes=3-4", 10), Some((3, 5)));
        assert_eq!(span("bytes=3-99", 10), Some((3, 10)));
        for none in ["bytes=10-", "bytes=-5", "bytes=4-3", "bytes", "chars=0-", "bytes=a-"] {
            assert_eq!(span(none, 10), None, "{none}");
        }
        assert_eq!(span("bytes=0-", 0), None);
    }
}
