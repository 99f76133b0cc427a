//! Whole clips through a real child: what comes out is what went in, once per rung.
//!
//! In: clips made by `ffmpeg`. Out: verdicts. Does not know the machines.

mod clip;

use clip::{Outcome, config, make, picture, pictures, through};

const SMALL: (u32, u32) = (640, 360);
const X264: &str = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p";

/// Every rung has every picture of the source and is cut where the source is.
fn assert_mirrors(outcome: &Outcome, source: &(Vec<i64>, Vec<i64>), ids: &[&str]) {
    for id in ids {
        assert_eq!(&outcome.shown(id), source, "{id}");
        let units = &outcome.units[*id];
        if *id != "source" {
            assert!(units.iter().all(|unit| unit.pts == unit.dts), "{id}");
        }
        assert_eq!(outcome.decoded(id).0, units.len(), "{id} decodes");
    }
}

fn assert_on_grid(outcome: &Outcome) {
    let sound = &outcome.units["audio"];
    for pair in sound.windows(2) {
        assert_eq!((pair[1].pts - pair[0].pts).0, 1920);
        assert_eq!(pair[1].pts, pair[1].dts);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_ladder_mirrors_irregular_keyframes() {
    let size = (1920, 1080);
    let clip = make(
        size,
        &format!(
            "{} -f lavfi -i sine=frequency=1000:sample_rate=48000:duration=4 {X264} \
             -sc_threshold 0 -g 300 -force_key_frames 0,0.6,1.1,2.5,2.6 -c:a aac -ac 2",
            picture(size, 30, 4)
        ),
    );
    let outcome = through(config(), &clip).await;
    assert_eq!(outcome.ids(), ["source", "720p", "480p", "160p", "audio"]);
    assert_eq!(outcome.plan.as_ref().unwrap().target_duration_s, 2);
    let source = pictures(&clip);
    assert_eq!((source.0.len(), source.1.len()), (120, 5));
    assert_mirrors(&outcome, &source, &["source", "720p", "480p", "160p"]);
    assert_eq!(outcome.decoded("720p").1, "1280,720");
    assert_eq!(outcome.decoded("160p").1, "284,160");
    assert_on_grid(&outcome);
    assert!(outcome.breaks.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn reordered_pictures_come_out_in_order_and_all() {
    let clip = make(
        SMALL,
        &format!("{} -c:v libx264 -preset medium -bf 3 -g 50 -an", picture(SMALL, 25, 5)),
    );
    let outcome = through(config(), &clip).await;
    assert_eq!(outcome.ids(), ["source", "160p"], "no sound, only rungs below");
    assert_mirrors(&outcome, &pictures(&clip), &["source", "160p"]);
}
