//! Playlists in the shapes of other packagers, against the files beside them.
//!
//! In: `rewrite/<name>.m3u8`, and for each thing that is done with it `<name>.<what>.m3u8` with what must come out, or
//! `<name>.<what>.err` with why it is refused. Out: a difference. A new case is a new file; `MATINEE_GOLDEN=write`
//! fills the files that are there, so an empty one asks for its contents. `m3u8-rs` reads along where it can.
//!
//! | what | which is |
//! |---|---|
//! | `prefix` | every URI moved below `/p/S/`; every case has it |
//! | `height-720` | a multivariant playlist as a tier up to 720p sees it |
//! | `dvr-60`, `delta-60` | a media playlist cut to 60 s, whole or as a delta update |
//! | `directory`, `s3` | its media signed for another host, in either way |

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use m3u8_rs::Playlist;
use shared_playlist::dvr::{self, Form};
use shared_playlist::filter;
use shared_playlist::rewrite::{Mapping, Place, Rewriter};
use shared_playlist::sign::directory::{Directories, Key};
use shared_playlist::sign::s3::{Bucket, Credentials, Presigner, Style};
use shared_playlist::sign::{Location, Signer, Window};

const NOW: i64 = 1_795_244_400;
const PREFIX: &str = "/p/S/";
const ROOT: &str = "/o/show/";
/// The case that `m3u8-rs` takes apart at the commas of a title.
const MISREAD: &str = "strange";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rewrite")
}

/// Every case: its text, and what is to be done with it.
fn cases() -> BTreeMap<String, (Vec<u8>, Vec<PathBuf>)> {
    let mut cases: BTreeMap<String, (Vec<u8>, Vec<PathBuf>)> = BTreeMap::new();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_str().unwrap().to_owned();
        let (name, what) = file.split_once('.').unwrap();
        let case = cases.entry(name.to_owned()).or_default();
        if what == "m3u8" {
            case.0 = std::fs::read(&path).unwrap();
        } else {
            case.1.push(path);
        }
    }
    cases
}

fn rewritten(input: &[u8], place: impl Place, piece_bytes: usize) -> Result<Vec<u8>, String> {
    let mut rewriter = Rewriter::new(place);
    let mut out = Vec::new();
    for piece in input.chunks(piece_bytes) {
        rewriter.push(piece, &mut out).map_err(|error| error.to_string())?;
    }
    rewriter.finish(&mut out);
    Ok(out)
}

fn mapping() -> Mapping {
    Mapping { prefix: PREFIX.to_owned(), root: ROOT.to_owned() }
}

fn location() -> Location {
    Location { root: "/o/".into(), directory: "show/720p/".into(), within: "show/".into() }
}

fn presigner() -> Presigner {
    let bucket = Bucket {
        endpoint: "https://s3.eu-central-1.amazonaws.com".into(),
        name: "media".into(),
        prefix: "live".into(),
        region: "eu-central-1".into(),
        style: Style::VirtualHost,
    };
    let credentials = Credentials {
        access_key: "AKIAIOSFODNN7EXAMPLE".into(),
        secret_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".into(),
        session_token: None,
    };
    Presigner::new(&bucket, &credentials, Window::new(300, 600).unwrap(), NOW).unwrap()
}

fn done(what: &str, input: &[u8]) -> Result<Vec<u8>, String> {
    let cut = |depth_s, form| {
        let cut = dvr::cut(input, depth_s, form).map_err(|error| error.to_string())?;
        Ok(cut.text.into_owned())
    };
    let whole = input.len().max(1);
    match what.split_once('-').map(|(what, number)| (what, number.parse::<u16>().unwrap())) {
        Some(("height", height_max)) => {
            let runs = filter::by_height(input, height_max).map_err(|error| error.to_string())?;
            Ok(runs.concat())
        }
        Some(("dvr", depth_s)) => cut(depth_s.into(), Form::Whole),
        Some(("delta", depth_s)) => cut(depth_s.into(), Form::Delta),
        None if what == "prefix" => rewritten(input, mapping(), whole),
        None if what == "directory" => {
            let key = Key::new("k1", &[7; 32]).unwrap();
            let window = Window::new(300, 600).unwrap();
            let scheme = Directories::new("https://media.example/live", &key, window, NOW);
            rewritten(input, Signer::new(location(), scheme.unwrap()), whole)
        }
        None if what == "s3" => rewritten(input, Signer::new(location(), presigner()), whole),
        _ => panic!("nothing is called {what}"),
    }
}

