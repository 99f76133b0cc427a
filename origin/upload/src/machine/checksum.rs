//! `Upload-Checksum`: the sum of a chunk.
//!
//! In: a header's value, then bytes. Out: whether they have that sum. Does not know where the bytes go.

use data_encoding::BASE64;
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use super::Refusal;

/// The sums that are known, by their names.
pub const ALGORITHMS: &str = "sha1,sha256,md5";

/// What a chunk's sum is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checksum {
    algorithm: Algorithm,
    expected: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Algorithm {
    Sha1,
    Sha256,
    Md5,
}

/// A sum in the making.
pub enum Sum {
    /// SHA-1 (FIPS 180-4).
    Sha1(Sha1),
    /// SHA-256.
    Sha256(Sha256),
    /// MD5 (RFC 1321).
    Md5(Md5),
}

impl Checksum {
    /// Reads a header's value: a name, a space, and the sum in base 64.
    ///
    /// # Errors
    /// 400 if the algorithm is not known, or the sum is none of it.
    pub fn read(text: &str) -> Result<Self, Refusal> {
        let wrong = |what: String| {
            Refusal::new(400, "checksum_malformed", format!("`Upload-Checksum` {what}"))
        };
        let (name, sum) = text
            .split_once(' ')
            .ok_or_else(|| wrong("must be a name, a space and a sum".into()))?;
        let (algorithm, bytes) = match name {
            "sha1" => (Algorithm::Sha1, 20),
            "sha256" => (Algorithm::Sha256, 32),
            "md5" => (Algorithm::Md5, 16),
            _ => {
                let detail = format!("the checksums that are known: {ALGORITHMS}");
                return Err(Refusal::new(400, "checksum_unsupported", detail));
            }
        };
        let expected = BASE64.decode(sum.as_bytes()).ok().filter(|sum| sum.len() == bytes);
        let expected =
            expected.ok_or_else(|| wrong(format!("must have {bytes} bytes in base 64")))?;
        Ok(Self { algorithm, expected })
    }

    /// Begins a sum.
    #[must_use]
    pub fn begin(&self) -> Sum {
        match self.algorithm {
            Algorithm::Sha1 => Sum::Sha1(Sha1::new()),
            Algorithm::Sha256 => Sum::Sha256(Sha256::new()),
            Algorithm::Md5 => Sum::Md5(Md5::new()),
        }
    }

    /// Whether a sum is the one that was named.
    ///
    /// # Errors
    /// 460 if it is not.
    pub fn check(&self, sum: Sum) -> Result<(), Refusal> {
        let is = match sum {
            Sum::Sha1(sum) => sum.finalize().to_vec(),
            Sum::Sha256(sum) => sum.finalize().to_vec(),
            Sum::Md5(sum) => sum.finalize().to_vec(),
        };
        if is == self.expected {
            return Ok(());
        }
        let detail = "the chunk has another checksum and was dropped: send it again";
        Err(Refusal::new(460, "checksum_mismatch", detail))
    }
}

impl Sum {
    /// Goes on with more bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha1(sum) => sum.update(bytes),
            Self::Sha256(sum) => sum.update(bytes),
            Self::Md5(sum) => sum.update(bytes),
        }
    }
}
