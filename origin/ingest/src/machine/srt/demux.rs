//! A transport stream taken apart.
//!
//! In: its bytes, in any portions, and packets missing among them. Out: what the intake takes: configurations and
//! access units of every track. Does not know where the bytes come from.
//!
//! The first program is taken. Its tracks are counted in the order of its map, each kind for itself, those of codecs
//! that are not taken left out; if a kind has only such, that is told. Which sounds there are, and in which languages,
//! is told with the map; splices of SCTE-35 as they come.

use std::collections::{BTreeMap, VecDeque};

use shared_media::{AudioCodec, Language, Poll, Ticks, VideoCodec};

use super::packets::{Continuity, Following, Packet, Packets};
use super::pes::{Assembler, Outcome, Pes};
use super::sound::{self, Audio, Heard};
use super::splice;
use super::tables::{self, Listed, Sections};
use crate::machine::annex_b::Video;
use crate::machine::arrival::{Arrival, Held, Metadata, Stamp};
use crate::machine::intake::Input;

/// Elementary streams that are looked at.
const STREAMS_MAX: usize = 32;

/// One transport stream.
#[derive(Debug)]
pub struct Demuxer {
    access_unit_bytes_max: usize,
    packets: Packets,
    association: Sections,
    map_pid: Option<u16>,
    map: Sections,
    listed: Vec<Listed>,
    continuity: BTreeMap<u16, Continuity>,
    streams: BTreeMap<u16, Stream>,
    splices: BTreeMap<u16, Sections>,
    /// Of its sounds, as they were told.
    languages: Vec<Option<Language>>,
    outbox: VecDeque<Input>,
}

#[derive(Debug)]
struct Stream {
    track: u8,
    assembler: Assembler,
    media: Media,
}

#[derive(Debug)]
enum Media {
    Video(Video),
    Audio(Audio),
}

/// The program association table's PID.
const ASSOCIATION: u16 = 0;

impl Demuxer {
    /// A stream whose access units have at most so many bytes.
    #[must_use]
    pub fn new(access_unit_bytes_max: usize) -> Self {
        Self {
            access_unit_bytes_max,
            packets: Packets::new(),
            association: Sections::default(),
            map_pid: None,
            map: Sections::default(),
            listed: Vec::new(),
            continuity: BTreeMap::new(),
            streams: BTreeMap::new(),
            splices: BTreeMap::new(),
            languages: Vec::new(),
            outbox: VecDeque::new(),
        }
    }

    /// Bytes came. Poll until it waits, then come again.
    pub fn handle(&mut self, bytes: &[u8]) {
        self.packets.push(bytes);
        while let Some(packet) = self.packets.next() {
            self.packet(&packet);
        }
    }

    /// No more bytes will come: what is only ended by what follows it is ended.
    pub fn finish(&mut self) {
        for (_, mut stream) in std::mem::take(&mut self.streams) {
            let last = stream.assembler.finish();
            stream.take(last, &mut self.outbox);
        }
    }

    /// What came of it.
    pub fn poll(&mut self) -> Poll<Input> {
        self.outbox.pop_front().map_or(Poll::Wait, Poll::Output)
    }

    fn packet(&mut self, packet: &Packet) {
        let is_known = packet.pid == ASSOCIATION
            || Some(packet.pid) == self.map_pid
            || self.streams.contains_key(&packet.pid)
            || self.splices.contains_key(&packet.pid);
        if !is_known {
            return;
        }
        let following = self.continuity.entry(packet.pid).or_default().take(packet);
        if following == Following::Again {
            return;
        }
        let lost = following == Following::Gap;
        if packet.pid == ASSOCIATION {
            if lost {
                self.association.lose();
            }
            for section in self.association.take(packet.begins, &packet.payload) {
                self.map_pid = tables::association(&section).or(self.map_pid);
            }
        } else if Some(packet.pid) == self.map_pid {
            if lost {
                self.map.lose();
            }
            for section in self.map.take(packet.begins, &packet.payload) {
                if let Some(listed) = tables::map(&section) {
                    self.list(listed);
                }
            }
        } else if let Some(sections) = self.splices.get_mut(&packet.pid) {
            if lost {
                sections.lose();
            }
            let sections = sections.take(packet.begins, &packet.payload);
            let cues = sections.iter().filter_map(|section| splice::read(section));
            self.outbox.extend(cues.map(Input::Splice));
        } else if let Some(stream) = self.streams.get_mut(&packet.pid) {
            if lost {
                let cut_off = stream.assembler.lose();
                stream.take(cut_off.or(Some(Outcome::Lost)), &mut self.outbox);
            }
            for outcome in stream.assembler.take(packet.begins, &packet.payload) {
                stream.take(outcome, &mut self.outbox);
            }
        }
    }

