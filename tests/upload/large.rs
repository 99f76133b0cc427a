//! Files that no memory holds.

use reqwest::Body;
use tests::{House, resident};

use crate::{Tus, name, pattern};

/// Bytes of the file: much more than the house may grow by.
const BYTES: u64 = 384 << 20;
/// Bytes that the house may grow by.
const GROWTH_MAX: u64 = 32 << 20;
const PIECE: usize = 1 << 20;

#[tokio::test]
async fn a_large_file_takes_no_memory() {
    let house = House::start(&[]);
    let tus = Tus::to(&house);
    // What the first upload sets up is there to stay.
    let warm = tus.create(8 << 20).await;
    assert_eq!(tus.patch(&warm, 0, pattern(0, 8 << 20)).await.status(), 204);
    let piece = bytes_of(pattern(0, PIECE));
    let (before, _) = resident(house.pid());
    let path = tus.create(BYTES).await;
    let pieces = usize::try_from(BYTES).expect("it fits") / PIECE;
    let stream =
        futures::stream::iter((0..pieces).map(move |_| Ok::<_, std::io::Error>(piece.clone())));
    let began = std::time::Instant::now();
    let chunk = tus.chunk(&path, 0).header("content-length", BYTES).body(Body::wrap_stream(stream));
    assert_eq!(chunk.send().await.expect("an answer").status(), 204);
    let took = began.elapsed();
    let (_, most) = resident(house.pid());
    let growth = most.saturating_sub(before);
    println!(
        "{} MiB in {took:?}, {} MiB/s; resident {} MiB before, {} MiB at most: {} MiB more",
        BYTES >> 20,
        (BYTES >> 20) as f64 / took.as_secs_f64(),
        before >> 20,
        most >> 20,
        growth >> 20
    );
    assert!(growth < GROWTH_MAX, "the house grew by {growth} bytes");
    let file = house.data().join("uploads").join(name(&path)).join("file");
    // It was refused meanwhile, for it is no film; or it is there in full.
    assert!(std::fs::metadata(file).map_or(BYTES, |data| data.len()) == BYTES);
}

fn bytes_of(bytes: Vec<u8>) -> axum::body::Bytes {
    bytes.into()
}
