//! How many devices may play with one ticket at once.
//!
//! In: the sessions of a ticket that are still good, how many may be. Out: which of them make room for one more, or
//! that there is none. Does not know how a session is stopped.
//!
//! Nobody asks the origin while a picture plays, so the origin cannot see who watches. It counts what it can be sure
//! of: the sessions that *could* play, because their time is not over and they do not stand on the deny list. Of these
//! there are never more than devices may be. When one must go, it is first a session whose page said that it was left,
//! or the one that came with the ticket, of which nobody knows whether a player has it. Neither keeps anybody out.

use shared_wire::api::WhenFull;

use crate::rows::sessions::Model;

/// What becomes of a new session.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Places<'a> {
    /// It plays, and these make room.
    Given(Vec<&'a Model>),
    /// These play already.
    Full(Vec<&'a Model>),
}

/// Finds a place for one more beside `others`, which are in the order they began.
pub(super) fn places<'a>(
    others: &'a [Model],
    devices_max: usize,
    when_full: WhenFull,
) -> Places<'a> {
    let excess = (others.len() + 1).saturating_sub(devices_max);
    let (idle, playing): (Vec<_>, Vec<_>) = others.iter().partition(|one| is_idle(one));
    if when_full == WhenFull::Refuse && excess > idle.len() {
        return Places::Full(playing);
    }
    Places::Given(idle.into_iter().chain(playing).take(excess).collect())
}

/// Whether nobody is known to play with it.
pub(super) const fn is_idle(session: &Model) -> bool {
    session.ended_at.is_some() || session.device.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(position: i64, device: Option<&str>, ended_at: Option<i64>) -> Model {
        Model {
            position,
            id: position.to_string(),
            ticket_id: String::new(),
            show_id: String::new(),
            created_at: 0,
            expires_at: 0,
            device: device.map(str::to_owned),
            ended_at,
            denied_as: None,
            denied_detail: None,
        }
    }

    /// Sessions by what they are: `p` plays, `e` ended, `l` came with the ticket.
    fn all(kinds: &str) -> Vec<Model> {
        (0..)
            .zip(kinds.chars())
            .map(|(position, kind)| match kind {
                'l' => session(position, None, None),
                'e' => session(position, Some("d"), Some(1)),
                _ => session(position, Some("d"), None),
            })
            .collect()
    }

    #[test]
    fn who_goes_when_one_more_comes() {
        for (others, max, when_full, gone) in [
            ("", 1, WhenFull::Displace, Some(vec![])),
            ("p", 1, WhenFull::Displace, Some(vec![0])),
            ("p", 2, WhenFull::Displace, Some(vec![])),
            ("pp", 2, WhenFull::Displace, Some(vec![0])),
            ("pl", 2, WhenFull::Displace, Some(vec![1])),
            ("ppe", 3, WhenFull::Displace, Some(vec![2])),
            // A tier made smaller meanwhile.
            ("pplp", 2, WhenFull::Displace, Some(vec![2, 0, 1])),
            ("", 1, WhenFull::Refuse, Some(vec![])),
            ("p", 1, WhenFull::Refuse, None),
            ("l", 1, WhenFull::Refuse, Some(vec![0])),
            ("ep", 2, WhenFull::Refuse, Some(vec![0])),
            ("pp", 2, WhenFull::Refuse, None),
        ] {
            let others = all(others);
            let place = places(&others, max, when_full);
            let given = match place {
                Places::Given(gone) => Some(gone.iter().map(|one| one.position).collect()),
                Places::Full(playing) => {
                    assert!(playing.iter().all(|one| !is_idle(one)));
                    None
                }
            };
            assert_eq!(given, gone, "{others:?} {max} {when_full:?}");
        }
    }
}
