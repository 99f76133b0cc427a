//! Drawings that are asked for one after another: what goes to a process that draws, and what comes back.
//!
//! In: requests, a [`head`] and the keyframes. Out: answers, a head and a JPEG or why there is none. Does not know who
//! asks, or how long a process is asked.
//!
//! A request's head is four numbers of 32 bits, big-endian: a tile's width and height, the tiles, the bytes that
//! follow. An answer's head is a byte, 1 for a drawing and 0 for a reason, and the bytes that follow, 32 bits.

use std::io::{ErrorKind, Read, Write};

use crate::{Error, Spec, draw};

/// Bytes of a request's head.
pub const HEAD: usize = 16;
/// Bytes of an answer's head.
pub const ANSWER_HEAD: usize = 5;
/// Most bytes of keyframes in a request.
pub const FILM_BYTES_MAX: usize = 64 << 20;
/// Most bytes of an answer.
pub const ANSWER_BYTES_MAX: usize = 4 << 20;
/// Sides of a tile, in pixels.
const SIDES: std::ops::RangeInclusive<u32> = 16..=2048;
/// Most tiles.
const TILES_MAX: u32 = 16;

/// The head of a request with so many bytes of keyframes; `None` if they are too many.
#[must_use]
pub fn head(spec: Spec, film_bytes: usize) -> Option<[u8; HEAD]> {
    let length = u32::try_from(film_bytes).ok().filter(|_| film_bytes <= FILM_BYTES_MAX)?;
    let mut head = [0; HEAD];
    for (place, number) in
        head.chunks_exact_mut(4).zip([spec.width, spec.height, spec.tiles, length])
    {
        place.copy_from_slice(&number.to_be_bytes());
    }
    Some(head)
}

/// What an answer's head says: whether a drawing follows, and how many bytes; `None` if it is none.
#[must_use]
pub fn answer([kind, a, b, c, d]: [u8; ANSWER_HEAD]) -> Option<(bool, usize)> {
    let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).ok()?;
    (kind <= 1 && length <= ANSWER_BYTES_MAX).then_some((kind == 1, length))
}

/// Draws what is asked for until nobody asks any more.
///
/// # Errors
/// [`Error::Broken`] if a request is none, or cannot be answered.
pub fn serve(input: &mut impl Read, output: &mut impl Write) -> Result<(), Error> {
    let broken = |error: std::io::Error| Error::Broken(error.to_string());
    loop {
        let mut head = [0; HEAD];
        match input.read_exact(&mut head) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(broken(error)),
        }
        let (spec, length) = asked(&head)?;
        let mut film = vec![0; length];
        input.read_exact(&mut film).map_err(broken)?;
        let (kind, bytes) = match draw(film, spec) {
            Ok(jpeg) if jpeg.len() <= ANSWER_BYTES_MAX => (1, jpeg),
            Ok(_) => (0, b"the drawing is too large".to_vec()),
            Err(error) => (0, error.to_string().into_bytes()),
        };
        let length = u32::try_from(bytes.len()).unwrap_or_default().to_be_bytes();
        let answered = output.write_all(&[kind]).and_then(|()| output.write_all(&length));
        let answered = answered.and_then(|()| output.write_all(&bytes));
        answered.and_then(|()| output.flush()).map_err(broken)?;
    }
}

/// What a request's head asks for, and the bytes that follow.
fn asked(head: &[u8; HEAD]) -> Result<(Spec, usize), Error> {
    let mut numbers = head
        .chunks_exact(4)
        .map(|number| number.iter().fold(0, |value: u32, byte| value << 8 | u32::from(*byte)));
    let mut next = || numbers.next().unwrap_or_default();
    let (spec, length) = (Spec { width: next(), height: next(), tiles: next() }, next());
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let is_even = spec.width % 2 == 0 && spec.height % 2 == 0;
    let fits = SIDES.contains(&spec.width) && SIDES.contains(&spec.height);
    if is_even && fits && (1..=TILES_MAX).contains(&spec.tiles) && length <= FILM_BYTES_MAX {
        return Ok((spec, length));
    }
    Err(Error::Broken(format!("{spec:?} of {length} bytes is no request")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: Spec = Spec { width: 160, height: 90, tiles: 6 };

    #[test]
    fn what_cannot_be_drawn_is_answered_and_the_next_is_read() {
        let mut asked = Vec::new();
        for film in [&b"no film"[..], b"none either"] {
            asked.extend_from_slice(&head(SPEC, film.len()).unwrap());
            asked.extend_from_slice(film);
        }
        let mut answers = Vec::new();
        serve(&mut &asked[..], &mut answers).unwrap();
        for _ in 0..2 {
            let (head, rest) = answers.split_first_chunk::<ANSWER_HEAD>().unwrap();
            let (is_drawn, length) = answer(*head).unwrap();
            assert!(!is_drawn && std::str::from_utf8(&rest[..length]).unwrap().contains("read"));
            answers = rest[length..].to_vec();
        }
        assert!(answers.is_empty());
    }

    #[test]
    fn what_is_no_request_ends_it() {
        let spec = |width| Spec { width, ..SPEC };
        for broken in [spec(0), spec(17), spec(4096), Spec { tiles: 0, ..SPEC }] {
            let asked = head(broken, 0).unwrap();
            assert!(matches!(serve(&mut &asked[..], &mut Vec::new()), Err(Error::Broken(_))));
        }
        let asked = head(SPEC, 3).unwrap();
        assert!(serve(&mut &asked[..], &mut Vec::new()).is_err(), "it breaks off");
        assert_eq!(head(SPEC, FILM_BYTES_MAX + 1), None);
        assert_eq!(answer([1, 0, 0, 1, 2]), Some((true, 258)));
        assert_eq!((answer([2, 0, 0, 0, 0]), answer([0, 255, 0, 0, 0])), (None, None));
    }
}