#[test]
fn every_case_comes_out_as_its_file_says() {
    let writes = std::env::var_os("MATINEE_GOLDEN").is_some();
    let mut files = 0;
    for (name, (input, expected)) in cases() {
        assert!(!input.is_empty(), "{name}.m3u8 is missing");
        let has_prefix = expected.iter().any(|path| path.to_str().unwrap().contains(".prefix."));
        assert!(has_prefix, "touch {name}.prefix.m3u8");
        for path in expected {
            let file = path.file_name().unwrap().to_str().unwrap();
            let what = file.split('.').nth(1).unwrap();
            let (is_error, text) = match done(what, &input) {
                Ok(text) => (false, text),
                Err(error) => (true, format!("{error}\n").into_bytes()),
            };
            assert_eq!(
                is_error,
                file.ends_with(".err"),
                "{file}: {}",
                String::from_utf8_lossy(&text)
            );
            if writes {
                std::fs::write(&path, &text).unwrap();
            }
            let wanted = std::fs::read(&path).unwrap();
            assert!(text == wanted, "{file}:\n{}", String::from_utf8_lossy(&text));
            files += 1;
        }
    }
    assert!(files >= 60, "{files} files");
}

#[test]
fn no_cut_of_any_case_makes_a_difference() {
    for (name, (input, _)) in cases() {
        let whole = rewritten(&input, mapping(), input.len());
        for piece_bytes in [1, 2, 3, 7, 64, 1000] {
            assert_eq!(rewritten(&input, mapping(), piece_bytes), whole, "{name}, {piece_bytes}");
        }
    }
}

#[test]
fn only_uris_change() {
    for (name, (input, _)) in cases() {
        let Ok(out) = rewritten(&input, mapping(), input.len()) else { continue };
        let (input, out) = (String::from_utf8(input).unwrap(), String::from_utf8(out).unwrap());
        // Without the prefix each line is what it was, but for the absolute paths below the root.
        let is_same = |(before, after): (&str, &str)| {
            let back = after.replacen(PREFIX, "", 1);
            back == before
                || before == after
                || [ROOT, "/"]
                    .iter()
                    .any(|root| before.contains(root) && after.replacen(PREFIX, root, 1) == before)
        };
        let lines = |text: &'_ str| text.split_inclusive('\n').count();
        assert_eq!(lines(&input), lines(&out), "{name}");
        let pairs = input.split_inclusive('\n').zip(out.split_inclusive('\n'));
        for pair in pairs {
            assert!(is_same(pair), "{name}: {pair:?}");
        }
    }
}

/// What `m3u8-rs` makes of a text. It knows no byte order mark.
fn parsed(text: &[u8]) -> Option<Playlist> {
    let text = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text);
    m3u8_rs::parse_playlist_res(text).ok()
}

fn moved(uri: &str) -> String {
    let first = uri.split(['/', '?']).next().unwrap();
    let has_scheme = first.contains(':') && first.starts_with(|char: char| char.is_alphabetic());
    match uri.strip_prefix(ROOT).or_else(|| uri.strip_prefix('/')) {
        _ if has_scheme || uri.contains("{$") || uri.starts_with("//") || uri.starts_with('?') => {
            uri.to_owned()
        }
        below => format!("{PREFIX}{}", below.unwrap_or(uri)),
    }
}

