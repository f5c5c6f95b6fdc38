//! Checks answered as opa-envoy-plugin answers them: the message goes to policy as it is, and errors are gRPC's.

use std::time::Duration;

use postern_decide::opa_envoy::{GrpcCode, Reply as Told, Verdict};
use postern_decide::{OpaEnvoySettings, RequestView};
use tonic::Status;

use super::{Question, Reply, grpc, wire};
use crate::checker::{Checker, OpaCheck, Unfinished};
use crate::clock::Moment;

/// Answers at `moment` the check whose message this is.
pub(super) fn answer(
    checker: &Checker,
    settings: &OpaEnvoySettings,
    question: &Question,
    message: &[u8],
    moment: &mut Moment,
) -> Reply {
    let mut view = match read(message) {
        Ok(view) => view,
        Err(refusal) => return refusal,
    };
    let rest = wire::RestOf(message);
    view.rest = Some(&rest);
    let verdict = checker.check_as_opa_envoy(&view, settings, time_left(question), &question.body, moment);
    wire::done_with(view);
    match verdict {
        Ok(verdict) => reply(verdict, settings),
        Err(unfinished) => Reply::Later(unfinished),
    }
}

/// Answers the check that the policy has requests made for.
pub(super) async fn answer_later(
    checker: &Checker,
    settings: &OpaEnvoySettings,
    question: &Question,
    message: &[u8],
    unfinished: Box<Unfinished>,
) -> Reply {
    let mut view = match read(message) {
        Ok(view) => view,
        Err(refusal) => return refusal,
    };
    let rest = wire::RestOf(message);
    view.rest = Some(&rest);
    let asked = OpaCheck {
        request: &view,
        settings,
        time_left: None,
        body: &question.body,
    };
    let left = || time_left(question);
    match checker.answer_later_as_opa_envoy(asked, left, unfinished).await {
        Ok(verdict) => reply(verdict, settings),
        Err(_) => Reply::Refusal(Box::new(Status::unknown(
            "the decision could not be gone on with",
        ))),
    }
}

fn read(message: &[u8]) -> Result<RequestView<'_>, Reply> {
    // What grpc-go says of a message that it can't decode.
    wire::verbatim(message).map_err(|error| {
        let problem = format!("grpc: error unmarshalling request: {error}");
        Reply::Refusal(Box::new(Status::internal(problem)))
    })
}

fn time_left(question: &Question) -> Option<Duration> {
    let (since, most) = question.deadline?;
    Some(most.saturating_sub(since.elapsed()))
}

fn reply(verdict: Verdict, settings: &OpaEnvoySettings) -> Reply {
    match verdict.reply {
        Told::Response(response) => {
            let framed = wire::opa_response(&response, &verdict.decision_id);
            let length = framed.len().saturating_sub(grpc::PREFIX_BYTES);
            match settings.max_sent_bytes {
                Some(most) if length > most => Reply::Refusal(Box::new(Status::resource_exhausted(format!(
                    "trying to send message larger than max ({length} vs. {most})"
                )))),
                _ => Reply::Message(framed),
            }
        }
        Told::Error { code, message } => Reply::Refusal(Box::new(match code {
            GrpcCode::Unknown => Status::unknown(message),
            GrpcCode::DeadlineExceeded => Status::deadline_exceeded(message),
        })),
    }
}
