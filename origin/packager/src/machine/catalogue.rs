//! The multivariant playlist: which combinations there are to play.
//!
//! In: all renditions. Out: a [`Multivariant`], and whether it differs enough to be told anew. Does
//! not know when it is asked.

use shared_media::{Anchor, Language, TrackConfig};
use shared_playlist::Multivariant;
use shared_playlist::multivariant::{IFrames, Sound, Subtitles, Variant};

use super::captions::CaptionTrack;
use super::names;
use super::track::{Form, Track};

/// The audio group that all variants with a picture name.
const GROUP: &str = "audio";

/// The group of captions that all variants name.
const CAPTIONS: &str = "captions";

/// Bit rates that changed by less than this share are not told anew while a show runs.
const CHANGE_PERCENT: u64 = 5;

/// Whether a rendition can be offered: a player would find its configuration, a part, and a rate.
pub(super) fn is_ready(track: &Track) -> bool {
    if track.form == Form::Text {
        return track.window.last().is_some();
    }
    let has_media = track.writer.header.is_some() && track.window.last().is_some();
    has_media && track.rates.is_known()
}

/// Whether all is there that will be offered of it. A player reads the multivariant playlist once, so
/// it waits for the I-frame playlists, whose first pictures are listed with the first whole segment.
pub(super) fn is_complete(track: &Track) -> bool {
    let has_pictures = track.form == Form::Video;
    is_ready(track) && (!has_pictures || track.i_frame_rates.is_known())
}

/// All combinations of the renditions that are ready, of a show with this anchor; `None` if there is none.
pub(super) fn catalogue<'a>(
    tracks: &[Track],
    captions: impl Iterator<Item = &'a CaptionTrack>,
    anchor: Anchor,
) -> Option<Multivariant> {
    let mut multivariant = media(tracks, anchor)?;
    let ready = |one: &&CaptionTrack| tracks.iter().any(|own| own.id == one.id && is_ready(own));
    multivariant.subtitles = captions.filter(ready).map(subtitles).collect();
    if !multivariant.subtitles.is_empty() {
        let name = |variant: &mut Variant| variant.subtitles = Some(CAPTIONS.to_owned());
        multivariant.variants.iter_mut().for_each(name);
    }
    Some(multivariant)
}

fn subtitles(track: &CaptionTrack) -> Subtitles {
    Subtitles {
        group: CAPTIONS.to_owned(),
        name: track.name.clone(),
        language: track.language.clone(),
        default: track.default,
        uri: names::child(&track.id),
    }
}

fn media(tracks: &[Track], anchor: Anchor) -> Option<Multivariant> {
    let of_kind = |form| {
        let ready = tracks.iter().filter(|track| is_ready(track) && !track.rests);
        ready.filter(move |track| track.form == form)
    };
    let has_picture = tracks.iter().any(|track| track.form == Form::Video);
    let mut multivariant =
        Multivariant { anchor_us: Some(anchor.utc_us), ..Multivariant::default() };
    let sounds: Vec<&Track> = of_kind(Form::Audio).collect();
    let are_several = sounds.iter().any(|track| track.sound.number != sounds[0].sound.number);
    if !has_picture && !are_several {
        // The same in one more form: whichever the listener's player can.
        multivariant.variants = sounds.iter().map(|track| variant(track, &[])).collect();
        return Some(multivariant).filter(|multivariant| !multivariant.variants.is_empty());
    }
    multivariant.sounds =
        names(&sounds).zip(&sounds).map(|(name, track)| sound(track, name)).collect();
    if let Some(first) = multivariant.sounds.first_mut() {
        first.default = true;
    }
    multivariant.variants = of_kind(Form::Video).map(|track| variant(track, &sounds)).collect();
    // The sound alone, for those whose network carries no picture.
    let alone = sounds.first().filter(|_| !has_picture || !multivariant.variants.is_empty());
    multivariant.variants.extend(
        alone.map(|sound| Variant { audio: Some(GROUP.to_owned()), ..variant(sound, &[]) }),
    );
    multivariant.i_frames = of_kind(Form::Video).filter_map(i_frames).collect();
    Some(multivariant).filter(|multivariant| !multivariant.variants.is_empty())
}

/// What listeners choose by, each once in the group: the language, where it is known, or else the rendition.
fn names(sounds: &[&Track]) -> impl Iterator<Item = String> {
    let said = |track: &Track| {
        let language = || track.sound.language.as_ref().map(Language::name);
        track.sound.name.clone().or_else(language)
    };
    let plain = move |track: &Track| said(track).unwrap_or_else(|| track.id.to_string());
    let surrounds = move |track: &Track| sound_form(track).0 > 2 && said(track).is_some();
    sounds.iter().enumerate().map(move |(at, track)| {
        let (name, number) = (plain(track), track.sound.number);
        let others = sounds[..at].iter().map(|other| other.sound.number);
        let mut before: Vec<u8> = others.filter(|other| *other != number).collect();
        let is_same = |other: &&&Track| other.sound.number != number && plain(other) == name;
        let is_taken = sounds[..at].iter().any(|other| is_same(&other));
        before.dedup();
        let which = if is_taken { format!(" {}", before.len() + 1) } else { String::new() };
        format!("{name}{which}{}", if surrounds(track) { " 5.1" } else { "" })
    })
}

