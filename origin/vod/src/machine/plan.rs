//! What becomes of each stream of a file.
//!
//! In: what was found in it. Out: the plan. Does not know who carries it out.

use shared_media::hdr::Curve;
use shared_wire::api::{
    AssetPlan, KeepHdr, LeftOut, MediaInfo, PicturePlan, RungPlan, SoundPlan, StreamInfo,
    SubtitlePlan, VideoInfo,
};

use super::ladder::{Film, Rung};
use crate::Config;

/// Subtitles that are text; others are pictures of it.
const TEXTS: [&str; 8] = ["subrip", "srt", "ass", "ssa", "mov_text", "webvtt", "text", "ttml"];
/// What browsers take as it is.
const COPIED_PIXELS: [&str; 2] = ["yuv420p", "yuvj420p"];
/// Samples per second of every sound, so that players switch without a gap.
const SAMPLES_PER_S: u32 = 48_000;
const STEREO: u16 = 2;
const SURROUND: u16 = 6;

/// Plans what a file is to become; `keep_hdr` says whether the range of its HDR is kept, if it has any.
#[must_use]
pub fn plan(config: &Config, media: &MediaInfo, keep_hdr: KeepHdr) -> AssetPlan {
    let streams = || (0_u32..).zip(&media.streams);
    let film = film(media);
    let mut plan = AssetPlan::default();
    for (stream, one) in streams() {
        let reason = match (&one.video, &one.audio, one.kind.as_str()) {
            (Some(video), ..) if Some(stream) == film => {
                let own = one.bits_per_s.or(Some(media.bits_per_s).filter(|bits| *bits > 0));
                pictures(config, (stream, one), (video, own), &mut plan);
                plan.rungs.extend(kept(config, (video, own), &one.codec, keep_hdr));
                continue;
            }
            (Some(video), ..) if video.is_cover => "it is the file's cover",
            (Some(_), ..) => "one film is taken, and another stream is the default or the first",
            (_, Some(audio), _) if audio.channels == 0 => "it has no channels",
            (_, Some(_), _) if sounds_of(&plan) < config.sounds_max => {
                sound(config, (stream, one), &mut plan);
                continue;
            }
            (_, Some(_), _) => "more sounds than are taken come before it",
            (.., "subtitle") if !TEXTS.contains(&one.codec.as_str()) => {
                "its subtitles are pictures of text"
            }
            (.., "subtitle") if plan.subtitles.len() < config.subtitles_max => {
                plan.subtitles.push(SubtitlePlan {
                    rendition: format!("text-{}", plan.subtitles.len() + 1),
                    stream,
                    language: one.language.clone(),
                    title: one.title.clone(),
                });
                continue;
            }
            (.., "subtitle") => "more subtitles than are taken come before it",
            _ => "it is neither pictures, sound nor text",
        };
        plan.left_out.push(LeftOut { stream, reason: reason.to_owned() });
    }
    put_default_first(media, &mut plan);
    plan
}

/// The stream that is the film: the default one, or else the first, that is no cover.
fn film(media: &MediaInfo) -> Option<u32> {
    let films = || {
        (0_u32..)
            .zip(&media.streams)
            .filter(|(_, one)| one.video.as_ref().is_some_and(|video| !video.is_cover))
    };
    let default = films().find(|(_, one)| one.is_default);
    default.or_else(|| films().next()).map(|(stream, _)| stream)
}

