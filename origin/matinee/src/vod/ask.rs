//! A piece of a film, as the ladder and the packager are asked for it.
//!
//! In: how the film is cut, which piece. Out: a job of the ladder's, a plan and cuts of the packager's. Does not know
//! how either does it.

use origin_ladder::film;
use origin_packager::{CaptionTrack, Given};
use shared_media::hdr::Curve;
use shared_media::{
    Language, Plan, Rendition, RenditionId, Rung, SoundTrack, Ticks, TrackKind, VideoCodec,
};
use shared_wire::api::SoundPlan;

use super::made::{Made, Part};

/// Characters of what a viewer chooses by.
const NAME_CHARS_MAX: usize = 64;
/// A language that nobody named (RFC 5646, 4.1).
const UNDETERMINED: &str = "und";

impl Made {
    /// What the ladder is asked for.
    pub(super) fn job(&self, part: Part) -> film::Job {
        let base = film::Job {
            begin: self.begin.0,
            frame_rate: self.frame_rate,
            threads: self.threads,
            ..film::Job::default()
        };
        match part {
            Part::Sounds => film::Job { sounds: self.sounds(), ..base },
            Part::Chunk(at) => {
                let Some(chunk) = self.cutting.chunks.get(at) else { return base };
                let (cuts, pictures) = (self.cuts(part), self.plan.pictures.as_ref());
                film::Job {
                    from: chunk.from.0,
                    until: Some(chunk.until.0),
                    cuts: cuts.iter().map(|cut| cut.0).collect(),
                    pictures: pictures.map(|pictures| film::Pictures {
                        stream: pictures.stream,
                        deinterlace: pictures.deinterlace,
                        rotate: pictures.rotate,
                        tone_map: pictures.tone_map,
                        is_untimed: self.is_untimed,
                    }),
                    rungs: self.rungs(),
                    ..base
                }
            }
        }
    }

    /// The texts, which are asked for before the sounds: the packager wants them whole.
    pub(super) fn texts(&self) -> film::Job {
        let text = |one: &shared_wire::api::SubtitlePlan| {
            Some(film::Text { id: RenditionId::new(&one.rendition)?, stream: one.stream })
        };
        film::Job {
            begin: self.begin.0,
            texts: self.plan.subtitles.iter().filter_map(text).collect(),
            threads: self.threads,
            ..film::Job::default()
        }
    }

    fn rungs(&self) -> Vec<film::Rung> {
        let rung = |one: &shared_wire::api::RungPlan| {
            Some(film::Rung {
                id: RenditionId::new(&one.rendition)?,
                width: one.width,
                height: one.height,
                bit_rate: rate(one.bits_per_s),
                codec: codec(&one.codec),
                is_copy: one.is_copy,
                hdr: one.hdr.as_deref().and_then(Curve::named),
            })
        };
        self.plan.rungs.iter().filter_map(rung).collect()
    }

    fn sounds(&self) -> Vec<film::Sound> {
        let sound = |one: &SoundPlan| {
            Some(film::Sound {
                id: RenditionId::new(&one.rendition)?,
                stream: one.stream,
                channels: u8::try_from(one.channels).ok()?,
                bit_rate: rate(one.bits_per_s),
                is_copy: one.is_copy,
            })
        };
        self.plan.sounds.iter().filter_map(sound).collect()
    }

    /// What the packager is told of the renditions.
    pub(super) fn renditions(&self, part: Part) -> Plan {
        let rung = |name: &str, kind, bits: u64, is_copy: bool, sound| {
            Some(Rung {
                rendition: Rendition { id: RenditionId::new(name)?, kind },
                target_bit_rate: (!is_copy).then(|| rate(bits)),
                expected_bit_rate: is_copy.then(|| rate(bits)),
                sound,
            })
        };
        let rungs = match part {
            Part::Chunk(_) => {
                let rungs = self.plan.rungs.iter().filter_map(|one| {
                    rung(&one.rendition, TrackKind::Video, one.bits_per_s, one.is_copy, None)
                });
                rungs.collect()
            }
            Part::Sounds => {
                let sounds = self.plan.sounds.iter().filter_map(|one| {
                    let sound = Some(self.track(one));
                    rung(&one.rendition, TrackKind::Audio, one.bits_per_s, one.is_copy, sound)
                });
                sounds.collect()
            }
        };
        let target_duration_s = self.cutting.target_duration_s;
        Plan { rungs, target_duration_s, memo: String::new() }
    }

