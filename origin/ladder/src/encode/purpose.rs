//! How encoders are set for what they are to do: a picture at once for a show, or the best picture for a film.
//!
//! In: what a rung wants. Out: an encoder's settings. Does not know pictures.

use ffmpeg_next::chroma::Location;
use ffmpeg_next::codec::threading;
use ffmpeg_next::color::{Primaries, Range, Space, TransferCharacteristic as Transfer};
use ffmpeg_next::format::Pixel;
use ffmpeg_next::frame::Video as Frame;
use ffmpeg_next::{Dictionary, encoder};

use shared_media::hdr::Curve;

use super::encoder::Wanted;
use super::mastering;

/// A distance that no two keyframes have: an encoder that sees a new scene begins no GOP there, it only codes a picture
/// without the ones before.
const SCENE_DISTANCE: &str = "1073741824";

/// What encoders work for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A show: each picture comes out before the next one goes in.
    Live,
    /// A film: nobody waits. Pictures are reordered, and so are those that refer to ones that come after them.
    Film,
}

impl Purpose {
    /// How many pictures in a row may refer to one that is shown after them.
    pub(super) const fn b_pictures(self) -> usize {
        match self {
            Self::Live => 0,
            Self::Film => 2,
        }
    }

    /// Tells an encoder what its pictures' numbers mean. A show's pixels keep their shape, a film's are square by now.
    pub(super) fn describe(self, video: &mut encoder::video::Video, source: &Frame) {
        let mut space = source.color_space();
        match self {
            Self::Live if source.aspect_ratio().numerator() > 0 => {
                video.set_aspect_ratio(source.aspect_ratio());
            }
            Self::Live => {}
            Self::Film => {
                space = match space {
                    Space::RGB => Space::SMPTE170M, // what swscale makes of it
                    // Pictures that do not say it are taken for what is usual at their size, and no rung has another.
                    Space::Unspecified if source.height().min(source.width()) >= 720 => {
                        Space::BT709
                    }
                    Space::Unspecified => Space::SMPTE170M,
                    space => space,
                };
                say_range(video, source);
            }
        }
        video.set_colorspace(space);
        video.set_color_primaries(source.color_primaries());
        video.set_color_transfer_characteristic(source.color_transfer_characteristic());
    }
}

impl Wanted {
    /// Tells an encoder what its pictures' numbers mean. Those that keep a film's range have BT.2020's colours, as is
    /// supposed of it where it is brought into the standard range.
    pub(super) fn describe(&self, video: &mut encoder::video::Video, source: &Frame) {
        let Some(curve) = self.hdr else { return self.purpose.describe(video, source) };
        say_range(video, source);
        video.set_colorspace(Space::BT2020NCL);
        video.set_color_primaries(Primaries::BT2020);
        video.set_color_transfer_characteristic(match curve {
            Curve::Pq => Transfer::SMPTE2084,
            Curve::Hlg => Transfer::ARIB_STD_B67,
        });
    }
}

/// Scaling keeps a film's range, but of forms that have it by name.
fn say_range(video: &mut encoder::video::Video, source: &Frame) {
    if source.color_range() == Range::JPEG && !is_full_by_name(source.format()) {
        video.set_color_range(Range::JPEG);
    }
}

/// Of these forms swscale knows that they have the full range, and makes the usual one of it.
fn is_full_by_name(form: Pixel) -> bool {
    let name = form.descriptor().map_or("", |form| form.name());
    name.starts_with("yuvj") || name.contains("rgb") || name.contains("bgr") || name == "gray"
}

/// Each picture is divided among threads. Where each thread has one of its own, a show's are held back; and x264, when
/// it keeps to a buffer, makes other bytes of a film each time.
pub(super) fn threading(wanted: &Wanted) -> threading::Config {
    let mut threads = threading::Config::count(usize::from(wanted.threads));
    threads.kind = threading::Type::Slice;
    threads
}

/// The distance of keyframes that are not asked for: no limit, or for libaom, which works as long as that takes, one
/// that no two cuts of a film have.
pub(super) fn keyframe_distance(name: &str, purpose: Purpose) -> u32 {
    match (purpose, name) {
        (Purpose::Film, "libaom-av1") => 3_000,
        _ => 1 << 30,
    }
}

