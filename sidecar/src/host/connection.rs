//! One connection. Reads what there is, then answers it, in this order and on this task, so that a burst costs a few system
//! calls and a check no task switch. A message that isn't whole yet waits, for a bounded time and among a bounded number.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use h2::server::{Connection, SendResponse};
use h2::{Reason, RecvStream};
use http::{Request, Response};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::Host;
use super::bell::Bell;
use super::body::{Body, BodyError, Bounds};
use super::health::{Health, Verdict};
use super::other;
use crate::checker::Unfinished;
use crate::clock::{Moment, Stopwatch};
use crate::ext_authz::{CHECK, Question, Reply, grpc};
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
    /// Rings when there is something to read, or to write.
    work: Bell,
    /// Rings when a tick has passed, the client has said that it is there, or the end has come.
    rare: Bell,
    /// `None` once the client has been told to leave.
    stop: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
}

/// A check whose message isn't whole.
struct Waiting {
    body: Body,
    respond: SendResponse<Bytes>,
    since: u64,
    /// The caller's, where it is honoured.
    deadline: Option<(Stopwatch, Duration)>,
    in_flight: Taken,
    /// The message, once it is whole; what is wrong, where it never will be.
    whole: Option<Result<Bytes, BodyError>>,
}

impl Waiting {
    /// Whether there is nothing more to wait for.
    fn is_over(&mut self, context: &mut Context<'_>, bounds: Bounds<'_>) -> bool {
        if let Poll::Ready(message) = self.body.poll_whole(context, bounds) {
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
            work: Bell::new(),
            rare: Bell::new(),
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
                deadline: self.host.checks.deadline(request.headers()),
                body: Body::new(request.into_body()),
                respond,
                since: self.health.now(),
                in_flight,
                whole: None,
            }),
            None => self.host.checks.overloaded().send_by(&mut respond),
        }
    }

    /// Answers every check whose message is whole.
    fn answer(&mut self) {
        // What a body waits for comes while the connection is polled, which this task does: nobody need wake it.
        let mut context = Context::from_waker(Waker::noop());
        let checks = &self.host.checks;
        let bounds = Bounds {
            max_message_bytes: self.host.plan.max_message_bytes,
            partial_bytes: &self.host.partial_bytes,
        };
        let over = |one: &mut Waiting| one.is_over(&mut context, bounds);
        // One check begins where the one before it ended.
        let mut moment = None;
        for mut one in self.waiting.extract_if(.., over) {
            match one.whole {
                Some(Ok(body)) => {
                    let deadline = one.deadline;
                    let question = Question { body, deadline };
                    match checks.answer(&question, moment.get_or_insert_with(Moment::read)) {
                        Reply::Later(unfinished) => {
                            let host = Arc::clone(&self.host);
                            tokio::spawn(later(host, question, unfinished, one.respond, one.in_flight));
                        }
                        reply => reply.send_by(&mut one.respond),
                    }
                }
                Some(Err(BodyError::TooLarge(most))) => refuse(&mut one.respond, grpc::too_large(most)),
                Some(Err(BodyError::NoRoom)) => checks.overloaded().send_by(&mut one.respond),
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

/// So often in a row a connection's work is looked for before the others of its thread get their turn.
const PASSES: usize = 4;

impl<T> Future for Conversation<T>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    type Output = Result<(), h2::Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        this.work.belong_to(context);
        this.rare.belong_to(context);
        this.work.enter();
        // What rang until now is looked for in the first pass.
        this.work.rang();
        for _ in 0..PASSES {
            if let Poll::Ready(ended) = this.pass() {
                return Poll::Ready(ended);
            }
            // What was sent is to be handed to the socket, which is done here and now.
            if this.work.rang() {
                continue;
            }
            this.work.leave();
            if !this.work.rang() {
                return Poll::Pending;
            }
            this.work.enter();
        }
        this.work.leave();
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<T> Conversation<T>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    /// Writes what is to be written, reads what there is, answers what is whole.
    fn pass(&mut self) -> Poll<Result<(), h2::Error>> {
        loop {
            let accepted = pin!(self.http2.accept()).poll(&mut self.work.context());
            match accepted {
                Poll::Ready(Some(Ok((request, respond)))) => self.begin(request, respond),
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(error)),
                Poll::Ready(None) => return Poll::Ready(Ok(())),
                Poll::Pending => break,
            }
        }
        self.answer();
        if self.rare.rang() {
            return self.look_around();
        }
        Poll::Pending
    }

    /// Whether it is time to leave, and whether the client is still there.
    fn look_around(&mut self) -> Poll<Result<(), h2::Error>> {
        if let Some(stop) = &mut self.stop
            && stop.as_mut().poll(&mut self.rare.context()).is_ready()
        {
            self.leave();
        }
        while let Poll::Ready(verdict) = self.health.poll(&mut self.rare.context()) {
            match verdict {
                Verdict::Gone => return Poll::Ready(Ok(())),
                Verdict::Well { idle_long } => {
                    self.give_up();
                    if idle_long && self.waiting.is_empty() && self.host.is_full() {
                        match self.told_to_leave {
                            None => self.leave(),
                            // It keeps a place by streams that it doesn't let end.
                            Some(told)
                                if self.health.now().saturating_sub(told)
                                    > self.host.plan.drain.as_secs() =>
                            {
                                return Poll::Ready(Ok(()));
                            }
                            Some(_) => {}
                        }
                    }
                }
            }
        }
        // Whatever is to be said of it is said in another pass.
        self.work.context().waker().wake_by_ref();
        Poll::Pending
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
    question: Question,
    unfinished: Box<Unfinished>,
    mut respond: SendResponse<Bytes>,
    _in_flight: Taken,
) {
    let reply = tokio::select! {
        reply = host.checks.answer_later(&question, unfinished) => reply,
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
