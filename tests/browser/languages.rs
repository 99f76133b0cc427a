//! Languages on the watch page: the viewer chooses what is heard, and finds it again the next time.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;
use tests::House;

use super::viewer::Viewer;
use super::{JOIN_MAX, NOTICE_MAX, Publisher, alone};

/// What is heard in English and in German, in Hz.
const TONES: [f64; 2] = [440.0, 880.0];
/// How far a tone may be off: the ear's steps are 6 Hz.
const OFF_HZ_MAX: f64 = 12.0;

/// A publisher in two languages, in real time.
fn publish(address: &str) -> Publisher {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-nostdin", "-v", "error", "-re", "-f", "lavfi"]);
    ffmpeg.args(["-i", "testsrc2=size=640x360:rate=30"]);
    for tone in TONES {
        let tone = format!("sine=frequency={tone}:sample_rate=48000");
        ffmpeg.args(["-re", "-f", "lavfi", "-i", &tone]);
    }
    ffmpeg.args(["-map", "0", "-map", "1", "-map", "2", "-c:v", "libx264", "-g", "30"]);
    ffmpeg.args(["-preset", "ultrafast", "-tune", "zerolatency", "-c:a", "aac", "-ac", "2"]);
    ffmpeg.args(["-metadata:s:a:0", "language=eng", "-metadata:s:a:1", "language=deu"]);
    let ffmpeg = ffmpeg.args(["-f", "mpegts", &format!("{address}&pkt_size=1316")]);
    let child = ffmpeg.stdin(Stdio::piped()).stderr(Stdio::null()).spawn();
    Publisher(child.expect("ffmpeg starts"))
}

/// Waits until this tone is heard, and says how long that took.
fn until_heard(viewer: &mut Viewer, tone: f64) -> Duration {
    let begun = Instant::now();
    loop {
        let heard = viewer.ask(&json!({ "do": "tone" })).as_f64().expect("a tone");
        if (heard - tone).abs() < OFF_HZ_MAX {
            return begun.elapsed();
        }
        assert!(begun.elapsed() < NOTICE_MAX, "{heard} Hz are heard, not {tone} Hz");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn the_viewer_chooses_a_language_and_finds_it_again() {
    let _alone = alone();
    let house = House::start(&["--srt", "127.0.0.1:0"]);
    let show = house.show("In two languages");
    let ticket = house.ticket(&show.id);
    let _publisher = publish(show.srt.as_deref().expect("the house speaks SRT"));
    let mut viewer = Viewer::open(&ticket.watch_url);
    viewer.until_state("live", JOIN_MAX);
    viewer.until_moving(NOTICE_MAX);
    until_heard(&mut viewer, TONES[0]);

    viewer.click("Audio track");
    viewer.shoot("languages-menu");
    viewer.ask(&json!({ "do": "choose", "name": "Deutsch" }));
    let took = until_heard(&mut viewer, TONES[1]);
    println!("German is heard {:.2} s after it was chosen", took.as_secs_f64());
    viewer.until_moving(NOTICE_MAX);

    viewer.ask(&json!({ "do": "open", "url": ticket.watch_url }));
    viewer.until_state("live", JOIN_MAX);
    viewer.until_moving(NOTICE_MAX);
    until_heard(&mut viewer, TONES[1]);
    viewer.assert_clean();
}
