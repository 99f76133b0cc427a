//! A piece of a film: a child process makes it, the packager cuts it, the store keeps it.
//!
//! In: a job. Out: objects on the shelf; what playlists may list of them. Does not know codecs or boxes.
//!
//! What is said of a chunk is said when all of it is there: every object on the shelf, every rung with the same number
//! of pictures, every segment in every playlist. Until then nobody is told of anything.
//!
//! The sounds are one piece over the whole film, for which nobody is to wait: it is said how far they are, each time
//! that they are twice as far. What was said stays true, for whoever makes them again makes the same.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use origin_control::FilmLease;
use origin_ladder::film::{self, Made as Came};
use origin_packager::machine::Output;
use origin_packager::{Caption, CaptionTrack, Drop as Why, Error as Trouble, Machine};
use shared_media::{Now, Object, Poll, RenditionId, Staged, Ticks};
use shared_wire::ShowId;
use tokio::task::JoinHandle;

use super::Films;
use super::board::Sketches;
use super::error::Failure;
use super::hold::Hold;
use super::made::{Done, EPOCH, Made, Part, Piece, read, write};
use super::word::cpu_ms;

/// Cues of one text.
const CUES_MAX: usize = 50_000;
/// How often it is looked what a child takes of processors.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Objects of a piece that are on their way at the same time: a bucket takes its time for each.
const PUTS_MAX: usize = 8;

/// A piece on its way.
pub(super) struct Making<'a> {
    films: &'a Films,
    hold: &'a Arc<Hold>,
    show: ShowId,
    machine: Machine,
    piece: Piece,
    sketches: Sketches,
    /// Objects on their way, in the order they came.
    puts: VecDeque<JoinHandle<Result<(), origin_storage::Error>>>,
    /// Segments of a rendition in which it has nothing.
    gaps: usize,
    /// Where the piece begins.
    from: Ticks,
    telling: Telling,
}

/// When it is said how far a piece is.
#[derive(Debug, Default)]
struct Telling {
    /// The playlists of which it is said; none, if it is said at the end alone.
    playlists: Vec<String>,
    /// How many segments they are to have then.
    next: usize,
}

impl Films {
    pub(super) async fn piece(&self, hold: &Arc<Hold>, file: &Path) -> Result<Done, Failure> {
        let lease = &hold.lease;
        let known = self.control.film(lease.asset).await?;
        let made: Made = read(known.made.as_deref().unwrap_or_default())?;
        let unknown = || Failure::File("it has no such piece".to_owned());
        let part = made.part(lease.kind, lease.number).ok_or_else(unknown)?;
        let captions = if part == Part::Sounds { made.captions() } else { Vec::new() };
        let config = self.texts_config(captions);
        let (from, until) = made.span(part);
        let mut making = Making::of(self, hold, known.show, &made, part, config);
        if part == Part::Sounds {
            making.telling = self.telling(lease, made.playlists_of(part)).await?;
        }
        making.take(Staged::Plan(made.renditions(part))).await?;
        if part == Part::Sounds && !made.plan.subtitles.is_empty() {
            let texts = film::make(&self.ladder, file, &made.texts())?;
            making.texts(texts, &made).await?;
        }
        let job = made.job(part);
        if !(job.sounds.is_empty() && job.rungs.is_empty()) {
            let counted = making.media(film::make(&self.ladder, file, &job)?).await?;
            check(&job, &counted)?;
        }
        let mut piece = making.end().await?;
        piece.complete(&made.playlists_of(part), made.cuts(part).len())?;
        let length_ms = until.as_micros().saturating_sub(from.as_micros()) / 1000;
        Ok(Done::Media(write(&piece)?, u64::try_from(length_ms).unwrap_or_default()))
    }

    /// What an earlier attempt said stands until this one is further.
    async fn telling(&self, lease: &FilmLease, playlists: Vec<String>) -> Result<Telling, Failure> {
        let so_far = self.control.film_so_far(lease.asset).await?;
        let own = so_far.into_iter().find(|(number, _)| *number == lease.number);
        let told = own.map(|(_, text)| read::<Piece>(&text)).transpose()?;
        let told = told.map_or(0, |piece| piece.segments(&playlists));
        Ok(Telling { playlists, next: told + 1 })
    }

