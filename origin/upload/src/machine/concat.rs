//! `Upload-Concat`: parts, and the whole that is made of them.
//!
//! In: a header's value. Out: [`Concat`]. Does not know whether the parts exist.

use shared_wire::AssetId;

use super::Refusal;

/// What an upload is to others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Concat {
    /// Nothing: it is a file.
    Whole,
    /// A part of a file.
    Partial,
    /// A file of these parts, in this order.
    Final(Vec<AssetId>),
}

impl Concat {
    /// Reads a header's value, if there is one.
    ///
    /// # Errors
    /// 400.
    pub fn read(text: Option<&str>, parts_max: usize) -> Result<Self, Refusal> {
        let wrong =
            |what: &str| Refusal::new(400, "concat_malformed", format!("`Upload-Concat` {what}"));
        let Some(text) = text else { return Ok(Self::Whole) };
        if text == "partial" {
            return Ok(Self::Partial);
        }
        let list = text.strip_prefix("final;");
        let list = list.ok_or_else(|| wrong("is neither `partial` nor `final;` and addresses"))?;
        let parts: Option<Vec<AssetId>> = list.split_ascii_whitespace().map(id).collect();
        let parts = parts.ok_or_else(|| wrong("names what is no upload of this house"))?;
        if parts.is_empty() || parts.len() > parts_max {
            return Err(wrong(&format!("must name 1 to {parts_max} uploads")));
        }
        Ok(Self::Final(parts))
    }
}

/// The parts of an upload that was made with this; none of one that is not final.
#[must_use]
pub fn parts_of(concat: Option<&str>) -> Option<Vec<AssetId>> {
    match Concat::read(concat, usize::MAX) {
        Ok(Concat::Final(parts)) => Some(parts),
        _ => None,
    }
}

/// The upload that an absolute or relative address names: its last step.
fn id(address: &str) -> Option<AssetId> {
    address.rsplit('/').next()?.parse().ok()
}
