//! Signatures as AWS publishes them, and what must hold for every key.

use proptest::prelude::*;

use super::*;
use crate::sign::s3::Style;

/// The hash of nothing.
const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn credentials(access_key: &str, secret_key: &str) -> Credentials {
    let (access_key, secret_key) = (access_key.to_owned(), secret_key.to_owned());
    Credentials { access_key, secret_key, session_token: None }
}

/// "Signature Calculations for the Authorization Header", Amazon S3 API Reference: its three `GET`s.
#[test]
fn the_gets_of_the_s3_reference() {
    let credentials =
        credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
    let stamp = "20130524T000000Z";
    let scope = Scope { stamp, region: "us-east-1", service: "s3" };
    let host = ("host", "examplebucket.s3.amazonaws.com");
    let own = [("x-amz-content-sha256", EMPTY), ("x-amz-date", stamp)];
    let ranged = [&[host, ("range", "bytes=0-9")][..], &own].concat();
    let plain = [&[host][..], &own].concat();
    let mut kept = None;
    for (path, query, headers, signature) in [
        (
            "/test.txt",
            "",
            &ranged,
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        (
            "/",
            "lifecycle=",
            &plain,
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
        ),
        (
            "/",
            "max-keys=2&prefix=J",
            &plain,
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ] {
        let asked = Asked {
            path: path.as_bytes(),
            query: query.as_bytes(),
            headers: headers.as_slice(),
            payload: EMPTY,
        };
        let authorization = asked.authorization(&scope, &credentials, &mut kept);
        let range = if headers.len() == 4 { "range;" } else { "" };
        let expected = format!(
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, \
             SignedHeaders=host;{range}x-amz-content-sha256;x-amz-date, Signature={signature}"
        );
        assert_eq!(authorization, expected, "{path}?{query}");
    }
}

/// aws-sig-v4-test-suite: get-vanilla, get-vanilla-query, get-vanilla-query-order-key-case, get-unreserved, get-utf8.
#[test]
fn the_vanilla_cases_of_the_test_suite() {
    let credentials = credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
    let stamp = "20150830T123600Z";
    let scope = Scope { stamp, region: "us-east-1", service: "service" };
    let headers = [("host", "example.amazonaws.com"), ("x-amz-date", stamp)];
    for (path, query, signature) in [
        ("/", "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("/", "Param1=value1", "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"),
        (
            "/",
            "Param1=value1&Param2=value2",
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
        (
            "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
            "",
            "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
        ),
        ("/\u{1234}", "", "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"),
    ] {
        let mut encoded = Vec::new();
        encoded_path(path, &mut encoded);
        let asked =
            Asked { path: &encoded, query: query.as_bytes(), headers: &headers, payload: EMPTY };
        let authorization = asked.authorization(&scope, &credentials, &mut None);
        assert!(authorization.ends_with(&format!("Signature={signature}")), "{path}?{query}");
        let names = "SignedHeaders=host;x-amz-date, ";
        assert!(authorization.contains(names), "{authorization}");
    }
}

fn bucket(endpoint: &str, style: Style, prefix: &str) -> Bucket {
    Bucket {
        endpoint: endpoint.to_owned(),
        name: "films".to_owned(),
        prefix: prefix.to_owned(),
        region: "eu-1".to_owned(),
        style,
    }
}

#[test]
fn a_request_goes_to_the_bucket_with_all_that_makes_it_good() {
    let token = Some("FwoG/a+b==".to_owned());
    let credentials = Credentials { session_token: token, ..credentials("AKID", "secret/+") };
    let requests = |endpoint: &str, style, prefix: &str| {
        Requests::new(&bucket(endpoint, style, prefix), credentials.clone()).unwrap()
    };
    for (endpoint, style, prefix, authority, path) in [
        ("https://s3.test", Style::VirtualHost, "", "films.s3.test", "/a/s1.m4s"),
        ("https://s3.test:443", Style::Path, "", "s3.test", "/films/a/s1.m4s"),
        (
            "http://127.0.0.1:9000/",
            Style::Path,
            "a b/%",
            "127.0.0.1:9000",
            "/films/a%20b/%25/a/s1.m4s",
        ),
    ] {
        let requests = requests(endpoint, style, prefix);
        assert_eq!(
            (requests.authority(), requests.is_tls()),
            (authority, endpoint.starts_with("https"))
        );
        let signed = requests.get("a/s1.m4s", &mut None, 1_369_353_600);
        assert_eq!(signed.path, path);
        let names: Vec<&str> = signed.headers.iter().map(|(name, _)| *name).collect();
        let all = ["authorization", "x-amz-content-sha256", "x-amz-date", "x-amz-security-token"];
        assert_eq!(names, all);
        assert_eq!(signed.headers[2].1, "20130524T000000Z");
        assert!(!format!("{requests:?}").contains("secret"), "{requests:?}");
    }
    for wrong in ["", "a secret", "line\nbreak"] {
        let credentials = Credentials { secret_key: wrong.into(), ..credentials.clone() };
        assert!(Requests::new(&bucket("https://s3.test", Style::Path, ""), credentials).is_err());
    }
}

proptest! {
    #[test]
    fn the_key_that_is_kept_signs_as_one_derived_anew(
        keys in proptest::collection::vec(("[ -~é]{1,20}", 0_i64..400_000), 1..8),
    ) {
        let bucket = bucket("https://s3.test", Style::Path, "a");
        let requests = Requests::new(&bucket, credentials("AKID", "secret")).unwrap();
        let mut kept = None;
        for (key, now) in keys {
            let signed = requests.get(&key, &mut kept, now);
            prop_assert!(signed == requests.get(&key, &mut None, now));
            let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~/%".contains(&b);
            prop_assert!(signed.path.bytes().all(plain), "{}", signed.path);
            let slashes = |text: &str| text.matches('/').count();
            prop_assert_eq!(slashes(&signed.path), slashes(&key) + 3);
        }
    }
}
