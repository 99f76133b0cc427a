//! Spans of a film, each made by a child of its own: together they are the film.
//!
//! In: files made by `ffmpeg`. Out: verdicts. Does not know the child.

use origin_ladder::film::Job;

use super::*;

const SIZE: (u32, u32) = (320, 180);
const HALF: (u32, u32) = (160, 90);

/// The two spans of a job before and after a point.
fn halves(whole: &Job, at: i64) -> [Job; 2] {
    let cuts = |inside: &dyn Fn(i64) -> bool| {
        whole.cuts.iter().copied().filter(|cut| inside(*cut)).collect::<Vec<_>>()
    };
    [
        Job { until: Some(at), cuts: cuts(&|cut| cut < at), ..whole.clone() },
        Job { from: at, cuts: cuts(&|cut| cut >= at), ..whole.clone() },
    ]
}

/// Both halves together have exactly the pictures of the whole, once, and can be decoded.
async fn assert_joined(file: &File, whole: &Job, at: i64) {
    let mut whole = whole.clone();
    whole.cuts.push(at);
    let whole = &whole;
    let film = file.film(whole).await.unwrap().outcome();
    let [first, second] = halves(whole, at);
    let first = file.film(&first).await.unwrap().outcome();
    let second = file.film(&second).await.unwrap().outcome();
    for rung in &whole.rungs {
        let id = rung.id.as_str();
        let (mut shown, mut keys) = first.shown(id);
        assert!(shown.iter().all(|pts| *pts < at), "{id}: before {at}: {shown:?}");
        let (later, later_keys) = second.shown(id);
        assert_eq!(Some(&later_keys[0]), later.iter().find(|pts| **pts >= at), "{id}");
        shown.extend(later);
        keys.extend(later_keys);
        shown.sort_unstable();
        assert_eq!((&shown, &keys), (&film.shown(id).0, &film.shown(id).1), "{id}");
        for half in [&first, &second] {
            assert_eq!(half.decoded(id).0, half.units[id].len(), "{id} decodes");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_spans_are_the_film() {
    for name in ["film.mp4", "film.mkv", "film.ts"] {
        let file = File::make(
            name,
            &format!("{} -c:v libx264 -g 25 -bf 3 -sc_threshold 0", picture(SIZE, 4)),
        );
        let index = file.index(&[0], Some(0)).await.unwrap();
        let rungs = vec![rung("180p", SIZE, true), rung("90p", HALF, false)];
        let whole = Job { rungs, ..job(&index) };
        assert_eq!(index.keyframes.len(), 4, "{name}");
        assert_joined(&file, &whole, index.keyframes[2].0).await;
    }
}

/// Read as a large file is: its beginning, what it tells, and its end.
async fn in_brief(file: &File) -> origin_ladder::film::Index {
    let config = origin_ladder::film::Config { whole_bytes_max: 0, ..config() };
    origin_ladder::film::index(&config, &file.path, &[0, 1], Some(0)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_film_is_not_read_through_where_it_tells_of_its_keyframes() {
    // Of MPEG-TS nobody knows without reading; nor is known what is where keyframes are far apart.
    for (name, gop, more, is_skipped) in [
        ("film.mp4", 25, "", true),
        ("film.mp4", 25, "-movflags frag_keyframe+empty_moov", true),
        ("film.mkv", 25, "", true),
        ("film.mp4", 350, "", false),
        ("film.mkv", 350, "", false),
        ("film.ts", 25, "", false),
    ] {
        let coded = format!("-c:v libx264 -g {gop} -bf 3 -sc_threshold 0 -c:a aac {more}");
        let file = File::make(name, &format!("{} {} {coded}", picture((64, 48), 40), tone(40)));
        let (whole, brief) = (file.index(&[0, 1], Some(0)).await.unwrap(), in_brief(&file).await);
        let keyframes = brief.keyframes.len();
        assert_eq!(whole.pictures, 1_000, "{name} {more}");
        assert_eq!(brief.pictures < 500, is_skipped, "{name} {more}: {}", brief.pictures);
        let pictures = whole.pictures;
        assert_eq!(origin_ladder::film::Index { pictures, ..brief }, whole, "{name} {more}");
        assert_eq!(keyframes, 1_000_usize.div_ceil(gop), "{name} {more}");
        assert!(whole.early.len() > 120 && whole.early.len() < 135, "{:?}", whole.early);
        let even = whole.early.windows(2).all(|pair| pair[1].0 - pair[0].0 == PICTURE);
        assert!(even, "{name} {more}: {:?}", whole.early);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_that_are_far_apart_are_no_place_to_cut() {
    let drawn = "-f lavfi -i testsrc2=size=64x48:rate=1:duration=20 -c:v libx264 -g 20";
    let file = File::make("film.mkv", drawn);
    let index = file.index(&[0], Some(0)).await.unwrap();
    assert_eq!(index.early.len(), 1, "{:?}", index.early);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_span_may_begin_anywhere() {
    let file = File::make("film.mp4", &format!("{} -c:v libx264 -g 250", picture(SIZE, 3)));
    let index = file.index(&[0], Some(0)).await.unwrap();
    let whole = Job { rungs: vec![rung("90p", HALF, false)], ..job(&index) };
    let at = 37 * PICTURE + 1_234;
    let cuts = vec![0, at, 2 * SECOND + 1];
    assert_joined(&file, &Job { cuts, ..whole }, at).await;
}

/// Formats that do not know where keyframes are, or when pictures are shown, or both; and keyframes ten seconds apart.
#[tokio::test(flavor = "multi_thread")]
async fn formats_that_guess_where_a_keyframe_is_join_too() {
    for (name, codec, at) in [
        ("film.ts", "libx264 -g 250 -bf 3 -sc_threshold 0", 21 * SECOND),
        ("film.ts", "libx264 -g 250 -bf 3 -sc_threshold 0", 20 * SECOND),
        ("film.mpg", "mpeg2video -g 100 -bf 2", 21 * SECOND),
        ("film.avi", "mpeg4 -g 100 -bf 2", 21 * SECOND),
        ("film.flv", "libx264 -g 250 -bf 3 -sc_threshold 0", 21 * SECOND),
    ] {
        let file = File::make(name, &format!("{} -c:v {codec}", picture((64, 48), 25)));
        let index = file.index(&[0], Some(0)).await.unwrap();
        let whole = Job { rungs: vec![rung("24p", (32, 24), false)], ..job(&index) };
        assert_joined(&file, &whole, at).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn open_gops_lose_nothing_at_the_seam() {
    let file = File::make(
        "film.mp4",
        &format!(
            "{} -c:v libx265 -preset ultrafast -x265-params \
             log-level=none:open-gop=1:keyint=25:min-keyint=25:bframes=4:scenecut=0",
            picture(SIZE, 4)
        ),
    );
    let index = file.index(&[0], Some(0)).await.unwrap();
    assert!(index.keyframes.len() >= 4, "{:?}", index.keyframes);
    let whole = Job { rungs: vec![rung("90p", HALF, false)], ..job(&index) };
    assert_joined(&file, &whole, index.keyframes[2].0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_made_whole_join_too() {
    let file = File::make(
        "film.ts",
        "-f lavfi -i testsrc2=size=360x288:rate=50:duration=3 \
         -vf tinterlace=interleave_top,setfield=tff -c:v mpeg2video -b:v 2M -g 12 -bf 2 \
         -flags +ilme+ildct",
    );
    let index = file.index(&[0], Some(0)).await.unwrap();
    let pictures = Some(Pictures { deinterlace: true, ..Pictures::default() });
    let whole = Job { pictures, rungs: vec![rung("144p", (180, 144), false)], ..job(&index) };
    assert_joined(&file, &whole, index.keyframes[3].0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sound_goes_on_across_the_seam() {
    let file = File::make("film.mp4", &format!("{} -c:a aac -ar 44100", tone(6)));
    let index = file.index(&[0], None).await.unwrap();
    assert_eq!((index.keyframes.len(), index.pictures), (0, 0));
    let whole = Job { sounds: vec![sound("audio", 0, 2, false)], ..job(&index) };
    let film = file.film(&whole).await.unwrap().outcome();
    let [first, second] = halves(&whole, 3 * SECOND + 77);
    let mut joined = file.film(&first).await.unwrap().outcome();
    let second = file.film(&second).await.unwrap().outcome();
    joined.units.get_mut("audio").unwrap().extend(second.units["audio"].iter().cloned());
    let times = |outcome: &crate::clip::Outcome| {
        outcome.units["audio"].iter().map(|unit| unit.pts.0).collect::<Vec<_>>()
    };
    assert_eq!(times(&joined), times(&film));
    let (heard, seam) = (joined.sound(), 3 * 48_000);
    // A tone of 440 Hz moves by no more than this from sample to sample: nothing clicks.
    let steepest = |samples: &[f32]| {
        samples.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max)
    };
    let usual = steepest(&heard[48_000..96_000]);
    assert!(steepest(&heard[seam - 9_600..seam + 9_600]) < usual * 1.3, "it clicks");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_job_makes_the_same_bytes_however_busy_the_machine_is() {
    let file = File::make(
        "film.mp4",
        &format!("{} {} -c:v libx264 -g 50 -c:a aac", picture((640, 360), 3), tone(3)),
    );
    let index = file.index(&[0, 1], Some(0)).await.unwrap();
    let job = Job {
        rungs: vec![rung("360p", (640, 360), false), rung("180p", SIZE, false)],
        sounds: vec![sound("audio", 1, 2, false)],
        threads: 3,
        ..job(&index)
    };
    let alone = file.film(&job).await.unwrap();
    let (one, other) = tokio::join!(file.film(&job), file.film(&job));
    assert!(alone == one.unwrap() && alone == other.unwrap());
}
