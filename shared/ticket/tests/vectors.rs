//! The published vectors: what others minted is accepted or refused as their files say.
//!
//! `vectors/node-cat.json` holds the tokens of node-cat's tests, `vectors/matinee.json` our own, made by
//! `vectors/make.py` with other libraries than ours.

use core::net::IpAddr;

use serde_json::Value;
use shared_ticket::cat::Facts;
use shared_ticket::{Admission, Denial, TokenError, Verifier};
use shared_wire::{Bind, Countries, ShowId};

const NODE_CAT: &str = include_str!("../vectors/node-cat.json");
const OURS: &str = include_str!("../vectors/matinee.json");

/// A vector with the keys it names.
struct Vector<'v> {
    name: &'v str,
    token: &'v str,
    expected: &'v str,
    request: &'v Value,
    keys: Verifier,
}

impl<'v> Vector<'v> {
    fn all(document: &'v Value) -> Vec<Self> {
        let text = |value: &'v Value| value.as_str().unwrap();
        let of = |vector: &'v Value| Self {
            name: text(&vector["name"]),
            token: text(&vector["token"]),
            expected: text(&vector["expect"]),
            request: &vector["request"],
            keys: Verifier::from_json(&document["keys"][text(&vector["keys"])].to_string())
                .unwrap(),
        };
        document["vectors"].as_array().unwrap().iter().map(of).collect()
    }

    /// Gives the request to `then`.
    fn with_facts<T>(&self, then: impl FnOnce(&Facts<'_>) -> T) -> T {
        let text = |name: &str| self.request[name].as_str();
        let (scheme, rest) = text("url").unwrap().split_once("://").unwrap();
        let (authority, rest) = rest.split_at(rest.find('/').unwrap());
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (host, port) = authority.split_once(':').unwrap_or((authority, ""));
        let header = |name: &str| self.request["headers"][name].as_str();
        let facts = Facts {
            scheme,
            port: port.parse().ok(),
            query,
            method: text("method").unwrap(),
            header: &header,
            ip: text("ip").map(|ip| ip.parse::<IpAddr>().unwrap()),
            asn: self.request["asn"].as_u64().map(|asn| u32::try_from(asn).unwrap()),
            country: text("country").map(|country| country.parse().unwrap()),
            alpn: text("alpn"),
            remembers: self.request["remembers"].as_bool().unwrap_or(true),
            ..Facts::get(self.request["now"].as_i64().unwrap(), host, path)
        };
        then(&facts)
    }

    fn checked(&self) -> Result<(), TokenError> {
        self.with_facts(|facts| self.keys.check_cat(self.token, facts))
            .map(drop)
            .map_err(|denial| denial.error)
    }

    fn admitted(&self, show: &ShowId) -> Result<Admission, Denial> {
        self.with_facts(|facts| self.keys.admit(self.token, facts, show))
    }
}

fn run(file: &str, at_least: usize) {
    let document: Value = serde_json::from_str(file).unwrap();
    let vectors = Vector::all(&document);
    assert!(vectors.len() >= at_least, "{} vectors", vectors.len());
    let mut wrong = Vec::new();
    for vector in vectors {
        let got = vector.checked().map_or_else(TokenError::code, |()| "accept");
        if got != vector.expected {
            wrong.push(format!("{}: {got}, not {}", vector.name, vector.expected));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn node_cats_tokens_are_taken_as_node_cat_takes_them() {
    run(NODE_CAT, 15);
}

#[test]
fn our_vectors_are_taken_as_they_say() {
    run(OURS, 200);
}

#[test]
fn tokens_of_the_house_become_claims() {
    let document: Value = serde_json::from_str(OURS).unwrap();
    let show: ShowId = document["show"].as_str().unwrap().parse().unwrap();
    let vectors = Vector::all(&document);
    let find = |name: &str| vectors.iter().find(|vector| vector.name == name).unwrap();
    for algorithm in ["HS256", "ES256"] {
        let vector = find(&format!("a token of the house, {algorithm}"));
        let claims = vector.admitted(&show).unwrap().claims;
        assert_eq!(claims.session.as_bytes(), &[3; 10]);
        assert_eq!(claims.ticket.as_bytes(), &[2; 10]);
        assert!(claims.policy.is_everything());

        // The viewer is in France: the house's own rule is the edge's to apply, with its own answer.
        let vector = find(&format!("a token of the house with a policy, {algorithm}"));
        let policy = vector.admitted(&show).unwrap().claims.policy;
        assert_eq!((policy.height_max, policy.preview_s), (Some(720), Some(300)));
        assert_eq!(policy.bind, Bind::Network);
        assert!(!policy.countries.admit("FR".parse().ok()));
        assert!(matches!(policy.countries, Countries::Allow(_)));
    }
}

#[test]
fn tokens_of_others_become_sessions_of_the_show_they_name() {
    let document: Value = serde_json::from_str(OURS).unwrap();
    let show: ShowId = document["show"].as_str().unwrap().parse().unwrap();
    let vectors = Vector::all(&document);
    let find = |name: &str| vectors.iter().find(|vector| vector.name == name).unwrap();
    let aws = find("AWS").admitted(&show).unwrap().claims;
    assert_eq!((aws.show, aws.tier.as_str()), (show, "cat"));
    assert_eq!(aws.expires_at, 1_800_007_200);
    let bound = find("AWS: address, method, country").admitted(&show).unwrap().claims;
    assert_eq!(bound.policy.bind, Bind::Address);
    assert_eq!((bound.session, bound.ticket), (aws.session, aws.ticket), "one `cti`, one session");
    let unbound = find("a partner's second name").admitted(&show).unwrap_err();
    assert_eq!(unbound.error, TokenError::Unbound);
}
