//! `matinee asset import`: films fetched from elsewhere, and from no private network unless the house says so.

use std::process::Output;

use serde_json::{Value, json};
use tests::House;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::looked_into::{PICTURES, make};
use crate::{Tus, shared};

/// A server that answers every request with this body; its address.
async fn server(body: Vec<u8>) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
            let length = body.len();
            let head =
                format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
            let _ = stream.write_all(head.as_bytes()).await;
            let _ = stream.write_all(&body).await;
        }
    });
    format!("http://{address}")
}

/// Runs the command beside the server, which lives on this test's thread.
async fn import(house: &std::sync::Arc<House>, url: String) -> Output {
    let house = std::sync::Arc::clone(house);
    let run = move || house.cli(&["asset", "import", &url, "--title", "Von fern", "--json"]);
    tokio::task::spawn_blocking(run).await.expect("it runs")
}

#[tokio::test]
async fn a_film_elsewhere_is_fetched_and_looked_into() {
    let folder = tempfile::tempdir().expect("a directory");
    let encoded = ["-t", "2", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"];
    let film = make(folder.path(), "film.mp4", &[&PICTURES[..], &encoded].concat());
    let film = std::fs::read(film).expect("a film");
    let flags = ["--transcodes", "0", "--pull-private", "allow"];
    let house = std::sync::Arc::new(House::start(&flags));
    let there = server(film.clone()).await;
    let output = import(&house, format!("{there}/von/film.mp4?secret=1")).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let made: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let id = made["asset"].as_str().expect("an id");
    let told = Tus::to(&house).looked_into(id).await;
    assert_eq!((&told["title"], &told["file_name"]), (&json!("Von fern"), &json!("film.mp4")));
    assert_eq!(told["state"], "uploaded");
    let kept = std::fs::read(house.data().join("uploads").join(id).join("file"));
    assert!(kept.expect("a file") == film, "it is another one");
    assert!(!house.log().contains("secret=1"), "the address's query is in the log");
}

#[tokio::test]
async fn a_private_network_is_refused_with_the_reason() {
    let there = server(b"x".to_vec()).await;
    let output = import(&shared(), format!("{there}/film.mp4")).await;
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("private network"), "{said}");
}
