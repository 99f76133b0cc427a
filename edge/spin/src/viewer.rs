//! Sends to the viewer.
//!
//! In: an answer, or a head and the origin's response. Out: the response of this component. A body that passes is
//! handed back as the stream it came as: the host moves its bytes, and none of them enters this instance's
//! memory.

use edge_answer::{Answer, Head, Request};
use spin_sdk::wasip3::http::types::{ErrorCode, Fields, Response};
use spin_sdk::wasip3::{wit_future, wit_stream};
use spin_sdk::wit_bindgen::{FutureReader, StreamReader, spawn};

type Trailers = FutureReader<Result<Option<Fields>, ErrorCode>>;

/// What to send.
pub(crate) enum Outcome {
    /// This.
    Answer(Answer),
    /// This head, and the body of the origin's response.
    Pass(Head, Response),
}

impl Outcome {
    /// Makes the response. What went wrong at the origin is logged here, once, and without secrets.
    pub(crate) fn send(self, asked: &Request<'_>) -> Result<Response, ErrorCode> {
        let head = match &self {
            Self::Answer(answer) => &answer.head,
            Self::Pass(head, _) => head,
        };
        if head.status >= 500 {
            let id = head.get("x-request-id").unwrap_or_default();
            eprintln!("{} {} request_id={id}", head.status, asked.described());
        }
        match self {
            Self::Answer(answer) => whole(answer),
            Self::Pass(head, origin) => pass(head, origin),
        }
    }
}

fn whole(answer: Answer) -> Result<Response, ErrorCode> {
    let Answer { head, body } = answer;
    let (_, trailers) = wit_future::new(|| Ok(None));
    if body.is_empty() {
        return respond(head, None, trailers);
    }
    let mut head = head;
    head.headers.push(("content-length".into(), body.len().to_string().into()));
    let (mut writer, reader) = wit_stream::new();
    spawn(async move {
        writer.write_all(body).await;
    });
    respond(head, Some(reader), trailers)
}

fn pass(head: Head, origin: Response) -> Result<Response, ErrorCode> {
    // Dropping the other end says that this side is content with whatever comes.
    let (_, done) = wit_future::new(|| Ok(()));
    let (body, trailers) = Response::consume_body(origin, done);
    respond(head, Some(body), trailers)
}

fn respond(
    head: Head,
    body: Option<StreamReader<u8>>,
    trailers: Trailers,
) -> Result<Response, ErrorCode> {
    let list: Vec<(String, Vec<u8>)> = head
        .headers
        .into_iter()
        .map(|(name, value)| (name.into_owned(), value.into_owned().into_bytes()))
        .collect();
    let headers = Fields::from_list(&list).map_err(|_| ErrorCode::HttpProtocolError)?;
    let (response, _) = Response::new(headers, body, trailers);
    response.set_status_code(head.status).map_err(|()| ErrorCode::HttpProtocolError)?;
    Ok(response)
}
