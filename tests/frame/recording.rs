//! The recording: what was live plays on, also after the house was restarted.

use reqwest::Client;
use tests::viewer::renditions;
use tests::{House, Publisher};

use crate::clip::{self, Clip};
use crate::{ended, on_air};

#[tokio::test]
async fn an_ended_show_plays_from_disk_after_a_restart() {
    let house = House::start(&["--reconnect-window-s", "0"]);
    let show = house.show("To be kept");
    let ticket = house.ticket(&show.id);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("clip.flv");
    let clip = Clip { seconds: 5, height: 360, gop: 30, b_frames: 0 };
    clip.make(&file);
    let (well, said) = Publisher::of_file(&file, &show.rtmp).finish();
    assert!(well, "{said}");
    let client = Client::new();
    let before = ended(&client, &ticket.playlist_url).await;

    let again = House::start_in(house.stop(), &[]);
    // The house has other ports now; a ticket issued before is still good there.
    let path = ticket.playlist_url.splitn(4, '/').nth(3).expect("a path");
    let playlist_url = format!("{}/{path}", again.edge);
    let text = on_air(&client, &playlist_url).await;
    assert_eq!(renditions(&text, &playlist_url).len(), before.len());
    for (name, list) in ended(&client, &playlist_url).await {
        let media = directory.path().join(format!("{name}.mp4"));
        list.download(&client, &media).await;
        if name != "audio" {
            assert_eq!(clip::pictures(&media).len(), clip.seconds * clip::FRAME_RATE, "{name}");
        }
    }
}
