//! How a token comes, how a renewed one goes back, and what else a CAT may ask for.

use shared_ticket::cat::Value;

use crate::client::Reply;
use crate::host::Host;
use crate::stage::Stage;
use crate::ticket;

/// Labels of claims (IANA CWT claims, CTA-5007).
const CATREPLAY: i64 = 308;
const CATIF: i64 = 322;
const CATR: i64 = 323;
const EXP: i64 = 4;
const CATM: i64 = 313;

fn admitted(reply: &Reply, how: &str) {
    assert_eq!(reply.status, 200, "{how}: {}", reply.text());
    assert!(reply.text().contains("/p/"), "{how}");
}

pub(super) async fn a_token_comes_in_any_way_a_player_can_send_it(stage: Stage) {
    let scene = stage.show();
    let bare = format!("/live/{}/index.m3u8", scene.claims.show);
    for token in [ticket::cat(&scene.claims), ticket::token(&scene.claims)] {
        let bearer = format!("Bearer {token}");
        let cookie = format!("a=b; CTA-Common-Access-Token={token}");
        for header in [
            ("cta-common-access-token", token.as_str()),
            ("authorization", &bearer),
            ("cookie", &cookie),
        ] {
            admitted(&stage.ask("GET", &bare, &[header]).await, header.0);
        }
        for name in ["CAT", "cat", "token"] {
            admitted(&stage.get(&format!("{bare}?x=1&{name}={token}")).await, name);
        }
        let path = format!("/live/{}/t/{token}/index.m3u8", scene.claims.show);
        admitted(&stage.get(&path).await, "path");
    }
    let seen = stage.origin.seen(&scene.path);
    assert!(seen.iter().all(|one| one.query.is_none() && one.header("cookie").is_empty()));
}

pub(super) async fn two_tokens_that_differ_are_refused(stage: Stage) {
    let scene = stage.show();
    let (one, other) = (ticket::cat(&scene.claims), ticket::token(&scene.claims));
    let twice = format!("{}&CAT={one}", scene.live(&other));
    let reply = stage.get(&twice).await;
    assert_eq!((reply.status, reply.code().as_str()), (400, "tokens_differ"));
    let headers = [("cta-common-access-token", one.as_str())];
    let reply = stage.ask("GET", &scene.live(&other), &headers).await;
    assert_eq!((reply.status, reply.code().as_str()), (400, "tokens_differ"));
    assert_eq!(scene.count(), 0);
}

pub(super) async fn an_answer_to_a_cookie_is_open_to_the_site_that_asked(stage: Stage) {
    let scene = stage.show();
    let live = format!("/live/{}/index.m3u8", scene.claims.show);
    let good = format!("CTA-Common-Access-Token={}", ticket::cat(&scene.claims));
    for (cookie, status) in [(good.as_str(), 200), ("CTA-Common-Access-Token=x", 401)] {
        let headers = [("cookie", cookie), ("origin", "https://player.test")];
        let reply = stage.ask("GET", &live, &headers).await;
        assert_eq!(reply.status, status, "{}", reply.text());
        assert_eq!(reply.headers("access-control-allow-origin"), ["https://player.test"]);
        assert_eq!(reply.header("access-control-allow-credentials"), "true");
        assert!(reply.header("vary").contains("Origin"), "{reply:?}");
    }
    let headers = [("origin", "https://player.test")];
    let reply = stage.ask("GET", &scene.live(&ticket::cat(&scene.claims)), &headers).await;
    assert_eq!(reply.header("access-control-allow-origin"), "*", "without a cookie");
    assert_eq!(reply.header("access-control-allow-credentials"), "");
}

/// A token near its end that asks to be renewed in this way.
fn renewing(stage: &Stage, kind: i64) -> (crate::stage::Scene, String) {
    let mut scene = stage.show();
    scene.claims.expires_at = ticket::now() + 100;
    let claim = Value::map([(0, Value::Int(kind)), (1, Value::Int(1000)), (2, Value::Int(500))]);
    let token = ticket::cat_with(&scene.claims, CATR, claim);
    (scene, token)
}

