//! The rewriter, the tier's filter, the cut, signing and MPDs, on any bytes.
//!
//! In: two bytes that choose, and a playlist. Out: a panic if a promise is broken. Does not know what a playlist means:
//! the tests of `shared/playlist` do.

use shared_playlist::dvr::{self, Form};
use shared_playlist::filter;
use shared_playlist::mpd::{self, Catalogue, Presentation, Starts, Timeline};
use shared_playlist::rewrite::{LineTooLong, Mapping, Place, Rewriter};
use shared_playlist::sign::directory::{self, Directories, Key};
use shared_playlist::sign::{Location, Signer, Window};

const NOW: i64 = 1_795_244_400;
const LINE_BYTES_MAX: usize = 300;

/// Runs the target.
pub fn run(data: &[u8]) {
    let Some(([first, second], playlist)) = data.split_first_chunk() else { return };
    let (first, second) = (usize::from(*first), usize::from(*second));
    rewriting(playlist, first, second);
    filtering(playlist, u16::try_from(first * 8).unwrap_or(u16::MAX));
    cutting(playlist, u32::try_from(second).unwrap_or(u32::MAX));
    signing(playlist, first);
    manifests(playlist, u16::try_from(first * 8).unwrap_or(u16::MAX));
}

fn rewritten(pieces: &[&[u8]], place: impl Place) -> Result<Vec<u8>, LineTooLong> {
    let mut rewriter = Rewriter::with_line_max(place, LINE_BYTES_MAX);
    let mut out = Vec::new();
    for piece in pieces {
        rewriter.push(piece, &mut out)?;
    }
    rewriter.finish(&mut out);
    Ok(out)
}

/// No cut makes a difference; every line is there, and begins as it did.
fn rewriting(playlist: &[u8], first: usize, second: usize) {
    let mapping = || Mapping { prefix: "/p/S/".to_owned(), root: "/o/show/".to_owned() };
    let whole = rewritten(&[playlist], mapping());
    let at = |share: usize| playlist.len() * share / 255;
    let (from, to) = (at(first.min(second)), at(first.max(second)));
    let pieces = [&playlist[..from], &playlist[from..to], &playlist[to..]];
    assert_eq!(rewritten(&pieces, mapping()), whole, "cut at {from} and {to}");
    let bytes: Vec<&[u8]> = playlist.chunks(1).collect();
    assert_eq!(rewritten(&bytes, mapping()), whole, "cut everywhere");
    let Ok(whole) = whole else {
        let too_long = |line: &[u8]| line.len() > LINE_BYTES_MAX;
        assert!(playlist.split(|byte| *byte == b'\n').any(too_long));
        return;
    };
    let ends = |text: &[u8]| text.iter().filter(|byte| **byte == b'\n').count();
    assert_eq!(ends(&whole), ends(playlist));
    let tags = |text: &[u8]| -> Vec<Vec<u8>> {
        let lines = text.split(|byte| *byte == b'\n').filter(|line| line.starts_with(b"#"));
        lines
            .map(|line| line.split(|byte| *byte == b':').next().unwrap_or_default().to_vec())
            .collect()
    };
    assert_eq!(tags(&whole), tags(playlist));
}

/// What stays is part of what was, in order; and it stays when the filter looks again.
fn filtering(playlist: &[u8], height_max: u16) {
    let Ok(runs) = filter::by_height(playlist, height_max) else { return };
    let mut rest = playlist;
    for run in &runs {
        let at = rest.windows(run.len()).position(|window| window == *run);
        rest = &rest[at.expect("a run of the playlist") + run.len()..];
    }
    let seen = runs.concat();
    let again = filter::by_height(&seen, height_max).expect("a variant stayed");
    assert_eq!(again.concat(), seen);
}

/// A cut playlist is cut enough; more depth keeps more; a delta belongs to its whole.
fn cutting(playlist: &[u8], depth_s: u32) {
    let Ok(cut) = dvr::cut(playlist, depth_s, Form::Whole) else { return };
    assert!(cut.lowest_msn <= cut.first_msn);
    assert_eq!(dvr::lowest_msn(playlist, depth_s), Ok(cut.lowest_msn));
    let again = dvr::cut(&cut.text, depth_s, Form::Whole).expect("it is still one");
    assert_eq!((&again.text, again.first_msn), (&cut.text, cut.first_msn));
    let deeper = dvr::cut(playlist, depth_s + 1, Form::Whole).expect("it is the same one");
    assert!(deeper.first_msn <= cut.first_msn);
    // Keys by the hundred are refused, and a delta may meet more of them.
    if let Ok(delta) = dvr::cut(playlist, depth_s, Form::Delta) {
        assert_eq!(delta.first_msn, cut.first_msn);
        if delta.text != cut.text {
            assert_eq!(dvr::cut(&delta.text, depth_s, Form::Whole), Err(dvr::DvrError::Delta));
        }
    }
}

