//! Whose word is taken for where a viewer is, and what its connection is.

use shared_ticket::cat::{Value, label};
use shared_wire::Policy;
use tests::{certificate, ticket};

use crate::curl::curl;
use crate::node::{Node, Plan};
use crate::origin::Say;

const PLAYLIST: &str = "application/vnd.apple.mpegurl";

#[tokio::test]
async fn nobody_outside_says_where_it_is_from() {
    let node = Node::start(&["--access-log", "log"]).await;
    let forged = [
        ("matinee-client-ip", "6.6.6.6"),
        ("matinee-client-country", "CH"),
        ("x-forwarded-for", "6.6.6.6"),
    ];
    assert_eq!(node.ask("GET", "/healthz", &forged).await.status, 200);
    let log = node.log();
    assert!(log.contains("127.0.0.1") && !log.contains("6.6.6.6"), "{log}");
}

#[tokio::test]
async fn the_country_is_that_of_a_proxy_that_is_trusted() {
    let flags = ["--trusted-proxies", "127.0.0.0/8", "--country-header", "CF-IPCountry"];
    for (flags, expected) in [(&flags[..], [200, 403, 403]), (&[], [403, 403, 403])] {
        let node = Node::start(flags).await;
        node.say("index.m3u8", Say::body(PLAYLIST, "#EXTM3U\n"));
        let mut claims = node.claims.clone();
        let countries = serde_json::json!({"countries": {"allow": ["CH"]}});
        claims.policy = serde_json::from_value::<Policy>(countries).expect("a policy");
        let live = format!("/live/{}/index.m3u8?token={}", claims.show, ticket::token(&claims));
        let mut seen = Vec::new();
        for country in [Some("CH"), Some("DE"), None] {
            let mut headers =
                vec![("matinee-client-country", "CH"), ("x-forwarded-for", "192.0.2.1")];
            headers.extend(country.map(|country| ("cf-ipcountry", country)));
            seen.push(node.ask("GET", &live, &headers).await.status);
        }
        assert_eq!(seen, expected, "{flags:?}");
    }
}

fn texts(texts: &[&'static str]) -> Value<'static> {
    Value::Array(texts.iter().map(|text| Value::Text((*text).into())).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_may_ask_for_tls_and_for_its_protocol() {
    let plan =
        Plan::new(&[]).with_file("--tls-cert", "certificate.pem").with_file("--tls-key", "key.pem");
    certificate(&plan.path("certificate.pem"), &plan.path("key.pem"), "first");
    let node = plan.start().await;
    node.say("index.m3u8", Say::body(PLAYLIST, "#EXTM3U\n"));
    // Parts of an address: 0 is its scheme, 1 its host; and 0 is the match that is exact.
    let exact = |text: &'static str| Value::map([(0, Value::Text(text.into()))]);
    let address = |scheme| Value::map([(0, exact(scheme)), (1, exact("127.0.0.1"))]);
    for (scheme, protocol, version, status, code) in [
        ("https", "h2", "--http2", 200, ""),
        ("https", "http/1.1", "--http1.1", 200, ""),
        ("https", "h2", "--http1.1", 403, "token_wrong_protocol"),
        ("http", "h2", "--http2", 403, "token_wrong_address"),
    ] {
        let claims = [(label::CATU, address(scheme)), (label::CATALPN, texts(&[protocol]))];
        let token = ticket::cat_with_all(&node.claims, claims);
        let url = format!("https://{}/live/{}/index.m3u8", node.viewers, node.claims.show);
        let seen = curl(&format!("{url}?cat={token}"), &["--insecure", version]);
        assert_eq!(seen.status, status, "{scheme} {protocol} {version}: {seen:?}");
        assert!(seen.text.contains(code), "{scheme} {protocol} {version}: {seen:?}");
    }
}

#[tokio::test]
async fn a_token_is_held_to_the_address_and_the_network_that_a_trusted_proxy_says() {
    let flags = ["--trusted-proxies", "127.0.0.0/8", "--asn-header", "X-ASN"];
    for (flags, expected) in [(&flags[..], [200, 403, 200, 403]), (&[], [403, 403, 403, 403])] {
        let node = Node::start(flags).await;
        node.say("index.m3u8", Say::body(PLAYLIST, "#EXTM3U\n"));
        let system = Value::Array(vec![Value::Int(64496)]);
        let mut seen = Vec::new();
        for (claim, asn, ip) in [
            (system.clone(), "64496", "192.0.2.1"),
            (system, "64497", "192.0.2.1"),
            (texts(&["192.0.2.0/24"]), "1", "192.0.2.77"),
            (texts(&["192.0.2.0/24"]), "1", "198.51.100.1"),
        ] {
            let token = ticket::cat_with(&node.claims, label::CATNIP, claim);
            let live = format!("/live/{}/index.m3u8?cat={token}", node.claims.show);
            let headers =
                [("x-asn", asn), ("matinee-client-asn", "64496"), ("x-forwarded-for", ip)];
            seen.push(node.ask("GET", &live, &headers).await.status);
        }
        assert_eq!(seen, expected, "{flags:?}");
    }
}
