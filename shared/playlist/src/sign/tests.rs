//! Signed playlists: what is signed, that others can check it, and that AWS would sign the same.

use proptest::prelude::*;

use super::directory::{Directories, Key, UrlError, verify};
use super::s3::{Bucket, Credentials, Presigner, Style};
use super::*;
use crate::rewrite::Rewriter;

const NOW: i64 = 1_795_244_400;
const SECRET: [u8; 32] = [7; 32];

fn location() -> Location {
    Location { root: "/o/".into(), directory: "show/720p/".into(), within: "show/".into() }
}

fn signed(playlist: &str, scheme: impl Scheme) -> String {
    let mut rewriter = Rewriter::new(Signer::new(location(), scheme));
    let mut out = Vec::new();
    rewriter.push(playlist.as_bytes(), &mut out).unwrap();
    rewriter.finish(&mut out);
    String::from_utf8(out).unwrap()
}

fn directories(now: i64) -> Directories {
    let key = Key::new("k1", &SECRET).unwrap();
    let window = Window::new(300, 600).unwrap();
    Directories::new("https://media.example/live/", &key, window, now).unwrap()
}

#[test]
fn media_is_signed_and_nothing_else() {
    let playlist = "#EXTM3U\r\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\r\n\
        #EXT-X-MAP:URI=\"e/i0.mp4\"\r\n#EXTINF:2,\r\ne/s1.m4s\r\n/o/show/720p/e/s2.m4s\r\n\
        #EXT-X-PART:DURATION=1,URI=\"e/p3.0.m4s\"\r\n\
        #EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"e/p3.1.m4s\"\r\n\
        #EXT-X-RENDITION-REPORT:URI=\"../480p/index.m3u8\",LAST-MSN=2\r\n\
        https://cdn.example/s3.m4s\r\n/elsewhere/s4.m4s\r\n../../other/s5.m4s\r\n{$v}s6.m4s\r\n";
    let text = signed(playlist, directories(NOW));
    let url = "https://media.example/live/show/720p/e/";
    let end = format!("?{}", text.split_once("i0.mp4?").unwrap().1.split_once('"').unwrap().0);
    let expected = playlist
        .replace("/o/show/720p/e/s2", "e/s2")
        .replace("e/i0.mp4", &format!("{url}i0.mp4{end}"))
        .replace("\ne/s1.m4s", &format!("\n{url}s1.m4s{end}"))
        .replace("\ne/s2.m4s", &format!("\n{url}s2.m4s{end}"))
        .replace("e/p3.0.m4s", &format!("{url}p3.0.m4s{end}"))
        .replace("e/p3.1.m4s", &format!("{url}p3.1.m4s{end}"));
    assert_eq!(text, expected);
}

#[test]
fn the_format_is_as_documented() {
    let text = signed("s1.m4s?a=b#c\n", directories(NOW));
    // By another's hand: Python's hmac and base64 over "matinee-directory-1\n1795245300\n/live/show/720p/".
    let sig = "gvWxGUaxIVx0HwbpBkybV-a42GU5ZCbpN9Rvvxy8oJw";
    assert_eq!(
        text,
        format!(
            "https://media.example/live/show/720p/s1.m4s?a=b&exp=1795245300&kid=k1&sig={sig}#c\n"
        )
    );
}

#[test]
fn urls_are_the_same_for_a_bucket() {
    assert_eq!(NOW % 300, 0);
    let at = |now| signed("s1.m4s", directories(now));
    assert_eq!(at(NOW), at(NOW + 299));
    assert_ne!(at(NOW), at(NOW + 300));
}

