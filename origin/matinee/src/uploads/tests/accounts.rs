//! Uploads of accounts: what is another's is as if there were none; each has room of its own.

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use super::{Answer, CHUNK, House, Sender};

impl<'a> Sender<'a> {
    /// An account that is made for it.
    async fn of(house: &'a House, name: &str, quota_bytes: Option<u64>) -> Self {
        let new = json!({ "account": name, "quota_bytes": quota_bytes });
        let json = [("content-type", "application/json")];
        let made = house.bare("POST", "/v1/accounts", &json, new.to_string()).await;
        assert_eq!(made.status, 201, "{made:?}");
        Self { house, token: made.json()["token"].as_str().unwrap().to_owned() }
    }

    async fn used(&self) -> Value {
        self.bare("GET", "/v1/account", &[], "").await.json()["used_bytes"].clone()
    }
}

fn told(answer: &Answer) -> (u16, Value) {
    let mut json = answer.json();
    json["request_id"] = Value::Null;
    (answer.status, json)
}

#[tokio::test]
async fn what_is_anothers_is_unknown_whatever_state_it_is_in() {
    let house = House::open().await;
    let anna = Sender::of(&house, "anna", None).await;
    let ben = Sender::of(&house, "ben", None).await;
    let going = anna.create(&[("upload-length", "11")]).await;
    let at = [CHUNK, ("upload-offset", "0")];
    assert_eq!(anna.tus("PATCH", &going, &at, "hello").await.status, 204);
    let gone = anna.create(&[("upload-length", "11")]).await;
    assert_eq!(anna.tus("DELETE", &gone, &[], "").await.status, 204);
    let done = anna.create(&[("upload-length", "5")]).await;
    assert_eq!(anna.tus("PATCH", &done, &at, "hello").await.status, 204);
    let none = "/v1/tus/0123456789abcdef";
    for path in [&going, &gone, &done] {
        let patch = [CHUNK, ("upload-offset", "5")];
        for (method, headers, body) in [("PATCH", &patch[..], " world"), ("DELETE", &[][..], "")] {
            let others = ben.tus(method, path, headers, body).await;
            assert_eq!((others.status, others.code().as_str()), (404, "upload_unknown"));
            assert_eq!(told(&others), told(&ben.tus(method, none, headers, body).await));
        }
        assert_eq!(ben.tus("HEAD", path, &[], "").await.status, 404);
    }
    assert_eq!(anna.tus("HEAD", &gone, &[], "").await.status, 410, "to its owner it is gone");
    // The house sees to all; an account that comes back goes on where it was.
    assert_eq!(house.offset(&going).await, 5);
    let rest = [CHUNK, ("upload-offset", "5")];
    assert_eq!(anna.tus("PATCH", &going, &rest, " world").await.status, 204);
    assert_eq!(house.bytes(&going), b"hello world");
    let own = anna.bare("GET", "/v1/assets", &[], "").await.json();
    assert_eq!(own["assets"].as_array().unwrap().len(), 2);
    assert!(own["assets"].as_array().unwrap().iter().all(|asset| asset["account"] == "anna"));
    assert_eq!(ben.bare("GET", "/v1/assets", &[], "").await.json()["assets"], json!([]));
    let unknown = Request::head(&going).header("authorization", "Bearer ac_").body(Body::empty());
    assert_eq!(house.send(unknown.unwrap()).await.status, 401);
}

#[tokio::test]
async fn parts_of_another_are_no_parts() {
    let house = House::open().await;
    let anna = Sender::of(&house, "anna", None).await;
    let ben = Sender::of(&house, "ben", None).await;
    let part = [("upload-concat", "partial"), ("upload-length", "5")];
    let part = anna.create(&part).await;
    let at = [CHUNK, ("upload-offset", "0")];
    assert_eq!(anna.tus("PATCH", &part, &at, "hello").await.status, 204);
    let whole = format!("final;{part}");
    let stolen = ben.tus("POST", "/v1/tus", &[("upload-concat", &whole)], "").await;
    assert_eq!((stolen.status, stolen.code().as_str()), (400, "concat_malformed"));
    let whole = anna.tus("POST", "/v1/tus", &[("upload-concat", &whole)], "").await;
    assert_eq!(whole.status, 201, "{whole:?}");
    assert_eq!(house.bytes(whole.header("location").unwrap()), b"hello");
    assert_eq!((anna.used().await, ben.used().await), (json!(10), json!(0)), "the part is kept");
}