fn pictures(
    config: &Config,
    (stream, one): (u32, &StreamInfo),
    (video, own): (&VideoInfo, Option<u64>),
    plan: &mut AssetPlan,
) {
    let film = Film::of(video, own, &one.codec);
    let rungs = film.rungs(config);
    let copied = rungs.first().and_then(|top| {
        let most = film.wanted(top.size, config).saturating_mul(config.copied_percent_max) / 100;
        own.filter(|own| *own <= most && fits(config, &one.codec, video, *top))
    });
    plan.rungs = rungs
        .iter()
        .enumerate()
        .map(|(at, rung)| RungPlan {
            rendition: name(rung.size),
            width: rung.size.0,
            height: rung.size.1,
            codec: "h264".to_owned(),
            hdr: None,
            bits_per_s: copied.filter(|_| at == 0).unwrap_or(rung.bits_per_s),
            is_copy: at == 0 && copied.is_some(),
        })
        .collect();
    plan.pictures = Some(PicturePlan {
        stream,
        deinterlace: video.is_interlaced,
        rotate: video.rotation,
        tone_map: video.hdr.is_some(),
        complexity_percent: film.complexity_percent,
    });
}

/// A rung's name: its shorter side.
fn name((width, height): (u32, u32)) -> String {
    format!("{}p", width.min(height))
}

/// The rung that keeps the film's range, at the film's own size. Players begin with what stands first, so it comes
/// last. Of Dolby Vision it has what is below that.
fn kept(
    config: &Config,
    (video, own): (&VideoInfo, Option<u64>),
    codec: &str,
    keep_hdr: KeepHdr,
) -> Option<RungPlan> {
    if keep_hdr == KeepHdr::None {
        return None;
    }
    let range = video.hdr.as_deref()?;
    let curve = Curve::named(video.hdr_base.as_deref().unwrap_or(range))?;
    let film = Film::of(video, own, codec);
    Some(RungPlan {
        rendition: format!("{}-hdr", name(film.size)),
        width: film.size.0,
        height: film.size.1,
        codec: keep_hdr.name().to_owned(),
        hdr: Some(curve.name().to_owned()),
        bits_per_s: film.hdr_bits_per_s(keep_hdr.name(), config),
        is_copy: false,
    })
}

/// Whether the pictures are already what the highest rung would be.
fn fits(config: &Config, codec: &str, video: &VideoInfo, top: Rung) -> bool {
    let is_plain = codec == "h264"
        && COPIED_PIXELS.contains(&video.pixel_format.as_str())
        && video.hdr.is_none()
        && video.rotation == 0
        && video.shown_width.is_none()
        && !video.is_interlaced
        && !video.is_untimed
        && (video.width, video.height) == top.size;
    let is_cut = video.keyframe_ms_max.is_some_and(|ms| ms <= config.copied_keyframe_ms_max);
    is_plain && is_cut
}

/// How many sounds of the file are in the plan.
fn sounds_of(plan: &AssetPlan) -> usize {
    plan.sounds.iter().filter(|sound| sound.channels == STEREO).count()
}

/// Stereo for everybody; beside it, of what surrounds its listeners, 5.1.
fn sound(config: &Config, (stream, one): (u32, &StreamInfo), plan: &mut AssetPlan) {
    let Some(audio) = &one.audio else { return };
    let which = match sounds_of(plan) {
        0 => String::new(),
        before => format!("-{}", before + 1),
    };
    let made = |name: &str, channels, bits_per_s| SoundPlan {
        rendition: format!("{name}{which}"),
        stream,
        channels,
        bits_per_s,
        language: one.language.clone(),
        title: one.title.clone(),
        is_copy: false,
    };
    let mut stereo = made("audio", STEREO, config.stereo_bits_per_s);
    let most = config.stereo_bits_per_s * 2;
    if let Some(own) = one.bits_per_s.filter(|own| *own <= most)
        && one.codec == "aac"
        && (audio.channels, audio.samples_per_s) == (STEREO, SAMPLES_PER_S)
    {
        (stereo.is_copy, stereo.bits_per_s) = (true, own);
    }
    plan.sounds.push(stereo);
    if audio.channels > STEREO {
        plan.sounds.push(made("surround", SURROUND, config.surround_bits_per_s));
    }
}

