//! Date ranges and timed metadata by the API: who answers for a show, and what becomes of its refusals.

use std::sync::{Arc, Mutex};

use axum::http::StatusCode;
use serde_json::{Value, json};
use shared_playlist::DateRange;
use shared_wire::ShowId;

use crate::testing::{TestHouse, field};
use crate::{Cue, Error, OnAir, Reply};

/// A stage with one show on it, which takes one date range and any tag.
struct Stage(Mutex<Vec<DateRange>>, Mutex<Vec<u8>>);

impl OnAir for Stage {
    fn put_date_range(&self, _show: ShowId, range: DateRange) -> Reply<'_, DateRange> {
        Box::pin(async move {
            range.check().map_err(Error::DateRange)?;
            let mut ranges = self.0.lock().unwrap();
            if !ranges.is_empty() {
                return Err(Error::DateRangesFull);
            }
            ranges.push(range.clone());
            Ok(range)
        })
    }

    fn drop_date_range(&self, _show: ShowId, id: String) -> Reply<'_, DateRange> {
        Box::pin(async move {
            let mut ranges = self.0.lock().unwrap();
            let at = ranges.iter().position(|range| range.id == id);
            at.map(|at| ranges.remove(at)).ok_or(Error::DateRangeUnknown)
        })
    }

    fn put_id3(&self, _show: ShowId, tag: Vec<u8>) -> Reply<'_, ()> {
        Box::pin(async move {
            self.1.lock().unwrap().extend(tag);
            Ok(())
        })
    }

    fn put_captions(&self, _show: ShowId, track: String, cues: Vec<Cue>) -> Reply<'_, ()> {
        Box::pin(async move {
            assert_eq!(track, "cc-pt-br");
            let late = cues.iter().any(|cue| cue.text == "late");
            if late { Err(Error::CaptionLate { by_ms: 1500 }) } else { Ok(()) }
        })
    }

    fn begun_us(&self, _show: ShowId) -> Reply<'_, i64> {
        Box::pin(async { Ok(1_700_000_000_000_000) })
    }

    fn date_ranges(&self, _show: ShowId) -> Reply<'_, Vec<DateRange>> {
        Box::pin(async move { Ok(self.0.lock().unwrap().clone()) })
    }
}

#[tokio::test]
async fn date_ranges_are_told_listed_and_taken_back() {
    let house = TestHouse::open().await;
    let made = house.show("a").await;
    let path = format!("/v1/shows/{}/date-ranges", field(&made, "show"));
    let nobody = house.admin("GET", &path, Value::Null).await;
    assert_eq!((nobody.status, nobody.code()), (StatusCode::CONFLICT, "show_not_live"));

    house.control.set_on_air(Arc::new(Stage(Mutex::default(), Mutex::default())));
    let attributes = json!({ "X-NAME": "x", "X-LEVEL": 1.5, "X-RAW": { "hex": "0xFC" } });
    let range = json!({ "id": "a/b c", "start_ms": 1000, "attributes": attributes });
    let told = house.admin("POST", &path, range.clone()).await;
    assert_eq!((told.status, &told.json), (StatusCode::OK, &range));
    let listed = house.admin("GET", &path, Value::Null).await;
    assert_eq!(listed.json, json!({ "date_ranges": [range] }));
    let full = house.admin("POST", &path, json!({ "id": "b", "start_ms": 1000 })).await;
    assert_eq!((full.status, full.code()), (StatusCode::CONFLICT, "date_ranges_full"));
    let wrong = house.admin("POST", &path, json!({ "id": "", "start_ms": 1000 })).await;
    assert_eq!((wrong.status.as_u16(), wrong.code()), (422, "field_invalid"));
    assert!(field(&wrong.json, "detail").starts_with("`id` must be"), "{wrong:?}");
    let unread = house.admin("POST", &path, json!({ "id": "b", "start": "now" })).await;
    assert_eq!((unread.status.as_u16(), unread.code()), (400, "body_malformed"));

    let stranger = house.anybody("DELETE", &format!("{path}/a%2Fb%20c"), Value::Null).await;
    assert_eq!(stranger.status, StatusCode::UNAUTHORIZED);
    let dropped = house.admin("DELETE", &format!("{path}/a%2Fb%20c"), Value::Null).await;
    assert_eq!((dropped.status, &dropped.json), (StatusCode::OK, &range));
    let gone = house.admin("DELETE", &format!("{path}/a%2Fb%20c"), Value::Null).await;
    assert_eq!((gone.status, gone.code()), (StatusCode::NOT_FOUND, "date_range_unknown"));
}

#[tokio::test]
async fn a_text_or_a_tag_is_sent_and_nothing_else() {
    let house = TestHouse::open().await;
    let made = house.show("a").await;
    let path = format!("/v1/shows/{}/id3", field(&made, "show"));
    let stage = Arc::new(Stage(Mutex::default(), Mutex::default()));
    house.control.set_on_air(stage.clone());
    let text = house.admin("POST", &path, json!({ "description": "d", "text": "t" })).await;
    assert_eq!((text.status, &text.json), (StatusCode::OK, &json!({ "bytes": 24 })));
    let tag = "SUQzBAAAAAAADlRYWFgAAAAEAAADZAB0";
    let whole = house.admin("POST", &path, json!({ "base64": tag })).await;
    assert_eq!((whole.status, &whole.json), (StatusCode::OK, &json!({ "bytes": 24 })));
    let sent = stage.1.lock().unwrap().clone();
    assert_eq!(sent[..24], sent[24..], "the same tag by either way");
    for wrong in [
        json!({}),
        json!({ "description": "d" }),
        json!({ "text": "a\u{0}b" }),
        json!({ "text": "a", "base64": tag }),
        json!({ "base64": "SUQz" }),
        json!({ "base64": "???" }),
    ] {
        let answer = house.admin("POST", &path, wrong.clone()).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (422, "field_invalid"), "{wrong}");
    }
}

