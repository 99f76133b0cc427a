//! What both sides serve, and what viewers bring: the bytes, the keys, the tokens, the addresses.
//!
//! In: nothing. Out: a [`Stage`] in a directory of its own. Does not know who serves it.

use std::fs;
use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use tempfile::TempDir;

/// The secret of nginx's links.
pub(crate) const LINK_SECRET: &str = "nginx-link-secret";
/// The secret by which the origin knows its edges.
pub(crate) const EDGE_KEY: &str = "an-edge-key-for-the-bench";
/// The show, an id as ours are.
pub(crate) const SHOW: &str = "0123456789abcdef";
/// Viewers who watch at a time, each with a session or a link of their own.
pub(crate) const VIEWERS: usize = 256;
/// Tokens that are shown one after the other.
pub(crate) const TOKENS: usize = 20_000;
/// Bytes of a segment.
pub(crate) const SEGMENT_BYTES: usize = 1_000_000;

/// Everything that is there before a server is.
pub(crate) struct Stage {
    directory: TempDir,
    /// A media playlist of 5.4 kB.
    pub(crate) playlist: String,
    /// A multivariant playlist of 2.3 kB.
    pub(crate) multivariant: String,
    /// One megabyte that does not compress.
    pub(crate) segment: Vec<u8>,
}

impl Stage {
    pub(crate) fn set() -> io::Result<Self> {
        let directory = tempfile::Builder::new().prefix("matinee-bench").tempdir()?;
        let stage = Self {
            directory,
            playlist: playlist(),
            multivariant: multivariant(),
            segment: noise(SEGMENT_BYTES),
        };
        let files = stage.path("files");
        fs::create_dir_all(&files)?;
        fs::write(files.join("media.m3u8"), &stage.playlist)?;
        fs::write(files.join("multivariant.m3u8"), &stage.multivariant)?;
        fs::write(files.join("segment.m4s"), &stage.segment)?;
        // For both sides.
        tests::certificate(&stage.path("cert.pem"), &stage.path("key.pem"), "localhost");
        Ok(stage)
    }

    /// A path in the bench's own directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes lines to a file for `wrk`, and says where it is.
    pub(crate) fn list(&self, name: &str, lines: &[String]) -> io::Result<PathBuf> {
        let path = self.path(name);
        fs::write(&path, lines.join("\n"))?;
        Ok(path)
    }
}

/// A media playlist as the packager writes them: low latency, six segments with their parts, the rest whole.
fn playlist() -> String {
    let mut text = String::from(
        "#EXTM3U\n#EXT-X-VERSION:10\n#EXT-X-TARGETDURATION:2\n\
         #EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=12.0,\
         PART-HOLD-BACK=1.002,HOLD-BACK=6.0\n\
         #EXT-X-PART-INF:PART-TARGET=0.334\n\
         #EXT-X-MEDIA-SEQUENCE:4000\n#EXT-X-MAP:URI=\"lx2k9a/i0.mp4\"\n",
    );
    for msn in 4000..4060 {
        if msn % 10 == 0 {
            let second = (msn - 4000) * 2;
            text.push_str(&format!(
                "#EXT-X-PROGRAM-DATE-TIME:2026-01-01T12:{:02}:{:02}.000Z\n",
                second / 60,
                second % 60
            ));
        }
        if msn >= 4054 {
            for part in 0..6 {
                let independent = if part == 0 { ",INDEPENDENT=YES" } else { "" };
                text.push_str(&format!(
                    "#EXT-X-PART:DURATION=0.33333,URI=\"lx2k9a/p{msn}.{part}.m4s\"{independent}\n"
                ));
            }
        }
        text.push_str(&format!("#EXTINF:2.00000,\nlx2k9a/s{msn}.m4s\n"));
    }
    text.push_str("#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"lx2k9a/p4060.0.m4s\"\n");
    for rendition in ["1080p", "480p", "audio"] {
        text.push_str(&format!(
            "#EXT-X-RENDITION-REPORT:URI=\"../{rendition}/index.m3u8\",LAST-MSN=4059,LAST-PART=5\n"
        ));
    }
    text
}

/// Eight rungs, two audio renditions, trick play.
fn multivariant() -> String {
    let mut text = String::from("#EXTM3U\n#EXT-X-VERSION:10\n#EXT-X-INDEPENDENT-SEGMENTS\n");
    for (name, language, default) in [("Main", "en", "YES"), ("Director", "en", "NO")] {
        text.push_str(&format!(
            "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\",NAME=\"{name}\",LANGUAGE=\"{language}\",\
             DEFAULT={default},AUTOSELECT=YES,CHANNELS=\"2\",URI=\"audio/index.m3u8\"\n"
        ));
    }
    for height in [2160, 1440, 1080, 720, 540, 480, 360, 240] {
        let (width, bandwidth) = (height * 16 / 9, height * 4_000);
        text.push_str(&format!(
            "#EXT-X-STREAM-INF:BANDWIDTH={bandwidth},AVERAGE-BANDWIDTH={bandwidth},\
             FRAME-RATE=30.000,CODECS=\"avc1.640028,mp4a.40.2\",\
             RESOLUTION={width}x{height},AUDIO=\"audio\"\n\
             {height}p/index.m3u8\n#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH={bandwidth},\
             CODECS=\"avc1.640028\",RESOLUTION={width}x{height},URI=\"{height}p/index.m3u8\"\n"
        ));
    }
    text
}

/// Bytes that look like video to whoever would compress them.
fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..bytes).map(|_| next()).collect()
}

/// A free port of this machine.
pub(crate) fn port() -> io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Seconds since the Unix epoch.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// The root of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}
