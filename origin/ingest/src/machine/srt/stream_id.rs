//! The stream id a caller states (SRT Access Control: `#!::key=value,…`), and the forms encoders have use for.
//!
//! In: a text. Out: the stream key in it, or why there is none. Does not know whose it is.

use crate::{Refusal, StreamKey};

/// The stream key that `id` publishes with: in `r=live/<key>` or `u=<key>` of the standard form, in `publish:<key>`, or
/// the whole of it.
///
/// # Errors
/// The peer wants to watch, or asks for another application.
pub fn key(id: &str, app: &str) -> Result<StreamKey, Refusal> {
    if let Some(pairs) = id.strip_prefix("#!::") {
        return standard(pairs, app);
    }
    match id.split_once(':') {
        Some(("publish", name)) => Ok(named(name, app)),
        Some(("read" | "request" | "play", _)) => Err(Refusal::NotAViewersDoor),
        _ => Ok(named(id, app)),
    }
}

fn standard(pairs: &str, app: &str) -> Result<StreamKey, Refusal> {
    let value = |name: &str| {
        let mut pairs = pairs.split(',').filter_map(|pair| pair.split_once('='));
        pairs.find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim())
    };
    if value("m").is_some_and(|mode| mode != "publish") {
        return Err(Refusal::NotAViewersDoor);
    }
    let resource = value("r").unwrap_or_default();
    let key = named(resource, app);
    if key.expose().is_empty() || key.expose() == app {
        return Ok(StreamKey::new(value("u").unwrap_or_default()));
    }
    Ok(key)
}

/// The name without the application before it.
fn named(name: &str, app: &str) -> StreamKey {
    let name = name.trim_matches('/');
    let key = name.strip_prefix(app).and_then(|rest| rest.strip_prefix('/'));
    StreamKey::new(key.unwrap_or(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_found_in_every_form() {
        for id in [
            "k1",
            "live/k1",
            "/live/k1",
            "publish:k1",
            "publish:live/k1",
            "#!::r=live/k1,m=publish",
            "#!::m=publish,r=k1",
            "#!::r=/live/k1",
            "#!::u=k1,m=publish",
            "#!::u=k1,r=live,m=publish",
        ] {
            assert_eq!(
                key(id, "live").map(|key| key.expose().to_owned()),
                Ok("k1".to_owned()),
                "{id}"
            );
        }
    }

    #[test]
    fn who_wants_to_watch_is_at_the_wrong_door() {
        for id in ["read:k1", "#!::r=live/k1,m=request", "#!::m=bidirectional,r=k1"] {
            assert_eq!(key(id, "live"), Err(Refusal::NotAViewersDoor), "{id}");
        }
    }

    #[test]
    fn nothing_is_a_key_of_nobody() {
        for id in ["", "#!::", "#!::r=live,m=publish", "publish:", "#!::=,,=="] {
            assert!(key(id, "live").is_ok_and(|key| key.expose().is_empty()), "{id}");
        }
    }
}
