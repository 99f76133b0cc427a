//! What outlives the process: the parts of live shows and the packager's notes, in files nobody waits for.
//!
//! In: parts and notes, in order. Out: files below `.live`; what an earlier process left there. Does not know what
//! notes say.
//!
//! A process that is killed loses what it has not written, not what the disk has not got yet. So nothing is synced, and
//! parts go before the system would have written most of them out: they cost a call and hardly any disk.
//!
//! - `<root>/.live/parts.<n>` parts of all shows, for as long as players may ask for them.
//! - `<root>/.live/<show>.notes` the show's notes.

mod parts;
mod way;

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use shared_media::{Note, Object};
use tokio::sync::oneshot;

use self::parts::Parts;
use self::way::{Taker, Way, way};
use super::report;
use crate::config::Config;

/// How often files past their time are looked for.
const SWEEP: Duration = Duration::from_secs(1);
const NOTES: &str = ".notes";

/// What an earlier process left of a show that was on the air.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// The show.
    pub show: String,
    /// The packager's notes.
    pub notes: String,
    /// The parts that are there. They can be read by their keys as well.
    pub parts: Vec<Object>,
}

/// The way to the files. With the last one the thread that writes them ends.
#[derive(Debug)]
pub(super) struct Afterlife {
    steps: Way<Step>,
    waiting: Arc<Waiting>,
    bytes_max: usize,
}

/// What both ends of the way know.
#[derive(Debug, Default)]
struct Waiting {
    bytes: AtomicUsize,
    /// Numbers notes.
    notes: AtomicU64,
    /// Shows whose notes have a hole, and its number: they count for nothing until they begin anew after it.
    torn: Mutex<HashMap<String, u64>>,
}

#[derive(Debug)]
enum Step {
    Part(Object),
    Note(u64, String, Note),
    /// Say when all before this is written.
    Settle(oneshot::Sender<()>),
}

impl Afterlife {
    /// Reads what was left below `root` and starts to write.
    ///
    /// # Errors
    /// The directory cannot be made or read.
    pub(super) fn open(root: &Path, config: &Config) -> io::Result<(Self, Vec<Left>)> {
        let root = root.join(".live");
        fs::create_dir_all(&root)?;
        let (parts, found) = Parts::open(root.clone(), Instant::now())?;
        let left = left_in(&root, found)?;
        let (steps, to_do) = way(config.write_queue_max);
        let waiting = Arc::new(Waiting::default());
        let notes = HashMap::new();
        let writer = Writer { root, waiting: Arc::clone(&waiting), notes, parts };
        let thread = std::thread::Builder::new().name("afterlife".to_owned());
        thread.spawn(move || writer.run(&to_do))?;
        Ok((Self { steps, waiting, bytes_max: config.write_queue_bytes_max }, left))
    }

    pub(super) fn part(&self, object: Object) {
        let bytes = object.bytes.len();
        let queued = self.waiting.bytes.fetch_add(bytes, Ordering::Relaxed);
        // Its note follows, and whoever asks for both.
        if queued + bytes > self.bytes_max || !self.steps.put(Step::Part(object), false) {
            self.waiting.bytes.fetch_sub(bytes, Ordering::Relaxed);
            report::not_outliving("part");
        }
    }

    pub(super) fn note(&self, show: &str, note: Note) {
        let number = self.waiting.notes.fetch_add(1, Ordering::Relaxed);
        let is_last = note == Note::End;
        if !self.steps.put(Step::Note(number, show.to_owned(), note), is_last) {
            self.waiting.tear(show, number);
            report::not_outliving("note");
        }
    }
}

impl Afterlife {
    /// Ready when all before it is written, or never will be. What nobody asks so for is written within a second.
    pub(super) fn settled(&self) -> oneshot::Receiver<()> {
        let (written, settled) = oneshot::channel();
        // Where there is no room the sender is dropped, which ends the wait as well.
        self.steps.put(Step::Settle(written), true);
        settled
    }
}

impl Waiting {
    fn tear(&self, show: &str, number: u64) {
        let mut torn = self.torn.lock().unwrap_or_else(PoisonError::into_inner);
        let hole = torn.entry(show.to_owned()).or_insert(number);
        *hole = number.max(*hole);
    }

    /// Whether the notes have a hole. Where they `begin` anew after it with this number, they have it no more.
    fn is_torn(&self, show: &str, number: u64, begin: bool) -> bool {
        let mut torn = self.torn.lock().unwrap_or_else(PoisonError::into_inner);
        if begin && torn.get(show).is_some_and(|hole| *hole < number) {
            torn.remove(show);
        }
        torn.contains_key(show)
    }
}

/// The thread's own.
struct Writer {
    root: PathBuf,
    waiting: Arc<Waiting>,
    notes: HashMap<String, File>,
    parts: Parts,
}

impl Writer {
    fn run(mut self, steps: &Taker<Step>) {
        // What has come meanwhile is taken together: parts are written with one call.
        while let Some(come) = steps.take(SWEEP) {
            come.into_iter().for_each(|step| self.step(step));
            self.write_parts();
            self.parts.sweep(Instant::now());
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Part(object) => self.part(&object),
            Step::Note(number, show, note) => {
                // A note may tell of them.
                self.write_parts();
                self.note(number, &show, &note);
            }
            Step::Settle(written) => {
                self.write_parts();
                // Nobody may wait any more.
                let _ = written.send(());
            }
        }
    }

