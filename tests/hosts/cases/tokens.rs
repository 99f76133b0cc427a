//! The multivariant playlist: what a playback token opens, and what it does not.

use serde_json::json;

use crate::client::Reply;
use crate::stage::{MULTIVARIANT, PLAYLIST, Scene, Stage};
use crate::ticket;

pub(super) async fn a_good_token_of_each_algorithm_enters(stage: Stage) {
    let scene = stage.show();
    for token in ticket::tokens(&scene.claims) {
        let reply = scene.enter(&token).await;
        assert_eq!(
            (reply.status, reply.header("content-type")),
            (200, PLAYLIST),
            "{}",
            reply.text()
        );
    }
}

pub(super) async fn the_multivariant_playlist_moves_below_the_session(stage: Stage) {
    let scene = stage.show();
    let reply = scene.enter(&ticket::token(&scene.claims)).await;
    let text = reply.text();
    let prefix =
        text.lines().find(|line| line.starts_with("/p/")).expect("a URI below the session");
    let session = prefix.split('/').nth(2).expect("a session").to_owned();
    assert_eq!(text, MULTIVARIANT.replace("{p}", &format!("/p/{session}/")));
    assert_eq!(reply.header("cache-control"), "private, no-store");
    let inner = stage.get(&format!("/p/{session}/720p/index.m3u8")).await;
    assert_eq!(inner.status, 200, "the session opens what it was made for: {}", inner.text());
}

/// The token does not enter, and the origin does not hear of it.
async fn refused(scene: &Scene, token: &str, status: u16, code: &str) -> Reply {
    let reply = scene.enter(token).await;
    assert_eq!((reply.status, reply.code().as_str()), (status, code), "{token:.80}");
    assert_eq!(scene.count(), 0, "the origin was asked");
    assert!(token.len() < 20 || !reply.text().contains(token), "the answer repeats the token");
    reply
}

pub(super) async fn no_token_and_an_empty_one_are_missing(stage: Stage) {
    let scene = stage.show();
    let bare = stage.get(&format!("/live/{}/index.m3u8", scene.claims.show)).await;
    assert_eq!((bare.status, bare.code().as_str()), (401, "token_missing"));
    let reply = refused(&scene, "", 401, "token_missing").await;
    assert!(reply.header("www-authenticate").starts_with("Bearer"));
    refused(&scene, "x", 401, "token_malformed").await;
}

pub(super) async fn a_ten_megabyte_token_is_refused_unread(stage: Stage) {
    let scene = stage.show();
    // Some hosts end the connection, or refuse a target of that size before the edge sees it.
    let reply = scene.enter(&"A".repeat(10 * 1024 * 1024)).await;
    assert!(matches!(reply.status, 0 | 400..=499), "{}", reply.status);
    refused(&scene, &"A".repeat(5000), 400, "token_too_large").await;
    assert_eq!(scene.count(), 0);
    assert_eq!(scene.enter(&ticket::token(&scene.claims)).await.status, 200, "nobody else is hurt");
}

pub(super) async fn an_expired_token_is_refused(stage: Stage) {
    let mut scene = stage.show();
    scene.claims.expires_at = ticket::now() - 1;
    refused(&scene, &ticket::token(&scene.claims), 401, "token_expired").await;
}

pub(super) async fn a_token_not_yet_valid_is_refused(stage: Stage) {
    let mut scene = stage.show();
    scene.claims.not_before = ticket::now() + 300;
    refused(&scene, &ticket::token(&scene.claims), 401, "token_not_yet_valid").await;
}

pub(super) async fn a_forged_token_is_refused(stage: Stage) {
    let scene = stage.show();
    let good = ticket::token(&scene.claims);
    let (body, signature) = good.rsplit_once('.').expect("a signature");
    let other = ticket::token(&ticket::claims(scene.claims.show));
    let (_, others) = other.rsplit_once('.').expect("a signature");
    assert_ne!(signature, others);
    refused(&scene, &format!("{body}.{others}"), 401, "token_forged").await;
    refused(&scene, &ticket::foreign_token(&scene.claims, "ed"), 401, "token_forged").await;
    for _ in 0..8 {
        let reply = scene.enter(&ticket::spoiled(&good)).await;
        assert!(matches!(reply.status, 401 | 403), "{}", reply.text());
    }
    assert_eq!(scene.count(), 0);
}

pub(super) async fn an_unsigned_token_is_refused(stage: Stage) {
    let scene = stage.show();
    for alg in ["none", "None", "NONE", ""] {
        refused(&scene, &ticket::unsigned_token(&scene.claims, alg), 401, "token_forged").await;
    }
}

pub(super) async fn a_public_key_is_no_secret(stage: Stage) {
    let scene = stage.show();
    for token in ticket::confused_tokens(&scene.claims) {
        refused(&scene, &token, 401, "token_forged").await;
    }
}

pub(super) async fn an_unknown_key_is_refused(stage: Stage) {
    let scene = stage.show();
    refused(&scene, &ticket::foreign_token(&scene.claims, "unknown"), 401, "token_forged").await;
}

pub(super) async fn a_token_for_another_show_is_refused(stage: Stage) {
    let (scene, other) = (stage.show(), stage.show());
    refused(&scene, &ticket::token(&other.claims), 403, "token_wrong_show").await;
    assert_eq!(other.count(), 0);
}

pub(super) async fn a_token_for_another_purpose_is_refused(stage: Stage) {
    let scene = stage.show();
    let token = ticket::token_with(&scene.claims, "aud", json!("studio"));
    refused(&scene, &token, 403, "token_wrong_audience").await;
    let token = ticket::token_with(&scene.claims, "aud", json!("playback"));
    assert_eq!(scene.enter(&token).await.status, 200, "the test's own signing is right");
}
