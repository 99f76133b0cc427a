//! `matinee edge` as an operator runs it: the built program, a fake house behind it, real clients in front.
//!
//! In: the built program, `curl` and `openssl`. Out: what viewers and operators see. Does not know the inside.

#[expect(dead_code, reason = "the client of tests/hosts can do more than is asked of it here")]
#[path = "../hosts/client.rs"]
mod client;
mod curl;
mod node;
#[expect(dead_code, reason = "the fake origin of tests/hosts can do more than is asked of it here")]
#[path = "../hosts/origin.rs"]
mod origin;

mod acme;
mod draining;
mod facts;
mod floods;
mod hostile;
mod logging;
mod protocols;
mod rates;
mod stalling;
mod starting;
mod tls;
