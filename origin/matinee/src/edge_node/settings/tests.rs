//! What `matinee edge` understands, and what it says of what it does not.

use clap::Parser;

use super::*;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    flags: Flags,
}

const SESSION_KEYS: &str = "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
const TOKEN_KEYS: &str = concat!(
    r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","alg":"EdDSA","use":"sig","#,
    r#""x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#
);

fn settled(line: &[&str], environment: &[(&str, &str)]) -> Result<Settings, Vec<String>> {
    // A file that is named but absent is a mistake; these tests name an empty one.
    let line = ["edge", "--config", "/dev/null"].iter().chain(line);
    let flags = Line::try_parse_from(line).expect("a command line").flags;
    let lookup = |name: &str| {
        let found = environment.iter().find(|(other, _)| *other == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    flags.settle(lookup).map_err(|error| match error {
        Error::Configuration(wrong) => wrong,
        other => panic!("{other}"),
    })
}

const GOOD: [(&str, &str); 3] = [
    ("MATINEE_EDGE_KEY", "secret"),
    ("MATINEE_SESSION_KEYS", SESSION_KEYS),
    ("MATINEE_TOKEN_KEYS", TOKEN_KEYS),
];

#[test]
fn several_origins_and_the_component_hears_of_the_first() {
    let line = ["--origin", "http://a:1", "--origin", "https://b/", "--data", "/tmp/edge"];
    let settings = settled(&line, &GOOD).expect("right");
    assert_eq!(settings.edge.origins, ["http://a:1", "https://b"]);
    assert_eq!(settings.edge.origin, "http://a:1");
    let told = |name: &str| settings.edge.environment.iter().any(|(other, _)| other == name);
    assert!(told("MATINEE_ORIGIN") && told("MATINEE_TOKEN_KEYS") && !told("MATINEE_ISOLATED_S"));
    let compiled = settings.edge.compiled.expect("kept");
    assert!(compiled.starts_with(&settings.data) && compiled.is_absolute());
}

#[test]
fn keys_come_from_a_file_as_they_are_printed_and_a_variable_goes_before() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("keys.env");
    let lines = format!(
        "# the house's\nMATINEE_EDGE_KEY='from the file'\n\
         export MATINEE_SESSION_KEYS='{SESSION_KEYS}'\n\
         MATINEE_TOKEN_KEYS='{TOKEN_KEYS}'\n"
    );
    std::fs::write(&file, lines.replace("from the file", "file")).expect("writable");
    let line = ["--origin", "http://a", "--keys", file.to_str().expect("UTF-8")];
    let key = |settings: &Settings| {
        let all = &settings.edge.environment;
        all.iter().find(|(name, _)| name == "MATINEE_EDGE_KEY").map(|(_, value)| value.clone())
    };
    let settings = settled(&line, &[]).expect("right");
    assert_eq!(key(&settings).as_deref(), Some("file"));
    let settings = settled(&line, &GOOD[..1]).expect("right");
    assert_eq!(key(&settings).as_deref(), Some("secret"));
}

#[test]
fn all_mistakes_are_told_together_and_no_secret_with_them() {
    let line = [
        "--listen",
        "nowhere",
        "--client-rate",
        "fast",
        "--tls-cert",
        "c.pem",
        "--country-header",
        "cf-ipcountry",
        "--redirect",
        "127.0.0.1:0",
        "--access-log-address",
        "some",
        "--session-keys",
        "k1:c2VjcmV0",
    ];
    let wrong =
        settled(&line, &[("MATINEE_EDGE_KEY", "not graphic \u{e9}")]).err().expect("refused");
    let all = wrong.join("\n");
    for mistake in [
        "--listen",
        "--client-rate",
        "--tls-key",
        "--trusted-proxies",
        "--redirect",
        "--access-log-address",
        "--origin",
        "MATINEE_EDGE_KEY",
        "MATINEE_SESSION_KEYS",
        "MATINEE_TOKEN_KEYS",
    ] {
        assert!(all.contains(mistake), "{mistake}: {all}");
    }
    assert!(!all.contains("c2VjcmV0") && !all.contains("graphic"), "{all}");
}

#[test]
fn rates_and_networks_are_read() {
    assert_eq!(rate("0"), Ok(None));
    assert_eq!(rate("50"), Ok(Some(Rate { per_second: 50, burst: 200 })));
    assert_eq!(rate("50/60"), Ok(Some(Rate { per_second: 50, burst: 60 })));
    assert!(rate("50/").is_err() && rate("-1").is_err());
    let read = networks("10.0.0.0/8, 192.0.2.7,fd00::/8").expect("networks");
    assert_eq!(read.len(), 3);
    assert!(networks("ten").is_err());
}

#[test]
fn a_bucket_is_whole_or_the_edge_does_not_start() {
    let line = ["--origin", "http://house.test", "--edge-bucket", "films"];
    let wrong = settled(&line, &GOOD).err().expect("it is not whole").join("\n");
    for name in ["REGION", "KEY_ID", "SECRET"] {
        let missing =
            format!("MATINEE_EDGE_BUCKET_{name}: is not set, and MATINEE_EDGE_BUCKET needs it");
        assert!(wrong.contains(&missing), "{wrong}");
    }
    assert!(!wrong.contains("matinee keys"), "the house has none of these: {wrong}");
    let whole = [
        ("MATINEE_EDGE_BUCKET_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "AKID"),
        ("AWS_SECRET_ACCESS_KEY", "of AWS"),
        ("AWS_SESSION_TOKEN", "token"),
    ];
    let wrong = settled(&line, &[&GOOD[..], &whole].concat()).err().expect("a blank in it");
    assert!(!wrong.concat().contains("of AWS"), "a secret is shown: {wrong:?}");
    let good = [&GOOD[..], &whole[..2], &[("AWS_SECRET_ACCESS_KEY", "ofAWS")]].concat();
    let told = settled(&line, &good).unwrap_or_else(|wrong| panic!("{wrong:?}")).edge.environment;
    let secret = ("MATINEE_EDGE_BUCKET_SECRET".to_owned(), "ofAWS".to_owned());
    assert!(told.contains(&secret), "{:?}", told.iter().map(|(name, _)| name).collect::<Vec<_>>());
}