pub(super) async fn a_token_is_renewed_by_cookie_header_or_redirect(stage: Stage) {
    let (scene, token) = renewing(&stage, 1);
    let reply = stage.ask("GET", &scene.live(&token), &[("origin", "https://player.test")]).await;
    admitted(&reply, "cookie");
    let cookie = reply.header("set-cookie");
    assert!(
        cookie.starts_with("CTA-Common-Access-Token=") || cookie.starts_with("cta-"),
        "{cookie}"
    );
    assert!(cookie.contains("; Secure; HttpOnly") && cookie.contains("Path=/live/"), "{cookie}");
    assert_eq!(reply.header("access-control-allow-origin"), "https://player.test");
    let new = cookie.split(['=', ';']).nth(1).expect("a token").to_owned();
    assert_ne!(new, token);
    let kept = format!("CTA-Common-Access-Token={new}");
    let bare = format!("/live/{}/index.m3u8", scene.claims.show);
    admitted(&stage.ask("GET", &bare, &[("cookie", &kept)]).await, "the new one");

    let (scene, token) = renewing(&stage, 2);
    let reply = scene.enter(&token).await;
    admitted(&reply, "header");
    let new = reply.header("cta-common-access-token").to_owned();
    assert!(!new.is_empty() && new != token);
    assert!(reply.header("access-control-expose-headers").contains("CTA-Common-Access-Token"));
    admitted(&scene.enter(&new).await, "the new one");

    let (scene, token) = renewing(&stage, 3);
    let reply = stage.get(&format!("{}&x=1", scene.live(&token))).await;
    assert_eq!((reply.status, scene.count()), (302, 0), "{}", reply.text());
    let location = reply.header("location").to_owned();
    assert!(location.contains("x=1&CAT=") && !location.contains(&token), "{location}");
    admitted(&stage.get(&location).await, "where it leads");
    // Back to where it came from: a token of the path stays in the path.
    let path = |token: &str| format!("/live/{}/t/{token}/index.m3u8", scene.claims.show);
    let reply = stage.get(&format!("{}?x=1", path(&token))).await;
    let location = reply.header("location").to_owned();
    let new = location.split('/').nth(4).unwrap_or_default();
    assert_eq!((reply.status, location.as_str()), (302, format!("{}?x=1", path(new)).as_str()));
    assert_ne!(new, token);
    admitted(&stage.get(&location).await, "where it leads");
}

pub(super) async fn a_claim_that_fails_may_say_what_to_answer(stage: Stage) {
    let mut scene = stage.show();
    let text = |text: &'static str| Value::Text(text.into());
    let headers = Value::Map(vec![(text("Location"), text("https://shop.test/renew"))]);
    let answer = Value::Array(vec![Value::Int(302), headers]);
    scene.claims.expires_at = ticket::now() - 1;
    let token = ticket::cat_with(&scene.claims, CATIF, Value::map([(EXP, answer)]));
    let reply = scene.enter(&token).await;
    assert_eq!((reply.status, reply.header("location")), (302, "https://shop.test/renew"));
    assert_eq!(scene.count(), 0);
    // Without the claim it is the plain refusal.
    let reply = scene.enter(&ticket::cat(&scene.claims)).await;
    assert_eq!((reply.status, reply.code().as_str()), (401, "token_expired"));
}

pub(super) async fn a_claim_about_the_request_is_held_against_it(stage: Stage) {
    let scene = stage.show();
    let only = |method: &'static str| {
        let methods = Value::Array(vec![Value::Text(method.into())]);
        ticket::cat_with(&scene.claims, CATM, methods)
    };
    admitted(&scene.enter(&only("GET")).await, "GET");
    let reply = scene.enter(&only("HEAD")).await;
    assert_eq!((reply.status, reply.code().as_str()), (403, "token_wrong_method"));
}

pub(super) async fn a_token_for_one_use_is_used_once(stage: Stage) {
    let scene = stage.show();
    let token = ticket::cat_with(&scene.claims, CATREPLAY, Value::Int(1));
    admitted(&scene.enter(&token).await, "first");
    let mut again = scene.enter(&token).await;
    // Each instance of the component remembers for itself, and one may have ended just now: the next one has then seen
    // it once. The native core is one process, and Fastly's cache knows of all sandboxes.
    if again.status == 200 && matches!(stage.host, Host::Ours | Host::Bare) {
        again = scene.enter(&token).await;
    }
    assert_eq!((again.status, again.code().as_str()), (401, "token_replayed"));
    admitted(&scene.enter(&ticket::cat(&scene.claims)).await, "another token");
}
