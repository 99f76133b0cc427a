//! Fast forward and scrubbing: the I-frame playlists of a live show, of its recording, and after a restart.

use std::path::Path;

use reqwest::Client;
use tests::viewer::{Playlist, attribute, fetch, i_frames, media, read, renditions};
use tests::{House, Publisher};

use crate::clip::{self, Clip, FRAME_RATE};
use crate::{ended, on_air};

const CLIP: Clip = Clip { seconds: 12, height: 480, gop: 30, b_frames: 2 };

#[tokio::test]
async fn a_player_can_scrub_through_a_live_show_and_its_recording() {
    let house = House::start(&["--reconnect-window-s", "0"]);
    let show = house.show("Fast forward");
    let ticket = house.ticket(&show.id);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("clip.flv");
    CLIP.make(&file);
    let mut publisher = Publisher::of_file(&file, &show.rtmp);

    let client = Client::new();
    let multivariant = on_air(&client, &ticket.playlist_url).await;
    let offers = offers(&multivariant, &ticket.playlist_url);
    for (_, url) in &offers {
        // Offered from the beginning, each has something with its first whole segment.
        assert_eq!(fetch(&client, &format!("{url}?_HLS_msn=0")).await.status, 200);
    }
    for (media_url, url) in &offers {
        let playlists = offers.len() + renditions(&multivariant, &ticket.playlist_url).len();
        live(&client, media_url, url, playlists).await;
        let list = Playlist::parse(&fetch(&client, url).await.text(), url);
        scrub(&client, &list, directory.path()).await;
    }

    let (well, said) = publisher.finish();
    assert!(well, "{said}");
    let before = ended(&client, &ticket.playlist_url).await;
    for (_, url) in &offers {
        recorded(&client, url, &before, directory.path()).await;
    }
    let again = House::start_in(house.stop(), &[]);
    let path = ticket.playlist_url.splitn(4, '/').nth(3).expect("a path");
    let playlist_url = format!("{}/{path}", again.edge);
    let text = on_air(&client, &playlist_url).await;
    let offers = self::offers(&text, &playlist_url);
    assert_eq!(offers.len(), 2, "{text}");
    for (_, url) in &offers {
        let text = fetch(&client, url).await.text();
        assert!(text.contains("#EXT-X-PLAYLIST-TYPE:VOD\n"), "{text}");
        recorded(&client, url, &before, directory.path()).await;
    }
}

/// What the multivariant playlist offers, checked: the playlist of each rung and its I-frame playlist.
fn offers(multivariant: &str, base: &str) -> Vec<(String, String)> {
    let value =
        |tag: &str, name: &str| attribute(tag, name).unwrap_or_else(|| panic!("{name}: {tag}"));
    let number = |tag: &str, name: &str| value(tag, name).parse::<u64>().expect("a number");
    let rungs = multivariant.lines().filter(|line| line.starts_with("#EXT-X-STREAM-INF:"));
    let mut offers = Vec::new();
    for (rung, (tag, url)) in rungs.zip(i_frames(multivariant, base)) {
        let media_url = url.replace("/iframes.m3u8", "/index.m3u8");
        assert!(renditions(multivariant, base).iter().any(|(_, other)| *other == media_url));
        assert_eq!(value(&tag, "RESOLUTION"), value(rung, "RESOLUTION"));
        let codecs = value(rung, "CODECS");
        assert_eq!(Some(value(&tag, "CODECS").as_str()), codecs.split(',').next(), "the picture's");
        assert!(value(&tag, "CODECS").starts_with("avc1."));
        let (peak, average) = (number(&tag, "BANDWIDTH"), number(&tag, "AVERAGE-BANDWIDTH"));
        assert!((1..=peak).contains(&average) && peak < number(rung, "BANDWIDTH"), "{tag}");
        offers.push((media_url, url));
    }
    assert_eq!(offers.len(), 2, "source and 160p: {multivariant}");
    offers
}

