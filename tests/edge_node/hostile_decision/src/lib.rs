//! A decision that misbehaves as its path says.
//!
//! In: a request. Out: `good`, or never. Fetches nothing.

#[path = "../../hostile/src/behave.rs"]
mod behave;

use behave::behave;

#[expect(unsafe_code, reason = "generated: the canonical ABI of the exports")]
mod bindings {
    wit_bindgen::generate!({ path: "../../../edge/answer/wit", world: "decides" });

    export!(Component with_types_in self);

    /// What is exported.
    pub(super) struct Component;
}

use bindings::Component;
use bindings::exports::matinee::edge::decision as wit;

impl wit::Guest for Component {
    fn configure(_: Vec<(String, String)>) -> Result<wit::Limits, Vec<String>> {
        Ok(wit::Limits {
            body_bytes_max: 0,
            playlist_bytes_max: 0,
            deny_bytes_max: 0,
            origin_wait_ms: 0,
            deny_wait_ms: 0,
        })
    }

    fn decide(request: wit::Request, _: wit::Now) -> wit::Step {
        wit::Step::Answer(answer(200, &behave(&request.path)))
    }

    fn admit(_: u32, _: i64, _: Option<wit::DenyList>) -> wit::Step {
        wit::Step::Answer(unasked())
    }

    fn used(_: u32, _: wit::Sight) -> wit::Step {
        wit::Step::Answer(unasked())
    }

    fn relay(_: u32, _: u16, _: String) -> wit::Relayed {
        wit::Relayed::Answer(unasked())
    }

    fn relay_plain(_: String, _: String, _: u16, _: String) -> wit::Relayed {
        wit::Relayed::Answer(unasked())
    }

    fn edit(_: u32, _: i64, _: Vec<u8>) -> wit::Answer {
        unasked()
    }

    fn fail(_: u32, _: wit::Failure) -> wit::Answer {
        unasked()
    }

    fn fail_plain(_: String, _: String, _: wit::Failure) -> wit::Answer {
        unasked()
    }

    fn forget(_: u32) {}
}

fn answer(status: u16, body: &str) -> wit::Answer {
    let head = wit::Head { status, headers: String::new(), log: String::new() };
    wit::Answer { head, body: body.as_bytes().to_vec() }
}

/// It has fetched nothing, so nothing goes on.
fn unasked() -> wit::Answer {
    answer(500, "nothing is under way")
}
