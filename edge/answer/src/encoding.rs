//! Whether a viewer takes gzip, and gzip itself: of playlists that were edited, which no cache has compressed.
//!
//! In: `Accept-Encoding`; a body. Out: a yes or a no; the body, smaller. Does not know what the body says.
//!
//! Apple asks it of every playlist (HLS authoring specification, 10.1). What passes untouched, the origin compresses.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::config::{GZIP_BYTES_MIN, GZIP_LEVEL};

/// Its name, and its old name (RFC 9110, 8.4.1.3).
const GZIP: [&str; 2] = ["gzip", "x-gzip"];

/// Whether `Accept-Encoding` admits gzip: by its name, or else by `*`, unless with a weight of 0 (RFC 9110, 12.5.3).
pub(crate) fn takes_gzip(accepted: Option<&str>) -> bool {
    let mut any = false;
    for one in accepted.unwrap_or_default().split(',') {
        let mut parts = one.split(';').map(str::trim);
        let coding = parts.next().unwrap_or_default();
        let mut parameters = parts.filter_map(|parameter| parameter.split_once('='));
        let weight = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("q"));
        let is_taken = weight.is_none_or(|(_, weight)| {
            weight.trim().parse::<f32>().is_ok_and(|weight| weight > 0.0)
        });
        if GZIP.iter().any(|name| coding.eq_ignore_ascii_case(name)) {
            return is_taken;
        }
        any |= coding == "*" && is_taken;
    }
    any
}

/// The body in gzip (RFC 1952), if that is worth its header.
pub(crate) fn gzip(body: &[u8]) -> Option<Vec<u8>> {
    if body.len() < GZIP_BYTES_MIN {
        return None;
    }
    // Playlists shrink to a third or less.
    let out = Vec::with_capacity(body.len().div_euclid(2));
    let mut encoder = GzEncoder::new(out, Compression::new(GZIP_LEVEL));
    encoder.write_all(body).ok()?;
    encoder.finish().ok().filter(|smaller| smaller.len() < body.len())
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::GzDecoder;

    use super::*;

    #[test]
    fn gzip_is_taken_by_its_name_or_by_a_star_unless_it_weighs_nothing() {
        for taken in [
            "gzip",
            "GZIP",
            "x-gzip",
            "br, gzip;q=0.8, zstd",
            "gzip ; Q=1",
            "gzip;x=y;q=0.001",
            "*",
            "br;q=1, *;q=0.1",
            "identity;q=0, gzip",
        ] {
            assert!(takes_gzip(Some(taken)), "{taken}");
        }
        for refused in [
            "",
            "br",
            "gzip;q=0",
            "gzip;q=0.000",
            "gzip; q=0",
            "gzip;q=",
            "gzip;q=x",
            "*, gzip;q=0",
            "gzip;q=0, *",
            "*;q=0",
            "identity",
            "gzipped",
        ] {
            assert!(!takes_gzip(Some(refused)), "{refused}");
        }
        assert!(!takes_gzip(None));
    }

    #[test]
    fn a_body_comes_out_as_it_went_in_and_small_ones_stay() {
        let body = "#EXTINF:2.0,\ne1/s1.m4s\n".repeat(100);
        let small = gzip(body.as_bytes()).unwrap();
        assert!(small.len() * 5 < body.len(), "{} of {}", small.len(), body.len());
        let mut again = String::new();
        GzDecoder::new(&*small).read_to_string(&mut again).unwrap();
        assert_eq!(again, body);
        assert_eq!(gzip(&body.as_bytes()[..GZIP_BYTES_MIN - 1]), None);
        // What is random does not shrink.
        let hashes: Vec<u8> = (0..8_u8).flat_map(|n| hmac_sha256::Hash::hash(&[n])).collect();
        assert_eq!((hashes.len(), gzip(&hashes)), (256, None));
    }
}