/// An I-frame playlist of a show on the air promises what the others do, waits like them, and refuses like them.
async fn live(client: &Client, media_url: &str, url: &str, playlists: usize) {
    let tag = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name));
        line.unwrap_or_else(|| panic!("{name} in {text}")).to_owned()
    };
    let fetched = fetch(client, url).await;
    assert_eq!(
        (fetched.status, &fetched.headers["content-type"]),
        (200, &fetch(client, media_url).await.headers["content-type"])
    );
    let (text, media) = (fetched.text(), fetch(client, media_url).await.text());
    assert!(text.contains("#EXT-X-I-FRAMES-ONLY\n") && !text.contains("#EXT-X-PART"), "{text}");
    for name in ["#EXT-X-TARGETDURATION:", "#EXT-X-SERVER-CONTROL:", "#EXT-X-VERSION:"] {
        assert_eq!(tag(&text, name), tag(&media, name));
    }
    for text in [&text, &media] {
        assert_eq!(text.matches("#EXT-X-RENDITION-REPORT:").count(), playlists - 1, "{text}");
    }
    let list = Playlist::parse(&text, url);
    let next = list.media_sequence + list.segments.len() as u64;
    for query in [format!("_HLS_msn={next}"), format!("_HLS_msn={}&_HLS_part=3", next + 1)] {
        let waited = fetch(client, &format!("{url}?{query}")).await;
        assert_eq!(waited.status, 200, "{query}: {}", waited.text());
        let newer = Playlist::parse(&waited.text(), url);
        assert!(newer.media_sequence + newer.segments.len() as u64 > next, "{}", waited.text());
        assert!(
            waited.headers["cache-control"].to_str().is_ok_and(|text| text.contains("max-age="))
        );
    }
    for query in ["_HLS_msn=9999", "_HLS_part=0"] {
        let refused = fetch(client, &format!("{url}?{query}")).await;
        assert_eq!((refused.status, refused.code().as_str()), (400, "bad_directive"), "{query}");
    }
    let packed = client.get(url).header("accept-encoding", "gzip").send().await.expect("an answer");
    assert_eq!(packed.headers()["content-encoding"], "gzip");
}

/// Each picture comes by its range alone, and decodes with the init segment alone to the frame it stands for.
async fn scrub(client: &Client, list: &Playlist, directory: &Path) {
    assert_eq!(list.media_sequence, 0);
    let mut at_s = 0.0;
    for picture in &list.segments {
        let (length, offset) = picture.range.expect("a range");
        let range = format!("bytes={offset}-{}", offset + length - 1);
        let response = client.get(&picture.url).header("range", &range).send().await;
        let part = read(response.expect("an answer")).await;
        assert_eq!((part.status, part.body.len()), (206, length), "{range} of {}", picture.url);
        assert_eq!(&part.body[4..8], b"moof");
        let mut file = media(client, picture.map.as_ref().expect("an init segment")).await;
        file.extend_from_slice(&part.body);
        let path = directory.join("picture.mp4");
        std::fs::write(&path, file).expect("writable");
        let seen: Vec<usize> = clip::pictures(&path).iter().map(|seen| seen.number).collect();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "frames of a short clip"
        )]
        let number = (at_s * FRAME_RATE as f64).round() as usize;
        assert_eq!(seen, [number], "{picture:?}");
        assert_eq!(number % CLIP.gop, 0, "a keyframe of the publisher's");
        at_s += picture.duration_s;
    }
}

/// The recording's I-frame playlist is whole: a picture each second, as long as the show.
async fn recorded(client: &Client, url: &str, media: &[(String, Playlist)], directory: &Path) {
    let fetched = fetch(client, &format!("{url}?_HLS_msn=9999&_HLS_skip=YES")).await;
    assert_eq!(fetched.status, 200, "directives mean nothing now: {}", fetched.text());
    let list = Playlist::parse(&fetched.text(), url);
    assert!(list.ended && fetched.text().contains("#EXT-X-I-FRAMES-ONLY\n"), "{}", fetched.text());
    assert_eq!(list.segments.len(), CLIP.seconds, "{}", fetched.text());
    let (_, source) = media.iter().find(|(name, _)| name == "source").expect("a source");
    assert_eq!(list.target_duration_s, source.target_duration_s);
    let length_s = |list: &Playlist| list.segments.iter().map(|one| one.duration_s).sum::<f64>();
    assert!((length_s(&list) - length_s(source)).abs() < 1e-5, "as long as the show");
    scrub(client, &list, directory).await;
}
