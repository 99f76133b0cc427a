//! Holds `openapi.json` to the routes and to the types of `shared_wire::api`.

mod schema;

use std::collections::BTreeSet;

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use crate::api::{OPENAPI, routes};
use crate::testing::{TestHouse, field};

/// Methods a path may have. `HEAD` goes with every `GET`.
const METHODS: [&str; 6] = ["get", "put", "post", "delete", "options", "patch"];

pub(super) fn document() -> Value {
    serde_json::from_str(OPENAPI).unwrap()
}

fn object(value: &Value) -> &Map<String, Value> {
    value.as_object().unwrap_or_else(|| panic!("no object: {value}"))
}

/// Every operation: its method, its path, itself.
pub(super) fn operations(document: &Value) -> Vec<(String, String, &Value)> {
    let mut all = Vec::new();
    for (path, item) in object(&document["paths"]) {
        for (method, operation) in object(item) {
            assert!(METHODS.contains(&method.as_str()), "{method}");
            all.push((method.to_uppercase(), path.clone(), operation));
        }
    }
    all
}

/// What a value of the document says, wherever it says it.
fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let pointer = value.get("$ref").and_then(Value::as_str).map(|text| &text[1..]);
    pointer.map_or(value, |pointer| document.pointer(pointer).expect(pointer))
}

/// Every value in the document, however deep.
fn walk<'a>(value: &'a Value, visit: &mut impl FnMut(&'a Value)) {
    visit(value);
    match value {
        Value::Object(fields) => fields.values().for_each(|value| walk(value, visit)),
        Value::Array(items) => items.iter().for_each(|value| walk(value, visit)),
        _ => {}
    }
}

#[tokio::test]
async fn the_document_is_served() {
    let house = TestHouse::open().await;
    let answer = house.anybody("GET", "/openapi.json", Value::Null).await;
    assert_eq!((answer.status, answer.json), (StatusCode::OK, document()));
    assert_eq!(answer.headers["content-type"], "application/json");
}

#[test]
fn every_path_is_described_and_nothing_else() {
    let document = document();
    let described: BTreeSet<_> = object(&document["paths"]).keys().map(String::as_str).collect();
    let routed: BTreeSet<_> = routes().into_iter().map(|(path, ..)| path).collect();
    assert_eq!(described, routed);
    assert_eq!(operations(&document).len(), routes().len());
}

#[tokio::test]
async fn every_path_takes_the_methods_it_is_described_with_from_those_it_says() {
    let house = TestHouse::open().await;
    let document = document();
    let made = house.show("a").await;
    for (path, item) in object(&document["paths"]) {
        let address = path.replace("{show}", field(&made, "show"));
        let address = address
            .replace("{tier}", "basic")
            .replace("{range}", "r")
            .replace("{session}", "0123456789abcdef")
            .replace("{asset}", "0123456789abcdef")
            .replace("{language}", "en")
            .replace("{account}", "anna");
        for method in METHODS {
            let answer = house.anybody(&method.to_uppercase(), &address, Value::Null).await;
            let Some(operation) = item.get(method) else {
                assert_eq!(answer.code(), "method_not_allowed", "{method} {path}");
                continue;
            };
            let open = operation.get("security") == Some(&json!([]));
            assert_eq!(answer.status != StatusCode::UNAUTHORIZED, open, "{method} {path}");
            let described = operation["responses"].get("401").is_none();
            assert_eq!(described, open, "{method} {path}");
        }
    }
}

#[test]
fn the_document_is_well_formed() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    assert!(document["info"]["title"].is_string() && document["info"]["version"].is_string());
    let mut names = BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        let name = operation["operationId"].as_str().unwrap();
        assert!(names.insert(name.to_owned()), "{name} stands there twice");
        assert!(operation["summary"].is_string(), "{name}");
        let parameters = operation["parameters"].as_array().unwrap();
        for part in ["show", "tier", "session", "range", "asset", "language", "account"] {
            let pointer = format!("#/components/parameters/{part}");
            let named = parameters.iter().any(|p| p["$ref"] == pointer);
            assert_eq!(named, path.contains(&format!("{{{part}}}")), "{name}");
        }
        let takes = ["POST", "PUT", "PATCH"].contains(&method.as_str());
        assert!(operation.get("requestBody").is_none() || takes, "{name}");
        for (status, response) in object(&operation["responses"]) {
            let response = resolve(&document, response);
            assert!(status.parse::<u16>().is_ok_and(|status| (100..600).contains(&status)));
            assert!(response["description"].is_string(), "{name} {status}");
            let good = status.starts_with('2');
            let media = if good { "application/json" } else { "application/problem+json" };
            assert!(response["content"][media]["schema"].is_object(), "{name} {status}");
        }
    }
}

#[test]
fn every_reference_leads_somewhere_and_every_component_is_used() {
    let document = document();
    let mut used = BTreeSet::new();
    walk(&document, &mut |value| {
        if let Some(reference) = value.get("$ref") {
            let pointer = reference.as_str().and_then(|text| text.strip_prefix('#')).unwrap();
            assert!(document.pointer(pointer).is_some(), "{pointer}");
            used.insert(pointer.to_owned());
        }
    });
    for kind in ["schemas", "parameters", "responses"] {
        for name in object(&document["components"][kind]).keys() {
            assert!(used.contains(&format!("/components/{kind}/{name}")), "{name} is not used");
        }
    }
}

#[test]
fn every_code_of_the_document_is_one_the_source_answers() {
    let document = document();
    let sources = [
        include_str!("../mod.rs"),
        include_str!("../refusal.rs"),
        include_str!("../access.rs"),
        include_str!("../body.rs"),
        include_str!("../address.rs"),
    ]
    .concat();
    for (_, _, operation) in operations(&document) {
        for (status, response) in object(&operation["responses"]) {
            if status.starts_with('2') {
                continue;
            }
            let said = resolve(&document, response)["description"].as_str().unwrap();
            let codes: Vec<&str> = said.split('`').skip(1).step_by(2).collect();
            assert!(!codes.is_empty());
            for code in codes {
                assert!(sources.contains(&format!("\"{code}\"")), "{code}");
            }
        }
    }
}
