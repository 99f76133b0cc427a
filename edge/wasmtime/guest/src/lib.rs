//! The decision for a host that fetches by itself: `matinee:edge/decision`.
//!
//! In: what the host was asked and what the origin said, as arguments. Out: what `edge-answer` makes of it. Asks the
//! host for nothing.
//!
//! What is under way (a fetch that was decided, until its answer came) waits at the [`Desk`] under a number.
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unreachable
)]

use std::sync::{Mutex, MutexGuard, PoisonError};

use edge_answer::config::{
    BODY_BYTES_MAX, DENY_BYTES_MAX, DENY_WAIT_MS, ORIGIN_WAIT_MS, PLAYLIST_BYTES_MAX,
};
use edge_answer::{
    Answer, Client, Config, Decision, DenyState, Fetch, Guarded, Head, Method, Passed, Relay,
    Request, Sight, decide, deny_request,
};

#[expect(unsafe_code, reason = "generated: the canonical ABI of the exports")]
mod bindings {
    wit_bindgen::generate!({ path: "../../answer/wit", world: "decides" });

    export!(Component with_types_in self);

    /// What is exported.
    pub(super) struct Component;
}

use bindings::Component;
use bindings::exports::matinee::edge::decision as wit;

/// What one instance knows.
struct Desk {
    config: Config,
    deny: DenyState,
    /// Of the deny list at hand, as the host counts them.
    edition: u64,
    /// By their numbers; `None` is a free one.
    under_way: Vec<Option<UnderWay>>,
    free: Vec<u32>,
}

/// A fetch that has not ended.
enum UnderWay {
    /// Its viewer may yet stand on the deny list.
    Guarded(Guarded),
    /// Their token may have been used.
    Passed(Passed),
    Fetch(Fetch),
    /// The origin's body is to be edited.
    Edit(Fetch, Head),
}

static DESK: Mutex<Option<Desk>> = Mutex::new(None);

fn desk() -> MutexGuard<'static, Option<Desk>> {
    DESK.lock().unwrap_or_else(PoisonError::into_inner)
}

