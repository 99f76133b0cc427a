//! What the multivariant playlist says of a rendition.
//!
//! In: a track; or the facts of a film's pieces. Out: [`Facts`], and the film's multivariant playlist. Does not know
//! which combinations there are to play (`catalogue`).

use serde::{Deserialize, Serialize};
use shared_media::closed_captions::Channels;
use shared_media::hdr::Curve;
use shared_media::{Anchor, RenditionId, SoundTrack, TrackConfig, VideoConfig};
use shared_playlist::Multivariant;

use super::captions::CaptionTrack;
use super::closed_captions::ClosedCaptions;
use super::form::Form;
use super::rates::Rates;
use super::segment::Segment;
use super::track::Track;
use super::{Machine, catalogue};

/// What the multivariant playlist says of a rendition. Those of pieces of a film are summed up with [`Facts::join`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    pub(super) form: Form,
    /// It can be offered, and is.
    pub(super) is_offered: bool,
    /// Its codec as `CODECS` has it (RFC 6381); none of captions.
    pub(super) codec: Option<String>,
    /// The size of its pictures, in pixels.
    pub(super) resolution: Option<(u32, u32)>,
    /// The curve of its pictures, if they are beyond the standard range.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) hdr: Option<Curve>,
    /// Pictures per 1000 s as its configuration states it; while nothing was measured, as its first pictures came.
    pub(super) frame_rate_millihertz: Option<u32>,
    pub(super) channels: u8,
    pub(super) sample_rate: Option<u32>,
    /// Of a sound: what it is to a listener.
    pub(super) sound: SoundTrack,
    /// Of captions: what they are to a viewer.
    pub(super) captions: Option<CaptionTrack>,
    /// The captions within its pictures, if it leads.
    pub(super) closed_captions: Channels,
    pub(super) rates: Rates,
    pub(super) i_frame_rates: Rates,
}

/// Whether a rendition can be offered: a player would find its configuration, a part, and a rate.
pub(super) fn is_ready(track: &Track) -> bool {
    if track.form == Form::Text {
        return track.window.last().is_some();
    }
    let has_media = track.writer.header.is_some() && track.window.last().is_some();
    has_media && track.rates.is_known()
}

impl Machine {
    /// What there is to say of each rendition, in the order of the plan; captions come last.
    #[must_use]
    pub fn facts(&self) -> Vec<(RenditionId, Facts)> {
        let of_track = |(index, track): (usize, &Track)| {
            let mut facts = Facts::of(track);
            if index == 0 {
                facts.closed_captions = self.common.closed_captions.known();
            }
            let mut captions = self.common.captions.tracks();
            facts.captions = captions.find(|one| one.id == track.id).cloned();
            (track.id.clone(), facts)
        };
        self.tracks.iter().enumerate().map(of_track).collect()
    }
}

impl Facts {
    fn of(track: &Track) -> Self {
        let (video, audio) = match &track.writer.config {
            Some(TrackConfig::Video(video)) => (Some(video), None),
            Some(TrackConfig::Audio(audio)) => (None, Some(audio)),
            None => (None, None),
        };
        let begun = || {
            let open = video.and(track.open_segment()).and_then(Segment::frame_rate_millihertz);
            open.filter(|_| track.rates.frame_rate_millihertz().is_none())
        };
        Self {
            form: track.form,
            is_offered: is_ready(track) && !track.rests,
            codec: track.writer.header.as_ref().map(|header| header.codec.clone()),
            resolution: video.map(|video| (video.width, video.height)),
            hdr: video.and_then(|video| Some(video.hdr?.curve)),
            frame_rate_millihertz: video.and_then(stated_rate).or_else(begun),
            channels: audio.map_or(2, |audio| audio.channels),
            sample_rate: audio.map(|audio| audio.sample_rate),
            sound: track.sound.clone(),
            captions: None,
            closed_captions: Channels::default(),
            rates: track.rates.clone(),
            i_frame_rates: track.i_frame_rates.clone(),
        }
    }

    /// What it is to a viewer, if it is captions.
    #[must_use]
    pub const fn captions(&self) -> Option<&CaptionTrack> {
        self.captions.as_ref()
    }

    /// Captions are something else to a viewer than was said when they were made.
    pub fn rename(&mut self, captions: CaptionTrack) {
        self.captions = Some(captions);
    }

    /// Pictures per 1000 s.
    pub(super) fn frame_rate_millihertz(&self) -> Option<u32> {
        let measured = || self.resolution.and_then(|_| self.rates.frame_rate_millihertz());
        self.frame_rate_millihertz.or_else(measured)
    }

    /// Adds what there is to say of the same rendition in another piece of the film. What it is stays as it was first
    /// said; what it takes counts together.
    pub fn join(&mut self, next: &Self) {
        if self.codec.is_none() {
            // Nothing of it was in the pieces so far.
            (self.codec, self.resolution) = (next.codec.clone(), next.resolution);
            self.hdr = next.hdr;
            (self.channels, self.sample_rate) = (next.channels, next.sample_rate);
            self.frame_rate_millihertz = next.frame_rate_millihertz;
        }
        self.is_offered |= next.is_offered;
        self.closed_captions = self.closed_captions.and(next.closed_captions);
        self.rates.join(&next.rates);
        self.i_frame_rates.join(&next.i_frame_rates);
    }
}

fn stated_rate(video: &VideoConfig) -> Option<u32> {
    let rate = video.frame_rate.filter(|rate| rate.den > 0)?;
    let per_1000_s = u64::from(rate.num) * 1000;
    let rounded = (per_1000_s + u64::from(rate.den) / 2) / u64::from(rate.den);
    Some(u32::try_from(rounded).unwrap_or(u32::MAX))
}

/// A film's multivariant playlist, as its pieces so far have it. Of pictures, of sounds and of captions each what is
/// preferred stands first. `None` while there is nothing to play.
///
/// That its pictures have no captions within them is not said: the pieces to come may have some. Whoever knows that
/// none come sets [`Multivariant::closed_captions`].
#[must_use]
pub fn multivariant(facts: &[(RenditionId, Facts)], anchor: Anchor) -> Option<Multivariant> {
    let mut multivariant = catalogue::catalogue(facts, anchor)?;
    let mut captions = ClosedCaptions::default();
    facts.iter().for_each(|(_, facts)| captions.replay(facts.closed_captions));
    multivariant.closed_captions = captions.said(true, false);
    Some(multivariant)
}
