//! SRT: its packets and stream ids, and the transport stream within, with its splices.
//!
//! In: a datagram; a transport stream. Out: a panic if a promise is broken. Does not know connections.

use origin_ingest::StreamKey;
use origin_ingest::machine::srt::demux::Demuxer;
use origin_ingest::machine::srt::{packet as datagram, splice, stream_id};
use shared_media::Poll;

use crate::publisher::{Stage, config};

/// Runs the target on a transport stream. In which portions it comes means nothing.
pub fn transport_stream(data: &[u8]) {
    let limit = config().access_unit_bytes_max;
    let (mut whole, mut apart) = (Demuxer::new(limit), Demuxer::new(limit));
    whole.handle(data);
    data.chunks(100).for_each(|piece| apart.handle(piece));
    whole.finish();
    apart.finish();
    let mut stage = Stage::default();
    loop {
        let (one, other) = (whole.poll(), apart.poll());
        assert_eq!(one, other, "the portions in which it comes mean something");
        match one {
            Poll::Output(input) => stage.take(input),
            Poll::Wait => break,
        }
    }
}

/// Runs the target on a splice information section.
pub fn splice(data: &[u8]) {
    if let Some(cue) = splice::read(data) {
        assert_eq!(cue.section, data, "the section is told as it came");
        assert!((1..=16).contains(&cue.points.len()), "{} points", cue.points.len());
        assert!(cue.pts.is_none_or(|pts| pts < 1 << 33), "times have 33 bits");
        let planned = cue.points.iter().filter_map(|point| point.planned);
        assert!(planned.into_iter().all(|planned| (0..1 << 40).contains(&planned.0)));
    }
}

/// Runs the target on a datagram, and on the same bytes as a stream id.
pub fn packet(data: &[u8]) {
    for is_v6 in [false, true] {
        // Whether it is a packet is the library's to say; that it says so without a panic is ours.
        let _ = datagram::read(data, is_v6);
    }
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(key) = stream_id::key(text, "live")
    {
        assert!(key.expose().chars().count() <= StreamKey::BYTES_MAX, "{} bytes", text.len());
    }
}
