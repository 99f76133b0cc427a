//! Past the cache: bodies that are handed on as they come.
//!
//! In: a request, or an answer that was begun. Out: the answer, each piece within its time. Does not know the cache.

use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt as _, stream};
use http::{Method, Request, Response, response};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Frame, Incoming};
use tokio::time::timeout;
use wasmtime_wasi_http::{Error as WasiError, WasiBody};

use super::{Outbound, labelled};
use crate::cache::Via;
use crate::origins::Failure;

impl Outbound {
    /// Sends a request as it is and hands the answer on as it comes.
    pub(super) async fn pass(
        &self,
        request: Request<WasiBody>,
    ) -> Result<Response<WasiBody>, WasiError> {
        let (parts, body) = request.into_parts();
        let head_time_max = self.0.first_byte_time_max;
        let answer = if let Some(response) = self.bucket_answer(&parts).await {
            Ok(response)
        } else if parts.method == Method::GET || parts.method == Method::HEAD {
            self.0.origins.ask(&parts, head_time_max).await
        } else {
            self.0.origins.send(Request::from_parts(parts, body), head_time_max).await
        };
        let (parts, body) = answer?.into_parts();
        let body = timed(body, self.0.between_bytes_time_max);
        Ok(labelled(Response::from_parts(parts, body), Via::Pass))
    }
}

/// The rest of a body, each piece within its time.
pub(super) fn timed(body: Incoming, time_max: Duration) -> WasiBody {
    let frames = stream::unfold(Some(body), move |body| async move {
        let mut body = body?;
        match timeout(time_max, body.frame()).await {
            Err(_) => Some((Err(WasiError::from(Failure::Slow)), None)),
            Ok(Some(Err(error))) => Some((Err(WasiError::from(error)), None)),
            Ok(Some(Ok(frame))) => Some((Ok(frame), Some(body))),
            Ok(None) => None,
        }
    });
    StreamBody::new(frames).boxed_unsync()
}

/// An answer whose beginning was read already.
pub(super) fn rejoined(
    parts: response::Parts,
    read: Vec<Bytes>,
    rest: Incoming,
    time_max: Duration,
) -> Response<WasiBody> {
    let read = stream::iter(read.into_iter().map(|piece| Ok(Frame::data(piece))));
    let rest = timed(rest, time_max).into_data_stream().map(|data| data.map(Frame::data));
    Response::from_parts(parts, StreamBody::new(read.chain(rest)).boxed_unsync())
}
