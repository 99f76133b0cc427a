//! What may be wrong with a film, and by whose fault: its file, its child, its parent.
//!
//! In: files made by `ffmpeg`, and violence. Out: verdicts. Does not know the child.

use std::process::Command;
use std::time::Duration;

use origin_ladder::film::{Config, Error, Job, Made, make};

use super::*;

const SIZE: (u32, u32) = (640, 360);

fn film(seconds: u32) -> File {
    let arguments = "-c:v libx264 -g 25 -c:a aac -movflags +faststart";
    File::make("film.mp4", &format!("{} {} {arguments}", picture(SIZE, seconds), tone(seconds)))
}

fn whole(index: &Index) -> Job {
    Job {
        rungs: vec![rung("180p", (320, 180), false)],
        sounds: vec![sound("audio", 1, 2, false)],
        ..job(index)
    }
}

fn is_the_files(error: &Error) -> bool {
    matches!(error, Error::File { file, reason } if !file.is_empty() && !reason.is_empty())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_film_that_is_cut_off_ends_there() {
    let bytes = film(6).bytes();
    let file = File::of("film.mp4", &bytes[..bytes.len() * 2 / 3]);
    let index = file.index(&[0, 1], Some(0)).await.unwrap();
    assert!((60..140).contains(&index.pictures), "{}", index.pictures);
    let outcome = file.film(&whole(&index)).await.unwrap().outcome();
    let made = outcome.units["180p"].len() as u64;
    assert!(index.pictures - made <= 1, "{made} of {}", index.pictures);
    assert_eq!(outcome.decoded("180p").0 as u64, made);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_film_is_the_files_fault() {
    let bytes = film(1).bytes();
    let headless = &bytes[bytes.len() / 2..];
    for bytes in [&[][..], &[0x55; 5_000], b"#EXTM3U\nhttp://127.0.0.1/x.ts\n", headless] {
        let file = File::of("film.mp4", bytes);
        let error = file.index(&[0], Some(0)).await.unwrap_err();
        assert!(is_the_files(&error), "{error}");
        let job = Job { rungs: vec![rung("180p", (320, 180), false)], ..Job::default() };
        let job = Job { pictures: Some(Pictures::default()), ..job };
        assert!(is_the_files(&file.film(&job).await.unwrap_err()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_film_that_does_not_decode_is_at_fault() {
    let file = film(2);
    let index = file.index(&[0, 1], Some(0)).await.unwrap();
    let mut bytes = file.bytes();
    let media = bytes.windows(4).position(|name| name == b"mdat").unwrap() + 4;
    for (at, byte) in bytes[media..].iter_mut().enumerate() {
        *byte = (at * 7 % 251) as u8;
    }
    let broken = File::of("film.mp4", &bytes);
    let error = broken.film(&whole(&index)).await.unwrap_err();
    assert!(is_the_files(&error), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_few_broken_packets_are_left_out() {
    let file = film(4);
    let index = file.index(&[0, 1], Some(0)).await.unwrap();
    let mut bytes = file.bytes();
    let (from, to) = (bytes.len() / 2, bytes.len() / 2 + bytes.len() / 50);
    bytes[from..to].fill(0xff);
    let outcome = File::of("film.mp4", &bytes).film(&whole(&index)).await.unwrap().outcome();
    assert!(outcome.units["180p"].len() > 60, "{}", outcome.units["180p"].len());
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_and_keyframes_have_limits() {
    let file = film(2);
    let error = file.index(&[0, 7], Some(0)).await.unwrap_err();
    assert!(error.to_string().contains("no stream 7"), "{error}");
    let few = Config { keyframes_max: 1, ..config() };
    let error = origin_ladder::film::index(&few, &file.path, &[0], Some(0)).await.unwrap_err();
    assert!(is_the_files(&error) && error.to_string().contains("keyframes"), "{error}");
    let many = Job { texts: (0..65).map(|_| text("t", 1)).collect(), ..Job::default() };
    assert!(matches!(make(&config(), &file.path, &many), Err(Error::Job(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rung_that_no_encoder_makes_is_not_the_files_fault() {
    let file = film(1);
    let index = file.index(&[0, 1], Some(0)).await.unwrap();
    let odd = Job { rungs: vec![rung("180p", (321, 181), false)], ..whole(&index) };
    assert!(matches!(file.film(&odd).await, Err(Error::Lack(_))));
    let turned = Some(Pictures { rotate: 45, ..Pictures::default() });
    let turned = Job { pictures: turned, ..whole(&index) };
    assert!(matches!(file.film(&turned).await, Err(Error::Lack(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_that_is_killed_is_told_from_one_that_is_done() {
    let file = film(20);
    let index = file.index(&[0, 1], Some(0)).await.unwrap();
    let mut running = make(&config(), &file.path, &whole(&index)).unwrap();
    assert!(matches!(running.next().await, Some(Ok(_))));
    let pid = running.pid().unwrap().to_string();
    assert!(Command::new("kill").args(["-KILL", &pid]).status().unwrap().success());
    let ended = loop {
        match running.next().await {
            Some(Ok(Made::Counted(_))) => panic!("it was killed before its end"),
            Some(Ok(_)) => {}
            ended => break ended,
        }
    };
    assert_eq!(ended, Some(Err(Error::Killed(9))));
    assert_eq!(running.next().await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_that_says_nothing_is_killed_and_one_that_cannot_start_is_told() {
    let file = File::of("film.mp4", b"x");
    let idle = Config { command: vec!["sleep".into(), "60".into()], hang_ms: 300, ..config() };
    let error = origin_ladder::film::index(&idle, &file.path, &[0], None).await.unwrap_err();
    assert_eq!(error, Error::Hung(300));
    let none = Config { command: vec!["/nowhere".into()], ..config() };
    let error = origin_ladder::film::index(&none, &file.path, &[0], None).await.unwrap_err();
    assert_eq!(error, Error::Spawn(std::io::ErrorKind::NotFound));
    let other = Config { command: vec!["true".into()], ..config() };
    let error = origin_ladder::film::index(&other, &file.path, &[0], None).await.unwrap_err();
    assert!(matches!(error, Error::BrokeOff(_)), "{error}");
}

/// Its child is gone a moment after the work is dropped, and gave way to others while it lived.
#[tokio::test(flavor = "multi_thread")]
async fn a_child_gives_way_and_ends_with_its_work() {
    let file = film(20);
    let index = file.index(&[0, 1], Some(0)).await.unwrap();
    let nicest = Config { niceness: 19, ..config() };
    let mut running = make(&nicest, &file.path, &whole(&index)).unwrap();
    assert!(matches!(running.next().await, Some(Ok(_))));
    let pid = running.pid().unwrap();
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    // proc(5): the 19th field; the second, the name, ends with a parenthesis.
    let nice = stat.rsplit_once(')').unwrap().1.split_whitespace().nth(16).unwrap();
    assert_eq!(nice, "19");
    drop(running);
    for _ in 0..100 {
        let is_gone = std::fs::read_to_string(format!("/proc/{pid}/stat"))
            .map_or(true, |stat| stat.contains(") Z "));
        if is_gone {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it still runs");
}

/// Whatever a file says, its child ends with an answer: it neither crashes nor stops for our own fault.
#[tokio::test(flavor = "multi_thread")]
async fn damaged_files_end_in_an_answer() {
    let texts = File::of("texts.srt", b"1\n00:00:00,100 --> 00:00:00,900\n<b>Hi</b>\n\n");
    let sources = [
        ("film.mp4", "-c:v libx264 -bf 2 -g 10 -c:a aac -c:s mov_text"),
        ("film.mkv", "-c:v libx264 -bf 2 -g 10 -c:a libopus -c:s ass"),
        ("film.ts", "-c:v libx264 -bf 2 -g 10 -c:a aac -sn"),
        ("film.avi", "-c:v mpeg4 -bf 1 -g 10 -c:a mp3 -sn"),
    ];
    let mut seed = 1_u64;
    let mut random = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % below
    };
    for (name, codecs) in sources {
        let input = format!("-i {}", texts.path.display());
        let made =
            File::make(name, &format!("{} {} {input} {codecs}", picture((64, 48), 1), tone(1)));
        for damage in [2, 8, 40, 200] {
            let mut bytes = made.bytes();
            for _ in 0..damage {
                let at = random(bytes.len());
                bytes[at] = u8::try_from(random(256)).unwrap();
            }
            let file = File::of(name, &bytes);
            let index = file.index(&[0, 1], Some(0)).await;
            let index = index.as_ref().map_err(|error| assert!(is_the_files(error), "{error}"));
            let begin = index.map_or(0, |index| index.begin.0);
            let job = Job {
                begin,
                from: i64::from(damage % 3) * 30_000,
                until: Some(70_000),
                pictures: Some(Pictures { deinterlace: true, ..Pictures::default() }),
                rungs: vec![rung("copy", (64, 48), name != "film.avi"), rung("a", (32, 24), false)],
                sounds: vec![sound("audio", 1, 2, false)],
                texts: if codecs.contains("-sn") { Vec::new() } else { vec![text("text-1", 2)] },
                threads: 2,
                ..Job::default()
            };
            if let Err(error) = file.film(&job).await {
                assert!(is_the_files(&error), "{name}, {damage} bytes: {error}");
            }
        }
    }
}