#[tokio::test]
async fn captions_are_declared_and_then_sent_in_either_form() {
    let house = TestHouse::open().await;
    let made = house.show("a").await;
    let show = format!("/v1/shows/{}", field(&made, "show"));
    let path = format!("{show}/captions/PT-br");
    house.control.set_on_air(Arc::new(Stage(Mutex::default(), Mutex::default())));
    let cue =
        |text: &str| json!({ "cues": [{ "start_in_ms": 0, "end_in_ms": 900, "text": text }] });
    let undeclared = house.admin("POST", &path, cue("a")).await;
    assert_eq!((undeclared.status.as_u16(), undeclared.code()), (404, "caption_track_unknown"));
    let track = |name: &str| json!({ "language": "pt-BR", "name": name });
    let tracks = |name: &str| json!({ "broadcast": { "captions": [track(name)] } });
    let wrong = house.admin("PATCH", &show, tracks("\"")).await;
    assert_eq!((wrong.status.as_u16(), wrong.code()), (422, "field_invalid"));
    assert_eq!(house.admin("PATCH", &show, tracks("Português")).await.status, StatusCode::OK);
    let taken = house.admin("POST", &path, cue("a")).await;
    assert_eq!((taken.status, &taken.json), (StatusCode::OK, &json!({ "cues": 1 })));
    let late = house.admin("POST", &path, cue("late")).await;
    assert_eq!((late.status.as_u16(), late.code()), (409, "caption_late"));
    assert!(field(&late.json, "detail").contains("1500 ms"), "{late:?}");
    let empty = house.admin("POST", &path, cue("a\n\nb")).await;
    assert_eq!((empty.status.as_u16(), empty.code()), (422, "field_invalid"));
    let stranger = house.anybody("POST", &path, cue("a")).await;
    assert_eq!(stranger.status, StatusCode::UNAUTHORIZED);
    let many = json!({ "cues": vec![cue("a")["cues"][0].clone(); 64] });
    let (mut taken, mut fast) = (0, house.admin("POST", &path, many.clone()).await);
    while fast.status == StatusCode::OK && taken < 100 {
        (taken, fast) = (taken + 1, house.admin("POST", &path, many.clone()).await);
    }
    assert_eq!((fast.status.as_u16(), fast.code()), (429, "captions_too_fast"));
    assert!(taken >= 6 && fast.headers.contains_key("retry-after"), "{taken} {fast:?}");
}

#[tokio::test]
async fn the_sounds_of_a_show_are_named_in_their_order() {
    let house = TestHouse::open().await;
    let made = house.show("a").await;
    let show = format!("/v1/shows/{}", field(&made, "show"));
    let named = |sounds: Value| json!({ "broadcast": { "sounds": sounds } });
    for wrong in [
        json!([{ "language": "english and more" }]),
        json!([{ "language": "en", "name": "\u{7}" }]),
        Value::Array(vec![json!({ "language": "en" }); 9]),
    ] {
        let answer = house.admin("PATCH", &show, named(wrong.clone())).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (422, "field_invalid"), "{wrong}");
    }
    let sounds = json!([{ "language": "en" }, { "language": "de", "name": "Kommentar" }]);
    let changed = house.admin("PATCH", &show, named(sounds.clone())).await;
    assert_eq!((changed.status, &changed.json["broadcast"]["sounds"]), (StatusCode::OK, &sounds));
}

#[tokio::test]
async fn the_captions_within_the_pictures_of_a_show_are_named_by_their_channel() {
    let house = TestHouse::open().await;
    let made = house.show("a").await;
    let show = format!("/v1/shows/{}", field(&made, "show"));
    let named = |all: Value| json!({ "broadcast": { "closed_captions": all } });
    let one =
        |channel: &str, name: &str| json!({ "channel": channel, "language": "en", "name": name });
    for wrong in [
        json!([{ "channel": "CC5", "language": "en" }]),
        json!([{ "channel": "SERVICE0", "language": "en" }]),
        json!([{ "channel": "SERVICE64", "language": "en" }]),
        json!([{ "channel": "SERVICE01", "language": "en" }]),
        json!([{ "channel": "CC1", "language": "english and more" }]),
        json!([one("CC1", "a\"b")]),
        json!([one("CC1", "a"), one("CC1", "b")]),
        json!([one("CC1", "a"), one("CC2", "a")]),
        (1..18).map(|n| json!({ "channel": format!("SERVICE{n}"), "language": "en" })).collect(),
    ] {
        let answer = house.admin("PATCH", &show, named(wrong.clone())).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (422, "field_invalid"), "{wrong}");
        assert!(answer.json.to_string().contains("broadcast.closed_captions"), "{wrong}");
    }
    let all = json!([{ "channel": "CC1", "language": "en" }, one("SERVICE63", "Large")]);
    let changed = house.admin("PATCH", &show, named(all.clone())).await;
    let kept = &changed.json["broadcast"]["closed_captions"];
    assert_eq!((changed.status, kept), (StatusCode::OK, &all));
}