/// Whether an encoder is given the numbers of a film's pictures, not their times: FFmpeg tells libaom that each lasts
/// one tick, of which it makes a rate of pictures, and far too few bits.
pub(super) fn is_numbered(name: &str, purpose: Purpose) -> bool {
    (purpose, name) == (Purpose::Film, "libaom-av1")
}

/// An encoder's own settings, and what its rate may do; `source` is the first picture, before it was scaled.
pub(super) fn options(name: &str, wanted: &Wanted, source: &Frame) -> Dictionary<'static> {
    let rate = u64::from(wanted.bit_rate);
    let (cap, buffer) = match wanted.purpose {
        Purpose::Live => (rate * 11 / 10, rate),
        Purpose::Film => (rate * 3 / 2, rate * 2),
    };
    let (cap, buffer) = (cap.to_string(), buffer.to_string());
    let common = [("maxrate", &*cap), ("bufsize", &*buffer)];
    match wanted.purpose {
        Purpose::Live => live(name, wanted.threads, common),
        Purpose::Film => film(name, wanted, source, common),
    }
}

type Common<'a> = [(&'a str, &'a str); 2];

/// Each delivers a picture before the next one comes, an IDR picture where it is told to, and none where it is not.
fn live(name: &str, threads: u8, common: Common<'_>) -> Dictionary<'static> {
    let threads =
        format!("scenecut=0:open-gop=0:log-level=none:frame-threads=1:pools={}", threads.max(1));
    let own: &[(&str, &str)] = match name {
        "libx264" => &[
            ("preset", "veryfast"),
            ("tune", "zerolatency"),
            ("forced-idr", "1"),
            ("sc_threshold", "0"),
        ],
        "libx265" => &[
            ("preset", "superfast"),
            ("tune", "zerolatency"),
            ("forced-idr", "1"),
            ("x265-params", &threads),
        ],
        "libaom-av1" => {
            &[("usage", "realtime"), ("cpu-used", "8"), ("lag-in-frames", "0"), ("row-mt", "1")]
        }
        "h264_nvenc" | "hevc_nvenc" | "av1_nvenc" => &[
            ("preset", "p4"),
            ("tune", "ull"),
            ("forced-idr", "1"),
            ("zerolatency", "1"),
            ("delay", "0"),
            ("no-scenecut", "1"),
        ],
        // Its IDR pictures are those of kind I; by itself it would hold one picture back.
        "h264_vaapi" | "hevc_vaapi" | "av1_vaapi" => &[("async_depth", "1")],
        _ => &[],
    };
    own.iter().copied().chain(common).collect()
}

/// Each looks ahead, makes IDR pictures where it is told to and nowhere else, and closes its GOPs. With the same count
/// of threads they make the same bytes of the same pictures, however busy the machine is.
fn film(name: &str, wanted: &Wanted, source: &Frame, common: Common<'_>) -> Dictionary<'static> {
    let hevc = hevc_of_film(wanted, source);
    let own: &[(&str, &str)] = match name {
        "libx264" => &[
            ("preset", "faster"),
            ("profile", "high"),
            ("forced-idr", "1"),
            ("keyint_min", SCENE_DISTANCE),
        ],
        "libx265" => &[("preset", "fast"), ("forced-idr", "1"), ("x265-params", &hevc)],
        "libaom-av1" => {
            &[("usage", "good"), ("cpu-used", "6"), ("lag-in-frames", "19"), ("row-mt", "1")]
        }
        _ => &[],
    };
    own.iter().copied().chain(common).collect()
}

/// x265's own settings. Rows of a picture are encoded beside one another, and a row's rate follows the rows that happen
/// to be done unless that is forbidden (`const-vbv`); what it would say of itself names the processor (`info`).
fn hevc_of_film(wanted: &Wanted, source: &Frame) -> String {
    let mut settings = format!(
        "scenecut=0:open-gop=0:bframes=2:log-level=none:frame-threads=1:const-vbv=1:info=0:\
         pools={}",
        wanted.threads.max(1)
    );
    let Some(curve) = wanted.hdr else { return settings };
    if source.chroma_location() == Location::TopLeft {
        settings.push_str(":chromaloc=2");
    }
    if curve == Curve::Pq {
        settings.push_str(":hdr10-opt=1");
        settings.push_str(&mastering::settings(source));
    }
    settings
}