#[test]
fn what_was_not_signed_is_refused() {
    let keys = [Key::new("k0", &[1; 32]).unwrap(), Key::new("k1", &SECRET).unwrap()];
    let url = signed("e/s1.m4s", directories(NOW));
    let (path, query) = url.strip_prefix("https://media.example").unwrap().split_once('?').unwrap();
    let at = |path: &str, query: &str, now| verify(&keys, path, query, now);
    assert_eq!(at(path, query, NOW), Ok(()));
    assert_eq!(at("/live/show/720p/e/s2.m4s", &format!("x=y&{query}"), NOW + 899), Ok(()));
    assert_eq!(at(path, query, NOW + 900), Err(UrlError::Expired));
    for other in
        ["/live/show/720p/s1.m4s", "/live/show/720p/e/f/s1.m4s", "/live/show/720p/e/../e/s1.m4s"]
    {
        assert_eq!(at(other, query, NOW), Err(UrlError::Forged), "{other}");
    }
    for other in ["..", ".", "%2e%2E", "..%2fs", "a%5Cb", "a\\b", "a%00"] {
        let path = format!("/live/show/720p/e/{other}");
        assert_eq!(at(&path, query, NOW), Err(UrlError::Malformed), "{other}");
    }
    for (from, to, error) in [
        ("exp=17", "exp=18", UrlError::Forged),
        ("kid=k1", "kid=k0", UrlError::Forged),
        ("kid=k1", "kid=k2", UrlError::Forged),
        ("exp=", "exq=", UrlError::Malformed),
        ("exp=", "exp=1&exp=", UrlError::Malformed),
        ("sig=", "sig=A", UrlError::Malformed),
        ("exp=1", "exp=-1", UrlError::Malformed),
    ] {
        assert_eq!(at(path, &query.replace(from, to), NOW + 10_000), Err(error), "{to}");
    }
    assert_eq!(at("relative", query, NOW), Err(UrlError::Malformed));
    assert_eq!(at(path, &format!("{query}&{}", "x".repeat(4000)), NOW), Err(UrlError::Malformed));
    assert_eq!(verify(&[], path, query, NOW), Err(UrlError::Forged));
}

#[test]
fn keys_and_bases_have_a_form() {
    assert_eq!(Key::new("", &SECRET).unwrap_err(), SignError::Kid);
    assert_eq!(Key::new("a&b", &SECRET).unwrap_err(), SignError::Kid);
    assert_eq!(Key::new("123456789", &SECRET).unwrap_err(), SignError::Kid);
    assert_eq!(Key::new("k", &SECRET[1..]).unwrap_err(), SignError::Secret);
    let key = Key::new("k", &SECRET).unwrap();
    assert!(!format!("{key:?}").contains('7'));
    let window = Window::new(300, 600).unwrap();
    for base in ["media.example", "https://media.example/?a", ""] {
        assert_eq!(Directories::new(base, &key, window, NOW).unwrap_err(), SignError::Base);
    }
}

fn aws_example() -> (Bucket, Credentials) {
    let bucket = Bucket {
        endpoint: "https://s3.amazonaws.com".into(),
        name: "examplebucket".into(),
        prefix: String::new(),
        region: "us-east-1".into(),
        style: Style::VirtualHost,
    };
    let credentials = Credentials {
        access_key: "AKIAIOSFODNN7EXAMPLE".into(),
        secret_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".into(),
        session_token: None,
    };
    (bucket, credentials)
}

fn presigned(
    bucket: &Bucket,
    credentials: &Credentials,
    window: Window,
    uri: &str,
    now: i64,
) -> String {
    let presigner = Presigner::new(bucket, credentials, window, now).unwrap();
    let location = Location { root: "/".into(), directory: String::new(), within: String::new() };
    let mut signer = Signer::new(location, presigner);
    let mut out = Vec::new();
    assert!(signer.put(uri.as_bytes(), &mut out));
    String::from_utf8(out).unwrap()
}

/// 2013-05-24T00:00:00Z.
const AWS_NOW: i64 = 1_369_353_600;

