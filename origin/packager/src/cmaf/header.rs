//! The init segment (CMAF header): `ftyp` and `moov` without samples.
//!
//! In: a decoder configuration, and how long pictures wait to be reordered. Out: [`Header`], or why
//! the configuration cannot be stored.

use bytes::Bytes;
use mp4_atom::{
    Audio, Codec, Dinf, Dref, DrefEntry, Edts, Elst, ElstEntry, Encode as _, Esds, FourCC, Ftyp,
    Hdlr, Mdhd, Mdia, Minf, Moov, Mp4a, Mvex, Mvhd, Smhd, Stbl, Stco, Stsd, Tkhd, Trak, Trex, Url,
    Vmhd, esds,
};
use shared_media::{AudioCodec, AudioConfig, TICKS_PER_SECOND, Ticks, TrackConfig};

use super::{NOT_SYNC, SYNC, TRACK_ID, picture};

/// What the init segment of a track is, and what others must know about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// All of the init segment.
    pub bytes: Bytes,
    /// Units per second in which the track's fragments count.
    pub timescale: u32,
    /// What the edit list takes off every composition time. With B-frames a keyframe's `tfdt` is its
    /// presentation time, and this keeps the composition offsets of B-frames from being negative:
    /// readers that keep to the edit list and readers that only look at `tfdt` see the same time.
    pub reorder_delay: Ticks,
    /// The `CODECS` attribute (RFC 6381).
    pub codec: String,
}

