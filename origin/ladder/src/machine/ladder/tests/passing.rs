//! Sound that passes, beside a child or without one.

use shared_media::{AudioCodec, SoundTrack};

use super::*;

/// Stereo at 48 kHz that passes, or in a form that does not.
fn sound_config(plain: bool) -> Publication {
    let record =
        Bytes::from_static(if plain { &[0x11, 0x90, 0x56, 0xe5, 0x00] } else { &[0x12, 0x10] });
    let sample_rate = if plain { 48_000 } else { 44_100 };
    let audio = AudioConfig { codec: AudioCodec::Aac, record, sample_rate, channels: 2 };
    Publication::Sound(SoundTrack::default(), audio)
}

fn sound(number: i64) -> Publication {
    let pts = Ticks(number * 1920);
    let data = Bytes::from_static(b"sound");
    Publication::Unit(TrackId::Audio(0), AccessUnit { pts, dts: pts, keyframe: true, data })
}

/// Pictures and the sound beside them.
fn feed_both(house: &mut House, pictures: std::ops::Range<i64>) {
    let mut sounds = pictures.start * tick() / 1920;
    for number in pictures {
        house.feed(picture(number, 25));
        while sounds * 1920 < (number + 1) * tick() {
            house.feed(sound(sounds));
            sounds += 1;
        }
    }
}

/// Where the frames of the sound went.
fn sounds(house: &House) -> Vec<i64> {
    house.pictures("audio").iter().map(|at| at * tick()).collect()
}

#[test]
fn a_show_that_passes_as_it_is_needs_no_child_until_its_sound_does() {
    let mut house = House::new(&Config { rungs: Vec::new(), ..Config::default() });
    house.feed(config(640));
    house.feed(sound_config(true));
    feed_both(&mut house, 0..60);
    assert_eq!((house.starts, house.ladder.deadline()), (0, None));
    assert_eq!(house.pictures("source").len(), 60);
    let units = |house: &House| {
        let of_it =
            |event: &&Staged| matches!(event, Staged::Unit(id, _) if id.as_str() == "audio");
        house.staged.iter().filter(of_it).count()
    };
    assert_eq!(units(&house), 113, "each of the publisher's own frames");
    let plain = Bytes::from_static(&[0x11, 0x90]);
    let configs = house.staged.iter().filter_map(|event| match event {
        Staged::Config(_, TrackConfig::Audio(audio)) => Some(&audio.record),
        _ => None,
    });
    assert_eq!(configs.collect::<Vec<_>>(), [&plain]);

    house.feed(sound_config(false));
    feed_both(&mut house, 60..90);
    house.work();
    assert_eq!((house.starts, house.breaks()), (1, 0), "from here on it is encoded");
    assert!(units(&house) > 160, "{}", units(&house));
    house.feed(Publication::End);
    house.work();
    assert!(house.finished);
    assert!(sounds(&house).is_sorted());
}

#[test]
fn beside_encoded_pictures_sound_that_passes_costs_the_child_nothing() {
    let mut house = House::new(&Config::default());
    house.feed(config(640));
    house.feed(sound_config(true));
    feed_both(&mut house, 0..60);
    house.work();
    assert_eq!(house.child.as_ref().unwrap().setup.as_ref().unwrap().sounds, []);
    assert_eq!(house.pictures("160p").len(), 60);
    house.kill();
    house.wait();
    feed_both(&mut house, 60..90);
    house.work();
    assert_eq!((house.pictures("160p").len(), house.breaks()), (90, 0));
    house.feed(Publication::End);
    house.work();
    assert!(house.finished);
    assert!(house.ladder.replay.is_empty());
}

#[test]
fn a_show_without_a_child_gets_one_when_its_gop_outgrows_the_playlist() {
    let mut house = House::new(&Config { rungs: Vec::new(), ..Config::default() });
    house.feed(config(640));
    house.feed(sound_config(true));
    feed_both(&mut house, 0..51);
    (51..150).for_each(|number| house.feed(picture(number, 1000)));
    assert_eq!(house.starts, 1);
    house.work();
    assert_eq!(house.pictures("source"), (0..150).collect::<Vec<_>>(), "no picture is missing");
    assert_eq!(house.breaks(), 1);
}
