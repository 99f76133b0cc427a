//! Whose word is taken for where a viewer is.

use shared_wire::Policy;
use tests::ticket;

use crate::node::Node;
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