/// Why a configuration cannot be stored; always the publisher's or its encoder's fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// The decoder's configuration record cannot be read.
    #[error("its {0} record cannot be read")]
    Record(&'static str),
    /// The record's NAL lengths are not of 4 bytes, or it has no parameter sets.
    #[error("its {0} record has no parameter sets or NAL lengths other than 4 bytes")]
    RecordForm(&'static str),
    /// The sound is not AAC; the ladder makes all sound AAC.
    #[error("its sound is not AAC")]
    SoundCodec,
    /// The picture has no size, or one that does not fit 16 bits.
    #[error("its picture size cannot be")]
    Size,
    /// The `AudioSpecificConfig` is too short.
    #[error("its AudioSpecificConfig cannot be read")]
    Asc,
    /// The sample rate is 0 or does not fit 16 bits.
    #[error("its sample rate cannot be")]
    SampleRate,
    /// A box cannot be written.
    #[error("its boxes cannot be written")]
    Boxes,
}

/// The init segment of a track whose pictures wait for `reorder_delay` to be shown; zero for sound.
///
/// # Errors
///
/// [`HeaderError`] says what is wrong with the configuration.
pub fn header(config: &TrackConfig, reorder_delay: Ticks) -> Result<Header, HeaderError> {
    let reorder_delay = reorder_delay.max(Ticks::ZERO);
    let (sample_entry, codec, timescale) = match config {
        TrackConfig::Video(video) => {
            let timescale = u32::try_from(TICKS_PER_SECOND).map_err(|_| HeaderError::Boxes)?;
            let (sample_entry, codec) = picture::entry(video)?;
            (sample_entry, codec, timescale)
        }
        TrackConfig::Audio(audio) => (mp4a(audio)?, aac_codec(audio)?, audio.sample_rate),
    };
    let mut bytes = Vec::with_capacity(1024);
    let boxes = ftyp().encode(&mut bytes).and_then(|()| {
        let mut moov = moov(config, sample_entry, timescale);
        if let Some(trak) = moov.trak.first_mut().filter(|_| reorder_delay > Ticks::ZERO) {
            trak.edts = Some(edit(reorder_delay.in_timescale(timescale).unsigned_abs()));
        }
        moov.encode(&mut bytes)
    });
    boxes.map_err(|_| HeaderError::Boxes)?;
    Ok(Header { bytes: bytes.into(), timescale, reorder_delay, codec })
}

/// An edit list that starts the presentation this far into the media (ISO/IEC 14496-12, 8.6.6).
fn edit(media_time: u64) -> Edts {
    let (media_time, media_rate) = (Some(media_time), 1.into());
    let entries = vec![ElstEntry { segment_duration: 0, media_time, media_rate }];
    Edts { elst: Some(Elst { entries }) }
}

fn ftyp() -> Ftyp {
    let brands: [&[u8; 4]; 3] = [b"iso6", b"cmfc", b"mp41"];
    Ftyp {
        major_brand: FourCC::new(b"iso6"),
        minor_version: 0,
        compatible_brands: brands.into_iter().map(FourCC::new).collect(),
    }
}

fn moov(config: &TrackConfig, sample_entry: Codec, timescale: u32) -> Moov {
    let (handler, name, flags) = match config {
        TrackConfig::Video(_) => (FourCC::new(b"vide"), "video", NOT_SYNC),
        TrackConfig::Audio(_) => (FourCC::new(b"soun"), "audio", SYNC),
    };
    let stbl = Stbl {
        stsd: Stsd { codecs: vec![sample_entry] },
        stco: Some(Stco::default()),
        ..Stbl::default()
    };
    let minf = Minf {
        vmhd: matches!(config, TrackConfig::Video(_)).then(Vmhd::default),
        smhd: matches!(config, TrackConfig::Audio(_)).then(Smhd::default),
        dinf: Dinf { dref: Dref { entries: vec![DrefEntry::Url(Url::default())] } },
        stbl,
        ..Minf::default()
    };
    let mdhd = Mdhd { timescale, language: "und".to_owned(), ..Mdhd::default() };
    let mdia = Mdia { mdhd, hdlr: Hdlr { handler, name: name.to_owned() }, minf };
    let trex = Trex {
        track_id: TRACK_ID,
        default_sample_description_index: 1,
        default_sample_flags: flags,
        ..Trex::default()
    };
    Moov {
        mvhd: Mvhd {
            timescale: 1000,
            rate: 1.into(),
            volume: 1.into(),
            next_track_id: TRACK_ID + 1,
            ..Mvhd::default()
        },
        mvex: Some(Mvex { mehd: None, trex: vec![trex] }),
        trak: vec![Trak { tkhd: tkhd(config), mdia, ..Trak::default() }],
        ..Moov::default()
    }
}

fn tkhd(config: &TrackConfig) -> Tkhd {
    let mut tkhd = Tkhd { track_id: TRACK_ID, enabled: true, in_movie: true, ..Tkhd::default() };
    match config {
        TrackConfig::Video(video) => {
            tkhd.width = u16::try_from(video.width).unwrap_or(u16::MAX).into();
            tkhd.height = u16::try_from(video.height).unwrap_or(u16::MAX).into();
        }
        TrackConfig::Audio(_) => tkhd.volume = 1.into(),
    }
    tkhd
}

fn mp4a(audio: &AudioConfig) -> Result<Codec, HeaderError> {
    if audio.codec != AudioCodec::Aac {
        return Err(HeaderError::SoundCodec);
    }
    let sample_rate = u16::try_from(audio.sample_rate)
        .ok()
        .filter(|rate| *rate > 0)
        .ok_or(HeaderError::SampleRate)?;
    let specific = esds::DecoderSpecific { raw: audio.record.to_vec(), ..Default::default() };
    let decoder = esds::DecoderConfig {
        object_type_indication: 0x40, // ISO/IEC 14496-3 sound
        stream_type: 5,               // an audio stream
        dec_specific: Some(specific),
        ..Default::default()
    };
    let descriptor = esds::EsDescriptor { dec_config: decoder, ..Default::default() };
    Ok(Mp4a {
        audio: Audio {
            data_reference_index: 1,
            channel_count: u16::from(audio.channels),
            sample_size: 16,
            sample_rate: sample_rate.into(),
        },
        esds: Esds { es_desc: descriptor },
        btrt: None,
        taic: None,
    }
    .into())
}

/// `mp4a.40.` and the audio object type (ISO/IEC 14496-3, 1.6.2.1: 5 bits, escape 31).
fn aac_codec(audio: &AudioConfig) -> Result<String, HeaderError> {
    let [first, second, ..] = audio.record[..] else {
        return Err(HeaderError::Asc);
    };
    let object_type = match first >> 3 {
        31 => 32 + ((first & 7) << 3 | second >> 5),
        object_type => object_type,
    };
    Ok(format!("mp4a.40.{object_type}"))
}

#[cfg(test)]
mod tests {
    use shared_media::{VideoCodec, VideoConfig};

    use super::*;

    fn video(avcc: &'static [u8], width: u32) -> TrackConfig {
        let (codec, record) = (VideoCodec::Avc, Bytes::from_static(avcc));
        TrackConfig::Video(VideoConfig {
            codec,
            record,
            width,
            height: 180,
            frame_rate: None,
            hdr: None,
        })
    }

    fn audio(asc: &'static [u8], sample_rate: u32) -> TrackConfig {
        let (codec, record) = (AudioCodec::Aac, Bytes::from_static(asc));
        TrackConfig::Audio(AudioConfig { codec, record, sample_rate, channels: 2 })
    }

    /// High profile, level 3.1, one SPS and one PPS.
    const AVCC: &[u8] =
        &[1, 0x64, 0, 0x1f, 0xff, 0xe1, 0, 4, 0x67, 0x64, 0, 0x1f, 1, 0, 2, 0x68, 0xee];

    #[test]
    fn codec_strings_are_those_of_the_configuration() {
        let header_of = |config| header(&config, Ticks::ZERO).unwrap();
        assert_eq!(header_of(video(AVCC, 320)).codec, "avc1.64001f");
        assert_eq!(header_of(video(AVCC, 320)).timescale, 90_000);
        let sound = header_of(audio(&[0x11, 0x90], 48_000));
        assert_eq!((sound.codec.as_str(), sound.timescale), ("mp4a.40.2", 48_000));
        assert_eq!(header_of(audio(&[0xf9, 0x46], 44_100)).codec, "mp4a.40.42");
    }

    #[test]
    fn what_cannot_be_stored_is_refused_with_the_reason() {
        let error = |config| header(&config, Ticks::ZERO).unwrap_err();
        assert_eq!(error(video(&[], 320)), HeaderError::Record("avcC"));
        assert_eq!(error(video(&AVCC[..9], 320)), HeaderError::Record("avcC"));
        assert_eq!(
            error(video(&[1, 0x64, 0, 0x1f, 0xff, 0xe0, 0], 320)),
            HeaderError::RecordForm("avcC")
        );
        assert_eq!(error(video(AVCC, 0)), HeaderError::Size);
        assert_eq!(error(video(AVCC, 70_000)), HeaderError::Size);
        assert_eq!(error(audio(&[0x11], 48_000)), HeaderError::Asc);
        assert_eq!(error(audio(&[0x11, 0x90], 0)), HeaderError::SampleRate);
    }
}