    /// How the packager makes a piece with these texts.
    pub(super) fn texts_config(&self, captions: Vec<CaptionTrack>) -> origin_packager::Config {
        origin_packager::Config { captions, cues_max: CUES_MAX, ..self.packager.clone() }
    }
}

impl<'a> Making<'a> {
    pub(super) fn of(
        films: &'a Films,
        hold: &'a Arc<Hold>,
        show: ShowId,
        made: &Made,
        part: Part,
        config: origin_packager::Config,
    ) -> Self {
        let (epoch, anchor) = (EPOCH.to_owned(), made.anchor());
        let machine = Machine::of_piece(config, show, epoch, anchor, made.given(part));
        let (piece, sketches) = (Piece::default(), Sketches::new(made, part));
        let (puts, (from, _)) = (VecDeque::new(), made.span(part));
        hold.is_of(show);
        let telling = Telling::default();
        Self { films, hold, show, machine, piece, sketches, puts, gaps: 0, from, telling }
    }

    /// What it came to, now that nothing more comes.
    pub(super) async fn end(mut self) -> Result<Piece, Failure> {
        self.take(Staged::End).await?;
        if self.gaps > 0 {
            let (lease, segments) = (self.hold.lease, self.gaps);
            let (asset, number) = (lease.asset, lease.number);
            tracing::info!(%asset, number, segments, "a film has nothing for a while");
        }
        let sketches = std::mem::take(&mut self.sketches);
        let (pictures, drawn) = self.films.draw(self.show, sketches).await;
        for object in drawn {
            self.put(object).await?;
        }
        self.put_all_but(0).await?;
        let mut piece = self.piece;
        (piece.facts, piece.pictures) = (self.machine.facts(), pictures);
        Ok(piece)
    }

    /// Takes the cues of a rendition, all of them.
    pub(super) fn put_cues(&mut self, id: &RenditionId, cues: Vec<Caption>) -> Result<(), Failure> {
        let put = self.machine.put_captions(id, cues);
        put.map_err(|why| Failure::House(format!("the texts of {id}: {why:?}")))
    }

    /// Takes the next thing that a child has made; now and then it is looked what that takes.
    async fn next(
        &mut self,
        running: &mut film::Running,
        (before_ms, looked): (i64, &mut Instant),
    ) -> Option<Result<Came, film::Error>> {
        let came = running.next().await;
        let is_last = !matches!(came, Some(Ok(Came::Unit(..) | Came::Progress(_))));
        // One that has ended is there until it is dropped.
        if (is_last || looked.elapsed() > LOOK_EVERY)
            && let Some(ms) = running.pid().and_then(cpu_ms)
        {
            *looked = Instant::now();
            self.hold.took(before_ms.saturating_add(ms));
        }
        came
    }

    /// Takes all cues.
    async fn texts(&mut self, mut running: film::Running, made: &Made) -> Result<(), Failure> {
        let mut cues: BTreeMap<RenditionId, Vec<Caption>> = BTreeMap::new();
        let at = |ticks: Ticks| made.anchor_us.saturating_add(ticks.as_micros());
        let (before_ms, mut looked) = (self.hold.cpu_ms(), Instant::now());
        while let Some(came) = self.next(&mut running, (before_ms, &mut looked)).await {
            let Came::Cue { id, start, end, text } = came? else { continue };
            let track = cues.entry(id).or_default();
            if track.len() < CUES_MAX && end > start {
                let (start_us, end_us) = (at(start), at(end));
                track.push(Caption { start_us, end_us, settings: String::new(), text });
            }
        }
        for (id, cues) in cues {
            self.put_cues(&id, cues)?;
        }
        Ok(())
    }

    /// Takes all units; how many of each rendition there were, as the child counts.
    async fn media(
        &mut self,
        mut running: film::Running,
    ) -> Result<BTreeMap<RenditionId, u64>, Failure> {
        let (before_ms, mut looked) = (self.hold.cpu_ms(), Instant::now());
        while let Some(came) = self.next(&mut running, (before_ms, &mut looked)).await {
            match came? {
                Came::Config(id, config) => self.take(Staged::Config(id, config)).await?,
                Came::Unit(id, unit) => {
                    self.take(Staged::Unit(id, unit)).await?;
                    self.tell().await?;
                }
                Came::Counted(counted) => return Ok(counted),
                Came::Progress(point) => {
                    let ms = point.as_micros().saturating_sub(self.from.as_micros()) / 1000;
                    self.hold.is_made(ms);
                }
                Came::Cue { .. } => {}
            }
        }
        Err(Failure::House("the film process said nothing of its end".to_owned()))
    }