/// The channels of a sound, and its samples per second.
fn sound_form(track: &Track) -> (u8, Option<u32>) {
    match &track.writer.config {
        Some(TrackConfig::Audio(audio)) => (audio.channels, Some(audio.sample_rate)),
        _ => (2, None),
    }
}

fn sound(track: &Track, name: String) -> Sound {
    let (channels, sample_rate) = sound_form(track);
    Sound {
        group: GROUP.to_owned(),
        name,
        language: track.sound.language.as_ref().map(ToString::to_string),
        default: false,
        channels,
        sample_rate,
        uri: names::child(&track.id),
    }
}

fn variant(track: &Track, sounds: &[&Track]) -> Variant {
    let highest = |rate: fn(&Track) -> u64| sounds.iter().map(|sound| rate(sound)).max();
    let codec = |track: &&Track| track.writer.header.as_ref().map(|header| header.codec.clone());
    let mut codecs: Vec<String> = codec(&track).into_iter().collect();
    codecs.extend(sounds.iter().filter_map(codec));
    codecs.dedup();
    let resolution = resolution(track);
    let stated = match &track.writer.config {
        Some(TrackConfig::Video(video)) => video.frame_rate.filter(|rate| rate.den > 0),
        _ => None,
    };
    let stated = stated.map(|rate| {
        let per_1000_s = u64::from(rate.num) * 1000;
        let rounded = (per_1000_s + u64::from(rate.den) / 2) / u64::from(rate.den);
        u32::try_from(rounded).unwrap_or(u32::MAX)
    });
    let measured = || resolution.and_then(|_| track.rates.frame_rate_millihertz());
    Variant {
        bandwidth: track.rates.peak() + highest(|sound| sound.rates.peak()).unwrap_or(0),
        average_bandwidth: track.rates.average()
            + highest(|sound| sound.rates.average()).unwrap_or(0),
        codecs,
        resolution,
        frame_rate_millihertz: stated.or_else(measured),
        audio: (!sounds.is_empty()).then(|| GROUP.to_owned()),
        subtitles: None,
        uri: names::child(&track.id),
    }
}

/// The I-frame playlist of a rendition; `None` before its first picture is listed.
fn i_frames(track: &Track) -> Option<IFrames> {
    Some(IFrames {
        bandwidth: track.i_frame_rates.peak(),
        average_bandwidth: track.i_frame_rates.average(),
        codec: track.writer.header.as_ref()?.codec.clone(),
        resolution: resolution(track),
        uri: names::child_i_frames(&track.id),
    })
    .filter(|_| track.i_frame_rates.is_known())
}

/// The size of the pictures, in pixels.
fn resolution(track: &Track) -> Option<(u32, u32)> {
    match &track.writer.config {
        Some(TrackConfig::Video(video)) => Some((video.width, video.height)),
        _ => None,
    }
}

/// Whether players that come now should see another playlist than those before.
pub(super) fn differs(old: &Multivariant, new: &Multivariant) -> bool {
    let close = |old: u64, new: u64| old.abs_diff(new) * 100 <= old * CHANGE_PERCENT;
    let same = |old: &Variant, new: &Variant| {
        let (bandwidth, average_bandwidth) = (old.bandwidth, old.average_bandwidth);
        let frame_rate_millihertz = old.frame_rate_millihertz;
        close(old.bandwidth, new.bandwidth)
            && close(old.average_bandwidth, new.average_bandwidth)
            && old.frame_rate_millihertz.is_some() == new.frame_rate_millihertz.is_some()
            && *old
                == Variant { bandwidth, average_bandwidth, frame_rate_millihertz, ..new.clone() }
    };
    let same_i_frames = |old: &IFrames, new: &IFrames| {
        let (bandwidth, average_bandwidth) = (old.bandwidth, old.average_bandwidth);
        close(old.bandwidth, new.bandwidth)
            && close(old.average_bandwidth, new.average_bandwidth)
            && *old == IFrames { bandwidth, average_bandwidth, ..new.clone() }
    };
    old.sounds != new.sounds
        || old.subtitles != new.subtitles
        || old.closed_captions != new.closed_captions
        || old.variants.len() != new.variants.len()
        || old.variants.iter().zip(&new.variants).any(|(old, new)| !same(old, new))
        || old.i_frames.len() != new.i_frames.len()
        || old.i_frames.iter().zip(&new.i_frames).any(|(old, new)| !same_i_frames(old, new))
}