    /// A program map. Streams that stay the same go on.
    fn list(&mut self, mut listed: Vec<Listed>) {
        listed.truncate(STREAMS_MAX);
        if listed == self.listed {
            return;
        }
        let mut before = std::mem::take(&mut self.streams);
        let same = |old: &Listed, new: &Listed| {
            // What is spoken on it does not change how it is read.
            *old == Listed { language: old.language, ..new.clone() }
        };
        let mut languages = Vec::new();
        let (mut tracks, mut foreign) = ([0, 0], [None, None]);
        let mut splices = std::mem::take(&mut self.splices);
        for one in &listed {
            let kept =
                before.remove(&one.pid).filter(|_| self.listed.iter().any(|old| same(old, one)));
            match kind(one) {
                Kind::Splice => {
                    let fresh = || Sections::new(splice::SECTION_BYTES_MAX);
                    let sections = splices.remove(&one.pid).unwrap_or_else(fresh);
                    self.splices.insert(one.pid, sections);
                }
                Kind::Foreign(sort, name) => foreign[sort] = foreign[sort].or(Some(name)),
                Kind::Media(sort, media) => {
                    let assembler = Assembler::new(self.access_unit_bytes_max);
                    let stream = kept.unwrap_or(Stream { track: 0, assembler, media });
                    self.streams.insert(one.pid, Stream { track: tracks[sort], ..stream });
                    tracks[sort] += 1;
                    if sort == AUDIO {
                        languages.push(one.language.and_then(Language::of_iso_639_2));
                    }
                }
                Kind::Nothing => {}
            }
        }
        self.listed = listed;
        if languages != self.languages {
            self.languages.clone_from(&languages);
            let metadata = Metadata { sounds: languages, ..Metadata::default() };
            self.outbox.push_back(Input::Metadata(metadata));
        }
        let at = Stamp::Ticks(0);
        let named = |name: &str| Held::Foreign(name.to_owned());
        if let (0, Some(name)) = (tracks[VIDEO], foreign[VIDEO]) {
            self.outbox.push_back(Input::Video(Arrival { track: 0, at, held: named(name) }));
        }
        if let (0, Some(name)) = (tracks[AUDIO], foreign[AUDIO]) {
            let held = Held::Foreign(name.to_owned());
            self.outbox.push_back(Input::Audio(Arrival { track: 0, at, held }));
        }
    }
}

const VIDEO: usize = 0;
const AUDIO: usize = 1;

enum Kind {
    Media(usize, Media),
    Foreign(usize, &'static str),
    Splice,
    Nothing,
}

/// Table 2-34, and what is registered for private streams.
fn kind(listed: &Listed) -> Kind {
    let video = |codec| Kind::Media(VIDEO, Media::Video(Video::new(codec)));
    let audio = |codec, stated| Kind::Media(AUDIO, Media::Audio(Audio::new(codec, stated)));
    match (listed.stream_type, listed.registered.as_ref()) {
        (0x1B, _) => video(VideoCodec::Avc),
        (0x24, _) => video(VideoCodec::Hevc),
        (0x0F, _) => audio(AudioCodec::Aac, None),
        (0x03 | 0x04, _) => audio(AudioCodec::Mpeg, None),
        (0x06, Some(b"Opus")) => match listed.channels.and_then(sound::opus_record) {
            Some(record) => audio(AudioCodec::Opus, Some(record)),
            None => Kind::Foreign(AUDIO, "Opus of more than two channels"),
        },
        (0x01 | 0x02, _) => Kind::Foreign(VIDEO, "MPEG-2 video"),
        (0x10, _) => Kind::Foreign(VIDEO, "MPEG-4 Visual"),
        (0x33, _) => Kind::Foreign(VIDEO, "H.266/VVC"),
        (0x06, Some(b"AV01")) => Kind::Foreign(VIDEO, "AV1 in a transport stream"),
        (0x11, _) => Kind::Foreign(AUDIO, "AAC in LATM"),
        (0x81, _) => Kind::Foreign(AUDIO, "AC-3"),
        (0x87, _) => Kind::Foreign(AUDIO, "E-AC-3"),
        (0x06, _) if listed.is_dolby => Kind::Foreign(AUDIO, "AC-3"),
        (0x86, _) => Kind::Splice,
        _ => Kind::Nothing,
    }
}

impl Stream {
    fn take(&mut self, outcome: Option<Outcome>, outbox: &mut VecDeque<Input>) {
        let Some(outcome) = outcome else { return };
        let track = self.track;
        match (&mut self.media, outcome) {
            (Media::Video(video), Outcome::Whole(pes)) => picture(video, track, &pes, outbox),
            (Media::Audio(audio), Outcome::Whole(pes)) => {
                let codec = audio.codec;
                for heard in audio.take(pes.pts, &pes.data) {
                    let (at, held) = match heard {
                        Heard::Config(record) => (pes.pts, Held::Config(codec, record)),
                        Heard::Frame(at, data) => {
                            (at, Held::Unit { codec, composition: Ticks::ZERO, data })
                        }
                        Heard::Malformed => (pes.pts, Held::Malformed),
                    };
                    let at = Stamp::Ticks(at);
                    outbox.push_back(Input::Audio(Arrival { track, at, held }));
                }
            }
            (Media::Video(_), Outcome::Lost) => {
                let at = Stamp::Ticks(0);
                outbox.push_back(Input::Video(Arrival { track, at, held: Held::Malformed }));
            }
            (Media::Audio(audio), Outcome::Lost) => {
                audio.lose();
                let at = Stamp::Ticks(0);
                outbox.push_back(Input::Audio(Arrival { track, at, held: Held::Malformed }));
            }
        }
    }
}

fn picture(video: &mut Video, track: u8, pes: &Pes, outbox: &mut VecDeque<Input>) {
    let codec = video.codec;
    let at = Stamp::Ticks(pes.dts);
    let composition = Stamp::Ticks(pes.pts).next_to(at.first()) - at.first();
    let pictures = video.take(&pes.data);
    let mut push = |held| outbox.push_back(Input::Video(Arrival { track, at, held }));
    if let Some(record) = pictures.record {
        push(Held::Config(codec, record));
    }
    match pictures.data {
        Some(data) => push(Held::Unit { codec, composition, data }),
        None => push(Held::Malformed),
    }
}

#[cfg(test)]
mod tests;