impl wit::Guest for Component {
    fn configure(settings: Vec<(String, String)>) -> Result<wit::Limits, Vec<String>> {
        let setting = |name: &str| {
            let found = settings.iter().find(|(other, _)| other == name);
            found.map(|(_, value)| value.clone())
        };
        let config = Config::from_lookup(setting)
            .map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>())?;
        *desk() = Some(Desk {
            config,
            deny: DenyState::new(),
            edition: 0,
            under_way: Vec::new(),
            free: Vec::new(),
        });
        Ok(wit::Limits {
            body_bytes_max: limit(BODY_BYTES_MAX),
            playlist_bytes_max: limit(PLAYLIST_BYTES_MAX),
            deny_bytes_max: limit(DENY_BYTES_MAX),
            origin_wait_ms: ORIGIN_WAIT_MS,
            deny_wait_ms: DENY_WAIT_MS,
        })
    }

    fn decide(request: wit::Request, now: wit::Now) -> wit::Step {
        let random = (u128::from(now.random.0) << 64 | u128::from(now.random.1)).to_be_bytes();
        let headers = Lines::of(&request.headers);
        let header = |name: &str| headers.get(name);
        let asked = Request {
            method: &request.method,
            path: &request.path,
            query: request.query.as_deref(),
            header: &header,
            client: Client {
                scheme: request.scheme.as_deref(),
                authority: request.authority.as_deref(),
                ..Client::from_headers(&header)
            },
        };
        let mut desk = desk();
        let Some(desk) = desk.as_mut() else {
            return wit::Step::Answer(answer(asked.misconfigured(&[], random), None));
        };
        match decide(&desk.config, &asked, now.ms, random) {
            Decision::Answer(whole) => wit::Step::Answer(answer(whole, Some(&asked))),
            Decision::Open(fetch) => desk.fetch(fetch),
            Decision::Guarded(guarded) => desk.admit(guarded, now),
            Decision::Purge(purge) => match purge.fetch(&desk.config) {
                Some(fetch) => desk.fetch(fetch),
                None => wit::Step::Answer(answer(purge.unsupported(), Some(&asked))),
            },
        }
    }

    fn admit(id: u32, now_ms: i64, list: Option<wit::DenyList>) -> wit::Step {
        let mut desk = desk();
        let Some(desk) = desk.as_mut() else { return wit::Step::Answer(lost()) };
        let mut log = String::new();
        match list {
            Some(list) => {
                if let Err(error) = desk.deny.accept(now_ms, list.age_s, &list.body) {
                    log = format!("deny list refused: {error}");
                }
            }
            None => desk.deny.failed(now_ms),
        }
        let Some(UnderWay::Guarded(guarded)) = desk.take(id) else {
            return wit::Step::Answer(lost());
        };
        let mut step = desk.pass(guarded, now_ms);
        if let wit::Step::Answer(refusal) = &mut step {
            refusal.head.log = log;
        }
        step
    }

    fn used(id: u32, sight: wit::Sight) -> wit::Step {
        let mut desk = desk();
        let Some((desk, UnderWay::Passed(passed))) =
            desk.as_mut().and_then(|desk| desk.take(id).map(|found| (desk, found)))
        else {
            return wit::Step::Answer(lost());
        };
        desk.admitted(passed.admit(match sight {
            wit::Sight::First => Sight::First,
            wit::Sight::Again => Sight::Again,
            wit::Sight::Full => Sight::Full,
        }))
    }

    fn relay(id: u32, status: u16, headers: String) -> wit::Relayed {
        let mut desk = desk();
        let Some((desk, UnderWay::Fetch(fetch))) =
            desk.as_mut().and_then(|desk| desk.take(id).map(|found| (desk, found)))
        else {
            return wit::Relayed::Answer(lost());
        };
        let headers = Lines::of(&headers);
        match fetch.relay(status, &|name| headers.get(name)) {
            Relay::Pass(passed) => wit::Relayed::Pass(head(&passed, &fetch)),
            Relay::Replace(answer) => wit::Relayed::Answer(of(answer, &fetch)),
            Relay::Edit(edited) => {
                desk.put_back(id, UnderWay::Edit(fetch, edited));
                wit::Relayed::Edit
            }
        }
    }

    fn relay_plain(id: String, path: String, status: u16, headers: String) -> wit::Relayed {
        let (fetch, headers) = (Fetch::plain(id, path), Lines::of(&headers));
        match fetch.relay(status, &|name| headers.get(name)) {
            Relay::Pass(passed) => wit::Relayed::Pass(head(&passed, &fetch)),
            Relay::Replace(answer) => wit::Relayed::Answer(of(answer, &fetch)),
            // Not of media.
            Relay::Edit(_) => wit::Relayed::Answer(lost()),
        }
    }

    fn edit(id: u32, now_ms: i64, body: Vec<u8>) -> wit::Answer {
        let mut desk = desk();
        let Some((desk, UnderWay::Edit(fetch, head))) =
            desk.as_mut().and_then(|desk| desk.take(id).map(|found| (desk, found)))
        else {
            return lost();
        };
        of(fetch.edit(&desk.config, now_ms, head, &body), &fetch)
    }

    fn fail(id: u32, failure: wit::Failure) -> wit::Answer {
        let mut desk = desk();
        let Some(UnderWay::Fetch(fetch) | UnderWay::Edit(fetch, _)) =
            desk.as_mut().and_then(|desk| desk.take(id))
        else {
            return lost();
        };
        failed(&fetch, failure)
    }

    fn fail_plain(id: String, path: String, failure: wit::Failure) -> wit::Answer {
        failed(&Fetch::plain(id, path), failure)
    }

    fn forget(id: u32) {
        if let Some(desk) = desk().as_mut() {
            drop(desk.take(id));
        }
    }
}

impl Desk {
    /// Asks for the deny list first, if it is due.
    fn admit(&mut self, guarded: Guarded, now: wit::Now) -> wit::Step {
        let is_another = std::mem::replace(&mut self.edition, now.edition) != now.edition;
        if self.deny.is_due(now.ms) || is_another {
            let look = deny_request(&self.config, guarded.request_id());
            let id = self.begin(UnderWay::Guarded(guarded));
            return wit::Step::Look(told(id, &look));
        }
        self.pass(guarded, now.ms)
    }

    /// Asks the host whether a token was used, if it is for one use.
    fn pass(&mut self, guarded: Guarded, now_ms: i64) -> wit::Step {
        let passed = match guarded.pass(&self.deny, now_ms) {
            Ok(passed) => passed,
            Err(refusal) => return wit::Step::Answer(answer(refusal, None)),
        };
        let Some(one) = passed.once().copied() else {
            return self.admitted(passed.admit(Sight::First));
        };
        let key = u128::from_be_bytes(*one.key());
        let key = ((key >> 64) as u64, key as u64);
        let id = self.begin(UnderWay::Passed(passed));
        wit::Step::Once(wit::TokenUse { id, key, until: one.until() })
    }

    fn admitted(&mut self, admitted: Result<Fetch, Answer>) -> wit::Step {
        match admitted {
            Ok(fetch) => self.fetch(fetch),
            Err(refusal) => wit::Step::Answer(answer(refusal, None)),
        }
    }

