//! What there is to play, as a multivariant playlist says it.
//!
//! In: a multivariant playlist of ours. Out: [`Catalogue`]. Does not know what is listed where.

use shared_media::hdr::Curve;

use crate::multivariant::ANCHOR;
use crate::read::{self, Attributes};

/// All renditions of a show.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalogue {
    /// UTC of media time 0, in microseconds since the Unix epoch.
    pub anchor_us: i64,
    /// Where what is shown begins on the show's timeline, in ticks: 0, unless the beginning is trimmed off.
    pub begin: i64,
    /// Pictures first, in the playlist's order.
    pub(crate) representations: Vec<Representation>,
    /// The captions within the pictures: which, and in what language where that is known.
    pub(crate) closed_captions: Vec<(String, Option<String>)>,
}

/// One rendition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Representation {
    /// Its name.
    pub(crate) id: String,
    pub(crate) codec: String,
    /// Peak, in bit/s.
    pub(crate) bandwidth: u64,
    pub(crate) kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Picture {
        width: u64,
        height: u64,
        frame_rate_millihertz: Option<u64>,
        /// Their curve, if they are beyond the standard range.
        hdr: Option<Curve>,
    },
    Sound {
        language: Option<String>,
        channels: Option<u64>,
        sample_rate: Option<u64>,
    },
}

impl Catalogue {
    /// Reads a multivariant playlist; `None` if it is none, or does not say when media time 0 was.
    #[must_use]
    pub fn read(text: &[u8]) -> Option<Self> {
        let list = read::multivariant(text)?;
        let value = |one: &Attributes| read::date_us(one.get("VALUE")?.as_bytes());
        let anchor = |one: &&Attributes| one.get("DATA-ID") == Some(ANCHOR);
        let anchor_us = list.session_data.iter().find(anchor).and_then(value)?;
        let mut sounds: Vec<Representation> = Vec::new();
        for media in list.media.iter().filter(|media| media.get("TYPE") == Some("AUDIO")) {
            sounds.extend(sound_of_group(media));
        }
        // The sound alone says what it takes, and so what of a variant is its picture's.
        let alone = list.variants.iter().find(|(tag, uri)| {
            tag.get("RESOLUTION").is_none()
                && sounds.iter().any(|one| id(uri) == Some(one.id.as_str()))
        });
        let alone_rate = alone.and_then(|(tag, _)| tag.number("BANDWIDTH")).unwrap_or_default();
        let alone_channels = alone.and_then(|(_, uri)| {
            sounds
                .iter()
                .find(|one| id(uri) == Some(one.id.as_str()))
                .and_then(Representation::channels)
        });
        let mut representations = Vec::new();
        for (tag, uri) in &list.variants {
            let Some(name) = id(uri).filter(|name| sounds.iter().all(|one| one.id != *name)) else {
                continue;
            };
            let codecs = tag.get("CODECS").unwrap_or_default();
            let mut codecs = codecs.split(',').map(str::trim);
            let codec = codecs.next().unwrap_or_default().to_owned();
            let of_sounds: Vec<&str> = codecs.collect();
            for (at, sound) in sounds.iter_mut().enumerate() {
                let codec = of_sounds.get(at).or(of_sounds.last()).copied().unwrap_or_default();
                codec.clone_into(&mut sound.codec);
            }
            let rate = tag.number("BANDWIDTH").unwrap_or_default();
            let bandwidth = rate.saturating_sub(alone_rate).max(1);
            representations.push(Representation {
                id: name.to_owned(),
                codec,
                bandwidth,
                kind: kind(tag),
            });
        }
        for sound in &mut sounds {
            // Of sounds that are not offered alone nobody says what they take: as much for each channel.
            let more = sound.channels().zip(alone_channels).filter(|(_, of)| *of > 0);
            let rate = more.map_or(alone_rate, |(channels, of)| {
                alone_rate.saturating_mul(channels).div_ceil(of)
            });
            sound.bandwidth = rate.max(1);
        }
        representations.extend(sounds);
        let within = list.media.iter().filter(|one| one.get("TYPE") == Some("CLOSED-CAPTIONS"));
        let closed_captions = within.filter_map(|one| {
            Some((one.get("INSTREAM-ID")?.to_owned(), one.get("LANGUAGE").map(str::to_owned)))
        });
        let closed_captions = closed_captions.collect();
        Some(Self { anchor_us, begin: 0, representations, closed_captions })
    }

    /// The renditions' names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.representations.iter().map(|one| one.id.as_str())
    }

    /// Takes over what another says, and keeps what that no longer offers: it is listed still.
    pub fn renew(&mut self, newer: Self) {
        let is_new =
            |one: &&Representation| newer.representations.iter().all(|new| new.id != one.id);
        let kept: Vec<_> = self.representations.iter().filter(is_new).cloned().collect();
        *self = newer;
        self.representations.extend(kept);
        self.representations.sort_by_key(|one| matches!(one.kind, Kind::Sound { .. }));
    }
}

impl Representation {
    fn channels(&self) -> Option<u64> {
        match self.kind {
            Kind::Sound { channels, .. } => channels,
            Kind::Picture { .. } => None,
        }
    }
}

/// The rendition whose media playlist this is.
fn id(uri: &str) -> Option<&str> {
    uri.strip_suffix("/index.m3u8").filter(|id| !id.contains('/'))
}

fn sound_of_group(media: &Attributes) -> Option<Representation> {
    let channels = media.get("CHANNELS").and_then(|text| text.split('/').next()?.parse().ok());
    let kind = Kind::Sound {
        language: media.get("LANGUAGE").map(str::to_owned),
        channels,
        sample_rate: media.number("SAMPLE-RATE"),
    };
    let id = id(media.get("URI")?)?.to_owned();
    Some(Representation { id, codec: String::new(), bandwidth: 0, kind })
}

/// What a variant with its own media playlist is: a picture, or a sound where a show has no picture.
fn kind(tag: &Attributes) -> Kind {
    let size = tag.get("RESOLUTION").and_then(|size| size.split_once('x'));
    let size = size.and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
    match size {
        Some((width, height)) => {
            let millihertz = tag.micros("FRAME-RATE").map(|micros| micros / 1000);
            let hdr = tag.get("VIDEO-RANGE").and_then(Curve::of_video_range);
            Kind::Picture { width, height, frame_rate_millihertz: millihertz, hdr }
        }
        None => Kind::Sound { language: None, channels: None, sample_rate: None },
    }
}
