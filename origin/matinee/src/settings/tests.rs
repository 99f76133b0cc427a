//! Which layer counts, and what is wrong in each.

use shared_wire::api::{KeepHdr, ladder};

use super::*;

pub(super) fn flags(config: Option<PathBuf>) -> Flags {
    // A file that is named but absent is a mistake; tests without one name an empty one.
    Flags { config: Some(config.unwrap_or_else(|| PathBuf::from("/dev/null"))), ..Flags::default() }
}

#[test]
fn defaults_are_those_of_the_contract() {
    let settings = flags(None).settle(|_| None).expect("defaults are right");
    assert_eq!(settings.edge.to_string(), "127.0.0.1:8080");
    assert_eq!(settings.api.to_string(), "127.0.0.1:8081");
    assert_eq!(settings.rtmp.to_string(), "127.0.0.1:1935");
}

#[test]
fn flags_go_before_environment_before_file() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let file = dir.path().join("m.toml");
    std::fs::write(&file, "api = \"127.0.0.1:1\"\nrtmp = \"127.0.0.1:1\"\nedge = \"127.0.0.1:1\"")
        .expect("writable");
    let mut flags = flags(Some(file));
    flags.api = Some("127.0.0.1:3".to_owned());
    let settings = flags
        .settle(|name| {
            ["MATINEE_API", "MATINEE_RTMP"].contains(&name).then(|| "127.0.0.1:2".to_owned())
        })
        .expect("all are right");
    assert_eq!(settings.api.port(), 3);
    assert_eq!(settings.rtmp.port(), 2);
    assert_eq!(settings.edge.port(), 1);
}

#[test]
fn a_ladder_is_a_list_of_rungs() {
    let mut flags = flags(None);
    let usual = flags.settle(|_| None).expect("right").encoding.rungs;
    assert_eq!(ladder::text(&usual), "720p,480p,160p");
    flags.ladder = Some("1080p/hevc@3000k,360p".to_owned());
    let chosen = flags.settle(|_| None).expect("right").encoding.rungs;
    assert_eq!(ladder::text(&chosen), "1080p/hevc@3000k,360p");
    flags.ladder = Some("all".to_owned());
    assert!(flags.settle(|_| None).is_err());
}

#[test]
fn a_house_may_keep_the_range_of_hdr() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let kept = |text: &str| {
        let file = dir.path().join("m.toml");
        std::fs::write(&file, text).expect("writable");
        let settled = flags(Some(file)).settle(|_| None);
        settled.map(|one| one.uploads.keep_hdr).map_err(|error| error.to_string())
    };
    assert_eq!(kept(""), Ok(KeepHdr::None));
    assert_eq!(kept("keep_hdr = \"av1\""), Ok(KeepHdr::Av1));
    let said = kept("keep_hdr = \"h265\"").expect_err("refused");
    assert!(said.contains("keep_hdr: \"h265\" is none of none, hevc and av1"), "{said}");
}

#[test]
fn encoding_has_a_share_of_the_machine_and_a_rule() {
    let mut flags = flags(None);
    let usual = flags.settle(|_| None).expect("right").encoding;
    assert!(usual.millicores >= 900 && !usual.refuses);
    (flags.encode_cpus, flags.no_room) = (Some("1.25".to_owned()), Some("refuse".to_owned()));
    let chosen = flags.settle(|_| None).expect("right").encoding;
    assert_eq!((chosen.millicores, chosen.refuses), (1_250, true));
    for wrong in ["", "-1", "1.2345", "1,5", "2000", "all"] {
        flags.encode_cpus = Some(wrong.to_owned());
        assert!(flags.settle(|_| None).is_err(), "{wrong}");
    }
}

#[test]
fn hardware_is_chosen_by_name() {
    use origin_ladder::Hardware;
    let mut flags = flags(None);
    let chosen = |flags: &Flags| flags.settle(|_| None).map(|settings| settings.encoding.hardware);
    assert_eq!(chosen(&flags).expect("right"), None);
    for (name, hardware) in [
        ("nvenc", Some(Hardware::Nvenc)),
        ("vaapi", Some(Hardware::Vaapi)),
        ("v4l2", Some(Hardware::V4l2)),
        ("none", None),
    ] {
        flags.hardware = Some(name.to_owned());
        assert_eq!(chosen(&flags).expect("right"), hardware, "{name}");
    }
    flags.hardware = Some("qsv".to_owned());
    assert!(chosen(&flags).is_err());
}

