//! What a WHIP client offers (RFC 9725, 4.2; SDP: RFC 8866): whether it can be served, and if not, why not.
//!
//! In: an offer, an answer, as text. Out: the offer as far as it is taken up. Does not know ICE, DTLS or fingerprints:
//! `str0m` reads those.

use std::fmt;

use shared_media::TrackKind;

/// An offer that can be served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The offer without what is not taken up: one picture in several sizes (RFC 8853), of which a client sends the
    /// largest where it is not told otherwise, and the client's addresses: it is the client who calls (ICE-lite).
    pub sdp: String,
    /// The kinds of media in it, at most one of each.
    pub kinds: Vec<TrackKind>,
}

/// Why an offer cannot be served. The words reach the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unfit {
    /// It is no SDP; what is wrong with it.
    Malformed(&'static str),
    /// Nothing is to be sent.
    NoMedia,
    /// More than one stream of a kind (RFC 9725, 4.4.2).
    Several(TrackKind),
    /// A stream the client does not want to send (RFC 9725, 4.2: `recvonly` and `inactive` must not be offered).
    NotSending(TrackKind),
    /// Something that is neither sound nor picture, such as a data channel.
    Foreign(String),
    /// No codec that is taken; the ones there are.
    Codecs(TrackKind, Vec<String>),
}

impl Unfit {
    /// The HTTP status (RFC 9725, 4.2 and 4.4.2).
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::Malformed(_) => 400,
            _ => 406,
        }
    }
}

const fn name(kind: TrackKind) -> &'static str {
    match kind {
        TrackKind::Video => "video",
        TrackKind::Audio => "audio",
    }
}

/// The codec that is taken, as `a=rtpmap` calls it.
const fn codec(kind: TrackKind) -> &'static str {
    match kind {
        TrackKind::Video => "H264/90000",
        TrackKind::Audio => "opus/48000/2",
    }
}

/// Names of codecs that are told at most.
const NAMES_MAX: usize = 8;
/// Bytes of a word of the client's that is told at most.
const WORD_MAX: usize = 32;

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(what) => write!(f, "the offer is no SDP that can be read: {what}"),
            Self::NoMedia => f.write_str("the offer has neither video nor audio"),
            Self::Several(kind) => {
                write!(f, "the offer has more than one {} stream, one is taken", name(*kind))
            }
            Self::NotSending(kind) => write!(
                f,
                "the offer's {} is not to be sent: offer it as sendonly or sendrecv",
                name(*kind)
            ),
            Self::Foreign(what) => {
                write!(f, "the offer has '{what}', only video and audio are taken")
            }
            Self::Codecs(kind, offered) => {
                let taken = codec(*kind).split('/').next().unwrap_or_default();
                let offered = if offered.is_empty() { "none".into() } else { offered.join(", ") };
                write!(f, "the offer's {} has no {taken}, it has {offered}", name(*kind))
            }
        }
    }
}

/// One media description.
#[derive(Debug)]
struct Section<'a> {
    kind: &'a str,
    rejected: bool,
    sends: bool,
    codecs: Vec<&'a str>,
}

/// Reads an offer.
///
/// # Errors
/// Why it cannot be served.
pub fn read(text: &str) -> Result<Offer, Unfit> {
    if !text.starts_with("v=0") {
        return Err(Unfit::Malformed("it does not begin with v=0"));
    }
    let mut kinds = Vec::new();
    for section in sections(text)? {
        let kind = match section.kind {
            "video" => TrackKind::Video,
            "audio" => TrackKind::Audio,
            other => return Err(Unfit::Foreign(word(other))),
        };
        if section.rejected {
            continue;
        }
        if !section.sends {
            return Err(Unfit::NotSending(kind));
        }
        if !section.has(kind) {
            let mut names: Vec<String> = Vec::new();
            for codec in &section.codecs {
                let name = word(codec.split('/').next().unwrap_or_default());
                if names.len() < NAMES_MAX && !names.contains(&name) {
                    names.push(name);
                }
            }
            return Err(Unfit::Codecs(kind, names));
        }
        if kinds.contains(&kind) {
            return Err(Unfit::Several(kind));
        }
        kinds.push(kind);
    }
    if kinds.is_empty() {
        return Err(Unfit::NoMedia);
    }
    let left_out = ["a=simulcast:", "a=rid:", "a=candidate:", "a=end-of-candidates"];
    let is_taken_up = |line: &&str| !left_out.iter().any(|begin| line.starts_with(begin));
    let sdp = text.lines().filter(is_taken_up).flat_map(|line| [line, "\r\n"]).collect();
    Ok(Offer { sdp, kinds })
}

/// Whether an answer takes up every kind; a codec may be offered in a form that is not taken.
///
/// # Errors
/// The kind that is not taken up.
pub fn is_taken_up(answer: &str, offer: &Offer) -> Result<(), Unfit> {
    let sections = sections(answer)?;
    let missing = offer.kinds.iter().find(|kind| {
        let of_kind = |section: &&Section<'_>| section.kind == name(**kind) && !section.rejected;
        !sections.iter().find(of_kind).is_some_and(|section| section.has(**kind))
    });
    match missing {
        None => Ok(()),
        Some(kind) => {
            let taken = match kind {
                TrackKind::Video => "H264 in another profile",
                TrackKind::Audio => "opus in another form",
            };
            Err(Unfit::Codecs(*kind, vec![taken.to_owned()]))
        }
    }
}