    /// What a sound is to a listener. Stereo and 5.1 of one stream are the same.
    fn track(&self, sound: &SoundPlan) -> SoundTrack {
        let mut streams: Vec<u32> = Vec::new();
        for one in &self.plan.sounds {
            if !streams.contains(&one.stream) {
                streams.push(one.stream);
            }
        }
        let number = streams.iter().position(|stream| *stream == sound.stream).unwrap_or(0);
        SoundTrack {
            number: u8::try_from(number).unwrap_or(u8::MAX),
            language: sound.language.as_deref().and_then(language),
            name: sound.title.as_deref().and_then(name),
        }
    }

    /// The texts as the packager is told of them: each is chosen by a name of its own.
    pub(super) fn captions(&self) -> Vec<CaptionTrack> {
        let mut tracks: Vec<CaptionTrack> = Vec::new();
        for one in &self.plan.subtitles {
            let Some(id) = RenditionId::new(&one.rendition) else { continue };
            let spoken = one.language.as_deref().and_then(language);
            let plain = one.title.as_deref().and_then(name);
            let plain = plain.or_else(|| spoken.as_ref().map(Language::name));
            let plain = plain.unwrap_or_else(|| one.rendition.clone());
            let is_taken = tracks.iter().any(|other| other.name == plain);
            let name = if is_taken { format!("{plain} ({id})") } else { plain };
            let language = spoken.map_or_else(|| UNDETERMINED.to_owned(), |one| one.to_string());
            tracks.push(CaptionTrack { id, language, name, default: false, forced: false });
        }
        tracks
    }

    /// Where the packager cuts.
    pub(super) fn given(&self, part: Part) -> Given {
        let (until, init) = match part {
            Part::Sounds => (self.length, 0),
            Part::Chunk(at) => {
                let until = self.cutting.chunks.get(at).map_or(self.length, |chunk| chunk.until);
                (until, u32::try_from(at).unwrap_or(u32::MAX))
            }
        };
        Given {
            first_msn: self.first(part) as u64,
            cuts: self.cuts(part).to_vec(),
            until,
            target_duration_s: self.cutting.target_duration_s,
            init,
        }
    }

    /// Where the segments of a piece begin.
    pub(super) fn cuts(&self, part: Part) -> &[Ticks] {
        let all = &self.cutting.cuts;
        match part {
            Part::Sounds => all,
            Part::Chunk(at) => {
                let chunk = self.cutting.chunks.get(at);
                let of_chunk = chunk.and_then(|one| all.get(one.first..one.first + one.count));
                of_chunk.unwrap_or_default()
            }
        }
    }
}

/// A codec as plans name it.
fn codec(name: &str) -> VideoCodec {
    match name {
        "hevc" => VideoCodec::Hevc,
        "av1" => VideoCodec::Av1,
        _ => VideoCodec::Avc,
    }
}

fn rate(bits_per_s: u64) -> u32 {
    u32::try_from(bits_per_s).unwrap_or(u32::MAX)
}

/// A language as a file has it: three letters in MP4 and Matroska, a tag in some.
fn language(text: &str) -> Option<Language> {
    match <[u8; 3]>::try_from(text.as_bytes()) {
        Ok(code) => Language::of_iso_639_2(code),
        Err(_) => Language::new(text),
    }
}

/// What a file calls a stream, as far as it can stand in a playlist.
fn name(text: &str) -> Option<String> {
    let plain = text.chars().filter(|c| !c.is_control() && *c != '"').take(NAME_CHARS_MAX);
    let plain: String = plain.collect();
    let plain = plain.trim();
    (!plain.is_empty()).then(|| plain.to_owned())
}