/// The sound that the file says is played unless told otherwise goes before the others.
fn put_default_first(media: &MediaInfo, plan: &mut AssetPlan) {
    let is_default = |stream: u32| {
        let at = usize::try_from(stream).unwrap_or(usize::MAX);
        media.streams.get(at).is_some_and(|one| one.is_default)
    };
    let default = plan.sounds.iter().map(|sound| sound.stream).find(|stream| is_default(*stream));
    plan.sounds.sort_by_key(|sound| Some(sound.stream) != default);
}

#[cfg(test)]
mod tests {
    use shared_wire::api::AudioInfo;

    use super::*;

    fn stream(kind: &str, codec: &str) -> StreamInfo {
        StreamInfo {
            kind: kind.to_owned(),
            codec: codec.to_owned(),
            language: None,
            title: None,
            is_default: false,
            bits_per_s: None,
            video: None,
            audio: None,
        }
    }

    fn video(codec: &str, width: u32, height: u32) -> StreamInfo {
        let video = VideoInfo {
            width,
            height,
            pixel_format: "yuv420p".to_owned(),
            frames_per_1000_s: 25_000,
            is_vfr: false,
            is_interlaced: false,
            rotation: 0,
            hdr: None,
            hdr_base: None,
            is_cover: false,
            shown_width: None,
            complexity_percent: Some(100),
            keyframe_ms_max: Some(2000),
            is_untimed: false,
        };
        let bits_per_s = Some(4_000_000);
        StreamInfo { video: Some(video), bits_per_s, ..stream("video", codec) }
    }

    fn audio(channels: u16, language: &str) -> StreamInfo {
        let audio = AudioInfo { channels, layout: String::new(), samples_per_s: 48_000 };
        let language = Some(language.to_owned());
        StreamInfo { audio: Some(audio), language, ..stream("audio", "ac3") }
    }

    fn planned(streams: Vec<StreamInfo>) -> AssetPlan {
        kept(streams, KeepHdr::None)
    }

    fn kept(streams: Vec<StreamInfo>, keep_hdr: KeepHdr) -> AssetPlan {
        let media = MediaInfo {
            container: "matroska,webm".to_owned(),
            duration_ms: 1000,
            bits_per_s: 5_000_000,
            streams,
            chapters: Vec::new(),
        };
        plan(&Config::default(), &media, keep_hdr)
    }

    fn with(change: impl FnOnce(&mut VideoInfo)) -> StreamInfo {
        let mut stream = video("h264", 1920, 1080);
        if let Some(video) = &mut stream.video {
            change(video);
        }
        stream
    }

    #[test]
    fn what_already_fits_is_not_encoded_anew() {
        let plan = planned(vec![video("h264", 1920, 1080)]);
        let copies: Vec<bool> = plan.rungs.iter().map(|rung| rung.is_copy).collect();
        assert_eq!(copies, [true, false, false, false, false]);
        assert_eq!(
            (plan.rungs[0].rendition.as_str(), plan.rungs[0].bits_per_s),
            ("1080p", 4_000_000)
        );
    }

    #[test]
    fn what_does_not_fit_is() {
        let mut many = video("h264", 1920, 1080);
        many.bits_per_s = Some(20_000_000);
        for stream in [
            many,
            video("hevc", 1920, 1080),
            with(|video| video.keyframe_ms_max = Some(10_000)),
            with(|video| video.keyframe_ms_max = None),
            with(|video| video.is_untimed = true),
            with(|video| video.is_interlaced = true),
            with(|video| video.rotation = 90),
            with(|video| video.hdr = Some("pq".to_owned())),
            with(|video| video.pixel_format = "yuv420p10le".to_owned()),
            with(|video| video.shown_width = Some(1440)),
        ] {
            let plan = planned(vec![stream.clone()]);
            assert!(plan.rungs.iter().all(|rung| !rung.is_copy), "{stream:?}");
        }
    }