#[test]
fn another_reader_sees_the_same_playlist_with_other_uris() {
    let mut read = 0;
    for (name, (input, _)) in cases().into_iter().filter(|(name, _)| name != MISREAD) {
        let Ok(out) = rewritten(&input, mapping(), input.len()) else { continue };
        match (parsed(&input), parsed(&out)) {
            (
                Some(Playlist::MediaPlaylist(mut before)),
                Some(Playlist::MediaPlaylist(mut after)),
            ) => {
                assert!(before.segments.len() == after.segments.len(), "{name}");
                for (before, after) in before.segments.iter_mut().zip(&mut after.segments) {
                    assert_eq!(moved(before.uri.trim()), after.uri.trim(), "{name}");
                    after.uri.clone_from(&before.uri);
                    for map in [&mut before.map, &mut after.map].into_iter().flatten() {
                        map.uri = moved(map.uri.trim_start_matches(PREFIX));
                    }
                    for key in before.key.iter_mut().chain(&mut after.key) {
                        let uri = key.uri.as_deref().unwrap_or_default();
                        key.uri = Some(moved(uri.trim_start_matches(PREFIX)));
                    }
                    // Tags it does not know hold URIs as well; those are the golden files' to show.
                    before.unknown_tags.clear();
                    after.unknown_tags.clear();
                    before.daterange = None;
                    after.daterange = None;
                }
                before.unknown_tags.clear();
                after.unknown_tags.clear();
                assert_eq!(before, after, "{name}");
            }
            (Some(Playlist::MasterPlaylist(before)), Some(Playlist::MasterPlaylist(after))) => {
                let uris = |one: &m3u8_rs::MasterPlaylist| -> Vec<String> {
                    let variants = one.variants.iter().map(|one| one.uri.trim().to_owned());
                    let media = one.alternatives.iter().filter_map(|one| one.uri.clone());
                    variants.chain(media).collect()
                };
                let expected: Vec<String> = uris(&before).iter().map(|uri| moved(uri)).collect();
                assert_eq!(uris(&after), expected, "{name}");
            }
            (None, None) => continue,
            (before, after) => panic!("{name}: {before:?}\n{after:?}"),
        }
        read += 1;
    }
    assert!(read >= 15, "it reads {read} of them");
}

#[test]
fn another_reader_sees_the_tiers_variants() {
    for (name, (input, _)) in cases() {
        let Some(Playlist::MasterPlaylist(before)) = parsed(&input) else { continue };
        for height_max in [360, 480, 720, 1080] {
            let Ok(runs) = filter::by_height(&input, height_max) else { continue };
            let Some(Playlist::MasterPlaylist(after)) = parsed(&runs.concat()) else {
                panic!("{name} at {height_max}");
            };
            let stays = |one: &&m3u8_rs::VariantStream| match one.resolution {
                Some(size) => size.width.min(size.height) <= u64::from(height_max),
                None => !one.is_i_frame,
            };
            let expected: Vec<_> = before.variants.iter().filter(stays).cloned().collect();
            assert_eq!(after.variants, expected, "{name} at {height_max}");
            let groups = |one: &m3u8_rs::VariantStream| {
                [one.audio.clone(), one.subtitles.clone()].into_iter().flatten()
            };
            let named: Vec<String> = expected.iter().flat_map(groups).collect();
            for media in &after.alternatives {
                let is_named = named.contains(&media.group_id);
                let is_caption = media.media_type.to_string() == "CLOSED-CAPTIONS";
                assert!(is_named || is_caption, "{name} at {height_max}: {media:?}");
            }
        }
    }
}

#[test]
fn another_reader_sees_the_end_of_the_window() {
    for (name, (input, _)) in cases() {
        let Some(Playlist::MediaPlaylist(before)) = parsed(&input) else { continue };
        for depth_s in [0, 10, 30, 100_000] {
            let Ok(cut) = dvr::cut(&input, depth_s, Form::Whole) else { continue };
            let Some(Playlist::MediaPlaylist(after)) = parsed(&cut.text) else {
                panic!("{name} at {depth_s}");
            };
            let gone = usize::try_from(after.media_sequence - before.media_sequence).unwrap();
            assert_eq!(after.media_sequence, cut.first_msn, "{name} at {depth_s}");
            let media = |one: &m3u8_rs::MediaSegment| (one.uri.clone(), one.duration.to_bits());
            let expected: Vec<_> = before.segments.iter().skip(gone).map(media).collect();
            let seen: Vec<_> = after.segments.iter().map(media).collect();
            assert_eq!(seen, expected, "{name} at {depth_s}");
        }
    }
}
