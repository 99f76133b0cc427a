//! How long assets are kept, on a clock that tests move, on whichever database they run.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::{Value, json};
use shared_wire::api::State;
use shared_wire::{AssetId, ShowId};

use super::recordings::{Noted, recorded};
use crate::Files;
use crate::testing::{NOW, TestHouse, field};

const DAY_S: i64 = 24 * 3600;

/// A house that keeps assets for thirty days, and whoever has their bytes.
async fn house() -> (TestHouse, Arc<Noted>, Arc<dyn Files>) {
    let house = TestHouse::with(|config| config.assets_keep_s = Some(30 * DAY_S)).await;
    let noted = Arc::new(Noted::default());
    let files: Arc<dyn Files> = noted.clone();
    house.control.set_files(Arc::downgrade(&files));
    (house, noted, files)
}

fn ids(asset: &Value) -> (AssetId, String) {
    let id = field(asset, "asset");
    (id.parse().unwrap(), format!("/v1/assets/{id}/retention"))
}

async fn due(house: &TestHouse) -> Vec<AssetId> {
    house.control.delete_due_assets().await.unwrap()
}

#[tokio::test]
async fn an_asset_is_kept_as_long_as_it_says_or_the_house_does() {
    let (house, noted, _files) = house().await;
    let mut shows: Vec<ShowId> = Vec::new();
    let mut assets = Vec::new();
    for title in ["house", "short", "long", "forever"] {
        let (show, asset) = recorded(&house, title, 1000).await;
        assert_eq!(asset["deleted_at"], NOW + 30 * DAY_S, "{asset}");
        assert_eq!(asset.get("retention"), None);
        shows.push(show);
        assets.push(ids(&asset));
    }
    let put = async |at: usize, said: Value| house.admin("PUT", &assets[at].1, said).await;
    let told = put(1, json!({ "keep_until": NOW + DAY_S })).await.json;
    assert_eq!(
        (&told["deleted_at"], &told["retention"]["keep_until"]),
        (&json!(NOW + DAY_S), &json!(NOW + DAY_S))
    );
    let _ = put(2, json!({ "keep_until": NOW + 60 * DAY_S })).await;
    let told = put(3, json!({ "forever": true })).await.json;
    assert_eq!((told.get("deleted_at"), &told["retention"]), (None, &json!({ "forever": true })));
    for wrong in [
        json!({}),
        json!({ "forever": false }),
        json!({ "keep_until": -1 }),
        json!({ "forever": true, "keep_until": 5 }),
    ] {
        assert_eq!(put(0, wrong.clone()).await.code(), "field_invalid", "{wrong}");
    }

    assert_eq!(due(&house).await, []);
    house.wait(DAY_S - 1);
    assert_eq!(due(&house).await, []);
    house.wait(1);
    assert_eq!(due(&house).await, [assets[1].0]);
    house.wait(29 * DAY_S - 1);
    assert_eq!(due(&house).await, []);
    house.wait(1);
    assert_eq!(due(&house).await, [assets[0].0]);
    house.wait(1000 * DAY_S);
    assert_eq!(due(&house).await, [assets[2].0]);
    assert_eq!(noted.deleted(), [shows[1], shows[0], shows[2]], "and their objects");
    assert_eq!(house.control.kept_shows().await.unwrap(), HashSet::from([shows[3]]));
    // As the house has it: it was kept long enough by now.
    let told = house.admin("DELETE", &assets[3].1, Value::Null).await.json;
    assert_eq!(told["deleted_at"], NOW + 30 * DAY_S);
    assert!(house.control.kept_shows().await.unwrap().is_empty());
    assert_eq!(due(&house).await, [assets[3].0]);
    let refused = house.admin("PUT", &assets[3].1, json!({ "forever": true })).await;
    assert_eq!(refused.code(), "asset_unknown");
}

#[tokio::test]
async fn what_is_on_the_air_or_at_another_node_stays() {
    let (house, noted, _files) = house().await;
    let (show, asset) = recorded(&house, "a", 1000).await;
    house.wait(31 * DAY_S);
    house.control.set_state(show, State::Live).await.unwrap();
    assert_eq!(due(&house).await, [], "it is on the air again");
    house.control.set_state(show, State::Ended).await.unwrap();
    noted.loses(show);
    assert_eq!(due(&house).await, [], "another node has its objects");
    noted.finds();
    assert_eq!(due(&house).await, [ids(&asset).0]);
}

#[tokio::test]
async fn a_house_that_says_nothing_keeps_all_but_what_says_so_itself() {
    let house = TestHouse::open().await;
    let noted = Arc::new(Noted::default());
    let files: Arc<dyn Files> = noted.clone();
    house.control.set_files(Arc::downgrade(&files));
    let (_, asset) = recorded(&house, "a", 1000).await;
    let (_, other) = recorded(&house, "b", 1000).await;
    assert_eq!(asset.get("deleted_at"), None);
    let _ = house.admin("PUT", &ids(&other).1, json!({ "keep_until": NOW + 1 })).await;
    house.wait(10_000 * DAY_S);
    assert_eq!(due(&house).await, [ids(&other).0]);
}