/// "Authenticating Requests: Using Query Parameters (AWS Signature Version 4)", Amazon S3 API Reference.
#[test]
fn the_example_of_aws() {
    let (bucket, credentials) = aws_example();
    let window = Window::new(43_200, 43_200).unwrap();
    let url = presigned(&bucket, &credentials, window, "test.txt", AWS_NOW + 43_199);
    assert_eq!(
        url,
        "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256\
         &X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request\
         &X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host\
         &X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
    );
    assert!(!format!("{credentials:?}").contains("AKIA"));
}

/// The signatures are those of botocore 1.43.11 for the same time and the same 900 seconds.
#[test]
fn other_buckets_as_the_sdk_signs_them() {
    let token = Some("FwoGZXIvYXdzEBY/+a%b==");
    for (endpoint, style, prefix, region, token, uri, signature) in [
        (
            "https://s3.eu-central-1.amazonaws.com",
            Style::VirtualHost,
            "live",
            "eu-central-1",
            None,
            "show/720p/e/s1.m4s",
            "4208183556790b133e0be4cbc8fa4c443a020a8a0568e2d2f26dd8bc2a4ff57d",
        ),
        (
            "http://127.0.0.1:9000/",
            Style::Path,
            "",
            "us-east-1",
            None,
            "show/720p/e/p12.3.m4s",
            "11ad37a4c4497026add0e70ebe231eac694a1450f63a85cf37df04467e3ad1f2",
        ),
        (
            "https://store.example",
            Style::Path,
            "",
            "eu-west-3",
            token,
            "a%20b+\u{e9}%7e(1).ts",
            "b3dfa1bec94d581d6b44b3f6e3530cf117369ed679dca23946c9536464de12ff",
        ),
        (
            "https://store.example",
            Style::Path,
            "",
            "eu-west-3",
            None,
            "s.ts?versionId=3%2FL4&a=b&B",
            "2c7bd08dc689b24d05f7e7e084a4caf020b7015371a9bda5b778d90ccae70bb3",
        ),
    ] {
        let (_, credentials) = aws_example();
        let (name, endpoint) = ("media".to_owned(), endpoint.to_owned());
        let (prefix, region) = (prefix.to_owned(), region.to_owned());
        let bucket = Bucket { name, endpoint, prefix, region, style };
        let session_token = token.map(str::to_owned);
        let credentials = Credentials { session_token, ..credentials };
        let window = Window::new(300, 600).unwrap();
        let url = presigned(&bucket, &credentials, window, uri, NOW);
        assert!(url.ends_with(&format!("&X-Amz-Signature={signature}")), "{url}");
    }
}

#[test]
fn a_presigner_is_good_for_its_bucket_of_time() {
    let (bucket, credentials) = aws_example();
    let window = Window::new(300, 600).unwrap();
    let presigner = Presigner::new(&bucket, &credentials, window, NOW + 7).unwrap();
    assert!(presigner.is_current(NOW) && presigner.is_current(NOW + 299));
    assert!(!presigner.is_current(NOW - 1) && !presigner.is_current(NOW + 300));
    for wrong in ["", "a/b", "a b"] {
        let bucket = Bucket { name: wrong.into(), ..bucket.clone() };
        let error = Presigner::new(&bucket, &credentials, window, NOW).unwrap_err();
        assert_eq!(error, SignError::Bucket);
    }
}

proptest! {
    #[test]
    fn whatever_is_signed_verifies(uri in "[ -~é]{1,30}", now in 0_i64..4_000_000_000) {
        let mut signer = Signer::new(location(), directories(now));
        let mut out = Vec::new();
        let uri = uri.replace(['#', '?', '\\', '%'], "");
        if signer.put(uri.as_bytes(), &mut out) {
            let url = String::from_utf8(out).unwrap();
            let url = url.strip_prefix("https://media.example").unwrap();
            let (path, query) = url.split_once('?').unwrap();
            let keys = [Key::new("k1", &SECRET).unwrap()];
            prop_assert_eq!(verify(&keys, path, query, now), Ok(()), "{}", path);
        }
    }
}