    #[test]
    fn pictures_are_turned_and_made_whole_and_of_the_standard_range() {
        let plan = planned(vec![with(|video| {
            (video.rotation, video.is_interlaced) = (90, true);
            video.hdr = Some("hlg".to_owned());
        })]);
        let done = plan.pictures.unwrap();
        assert_eq!((done.rotate, done.deinterlace, done.tone_map), (90, true, true));
        assert_eq!((plan.rungs[1].width, plan.rungs[1].height), (720, 1280));
        assert_eq!(plan.rungs[1].rendition, "720p");
    }

    #[test]
    fn a_wide_range_is_kept_beside_the_same_ladder_if_that_is_asked_for() {
        let hdr = |range: &str, base: Option<&str>| {
            let mut stream = with(|video| {
                (video.hdr, video.hdr_base) = (Some(range.to_owned()), base.map(str::to_owned));
                video.rotation = 90;
            });
            stream.bits_per_s = Some(20_000_000);
            stream
        };
        let standard = planned(vec![hdr("pq", None)]);
        for (keep, range, base, curve) in [
            (KeepHdr::Hevc, "pq", None, "pq"),
            (KeepHdr::Av1, "hlg", None, "hlg"),
            (KeepHdr::Hevc, "dolby-vision", Some("hlg"), "hlg"),
        ] {
            let mut plan = kept(vec![hdr(range, base)], keep);
            let last = plan.rungs.pop().unwrap();
            assert_eq!(plan, standard, "the others are what they would be without it");
            assert_eq!(
                (last.rendition.as_str(), last.width, last.height),
                ("1080p-hdr", 1080, 1920)
            );
            assert_eq!((last.codec.as_str(), last.hdr.as_deref()), (keep.name(), Some(curve)));
            assert!(last.bits_per_s < plan.rungs[0].bits_per_s && !last.is_copy, "{last:?}");
        }
        for film in [video("h264", 1920, 1080), hdr("dolby-vision", None)] {
            let plan = kept(vec![film.clone()], KeepHdr::Hevc);
            assert_eq!(plan, planned(vec![film]), "there is nothing to keep");
        }
    }

    #[test]
    fn every_sound_is_kept_the_default_first_and_5_1_beside_stereo() {
        let mut german = audio(6, "deu");
        german.is_default = true;
        let plan = planned(vec![video("h264", 640, 360), audio(2, "eng"), german]);
        let told: Vec<_> = plan
            .sounds
            .iter()
            .map(|one| (one.rendition.as_str(), one.stream, one.channels))
            .collect();
        assert_eq!(told, [("audio-2", 2, 2), ("surround-2", 2, 6), ("audio", 1, 2)]);
        assert_eq!(plan.sounds[0].language.as_deref(), Some("deu"));
        let mut own = audio(2, "eng");
        (own.codec, own.bits_per_s) = ("aac".to_owned(), Some(192_000));
        let plan = planned(vec![own]);
        assert!(plan.sounds[0].is_copy && plan.pictures.is_none() && plan.rungs.is_empty());
    }

    #[test]
    fn what_nothing_is_made_of_is_said_with_the_reason() {
        let mut cover = with(|video| video.is_cover = true);
        cover.is_default = true;
        let streams = vec![
            cover,
            video("h264", 640, 360),
            video("h264", 640, 360),
            stream("subtitle", "subrip"),
            stream("subtitle", "hdmv_pgs_subtitle"),
            stream("attachment", "ttf"),
        ];
        let plan = planned(streams);
        assert_eq!(plan.pictures.unwrap().stream, 1);
        assert_eq!((plan.subtitles[0].rendition.as_str(), plan.subtitles[0].stream), ("text-1", 3));
        let out: Vec<_> =
            plan.left_out.iter().map(|one| (one.stream, one.reason.as_str())).collect();
        assert_eq!(out[0], (0, "it is the file's cover"));
        assert_eq!(out[2], (4, "its subtitles are pictures of text"));
        assert_eq!(out.len(), 4);
    }
}
