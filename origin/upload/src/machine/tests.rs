//! The protocol as a model: whatever is sent, an upload's state is what the protocol says, and no header breaks
//! anything.

use data_encoding::BASE64;
use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;
use shared_wire::AssetId;
use shared_wire::api::{KeepHdr, Priority};
use shared_wire::upload::{Piece, Stage, Upload};

use super::*;
use crate::Config;

const NOW: i64 = 1_800_000_000;

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let pair = |(name, value): &(&str, &str)| {
        (HeaderName::try_from(*name).unwrap(), HeaderValue::try_from(*value).unwrap())
    };
    let mut headers = HeaderMap::new();
    for (name, value) in pairs.iter().map(pair) {
        headers.append(name, value);
    }
    headers
}

fn upload(length: Option<u64>, offset: u64) -> Upload {
    Upload {
        account: None,
        id: AssetId::from_bytes([7; 10]),
        length,
        pieces: vec![Piece { fence: 1, bytes: offset }],
        metadata: None,
        concat: None,
        stage: Stage::Open,
        expires_at: NOW + 1,
    }
}

#[test]
fn a_header_that_stands_there_twice_is_refused() {
    let twice = headers(&[("upload-length", "5"), ("upload-length", "5")]);
    assert_eq!(create(&twice, &Config::default()).unwrap_err().status, 400);
    let twice = headers(&[("tus-resumable", "1.0.0"), ("tus-resumable", "1.0.0")]);
    assert_eq!(version(&twice).unwrap_err().status, 400);
}

#[test]
fn metadata_is_read_as_the_protocol_says() {
    let read = |text: &str| Metadata::read(text, 100).map_err(|refusal| refusal.status);
    let said = read("filename d29ybGRfZG9taW5hdGlvbl9wbGFuLnBkZg==,is_confidential").unwrap();
    assert_eq!(said.text("filename").as_deref(), Some("world_domination_plan.pdf"));
    assert_eq!(said.text("is_confidential"), None);
    for wrong in ["", ",", "a YQ==,", "a YQ==,a Yg==", "a *", "a YQ", "a b c"] {
        assert_eq!(read(wrong), Err(400), "{wrong}");
    }
    assert_eq!(read(&format!("a {}", "A".repeat(400))), Err(400));
    // What would break a line or a header elsewhere is left out.
    let said = read(&format!("title {}", BASE64.encode(b" a\r\nb\0\xff "))).unwrap();
    assert_eq!(said.text("title").as_deref(), Some("ab\u{fffd}"));
    let priority = |name: &str| {
        let said = read(&format!("priority {}", BASE64.encode(name.as_bytes()))).unwrap();
        said.priority().map_err(|refusal| refusal.status)
    };
    assert_eq!(priority("urgent"), Ok(Some(Priority::Urgent)));
    assert_eq!((said.priority(), priority("Urgent")), (Ok(None), Err(400)));
    let keep_hdr = |name: &str| {
        let said = read(&format!("keep_hdr {}", BASE64.encode(name.as_bytes()))).unwrap();
        said.keep_hdr().map_err(|refusal| refusal.status)
    };
    for one in KeepHdr::ALL {
        assert_eq!(keep_hdr(one.name()), Ok(Some(one)));
    }
    assert_eq!((said.keep_hdr(), keep_hdr("h265")), (Ok(None), Err(400)));
    let odd = headers(&[("upload-length", "5"), ("upload-metadata", "keep_hdr aGlnaA==")]);
    assert_eq!(create(&odd, &Config::default()).unwrap_err().code, "metadata_malformed");
}

#[test]
fn parts_are_named_by_any_address_of_theirs() {
    let id = AssetId::from_bytes([7; 10]);
    let sent = format!("final;/v1/tus/{id} https://h.example/x/v1/tus/{id}");
    assert_eq!(Concat::read(Some(&sent), 2), Ok(Concat::Final(vec![id, id])));
    let wrong = ["final", "final;", "final; ", "final;/v1/tus/", "Partial", "", "final;a b"];
    for wrong in wrong.iter().chain([&sent.as_str()]) {
        assert_eq!(Concat::read(Some(wrong), 1).unwrap_err().status, 400, "{wrong}");
    }
}

