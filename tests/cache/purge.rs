//! What the house takes back, edges forget.

use tests::ticket::EDGE_KEY;

use crate::edge;
use crate::origin::{Origin, Say};
use crate::viewer::{Viewer, get};

#[tokio::test(flavor = "multi_thread")]
async fn a_purge_by_who_has_the_edge_key_reaches_the_objects_of_that_name() {
    let origin = Origin::start().await;
    let edge = edge::start(edge::config(&[&origin])).await;
    for (path, keys) in [("/assets/a", "show show/720p"), ("/assets/b", "show"), ("/assets/c", "x")]
    {
        let say = Say::body("old").with("cache-control", "max-age=60").with("surrogate-key", keys);
        let new = Say::body("new").with("cache-control", "max-age=60").with("surrogate-key", keys);
        origin.on(path, [say, new]);
        assert_eq!(get(edge.address, path).await.text(), "old");
    }
    let purge = async |key: &str, names: &str| {
        let headers =
            [("matinee-edge-key", key), ("surrogate-key", names), ("content-length", "0")];
        Viewer::asks(edge.address, "POST", "/purge", &headers).await.reply().await.status
    };
    assert_eq!(purge("somebody", "show").await, 401);
    assert_eq!(get(edge.address, "/assets/a").await.text(), "old");
    assert!(matches!(purge(EDGE_KEY, "show/720p").await, 200 | 204));
    assert_eq!(get(edge.address, "/assets/a").await.text(), "new");
    assert_eq!(get(edge.address, "/assets/b").await.text(), "old");
    assert!(matches!(purge(EDGE_KEY, "none show").await, 200 | 204));
    assert_eq!(get(edge.address, "/assets/b").await.text(), "new");
    assert_eq!(get(edge.address, "/assets/c").await.text(), "old");
    let seen = origin.seen("/");
    assert!(
        seen.iter()
            .all(|seen| seen.target.starts_with("/assets") || seen.target.starts_with("/edge"))
    );
}
