//! One connection. Reads what there is, then answers it, in this order and on this task, so that a burst costs a few system
//! calls and a check no task switch. A message that isn't whole yet waits, for a bounded time and among a bounded number.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use h2::server::{Connection, SendResponse};
use h2::{Reason, RecvStream};
use http::{Request, Response};
use postern_decide::Need;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::Host;
use super::body::{Body, BodyError};
use super::health::{Health, Verdict};
use super::other;
use crate::ext_authz::{CHECK, Reply, grpc};
use crate::overload::Taken;

/// A connection, from its preface to its end.
pub(super) struct Conversation<T> {
    http2: Connection<T, Bytes>,
    host: Arc<Host>,
    /// Checks whose message isn't whole, in the order in which they came.
    waiting: Vec<Waiting>,
    health: Health,
    /// The tick at which the client was told to leave.
    told_to_leave: Option<u64>,
    /// `None` once the client has been told to leave.
    stop: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
}

/// A check whose message isn't whole.
struct Waiting {
    body: Body,
    respond: SendResponse<Bytes>,
    since: u64,
    in_flight: Taken,
    /// The message, once it is whole; what is wrong, where it never will be.
    whole: Option<Result<Bytes, BodyError>>,
}

impl Waiting {
    /// Whether there is nothing more to wait for.
    fn is_over(&mut self, context: &mut Context<'_>) -> bool {
        if let Poll::Ready(message) = self.body.poll_whole(context) {
            self.whole = Some(message);
        }
        self.whole.is_some()
    }
}

impl<T> Conversation<T>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    pub(super) fn new(mut http2: Connection<T, Bytes>, host: Arc<Host>, stop: CancellationToken) -> Self {
        Self {
            health: Health::new(http2.ping_pong()),
            http2,
            host,
            waiting: Vec::new(),
            told_to_leave: None,
            stop: Some(Box::pin(stop.cancelled_owned())),
        }
    }

    /// What to do about a request whose headers have come.
    fn begin(&mut self, request: Request<RecvStream>, mut respond: SendResponse<Bytes>) {
        self.health.heard();
        if let Err(refusal) = grpc::is_grpc(&request) {
            return finish(&mut respond, refusal);
        }
        if request.uri().path() != CHECK {
            return match self.host.load_of(request.uri().path()).take(1) {
                Some(in_flight) => other::spawn(&self.host, request, respond, in_flight),
                None => refuse(&mut respond, grpc::too_many()),
            };
        }
        match self.host.in_flight.take(1) {
            Some(in_flight) => self.waiting.push(Waiting {
                body: Body::new(
                    request.into_body(),
                    self.host.plan.max_message_bytes,
                    &self.host.partial_bytes,
                ),
                respond,
                since: self.health.now(),
                in_flight,
                whole: None,
            }),
            None => send(&mut respond, self.host.checks.overloaded()),
        }
    }

    /// Answers every check whose message is whole.
    fn answer(&mut self) {
        // What a body waits for comes while the connection is polled, which this task does: nobody need wake it.
        let mut context = Context::from_waker(Waker::noop());
        let checks = &self.host.checks;
        for mut one in self.waiting.extract_if(.., |one| one.is_over(&mut context)) {
            match one.whole {
                Some(Ok(message)) => match checks.answer(&message) {
                    Reply::Later(need) => {
                        let host = Arc::clone(&self.host);
                        tokio::spawn(later(host, message, need, one.respond, one.in_flight));
                    }
                    reply => reply.send_by(&mut one.respond),
                },
                Some(Err(BodyError::TooLarge(most))) => refuse(&mut one.respond, grpc::too_large(most)),
                Some(Err(BodyError::NoRoom)) => send(&mut one.respond, checks.overloaded()),
                // The client took its question back.
                Some(Err(BodyError::Lost)) | None => {}
            }
        }
    }

    /// Refuses checks whose message has been coming for too long.
    fn give_up(&mut self) {
        let deadline = self.host.plan.message_deadline.as_secs();
        let now = self.health.now();
        self.waiting.retain_mut(|one| {
            let late = now.saturating_sub(one.since) > deadline;
            if late {
                refuse(&mut one.respond, grpc::too_slow());
            }
            !late
        });
    }

    /// Tells the client to leave: what it has asked is answered, what it asks meanwhile too, and then the connection ends.
    fn leave(&mut self) {
        self.stop = None;
        self.told_to_leave = Some(self.health.now());
        self.http2.graceful_shutdown();
    }
}

impl<T> Future for Conversation<T>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    type Output = Result<(), h2::Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        loop {
            let accepted = pin!(this.http2.accept()).poll(context);
            match accepted {
                Poll::Ready(Some(Ok((request, respond)))) => {
                    this.begin(request, respond);
                    continue;
                }
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(error)),
                Poll::Ready(None) => return Poll::Ready(Ok(())),
                Poll::Pending => {}
            }
            // What is sent here wakes this task, which then hands it to the socket.
            this.answer();
            if let Some(stop) = &mut this.stop
                && stop.as_mut().poll(context).is_ready()
            {
                this.leave();
                continue;
            }
            match this.health.poll(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Verdict::Well { idle_long }) => {
                    this.give_up();
                    if idle_long && this.waiting.is_empty() && this.host.is_full() {
                        match this.told_to_leave {
                            None => this.leave(),
                            // It keeps a place by streams that it doesn't let end.
                            Some(told)
                                if this.health.now().saturating_sub(told)
                                    > this.host.plan.drain.as_secs() =>
                            {
                                return Poll::Ready(Ok(()));
                            }
                            Some(_) => {}
                        }
                    }
                }
                Poll::Ready(Verdict::Gone) => return Poll::Ready(Ok(())),
            }
        }
    }
}

impl Reply {
    fn send_by(self, respond: &mut SendResponse<Bytes>) {
        match self {
            Self::Message(message) => send(respond, message),
            Self::Refusal(status) => refuse(respond, *status),
            // Said once more than there is leave to wait.
            Self::Later(_) => refuse(respond, grpc::too_slow()),
        }
    }
}

/// Answers a check that something was missing for, on a task of its own, so that the others needn't wait for it too. It
/// keeps its place among those in flight.
async fn later(
    host: Arc<Host>,
    message: Bytes,
    need: Box<Need>,
    mut respond: SendResponse<Bytes>,
    _in_flight: Taken,
) {
    let reply = tokio::select! {
        reply = host.checks.answer_later(&message, &need) => reply,
        // The client no longer wants to know.
        _ = poll_fn(|context| respond.poll_reset(context)) => return,
    };
    reply.send_by(&mut respond);
}

/// Sends a framed message. Where that fails the stream is gone, and there is nobody to tell.
fn send(respond: &mut SendResponse<Bytes>, message: Bytes) {
    if let Ok(mut stream) = respond.send_response(grpc::head(), false)
        && stream.send_data(message, false).is_ok()
    {
        let _ = stream.send_trailers(grpc::trailers());
    }
}

fn refuse(respond: &mut SendResponse<Bytes>, status: tonic::Status) {
    finish(respond, grpc::refusal(status));
}

fn finish(respond: &mut SendResponse<Bytes>, head: Response<()>) {
    if respond.send_response(head, true).is_err() {
        respond.send_reset(Reason::INTERNAL_ERROR);
    }
}
