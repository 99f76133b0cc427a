//! The multivariant playlist: which combinations there are to play.
//!
//! In: the facts of all renditions. Out: a [`Multivariant`], and whether it differs enough to be told anew. Does
//! not know when it is asked.

use shared_media::{Anchor, Language, RenditionId};
use shared_playlist::Multivariant;
use shared_playlist::multivariant::{IFrames, Sound, Subtitles, Variant};

use super::captions::CaptionTrack;
use super::facts::Facts;
use super::form::Form;
use super::names;

/// The audio group that all variants with a picture name.
const GROUP: &str = "audio";

/// The group of captions that all variants name.
const CAPTIONS: &str = "captions";

/// Bit rates that changed by less than this share are not told anew while a show runs.
const CHANGE_PERCENT: u64 = 5;

/// A rendition with what there is to say of it.
type Known = (RenditionId, Facts);

/// All combinations of the renditions that are offered, of a show with this anchor; `None` if there is none.
pub(super) fn catalogue(renditions: &[Known], anchor: Anchor) -> Option<Multivariant> {
    let mut multivariant = media(renditions, anchor)?;
    let offered = renditions.iter().filter(|(_, facts)| facts.is_offered);
    let captions = offered.filter_map(|(_, facts)| facts.captions.as_ref());
    multivariant.subtitles = captions.map(subtitles).collect();
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
        forced: track.forced,
        uri: names::child(&track.id),
    }
}

fn media(renditions: &[Known], anchor: Anchor) -> Option<Multivariant> {
    let of_kind = |form| {
        let offered = renditions.iter().filter(|(_, facts)| facts.is_offered);
        offered.filter(move |(_, facts)| facts.form == form)
    };
    let has_picture = renditions.iter().any(|(_, facts)| facts.form == Form::Video);
    let mut multivariant =
        Multivariant { anchor_us: Some(anchor.utc_us), ..Multivariant::default() };
    let sounds: Vec<&Known> = of_kind(Form::Audio).collect();
    let number = |(_, facts): &Known| facts.sound.number;
    let are_several = sounds.iter().any(|sound| number(sound) != number(sounds[0]));
    if !has_picture && !are_several {
        // The same in one more form: whichever the listener's player can.
        multivariant.variants = sounds.iter().map(|sound| variant(sound, &[])).collect();
        return Some(multivariant).filter(|multivariant| !multivariant.variants.is_empty());
    }
    multivariant.sounds = names(&sounds).zip(&sounds).map(|(name, one)| sound(one, name)).collect();
    if let Some(first) = multivariant.sounds.first_mut() {
        first.default = true;
    }
    multivariant.variants = of_kind(Form::Video).map(|rung| variant(rung, &sounds)).collect();
    // The sound alone, for those whose network carries no picture.
    let alone = sounds.first().filter(|_| !has_picture || !multivariant.variants.is_empty());
    multivariant.variants.extend(
        alone.map(|sound| Variant { audio: Some(GROUP.to_owned()), ..variant(sound, &[]) }),
    );
    multivariant.i_frames = of_kind(Form::Video).filter_map(i_frames).collect();
    Some(multivariant).filter(|multivariant| !multivariant.variants.is_empty())
}

/// What listeners choose by, each once in the group: the language, where it is known, or else the rendition.
fn names(sounds: &[&Known]) -> impl Iterator<Item = String> {
    let said = |(_, facts): &Known| {
        let language = || facts.sound.language.as_ref().map(Language::name);
        facts.sound.name.clone().or_else(language)
    };
    let plain = move |sound: &Known| said(sound).unwrap_or_else(|| sound.0.to_string());
    let surrounds = move |sound: &Known| sound.1.channels > 2 && said(sound).is_some();
    sounds.iter().enumerate().map(move |(at, sound)| {
        let (name, number) = (plain(sound), sound.1.sound.number);
        let others = sounds[..at].iter().map(|other| other.1.sound.number);
        let mut before: Vec<u8> = others.filter(|other| *other != number).collect();
        let is_same = |other: &&&Known| other.1.sound.number != number && plain(other) == name;
        let is_taken = sounds[..at].iter().any(|other| is_same(&other));
        before.dedup();
        let which = if is_taken { format!(" {}", before.len() + 1) } else { String::new() };
        format!("{name}{which}{}", if surrounds(sound) { " 5.1" } else { "" })
    })
}

fn sound((id, facts): &Known, name: String) -> Sound {
    Sound {
        group: GROUP.to_owned(),
        name,
        language: facts.sound.language.as_ref().map(ToString::to_string),
        default: false,
        channels: facts.channels,
        sample_rate: facts.sample_rate,
        uri: names::child(id),
    }
}

fn variant((id, facts): &Known, sounds: &[&Known]) -> Variant {
    let sounds = || sounds.iter().map(|(_, sound)| sound);
    let peak = sounds().map(|sound| sound.rates.peak()).max();
    let average = sounds().map(|sound| sound.rates.average()).max();
    let mut codecs: Vec<String> = facts.codec.iter().cloned().collect();
    codecs.extend(sounds().filter_map(|sound| sound.codec.clone()));
    codecs.dedup();
    Variant {
        bandwidth: facts.rates.peak() + peak.unwrap_or(0),
        average_bandwidth: facts.rates.average() + average.unwrap_or(0),
        codecs,
        resolution: facts.resolution,
        hdr: facts.hdr,
        frame_rate_millihertz: facts.frame_rate_millihertz(),
        audio: peak.map(|_| GROUP.to_owned()),
        subtitles: None,
        uri: names::child(id),
    }
}

/// The I-frame playlist of a rendition.
///
/// A player reads the multivariant playlist once, so it stands there from the beginning. Its first pictures are listed
/// with the first whole segment: who asks before that waits for them. Until then its rates are those of the segments
/// that the pictures are in.
fn i_frames((id, facts): &Known) -> Option<IFrames> {
    let known = Some(&facts.i_frame_rates).filter(|rates| rates.is_known());
    let rates = known.unwrap_or(&facts.rates);
    Some(IFrames {
        bandwidth: rates.peak(),
        average_bandwidth: rates.average(),
        codec: facts.codec.clone()?,
        resolution: facts.resolution,
        hdr: facts.hdr,
        uri: names::child_i_frames(id),
    })
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