#[test]
fn edges_elsewhere_are_a_list_in_every_layer() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let file = dir.path().join("m.toml");
    std::fs::write(&file, "edges = [\"https://a/\", \"http://b:8080\"]").expect("writable");
    let mut flags = flags(Some(file));
    let listed = |flags: &Flags| flags.settle(|_| None).map(|settings| settings.edges);
    let both = vec!["https://a".to_owned(), "http://b:8080".to_owned()];
    assert_eq!(listed(&flags).expect("right"), both);
    flags.edges = Some("https://c".to_owned());
    assert_eq!(listed(&flags).expect("right"), ["https://c"]);
    for wrong in ["c", "ftp://c", "https://a,b", &"http://a,".repeat(65)] {
        flags.edges = Some(wrong.to_owned());
        assert!(listed(&flags).is_err(), "{wrong}");
    }
}

#[test]
fn rtmps_is_an_address_and_a_certificate_or_neither() {
    let mut flags = flags(None);
    assert_eq!(flags.settle(|_| None).expect("right").rtmps, None);
    flags.rtmps = Some("127.0.0.1:1936".to_owned());
    assert!(flags.settle(|_| None).is_err());
    flags.rtmps_tls_cert = Some("c.pem".to_owned());
    assert!(flags.settle(|_| None).is_err());
    flags.rtmps_tls_key = Some("k.pem".to_owned());
    let rtmps = flags.settle(|_| None).expect("right").rtmps.expect("spoken");
    assert_eq!((rtmps.listen.port(), rtmps.tls.key), (1936, PathBuf::from("k.pem")));
}

#[test]
fn srt_is_an_address_and_its_passphrase_stays_in_its_file() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let file = dir.path().join("passphrase");
    std::fs::write(&file, "a long secret\n").expect("writable");
    let mut flags = flags(None);
    assert_eq!(flags.settle(|_| None).expect("right").srt, None);
    flags.srt = Some("127.0.0.1:8890".to_owned());
    flags.srt_latency_ms = Some("500".to_owned());
    flags.srt_passphrase_file = Some(file.display().to_string());
    let door = flags.settle(|_| None).expect("right").srt.expect("spoken");
    let spoken = srt(&door).expect("a good passphrase");
    assert_eq!((spoken.latency, spoken.listen.port()), (Duration::from_millis(500), 8890));
    assert_eq!(spoken.passphrase, Passphrase::new("a long secret"));
    assert!(!format!("{spoken:?}").contains("secret"));
    std::fs::write(&file, "short\n").expect("writable");
    assert!(srt(&door).is_err());
    flags.srt_latency_ms = Some("5".to_owned());
    assert!(flags.settle(|_| None).is_err());
}

#[test]
fn whip_is_an_address_and_where_it_is_reached() {
    let mut flags = flags(None);
    let settled = |flags: &Flags| flags.settle(|_| None);
    assert_eq!(settled(&flags).expect("right").whip, None);
    flags.whip = Some("0.0.0.0:8889".to_owned());
    flags.whip_public_addresses = Some("203.0.113.7, 2001:db8::7".to_owned());
    let settings = settled(&flags).expect("right");
    let whip = settings.whip.clone().expect("spoken");
    assert_eq!((whip.listen.port(), whip.public_addresses.len()), (8889, 2));
    assert_eq!(settings.whip_url_of(whip.listen), "http://0.0.0.0:8889/whip");
    flags.whip_url = Some("https://live.example.com/".to_owned());
    let url = settled(&flags).expect("right").whip_url_of(whip.listen);
    assert_eq!(url, "https://live.example.com/whip");
    flags.whip_public_addresses = Some("live.example.com".to_owned());
    assert!(settled(&flags).is_err());
}

#[test]
fn other_doors_are_reached_at_the_published_host() {
    let mut flags = flags(None);
    let door = SocketAddr::from(([0, 0, 0, 0], 8890));
    let url =
        |flags: &Flags| flags.settle(|_| None).map(|settings| settings.publish_url_of("srt", door));
    assert_eq!(url(&flags).expect("right"), "srt://0.0.0.0:8890");
    for named in ["rtmp://live.example.com:1935", "rtmps://live.example.com"] {
        flags.publish_url = Some(named.to_owned());
        assert_eq!(url(&flags).expect("right"), "srt://live.example.com:8890", "{named}");
    }
}

#[test]
fn all_mistakes_are_told_together() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let file = dir.path().join("m.toml");
    std::fs::write(&file, "colour = 1\nmemory_mib = 1").expect("writable");
    let mut flags = flags(Some(file));
    flags.edge = Some("nowhere".to_owned());
    let Err(Error::Configuration(wrong)) = flags.settle(|_| None) else { panic!("refused") };
    assert_eq!(wrong.len(), 3, "{wrong:?}");
}
