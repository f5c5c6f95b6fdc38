//! Requests that aren't checks, through tonic: the same connection, a task for each. Carries bodies both ways under HTTP/2's
//! flow control, and gives up on one that doesn't come. Never looks into them.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use http::{Request, Response};
use http_body::{Body as _, Frame};
use tokio::time::{Sleep, sleep};
use tonic::Status;
use tonic::service::Routes;
use tower::ServiceExt;

use super::Host;
use crate::ext_authz::grpc;
use crate::overload::Taken;

/// Answers one request by way of the host's other routes.
pub(super) fn spawn(
    host: &Arc<Host>,
    request: Request<RecvStream>,
    respond: SendResponse<Bytes>,
    in_flight: Taken,
) {
    let request = request.map(|stream| Incoming {
        deadline: Box::pin(sleep(host.plan.message_deadline)),
        stream,
    });
    tokio::spawn(answer(host.others.clone(), request, respond, in_flight));
}

async fn answer(
    routes: Routes,
    request: Request<Incoming>,
    mut respond: SendResponse<Bytes>,
    _in_flight: Taken,
) {
    let called = routes.oneshot(request);
    let response = tokio::select! {
        response = called => response,
        // The client no longer wants to know.
        _ = poll_fn(|context| respond.poll_reset(context)) => return,
    };
    let Ok(response) = response;
    let (head, body) = response.into_parts();
    let head = Response::from_parts(head, ());
    let ended = body.is_end_stream();
    match respond.send_response(head, ended) {
        Ok(stream) if !ended => send(body, stream).await,
        Ok(_) => {}
        Err(_) => respond.send_reset(Reason::INTERNAL_ERROR),
    }
}

/// Sends a body as fast as the client takes it, and no faster.
async fn send(body: tonic::body::Body, mut stream: SendStream<Bytes>) {
    let mut body = pin!(body);
    loop {
        let frame = tokio::select! {
            frame = poll_fn(|context| body.as_mut().poll_frame(context)) => frame,
            _ = poll_fn(|context| stream.poll_reset(context)) => return,
        };
        let sent = match frame {
            None => {
                let _ = stream.send_data(Bytes::new(), true);
                return;
            }
            Some(Err(_)) => return stream.send_reset(Reason::INTERNAL_ERROR),
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => send_data(&mut stream, data).await,
                Err(frame) => {
                    let trailers = frame.into_trailers().unwrap_or_default();
                    let _ = stream.send_trailers(trailers);
                    return;
                }
            },
        };
        if sent.is_none() {
            return;
        }
    }
}

/// `None` when the client is gone.
async fn send_data(stream: &mut SendStream<Bytes>, mut data: Bytes) -> Option<()> {
    while !data.is_empty() {
        stream.reserve_capacity(data.len());
        let room = poll_fn(|context| stream.poll_capacity(context)).await?.ok()?;
        let part = data.split_to(room.min(data.len()));
        stream.send_data(part, false).ok()?;
    }
    Some(())
}

/// The body of a request, as tonic reads it.
struct Incoming {
    stream: RecvStream,
    deadline: Pin<Box<Sleep>>,
}

impl http_body::Body for Incoming {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        match self.poll_stream(context) {
            Poll::Pending => {
                ready!(self.deadline.as_mut().poll(context));
                Poll::Ready(Some(Err(grpc::too_slow())))
            }
            came => came.map_err(|error| Status::from_error(error.into())),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.stream.is_end_stream()
    }
}

impl Incoming {
    fn poll_stream(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, h2::Error>>> {
        if let Some(data) = ready!(self.stream.poll_data(context)) {
            return Poll::Ready(Some(data.map(|data| {
                // Taken over by tonic, which bounds what it gathers: there is room for the next.
                let _ = self.stream.flow_control().release_capacity(data.len());
                Frame::data(data)
            })));
        }
        self.stream.poll_trailers(context).map(|trailers| match trailers {
            Ok(trailers) => trailers.map(|trailers| Ok(Frame::trailers(trailers))),
            Err(error) => Some(Err(error)),
        })
    }
}
