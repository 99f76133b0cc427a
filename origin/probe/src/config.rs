//! Every limit of a probe.
//!
//! In: nothing. Out: constants. Does not know where they are used.

/// The one protocol that libavformat may speak.
pub(crate) const PROTOCOLS: &str = "file";
/// The same where the house gives the file by an address.
pub(crate) const PROTOCOLS_OF_HOUSE: &str = "http,tcp";
/// How such an address begins.
pub(crate) const HOUSE: &str = "http://127.0.0.1:";
/// Demuxers of files that hold their media themselves: none that opens other files, none of bare pictures, none that
/// takes any bytes for samples.
pub(crate) const DEMUXERS: &str = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpegts,mpeg,mpegvideo,avi,\
    flv,live_flv,ogg,wav,w64,aiff,mp3,aac,ac3,eac3,flac,mxf,asf,asf_o,h264,hevc,obu,av1,ivf,dv,gxf,\
    nut,vob,mpegps,rm,caf,amr,dts,truehd,mlp,tta,wv,ape,swf,nsv,y4m,yuv4mpegpipe";
/// How much is looked into until the streams must be known, in bytes.
pub(crate) const PROBE_BYTES_MAX: u64 = 32 << 20;
/// How much is looked into until the streams must be known, in microseconds of media.
pub(crate) const PROBE_US_MAX: u64 = 20_000_000;
/// Streams of a file.
pub(crate) const STREAMS_MAX: usize = 128;
/// Chapters that are told.
pub(crate) const CHAPTERS_MAX: usize = 1000;
/// Longest side of a picture, in pixels.
pub(crate) const SIDE_MAX: u32 = 8192;
/// Shortest side.
pub(crate) const SIDE_MIN: u32 = 16;
/// Longest file, in microseconds of media: two days.
pub(crate) const DURATION_US_MAX: i64 = 48 * 3600 * 1_000_000;
/// Shortest file.
pub(crate) const DURATION_US_MIN: i64 = 40_000;
/// How much of the end of a file may be missing, in microseconds of media.
pub(crate) const MISSING_US_MAX: i64 = 5_000_000;
/// Packets that are read in search of a picture, of an encryption, of the end.
pub(crate) const PACKETS_MAX: usize = 4000;
/// Characters of texts that a file says of itself.
pub(crate) const TEXT_CHARS_MAX: usize = 200;
/// Places of a film at which some pictures are encoded, to know how hard that is.
pub(crate) const COMPLEXITY_PLACES: i64 = 8;
/// Pictures of each place.
pub(crate) const PLACE_PICTURES: i64 = 24;
/// How long that may take, in seconds: a third of what the whole look may.
pub(crate) const COMPLEXITY_S_MAX: u64 = 20;
/// How far the next keyframe is looked for, in microseconds of media.
pub(crate) const KEYFRAME_US_MAX: i64 = 12_000_000;
/// Threads that decode and encode.
pub(crate) const THREADS: usize = 2;
