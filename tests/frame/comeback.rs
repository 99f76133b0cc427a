//! A publisher whose connection drops and who returns within the reconnect window.

use std::time::Duration;

use reqwest::Client;
use tests::viewer::{Playlist, fetch, i_frames, renditions};
use tests::{House, Publisher};

use crate::clip::{self, Clip};
use crate::whole::aligned;
use crate::{ended, on_air, over};

#[tokio::test]
async fn the_same_show_goes_on_after_a_discontinuity() {
    let house = House::start(&["--reconnect-window-s", "4"]);
    let show = house.show("A dropped line");
    let ticket = house.ticket(&show.id);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("clip.flv");
    Clip { seconds: 6, height: 360, gop: 30, b_frames: 0 }.make(&file);

    let client = Client::new();
    let first = Publisher::of_file(&file, &show.rtmp);
    let multivariant = on_air(&client, &ticket.playlist_url).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    drop(first);
    tokio::time::sleep(Duration::from_secs(1)).await;
    for (name, url) in renditions(&multivariant, &ticket.playlist_url) {
        let list = Playlist::parse(&fetch(&client, &url).await.text(), &url);
        assert!(!list.ended, "{name}: the show waits for its publisher");
    }
    let (well, said) = Publisher::of_file(&file, &show.rtmp).finish();
    assert!(well, "the publisher may come back: {said}");

    over(&house).await;
    let lists = ended(&client, &ticket.playlist_url).await;
    aligned(&lists);
    let breaks = |list: &Playlist| {
        let dates = list.segments.iter().filter(|segment| segment.discontinuity);
        dates.map(|segment| segment.program_date_time.clone()).collect::<Vec<_>>()
    };
    for (_, url) in i_frames(&multivariant, &ticket.playlist_url) {
        let pictures = Playlist::parse(&fetch(&client, &url).await.text(), &url);
        let (_, source) = lists.iter().find(|(name, _)| name == "source").expect("a source");
        assert_eq!(breaks(&pictures), breaks(source), "pictures break off where the segments do");
    }
    for (name, list) in &lists {
        let breaks = list.segments.iter().filter(|segment| segment.discontinuity).count();
        assert_eq!(breaks, 1, "{name}: one discontinuity");
        let media = directory.path().join(format!("{name}.mp4"));
        list.download(&client, &media).await;
        if name == "audio" {
            continue;
        }
        let numbers: Vec<usize> = clip::pictures(&media).iter().map(|seen| seen.number).collect();
        let restart = numbers.iter().rposition(|number| *number == 0).expect("it starts again");
        assert!(numbers[..restart].iter().copied().eq(0..restart), "{name}: {numbers:?}");
        assert!(numbers[restart..].iter().copied().eq(0..180), "{name}: {numbers:?}");
    }
}

#[tokio::test]
async fn viewers_stay_while_nobody_publishes() {
    let house = House::start(&["--reconnect-window-s", "12"]);
    let show = house.show("A long break");
    let ticket = house.ticket(&show.id);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("clip.flv");
    Clip { seconds: 6, height: 360, gop: 30, b_frames: 0 }.make(&file);
    let client = Client::new();
    let (well, said) = Publisher::of_file(&file, &show.rtmp).finish();
    assert!(well, "{said}");
    let multivariant = on_air(&client, &ticket.playlist_url).await;
    let (_, url) =
        renditions(&multivariant, &ticket.playlist_url).into_iter().next().expect("a rendition");
    let mut list = Playlist::parse(&fetch(&client, &url).await.text(), &url);
    while list.segments.iter().filter(|segment| segment.gap).count() < 3 {
        let msn = list.media_sequence + list.segments.len() as u64;
        // What is there already would be answered from the cache, for as long as that keeps it.
        let place = format!("_HLS_msn={msn}&_HLS_part={}", list.open_parts.len());
        let next = fetch(&client, &format!("{url}?{place}")).await;
        assert_eq!(next.status, 200, "the playlist goes on: {}", next.text());
        list = Playlist::parse(&next.text(), &url);
        assert!(!list.ended);
    }
    let (well, said) = Publisher::of_file(&file, &show.rtmp).finish();
    assert!(well, "the publisher may come back: {said}");
    over(&house).await;
    let lists = ended(&client, &ticket.playlist_url).await;
    aligned(&lists);
    for (name, list) in &lists {
        let breaks = list.segments.iter().filter(|segment| segment.discontinuity).count();
        assert_eq!(breaks, 1, "{name}");
        let media = directory.path().join(format!("{name}.mp4"));
        list.download(&client, &media).await;
        if name != "audio" {
            assert_eq!(clip::pictures(&media).len(), 360, "{name}: every frame of both");
        }
    }
}