fn stood_before(playlist: &[u8], line: &[u8]) -> bool {
    playlist.windows(line.len()).any(|window| window == line)
}

/// What is signed verifies, and only then.
fn signing(playlist: &[u8], chunk: usize) {
    let key = Key::new("k", &[7; directory::SECRET_BYTES_MIN]).expect("it is long enough");
    let window = Window::new(300, 600).expect("it is in range");
    let scheme = Directories::new("https://media.example/live", &key, window, NOW);
    let scheme = scheme.expect("it is a base");
    let location =
        || Location { root: "/o/".into(), directory: "s/720p/".into(), within: "s/".into() };
    let whole = rewritten(&[playlist], Signer::new(location(), scheme.clone()));
    let pieces: Vec<&[u8]> = playlist.chunks(chunk.max(1)).collect();
    assert_eq!(rewritten(&pieces, Signer::new(location(), scheme)), whole);
    let Ok(whole) = whole else { return };
    for line in whole.split(|byte| *byte == b'\n') {
        let Some(url) = line.strip_prefix(b"https://media.example") else { continue };
        let url = String::from_utf8_lossy(url);
        let Some((path, query)) = url.split_once('?') else { continue };
        let verified = directory::verify(std::slice::from_ref(&key), path, query, NOW);
        // A line of a stranger's may begin like ours, and a name of one may try to leave its directory. The corpus has
        // lines that were signed before, with the secret of these tests.
        if verified.is_ok() && !stood_before(playlist, line) {
            assert!(path.starts_with("/live/s/"), "{path}");
        }
    }
    let text = String::from_utf8_lossy(playlist);
    let (path, query) = text.split_once('?').unwrap_or((&text, ""));
    assert!(directory::verify(std::slice::from_ref(&key), path, query, NOW).is_err());
}

/// What stays of an MPD is part of what was, in order; entering adds a line and a prefix; cutting it leaves no more
/// segments than there were, each pattern with a mark. Whatever playlists list, an
/// MPD of it is one, and everybody may see all of it.
fn manifests(text: &[u8], height_max: u16) {
    if let Ok(kept) = mpd::filter(text, height_max) {
        let mut rest = text.split_inclusive(|byte| *byte == b'\n');
        let kept = kept.split_inclusive(|byte| *byte == b'\n').collect::<Vec<_>>();
        assert!(kept.iter().all(|line| rest.any(|other| other == *line)), "a line of its own");
    }
    if let Ok(entered) = mpd::enter(text, "/p/S/") {
        let added = entered.len() - text.len();
        let (base, prefix) = ("<BaseURL>/p/S/</BaseURL>\n".len(), "/p/S/".len());
        assert!(added >= base && added <= text.len() * (base + prefix), "{added} bytes more");
    }
    if let Ok(cut) = mpd::cut(text, u32::from(height_max), |_, _| "mark".to_owned()) {
        let (before, after) = (String::from_utf8_lossy(text), String::from_utf8_lossy(&cut));
        assert!(after.matches("\n<S ").count() <= before.matches("\n<S ").count(), "{after}");
        let mut templates = after.lines().filter(|line| line.starts_with("<SegmentTemplate "));
        let is_marked = |line: &str| !line.contains(" media=\"") || line.contains(".mark\"");
        assert!(
            templates.all(|line| line.contains(" startNumber=\"") || is_marked(line)),
            "{after}"
        );
    }
    let Some(catalogue) = Catalogue::read(CATALOGUE) else { panic!("it is a playlist of ours") };
    let timeline = Timeline::of_text(&String::from_utf8_lossy(text), catalogue.anchor_us);
    let timelines = [timeline, Timeline::default()];
    let presentation = Presentation { catalogue: &catalogue, timelines: &timelines, live: None };
    if let Some(made) = presentation.render(&mut Starts::new()) {
        assert_eq!(mpd::filter(made.as_bytes(), u16::MAX).as_deref(), Ok(made.as_bytes()));
    }
    // Nobody's catalogue may bring it down either.
    let _ = Catalogue::read(text);
}

/// A show with a picture and its sound.
const CATALOGUE: &[u8] = b"#EXTM3U\n\
    #EXT-X-SESSION-DATA:DATA-ID=\"matinee.anchor\",VALUE=\"2026-11-21T07:00:00.000000Z\"\n\
    #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\",NAME=\"a\",URI=\"audio/index.m3u8\"\n\
    #EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"avc1.64001f,mp4a.40.2\",RESOLUTION=2x2,AUDIO=\"audio\"\n\
    720p/index.m3u8\n";
