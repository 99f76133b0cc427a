//! A component that misbehaves as its path says.
//!
//! In: a request. Out: `good`, or never. Does not know its host.

use spin_sdk::http::Request;

mod behave;

/// Does what the path names. On a native target this is compiled and exported to nobody.
#[cfg_attr(target_family = "wasm", spin_sdk::http_service)]
pub async fn handle(request: Request) -> String {
    behave::behave(request.uri().path())
}