    fn part(&mut self, object: &Object) {
        self.waiting.bytes.fetch_sub(object.bytes.len(), Ordering::Relaxed);
        if self.parts.push(object, Instant::now()).is_err() {
            report::not_outliving("part");
        }
    }

    fn write_parts(&mut self) {
        if self.parts.write(Instant::now()).is_err() {
            report::not_outliving("part");
        }
    }

    fn note(&mut self, number: u64, show: &str, note: &Note) {
        let path = self.root.join(format!("{show}{NOTES}"));
        let done = match note {
            Note::Begin(_) | Note::Append(_)
                if self.waiting.is_torn(show, number, matches!(note, Note::Begin(_))) =>
            {
                self.drop_notes(show, &path)
            }
            Note::Begin(text) => self.begin(show, &path, text),
            Note::Append(text) => match self.notes.get_mut(show) {
                Some(file) => file.write_all(text.as_bytes()),
                None => Ok(()), // dropped before
            },
            // Its parts count for nothing now, and go in their time.
            Note::End => self.drop_notes(show, &path),
        };
        if let Err(error) = done {
            tracing::warn!(show, %error, "the show would not outlive this process now");
            report::not_outliving("note");
            self.waiting.tear(show, number);
            let _ = self.drop_notes(show, &path);
        }
    }

    fn begin(&mut self, show: &str, path: &Path, text: &str) -> io::Result<()> {
        let new = path.with_extension("new");
        fs::write(&new, text)?;
        fs::rename(&new, path)?;
        self.notes.insert(show.to_owned(), OpenOptions::new().append(true).open(path)?);
        Ok(())
    }

    /// Notes with a hole would be taken for the truth: none are better.
    fn drop_notes(&mut self, show: &str, path: &Path) -> io::Result<()> {
        self.notes.remove(show);
        fs::remove_file(path).or_else(absence_is_fine)
    }
}

fn absence_is_fine(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

/// What is left, by show. Whatever belongs to none is removed.
fn left_in(root: &Path, found: Vec<Object>) -> io::Result<Vec<Left>> {
    // By key, so that one that was put again is there once.
    let mut parts: HashMap<String, BTreeMap<String, Object>> = HashMap::new();
    for part in found {
        let show = part.key.split('/').next().unwrap_or_default().to_owned();
        parts.entry(show).or_default().insert(part.key.clone(), part);
    }
    let mut left = Vec::new();
    for entry in fs::read_dir(root)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if let Some(show) = name.strip_suffix(NOTES) {
            let parts = parts.remove(show).unwrap_or_default().into_values().collect();
            left.push(Left { show: show.to_owned(), notes: fs::read_to_string(&path)?, parts });
        } else if path.is_dir() {
            fs::remove_dir_all(&path)?;
        } else if !parts::is_one(&path) {
            fs::remove_file(&path)?;
        }
    }
    Ok(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    use bytes::Bytes;

    const SHOW: &str = "0123456789abcdef";

    fn part(name: &str) -> Object {
        Object { key: format!("{SHOW}/source/e1/{name}"), bytes: Bytes::from_static(b"part") }
    }

    /// Opens the directory once what was queued before is written.
    fn again(root: &Path, before: Afterlife) -> (Afterlife, Vec<Left>) {
        let waiting = Arc::clone(&before.waiting);
        drop(before);
        while Arc::strong_count(&waiting) > 1 {
            std::thread::sleep(Duration::from_millis(1));
        }
        Afterlife::open(root, &Config::default()).unwrap()
    }

    #[test]
    fn what_was_noted_is_found_by_the_next_and_goes_with_the_show() {
        let root = tempfile::tempdir().unwrap();
        let (first, left) = Afterlife::open(root.path(), &Config::default()).unwrap();
        assert!(left.is_empty());
        first.note(SHOW, Note::Append("nobody has begun\n".to_owned()));
        first.note(SHOW, Note::Begin("a\n".to_owned()));
        first.part(part("p0.0.m4s"));
        first.note(SHOW, Note::Append("b\n".to_owned()));
        let (second, left) = again(root.path(), first);
        let notes = "a\nb\n".to_owned();
        let expected = Left { show: SHOW.to_owned(), notes, parts: vec![part("p0.0.m4s")] };
        assert_eq!(left, [expected]);
        second.note(SHOW, Note::End);
        let (_, left) = again(root.path(), second);
        assert!(left.is_empty());
        for file in fs::read_dir(root.path().join(".live")).unwrap() {
            assert!(parts::is_one(&file.unwrap().path()), "it goes in its time");
        }
    }

    #[test]
    fn notes_with_a_hole_are_none_until_they_begin_anew() {
        let root = tempfile::tempdir().unwrap();
        let (first, _) = Afterlife::open(root.path(), &Config::default()).unwrap();
        first.note(SHOW, Note::Begin("a\n".to_owned()));
        first.waiting.tear(SHOW, 1);
        first.note(SHOW, Note::Append("c\n".to_owned()));
        let (second, left) = again(root.path(), first);
        assert!(left.is_empty());
        second.note(SHOW, Note::Begin("d\n".to_owned()));
        second.note(SHOW, Note::Append("e\n".to_owned()));
        let (_, left) = again(root.path(), second);
        assert_eq!(left[0].notes, "d\ne\n");
    }
}
