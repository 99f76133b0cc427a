//! WHIP (RFC 9725): what is offered, whose packets arrive, and what becomes of the frames in them.
//!
//! In: an SDP offer, datagrams, frames as RTP brought them. Out: whether it can be served, and media as the intake
//! takes it. Does not know HTTP, sockets or shows.
//!
//! # Why WebRTC itself is spoken by `str0m`
//!
//! It is pure: datagrams and times in, datagrams and frames out, as everything here is. ICE, DTLS, SRTP, lost packets
//! asked for again and put in order are its work; `webrtc-rs` would bring sockets and tasks of its own.

pub mod offer;

pub mod stun;

pub mod reception;

mod clock;
