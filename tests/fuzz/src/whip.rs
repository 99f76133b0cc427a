//! WHIP: the offer, STUN, and pictures out of RTP.
//!
//! In: an offer; a datagram; access units. Out: a panic if a promise is broken. Does not know connections.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use bytes::Bytes;
use origin_ingest::machine::whip::reception::{Frame, Input, Output, Reception};
use origin_ingest::machine::whip::{offer, stun as datagram};
use shared_media::{Poll, TrackKind};
use str0m::RtcConfig;
use str0m::change::SdpOffer;

use crate::publisher::Stage;

/// Runs the target on an offer, up to the answer.
pub fn sdp(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let offer = match offer::read(text) {
        Ok(offer) => offer,
        Err(unfit) => {
            let told = unfit.to_string();
            assert!((400..500).contains(&unfit.status()) && told.len() < 1024, "{told}");
            assert!(!told.contains(char::is_control), "{told:?}");
            return;
        }
    };
    assert!((1..=2).contains(&offer.kinds.len()), "{:?}", offer.kinds);
    let Ok(parsed) = SdpOffer::from_sdp_string(&offer.sdp) else { return };
    let mut rtc = rtc().clone().build(Instant::now());
    if let Ok(answer) = rtc.sdp_api().accept_offer(parsed) {
        // Whether it takes everything up is looked at in the answer's own text.
        let _ = offer::is_taken_up(&answer.to_sdp_string(), &offer);
    }
}

/// As the house has it; a certificate takes long to make.
fn rtc() -> &'static RtcConfig {
    static RTC: OnceLock<RtcConfig> = OnceLock::new();
    RTC.get_or_init(|| {
        let crypto = str0m::crypto::from_feature_flags();
        let certificate = crypto.dtls_provider.generate_certificate();
        let config = RtcConfig::new().set_crypto_provider(Arc::new(crypto)).set_ice_lite(true);
        let config = config.clear_codecs().enable_h264(true).enable_opus(true, false);
        match certificate {
            Some(certificate) => config.set_dtls_cert(certificate),
            None => config,
        }
    })
}

/// Runs the target on a datagram.
pub fn stun(data: &[u8]) {
    if let Some(addressee) = datagram::addressee(data) {
        assert!(addressee.len() + 20 <= data.len(), "the name is in the datagram");
    }
}

/// Runs the target on access units with start codes: they end where a delimiter would be.
pub fn annex_b(data: &[u8]) {
    let (mut reception, mut stage) = (Reception::new(true), Stage::default());
    for (at, unit) in data.chunks(700).enumerate() {
        let first = unit.first().copied().unwrap_or_default();
        let frame = Frame {
            kind: if first & 0x40 == 0 { TrackKind::Video } else { TrackKind::Audio },
            rtp: (u32::from(first) << 24) | (u32::try_from(at).unwrap_or(0) * 3000),
            report: None,
            follows: first & 1 == 0,
            keyframe: first & 2 == 0,
            data: Bytes::copy_from_slice(unit),
        };
        reception.handle(u64::try_from(at).unwrap_or(0) * 33_000, Input::Frame(frame));
        while let Poll::Output(output) = reception.poll() {
            if let Output::Media(input) = output {
                stage.take(input);
            }
        }
    }
}
