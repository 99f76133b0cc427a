//! What a tier admits to, asked of one request.
//!
//! In: a policy and what is known of the viewer; or a session and the object it asks for. Out: nothing, or why not.
//! Does not know tokens, nor how many devices play: the origin counts them where sessions begin.

use shared_ticket::{Admitted, SessionError};
use shared_wire::key::KeyObject;
use shared_wire::{Bind, Policy, Watermark};

use crate::{Client, Refusal};

/// The rendition that is the publisher's own picture, whose name tells no height.
pub(crate) const SOURCE: &str = "source";

/// Whether a viewer there may begin a session. A rule that needs a fact this host does not know refuses.
pub(crate) fn enter(policy: &Policy, client: &Client<'_>) -> Result<(), Refusal> {
    if !policy.countries.admit(client.country) {
        return Err(Refusal::CountryDenied(client.country));
    }
    if policy.bind != Bind::Nothing && client.ip.is_none() {
        return Err(SessionError::WrongNetwork.into());
    }
    Ok(())
}

/// Whether a session may see an object of its show.
pub(crate) fn see(admitted: &Admitted, object: &KeyObject) -> Result<(), Refusal> {
    let (Some(height_max), Some(rendition)) = (admitted.height_max, object.rendition()) else {
        return Ok(());
    };
    let is_within = match height(rendition) {
        Some(height) => height <= u32::from(height_max),
        None => rendition != SOURCE || admitted.has_source,
    };
    if is_within { Ok(()) } else { Err(Refusal::TierTooLow) }
}

/// The query of media for a session that has a watermarked form of it.
pub(crate) const fn media_query(admitted: &Admitted) -> &'static str {
    match admitted.watermark {
        None => "",
        Some(Watermark::A) => "wm=a",
        Some(Watermark::B) => "wm=b",
    }
}

/// The height that a rendition's name tells: `720p`, `1080p60`. Sounds and texts have none.
fn height(rendition: &str) -> Option<u32> {
    let digits = rendition.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = rendition.split_at_checked(digits)?;
    number.parse().ok().filter(|_| rest.starts_with('p'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sees(admitted: Admitted, rest: &str) -> bool {
        see(&admitted, &KeyObject::parse(rest).unwrap()).is_ok()
    }

    #[test]
    fn a_rung_above_the_tier_is_refused_in_all_its_objects() {
        let tier = Admitted { height_max: Some(480), ..Admitted::default() };
        for rest in ["480p/index.m3u8", "360p/e/s1.m4s", "audio/e/i0.mp4", "index.m3u8"] {
            assert!(sees(tier, rest), "{rest}");
        }
        for rest in [
            "720p/index.m3u8",
            "720p/iframes.m3u8",
            "720p/e/s1.m4s",
            "1080p60/e/p1.0.m4s",
            "source/e/i0.mp4",
        ] {
            assert!(!sees(tier, rest), "{rest}");
            assert!(sees(Admitted::default(), rest), "{rest}");
        }
        assert!(sees(Admitted { has_source: true, ..tier }, "source/index.m3u8"));
        for rest in ["cover.jpg", "storyboard.vtt", "board/e/b0.jpg"] {
            assert!(sees(tier, rest), "{rest} is small");
        }
    }

    #[test]
    fn what_is_not_known_of_a_viewer_does_not_let_them_in() {
        let at = |text: &str| Client { country: text.parse().ok(), ..Client::default() };
        let policy: Policy = serde_json::from_str(r#"{"countries":{"allow":["DE"]}}"#).unwrap();
        assert_eq!(enter(&policy, &at("DE")), Ok(()));
        assert_eq!(enter(&policy, &at("FR")), Err(Refusal::CountryDenied("FR".parse().ok())));
        assert_eq!(enter(&policy, &at("")), Err(Refusal::CountryDenied(None)));
        let tied: Policy = serde_json::from_str(r#"{"bind":"network"}"#).unwrap();
        assert_eq!(enter(&tied, &at("DE")), Err(SessionError::WrongNetwork.into()));
        let ip = "192.0.2.1".parse().ok();
        assert_eq!(enter(&tied, &Client { ip, ..Client::default() }), Ok(()));
    }
}