#[tokio::test]
async fn an_account_that_is_full_hinders_no_other_and_is_told_so() {
    let house = House::with(|_, rules| rules.bytes_max = Some(40)).await;
    let anna = Sender::of(&house, "anna", Some(10)).await;
    let ben = Sender::of(&house, "ben", None).await;
    let known = anna.create(&[("upload-length", "6")]).await;
    let full = anna.tus("POST", "/v1/tus", &[("upload-length", "5")], "").await;
    assert_eq!((full.status, full.code().as_str()), (413, "quota_exceeded"));
    let detail = full.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.starts_with("this account's quota") && detail.contains("4 are left"));
    let full = anna.bare("POST", "/v1/assets", &[("content-length", "5")], "hello").await;
    assert_eq!((full.status, full.code().as_str()), (413, "quota_exceeded"));
    assert_eq!(full.json()["title"], "The account has no room for it.");
    // By what comes, where no length is said; nothing is left of it.
    let full = anna.bare("POST", "/v1/assets", &[], "hello").await;
    assert_eq!(full.code(), "quota_exceeded");
    assert_eq!(anna.used().await, json!(6));
    let grows = anna.create(&[("upload-defer-length", "1")]).await;
    let at = [CHUNK, ("upload-offset", "0")];
    let full = anna.tus("PATCH", &grows, &at, "hello").await;
    assert_eq!(full.code(), "quota_exceeded");
    let length = [CHUNK, ("upload-offset", "0"), ("upload-length", "5")];
    assert_eq!(anna.tus("PATCH", &grows, &length, "hello").await.code(), "quota_exceeded");
    let made = ben.bare("POST", "/v1/assets", &[("content-length", "30")], [b'x'; 30].to_vec());
    assert_eq!(made.await.json()["account"], "ben");
    // Of the house, which is full now, it is told that it is not its own fault, and no numbers.
    let full = ben.tus("POST", "/v1/tus", &[("upload-length", "5")], "").await;
    let detail = full.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.starts_with("the house's quota") && !detail.contains("40"), "{detail}");
    let full = house.tus("POST", "/v1/tus", &[("upload-length", "5")], "").await;
    assert!(full.json()["detail"].as_str().unwrap().contains("--uploads-max-mib"));
    // What is deleted makes room.
    assert_eq!(anna.tus("DELETE", &known, &[], "").await.status, 204);
    let made = anna.bare("POST", "/v1/assets", &[("content-length", "5")], "hello").await;
    assert_eq!(made.status, 201, "{made:?}");
    let path = format!("/v1/assets/{}", made.json()["asset"].as_str().unwrap());
    assert_eq!(ben.bare("DELETE", &path, &[], "").await.status, 404);
    assert_eq!(anna.bare("DELETE", &path, &[], "").await.status, 200);
    assert_eq!(anna.used().await, json!(0));
}

#[tokio::test]
async fn a_file_elsewhere_is_the_accounts_that_had_it_fetched() {
    let house = House::open().await;
    let anna = Sender::of(&house, "anna", Some(5)).await;
    let film = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello";
    let import = json!({ "url": super::assets::server(film.to_owned()).await }).to_string();
    let json = [("content-type", "application/json")];
    let made = anna.bare("POST", "/v1/assets/import", &json, import.clone()).await;
    assert_eq!((made.status, &made.json()["account"]), (201, &json!("anna")));
    let full = anna.bare("POST", "/v1/assets/import", &json, import).await;
    assert_eq!((full.status, full.code().as_str()), (413, "quota_exceeded"));
}