proptest! {
    #[test]
    fn a_chunk_is_taken_at_the_offset_and_nowhere_else(
        length in proptest::option::of(0_u64..50),
        offset in 0_u64..50,
        at in 0_u64..50,
        said in proptest::option::of(0_u64..50),
        new_length in proptest::option::of(0_u64..60),
    ) {
        let offset = length.map_or(offset, |length| offset.min(length));
        let before = upload(length, offset);
        let (at_text, said_text) = (at.to_string(), said.map(|said| said.to_string()));
        let new_text = new_length.map(|length| length.to_string());
        let mut sent = vec![
            ("content-type", "application/offset+octet-stream"),
            ("upload-offset", at_text.as_str()),
        ];
        sent.extend(said_text.as_deref().map(|said| ("content-length", said)));
        sent.extend(new_text.as_deref().map(|length| ("upload-length", length)));
        let config = Config { size_max: 55, ..Config::default() };
        let decided = patch(&headers(&sent), &before, NOW, &config);
        let whole = length.or(new_length);
        match decided {
            Err(refusal) if at != offset => prop_assert_eq!(refusal.status, 409),
            Err(refusal) => {
                let changes = length.is_some() && new_length.is_some() && length != new_length;
                let too_short = length.is_none() && new_length.is_some_and(|new| new < offset);
                let too_large = whole.is_some_and(|whole| whole > 55);
                let beyond = said.is_some_and(|said| offset + said > whole.unwrap_or(55));
                prop_assert!(changes || too_short || too_large || beyond, "{:?}", refusal);
                prop_assert!([400, 413].contains(&refusal.status));
            }
            Ok(Patch { length: now, chunk }) => {
                prop_assert_eq!(at, offset);
                prop_assert_eq!(now, whole);
                prop_assert!(length.is_none() || now == length, "a length never changes");
                prop_assert_eq!(chunk.bytes_max, whole.unwrap_or(55) - offset);
                prop_assert!(taken(chunk.bytes_max, &chunk).is_ok());
                prop_assert_eq!(taken(chunk.bytes_max + 1, &chunk).unwrap_err().status, 413);
            }
        }
    }

    #[test]
    fn no_header_breaks_anything(
        pairs in proptest::collection::vec((
            proptest::sample::select(vec![
                "upload-length", "upload-offset", "upload-defer-length", "upload-metadata",
                "upload-concat", "upload-checksum", "content-type", "content-length",
                "tus-resumable", "x-http-method-override", "transfer-encoding",
            ]),
            prop_oneof![
                "[ -~]{0,40}",
                Just("1".to_owned()),
                Just("18446744073709551616".to_owned()),
                Just("9223372036854775807".to_owned()),
                Just("application/offset+octet-stream".to_owned()),
                Just("final;/v1/tus/0123456789abcdef".to_owned()),
                Just("sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=".to_owned()),
            ],
        ), 0..8),
    ) {
        let mut sent = HeaderMap::new();
        for (name, value) in &pairs {
            sent.append(*name, HeaderValue::try_from(value.as_str()).unwrap());
        }
        let config = Config::default();
        let statuses = [
            create(&sent, &config).err(),
            patch(&sent, &upload(None, 3), NOW, &config).err(),
            method("PUT", &sent).err(),
            version(&sent).err(),
        ];
        for refusal in statuses.into_iter().flatten() {
            prop_assert!([400, 405, 409, 412, 413, 415].contains(&refusal.status));
            // It goes into a body of JSON and a log, on one line.
            prop_assert!(!refusal.detail.contains(char::is_control));
        }
        if let Ok(Create { length, concat, .. }) = create(&sent, &config) {
            prop_assert!(length.is_none_or(|length| length <= config.size_max));
            prop_assert!(!matches!(concat, Concat::Final(_)) || length.is_none());
        }
    }
}