    /// Says how far the piece is, if it is time to.
    async fn tell(&mut self) -> Result<(), Failure> {
        let segments = self.piece.segments(&self.telling.playlists);
        if segments == 0 || segments < self.telling.next {
            return Ok(());
        }
        self.telling.next = segments * 2;
        self.put_all_but(0).await?;
        let so_far = Piece { facts: self.machine.facts(), ..self.piece.first(segments) };
        if !self.films.control.film_job_came(&self.hold.lease, &write(&so_far)?).await? {
            return Err(Failure::House("the job is somebody else's".to_owned()));
        }
        Ok(())
    }

    /// The law of machines: handle, then poll until it waits.
    pub(super) async fn take(&mut self, event: Staged) -> Result<(), Failure> {
        self.machine.handle(Now::default(), event);
        while let Poll::Output(output) = self.machine.poll() {
            self.sketches.see(&output);
            match output {
                Output::Put(object) => self.put(object).await?,
                Output::Append(object) => {
                    let below = object.key.strip_prefix(&format!("{}/", self.show));
                    let lines = String::from_utf8_lossy(&object.bytes).into_owned();
                    self.piece.append(below.unwrap_or(&object.key), lines);
                }
                Output::Trouble(trouble) => self.trouble(&trouble)?,
                // Those are of shows.
                Output::PutPart(_)
                | Output::Replace(_)
                | Output::Multivariant(_)
                | Output::View { .. }
                | Output::Note(_)
                | Output::Finished { .. } => {}
            }
        }
        Ok(())
    }

    /// Has an object put, also if nobody waits for it any more: its way cannot be called off.
    async fn put(&mut self, object: Object) -> Result<(), Failure> {
        self.hold.puts_bytes(object.bytes.len());
        let (shelf, hold) = (self.films.shelf.clone(), Arc::clone(self.hold));
        let put = async move { shelf.put(object, || hold.may()).await };
        self.puts.push_back(self.hold.puts.spawn(put));
        self.put_all_but(PUTS_MAX).await
    }

    /// Waits until no more than so many objects are on their way.
    async fn put_all_but(&mut self, left: usize) -> Result<(), Failure> {
        while self.puts.len() > left
            && let Some(put) = self.puts.pop_front()
        {
            put.await.map_err(|error| Failure::House(error.to_string()))??;
        }
        Ok(())
    }

    /// A rendition may end before another; nothing else is as it should be.
    fn trouble(&mut self, trouble: &Trouble) -> Result<(), Failure> {
        match trouble {
            Trouble::Gap { .. } => self.gaps += 1,
            // It is shown before the piece begins: the one before has it.
            Trouble::Dropped { why: Why::Late, .. } => {}
            Trouble::Configuration { .. } => return Err(Failure::File(trouble.to_string())),
            Trouble::Dropped { .. } | Trouble::OutOfOrder(_) => {
                return Err(Failure::House(trouble.to_string()));
            }
        }
        Ok(())
    }
}

/// All rungs that are encoded have the same pictures.
fn check(job: &film::Job, counted: &BTreeMap<RenditionId, u64>) -> Result<(), Failure> {
    let encoded = job.rungs.iter().filter(|rung| !rung.is_copy);
    let mut counts = encoded.map(|rung| (&rung.id, counted.get(&rung.id).copied()));
    let Some((first, pictures)) = counts.next() else { return Ok(()) };
    match counts.find(|(_, other)| *other != pictures) {
        None => Ok(()),
        Some((id, other)) => {
            let (pictures, other) = (pictures.unwrap_or_default(), other.unwrap_or_default());
            let reason = format!("{first} has {pictures} pictures, {id} has {other}");
            Err(Failure::House(reason))
        }
    }
}

/// `matinee film`: makes a piece, as it is told on standard input.
pub(crate) fn film() -> Result<(), crate::error::Error> {
    origin_ladder::film::film_child_main().map_err(crate::error::Error::Film)
}
