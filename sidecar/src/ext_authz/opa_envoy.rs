//! Checks answered as opa-envoy-plugin answers them: the message goes to policy as it is, and errors are gRPC's.

use postern_decide::OpaEnvoySettings;
use postern_decide::opa_envoy::{GrpcCode, Reply as Told};
use tonic::Status;

use super::{Question, Reply, wire};
use crate::checker::Checker;
use crate::clock::Moment;

/// Answers at `moment` the check whose message this is.
pub(super) fn answer(
    checker: &Checker,
    settings: &OpaEnvoySettings,
    question: &Question,
    message: &[u8],
    moment: &mut Moment,
) -> Reply {
    let mut view = match wire::verbatim(message) {
        Ok(view) => view,
        // What grpc-go says of a message that it can't decode.
        Err(error) => {
            let problem = format!("grpc: error unmarshalling request: {error}");
            return Reply::Refusal(Box::new(Status::internal(problem)));
        }
    };
    let rest = wire::RestOf(message);
    view.rest = Some(&rest);
    let time_left = question
        .deadline
        .map(|(since, most)| most.saturating_sub(since.elapsed()));
    let verdict = checker.check_as_opa_envoy(&view, settings, time_left, &question.body, moment);
    wire::done_with(view);
    match verdict.reply {
        Told::Response(response) => Reply::Message(wire::opa_response(&response, &verdict.decision_id)),
        Told::Error { code, message } => Reply::Refusal(Box::new(match code {
            GrpcCode::Unknown => Status::unknown(message),
            GrpcCode::DeadlineExceeded => Status::deadline_exceeded(message),
        })),
    }
}
