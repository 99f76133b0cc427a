//! An edge that is started again begins with what lies on its disk.

use edge_wasmtime::{Config, DiskLimits};

use crate::edge;
use crate::origin::{Origin, Say};
use crate::viewer::get;

fn on_disk(origin: &Origin, folder: &std::path::Path) -> Config {
    let mut config = edge::config(&[origin]);
    config.cache.disk = Some(DiskLimits::new(folder, 100_000_000));
    config
}

/// Waits until nobody uses the folder. A program that ends lets go of it at once; here the disk's own thread may have a
/// last object to write.
async fn left(folder: &std::path::Path) {
    let lock = std::fs::File::open(folder.join("lock")).expect("the lock");
    let free = async {
        while lock.try_lock().is_err() {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    let free = tokio::time::timeout(std::time::Duration::from_secs(10), free).await;
    free.expect("the edge lets go of its folder");
    lock.unlock().expect("it was ours");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_edge_answers_without_its_origin_what_is_still_fresh() {
    let (origin, folder) = (Origin::start().await, tempfile::tempdir().expect("a folder"));
    let body = vec![7; 1_000_000];
    let say = Say::body(body.clone()).with("cache-control", "public, max-age=31536000, immutable");
    origin.on("/assets/s1.m4s", [say]);
    let brief = Say::body("playlist").with("cache-control", "max-age=6");
    origin.on("/assets/list", [brief]);
    let edge = edge::start(on_disk(&origin, folder.path())).await;
    assert_eq!(get(edge.address, "/assets/s1.m4s").await.header("x-cache"), "miss");
    assert_eq!(get(edge.address, "/assets/list").await.header("x-cache"), "miss");
    edge.stop().await;
    left(folder.path()).await;
    origin.vanish().await;
    let edge = edge::start(on_disk(&origin, folder.path())).await;
    let reply = get(edge.address, "/assets/s1.m4s").await;
    assert_eq!((reply.status, reply.header("x-cache"), reply.body == body), (200, "hit", true));
    assert_eq!(get(edge.address, "/assets/list").await.status, 502);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_edge_without_its_origin_keeps_out_who_was_denied() {
    let (origin, folder) = (Origin::start().await, tempfile::tempdir().expect("a folder"));
    let claims = tests::ticket::claims(tests::ticket::fresh_show());
    let path = format!("/o/{}/720p/e1/s1.m4s", claims.show);
    let say = Say::body("segment").with("cache-control", "public, max-age=31536000, immutable");
    origin.on(&path, [say.with("content-type", "video/mp4")]);
    let target = format!("/p/{}/720p/e1/s1.m4s", tests::ticket::sealed(&claims));
    let edge = edge::start(on_disk(&origin, folder.path())).await;
    assert_eq!(get(edge.address, &target).await.status, 200);
    origin.deny(&[claims.ticket.to_string()]);
    while get(edge.address, &target).await.status == 200 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    edge.stop().await;
    left(folder.path()).await;
    origin.vanish().await;
    let edge = edge::start(on_disk(&origin, folder.path())).await;
    assert_eq!(get(edge.address, &target).await.status, 403, "and its bytes lie on the disk");
}