    fn fetch(&mut self, mut fetch: Fetch) -> wit::Step {
        if fetch.is_plain() {
            return wit::Step::Plain(wit::Plain {
                headers: lines(&fetch.headers),
                path_and_query: fetch.path_and_query,
                request_id: fetch.request_id,
            });
        }
        let mut to_send = told(0, &fetch);
        // The host has them; what is left of the fetch waits for its answer.
        fetch.headers = Vec::new();
        to_send.id = self.begin(UnderWay::Fetch(fetch));
        wit::Step::Fetch(to_send)
    }

    fn begin(&mut self, what: UnderWay) -> u32 {
        let id = self.free.pop().unwrap_or_else(|| {
            self.under_way.push(None);
            limit(self.under_way.len().saturating_sub(1))
        });
        if let Some(place) = self.under_way.get_mut(id as usize) {
            *place = Some(what);
        }
        id
    }

    /// Back to the place it was taken from just now.
    fn put_back(&mut self, id: u32, what: UnderWay) {
        self.free.pop_if(|free| *free == id);
        if let Some(place) = self.under_way.get_mut(id as usize) {
            *place = Some(what);
        }
    }

    fn take(&mut self, id: u32) -> Option<UnderWay> {
        let found = self.under_way.get_mut(id as usize)?.take()?;
        self.free.push(id);
        Some(found)
    }
}

/// How many headers most heads have.
const HEADERS_USUAL: usize = 24;

/// Headers as lines, looked up by name.
struct Lines<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Lines<'a> {
    fn of(lines: &'a str) -> Self {
        let mut all = Vec::with_capacity(HEADERS_USUAL);
        let mut rest = lines;
        while let Some((line, next)) = rest.split_once('\n') {
            all.extend(line.split_once(':'));
            rest = next;
        }
        Self(all)
    }

    fn get(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(other, _)| *other == name).map(|(_, value)| *value)
    }
}

/// Lines of headers.
fn lines<N: AsRef<str>, V: AsRef<str>>(headers: &[(N, V)]) -> String {
    let bytes: usize =
        headers.iter().map(|(name, value)| name.as_ref().len() + value.as_ref().len() + 2).sum();
    let mut lines = String::with_capacity(bytes);
    for (name, value) in headers {
        for text in [name.as_ref(), ":", value.as_ref(), "\n"] {
            lines.push_str(text);
        }
    }
    lines
}

fn told(id: u32, fetch: &Fetch) -> wit::Fetch {
    wit::Fetch {
        id,
        verb: match fetch.method {
            Method::Get => wit::Verb::Get,
            Method::Head => wit::Verb::Head,
            Method::Post => wit::Verb::Post,
            Method::Purge => wit::Verb::Purge,
        },
        path_and_query: fetch.path_and_query.clone(),
        headers: lines(&fetch.headers),
    }
}

/// The head of an answer to a fetch; what went wrong at the origin is told, without secrets.
fn head(head: &Head, fetch: &Fetch) -> wit::Head {
    let log = if head.status >= 500 {
        format!("{} {fetch:?} request_id={}", head.status, fetch.request_id)
    } else {
        String::new()
    };
    wit::Head { status: head.status, headers: lines(&head.headers), log }
}

fn of(answer: Answer, fetch: &Fetch) -> wit::Answer {
    wit::Answer { head: head(&answer.head, fetch), body: answer.body }
}

fn failed(fetch: &Fetch, failure: wit::Failure) -> wit::Answer {
    let answer = match failure {
        wit::Failure::Unreachable => fetch.unreachable(),
        wit::Failure::TimedOut => fetch.timed_out(),
        wit::Failure::BodyTooLarge => fetch.body_too_large(),
        wit::Failure::NotEditable => fetch.not_editable(),
    };
    of(answer, fetch)
}

fn answer(answer: Answer, asked: Option<&Request<'_>>) -> wit::Answer {
    let Answer { head, body } = answer;
    let id = head.get("x-request-id").unwrap_or_default();
    let log = match asked {
        Some(asked) if head.status >= 500 => {
            format!("{} {} request_id={id}", head.status, asked.described())
        }
        _ => String::new(),
    };
    wit::Answer {
        head: wit::Head { status: head.status, headers: lines(&head.headers), log },
        body,
    }
}

/// The host named a fetch that is not under way, which is its fault.
fn lost() -> wit::Answer {
    let log = "the host asked for a fetch that is not under way".to_owned();
    wit::Answer { head: wit::Head { status: 500, headers: String::new(), log }, body: Vec::new() }
}

/// Sizes here are far below 2^32: an instance has less memory.
fn limit(size: usize) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}
