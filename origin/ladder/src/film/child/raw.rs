//! FFmpeg's own calls for what ffmpeg-next has none for.
//!
//! In: its types. Out: what stands in them. Does not know what it is for.
#![expect(
    unsafe_code,
    reason = "ffmpeg-next has none of these: they are FFmpeg's own calls and fields"
)]

use std::slice;

use ffmpeg_next as ffmpeg;
use ffmpeg_next::ffi;
use ffmpeg_next::{Packet, codec, format};

/// What a file says of a stream, beside what ffmpeg-next tells.
pub(super) struct Told {
    /// The codec's record, in the container's form; empty if there is none.
    pub(super) extradata: Vec<u8>,
    /// In pixels; 0 if it is no video.
    pub(super) width: u32,
    pub(super) height: u32,
    /// How many pictures may be decoded before one that is shown before them.
    pub(super) reordered: usize,
    /// Samples per second; 0 if it is no sound.
    pub(super) rate: u32,
    pub(super) channels: u8,
}

/// What a file says of a stream.
pub(super) fn told(parameters: &codec::Parameters) -> Told {
    let count = |number: i32| u32::try_from(number).unwrap_or_default();
    // SAFETY: the parameters are alive as long as this borrow; the record is `extradata_size` bytes long where it is
    // not null, and copied.
    unsafe {
        let told = &*parameters.as_ptr();
        let length = usize::try_from(told.extradata_size).unwrap_or_default();
        let extradata = match told.extradata.is_null() {
            true => Vec::new(),
            false => slice::from_raw_parts(told.extradata, length).to_vec(),
        };
        Told {
            extradata,
            width: count(told.width),
            height: count(told.height),
            reordered: usize::try_from(told.video_delay).unwrap_or_default(),
            rate: count(told.sample_rate),
            channels: u8::try_from(told.ch_layout.nb_channels).unwrap_or_default(),
        }
    }
}

/// Makes a demuxer skip all other streams, as early as it can.
pub(super) fn discard_others(input: &mut format::context::Input, wanted: &[usize]) {
    for mut stream in input.streams_mut() {
        if !wanted.contains(&stream.index()) {
            // SAFETY: the stream is alive and ours alone; the field is for its user to set (libavformat/avformat.h).
            unsafe { (*stream.as_mut_ptr()).discard = ffi::AVDiscard::AVDISCARD_ALL };
        }
    }
}

/// Seeks to the last place of a stream that is not after a time, in the stream's own unit.
pub(super) fn seek(input: &mut format::context::Input, stream: usize, time: i64) -> bool {
    let Ok(stream) = i32::try_from(stream) else { return false };
    // SAFETY: the context is alive and ours alone, and its caller has checked that it has such a stream.
    let sought =
        unsafe { ffi::avformat_seek_file(input.as_mut_ptr(), stream, i64::MIN, time, time, 0) };
    sought >= 0
}

/// Where a demuxer knows keyframes of a stream to be, in the stream's own unit.
pub(super) fn known_keyframes(input: &mut format::context::Input, stream: usize) -> Vec<i64> {
    let Some(mut found) = input.streams_mut().find(|found| found.index() == stream) else {
        return Vec::new();
    };
    // SAFETY: the stream is alive and ours alone; an entry is read before anything else is done to either.
    unsafe {
        let stream = found.as_mut_ptr();
        let count = ffi::avformat_index_get_entries_count(stream);
        let entries = (0..count).filter_map(|at| {
            let entry = ffi::avformat_index_get_entry(stream, at).as_ref()?;
            let is_shown = entry.flags() & ffi::AVINDEX_DISCARD_FRAME == 0;
            let is_key = entry.flags() & ffi::AVINDEX_KEYFRAME != 0;
            (is_key && is_shown).then_some(entry.timestamp)
        });
        entries.collect()
    }
}

/// Whether a packet is only to be decoded, and what comes of it not to be shown.
pub(super) fn is_hidden(packet: &Packet) -> bool {
    use ffmpeg::packet::Ref as _;
    // SAFETY: the packet is alive.
    unsafe { (*packet.as_ptr()).flags & ffi::AV_PKT_FLAG_DISCARD != 0 }
}

/// How many threads a graph of filters may use.
pub(super) fn set_threads(graph: &mut ffmpeg::filter::Graph, threads: u8) {
    // SAFETY: the graph is alive and not configured yet, as this field demands.
    unsafe { (*graph.as_mut_ptr()).nb_threads = i32::from(threads.max(1)) };
}

/// Frees what a decoder has put into a subtitle: ffmpeg-next does not.
pub(super) fn free(subtitle: &mut ffmpeg::Subtitle) {
    // SAFETY: the subtitle is alive, and zeroed or filled by a decoder; it is left zeroed.
    unsafe { ffi::avsubtitle_free(subtitle.as_mut_ptr()) };
}