fn sections(text: &str) -> Result<Vec<Section<'_>>, Unfit> {
    let mut sections: Vec<Section<'_>> = Vec::new();
    let mut sends = true; // what is not said is sendrecv (RFC 8866, 6.7)
    for line in text.lines().filter(|line| !line.is_empty()) {
        let Some((letter, value)) = line.split_once('=').filter(|(letter, _)| letter.len() == 1)
        else {
            return Err(Unfit::Malformed("a line is not a letter, '=' and a value"));
        };
        match (letter, sections.last_mut()) {
            ("m", _) => {
                let mut words = value.split_ascii_whitespace();
                let (Some(kind), Some(port)) = (words.next(), words.next()) else {
                    return Err(Unfit::Malformed("a media line is cut short"));
                };
                let codecs = Vec::new();
                sections.push(Section { kind, rejected: port == "0", sends, codecs });
            }
            ("a", section) => match (value, section) {
                ("sendonly" | "sendrecv", Some(section)) => section.sends = true,
                ("recvonly" | "inactive", Some(section)) => section.sends = false,
                ("sendonly" | "sendrecv", None) => sends = true,
                ("recvonly" | "inactive", None) => sends = false,
                (_, Some(section)) => {
                    let map = value.strip_prefix("rtpmap:");
                    section.codecs.extend(map.and_then(|map| Some(map.split_once(' ')?.1.trim())));
                }
                (_, None) => {}
            },
            _ => {}
        }
    }
    Ok(sections)
}

impl Section<'_> {
    fn has(&self, kind: TrackKind) -> bool {
        self.codecs.iter().any(|one| one.eq_ignore_ascii_case(codec(kind)))
    }
}

/// A word of the client's as it may be told.
fn word(text: &str) -> String {
    let is_plain = |c: &char| c.is_ascii_alphanumeric() || "-_.".contains(*c);
    text.chars().filter(is_plain).take(WORD_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n";
    const VIDEO: &str = "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\na=rtpmap:96 VP8/90000\r\n\
                         a=rtpmap:97 H264/90000\r\na=sendonly\r\n";
    const AUDIO: &str = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus/48000/2\r\n";

    #[test]
    fn offers_with_a_codec_that_is_taken_are_served() {
        let kinds = |parts: &[&str]| read(&parts.concat()).map(|offer| offer.kinds);
        use TrackKind::{Audio, Video};
        assert_eq!(kinds(&[HEAD, VIDEO, AUDIO]), Ok(vec![Video, Audio]));
        assert_eq!(kinds(&[HEAD, VIDEO]), Ok(vec![Video]));
        assert_eq!(kinds(&[HEAD, AUDIO]), Ok(vec![Audio]));
        let rejected = "m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=inactive\r\n";
        assert_eq!(kinds(&[HEAD, AUDIO, rejected]), Ok(vec![Audio]));
    }

    #[test]
    fn one_picture_in_several_sizes_is_asked_for_in_one_and_addresses_are_left_out() {
        let layers = "a=rid:h send\r\na=rid:l send\r\na=simulcast:send h;l\r\n\
                      a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n";
        let offer = read(&[HEAD, VIDEO, layers].concat()).expect("served");
        assert_eq!(offer.sdp, [HEAD, VIDEO].concat());
    }

    #[test]
    fn who_cannot_be_served_is_told_why() {
        let vp8 = VIDEO.replace("H264", "VP9");
        let told = |parts: &[&str]| read(&parts.concat()).map_err(|unfit| unfit.to_string());
        for (parts, why) in [
            (&[HEAD, &vp8, AUDIO][..], "the offer's video has no H264, it has VP8, VP9"),
            (&[HEAD, VIDEO, "m=audio 9 X 0\r\n"], "the offer's audio has no opus, it has none"),
            (&[HEAD, VIDEO, VIDEO], "the offer has more than one video stream, one is taken"),
            (
                &[HEAD, VIDEO, "a=recvonly\r\n"],
                "the offer's video is not to be sent: offer it as \
                                                 sendonly or sendrecv",
            ),
            (
                &[HEAD, VIDEO, "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"],
                "the offer has 'application', only video and audio are taken",
            ),
            (&[HEAD], "the offer has neither video nor audio"),
        ] {
            assert_eq!(told(parts), Err(why.to_owned()));
        }
        let hostile = VIDEO.replace("VP8", "<script>").replace("H264", "\u{1b}[31m");
        assert!(told(&[HEAD, &hostile]).is_err_and(|why| why.ends_with("has script, 31m")));
    }

    #[test]
    fn what_is_no_sdp_is_said_to_be_none() {
        for text in ["", "hello", "v=1\r\n", "v=0\r\nhello\r\n", "v=0\r\nm=video\r\n"] {
            let unfit = read(text).expect_err("no SDP");
            assert_eq!(unfit.status(), 400, "{text}: {unfit}");
        }
    }

    #[test]
    fn an_answer_that_leaves_a_kind_out_is_noticed() {
        let offer = read(&[HEAD, VIDEO, AUDIO].concat()).expect("served");
        assert_eq!(is_taken_up(&[HEAD, VIDEO, AUDIO].concat(), &offer), Ok(()));
        let rejected = VIDEO.replace(" 9 ", " 0 ");
        let left_out = is_taken_up(&[HEAD, &rejected, AUDIO].concat(), &offer);
        assert!(left_out.is_err_and(|unfit| unfit.status() == 406));
    }
}
