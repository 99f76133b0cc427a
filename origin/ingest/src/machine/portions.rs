//! Bytes as a network may bring them.
//!
//! In: bytes, sizes. Out: the bytes in portions of these sizes. Does not know what they are.

/// The bytes in portions of these sizes, which begin anew when they are used up.
pub(super) fn portions<'a>(bytes: &'a [u8], sizes: &[usize]) -> Vec<&'a [u8]> {
    let mut rest = bytes;
    let mut portions = Vec::new();
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (portion, tail) = rest.split_at((*size).min(rest.len()));
        portions.push(portion);
        rest = tail;
    }
    portions
}
