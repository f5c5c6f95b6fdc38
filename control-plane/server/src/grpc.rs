//! The gRPC side as one router: every service behind the gate, whatever method is asked for.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Response};
use axum::middleware::{self, Next};
use postern_identity::IdentityGrpc;
use postern_policy_service::{MAX_MESSAGE_BYTES, PolicyGrpc};
use postern_proto::identity::v1::session_identity_service_server::{self, SessionIdentityServiceServer};
use postern_proto::policy::v1::iam_policy_service_server::{self, IamPolicyServiceServer};
use postern_proto::sync::v1::sync_service_server::{self, SyncServiceServer};
use postern_proto::token::v1::token_service_server::{self, TokenServiceServer};
use postern_store::Entropy;
use postern_telemetry::{Code, Error};
use postern_token::TokenGrpc;
use tonic::service::Routes;

use crate::admission::Admission;
use crate::credentials::{Gate, Verdict};
use crate::request::{self, Surface, Tracing, correlation_id};
use crate::sync::SyncGrpc;

/// The one method that a sidecar's credential opens.
const WATCH: &str = "/postern.sync.v1.SyncService/Watch";
/// Until the answer begins; a stream then goes on.
const DEADLINE: Duration = Duration::from_secs(30);

/// The edges of all services.
pub(crate) struct Edges {
    pub(crate) token: TokenGrpc,
    pub(crate) identity: IdentityGrpc,
    pub(crate) policy: PolicyGrpc,
    pub(crate) sync: SyncGrpc,
}

#[derive(Clone)]
struct Guard {
    gate: Gate,
    entropy: Arc<dyn Entropy>,
}

/// The router of the whole gRPC side.
pub(crate) fn router(edges: Edges, gate: Gate, entropy: &Arc<dyn Entropy>) -> Router {
    let guard = Guard {
        gate,
        entropy: Arc::clone(entropy),
    };
    let tracing = Tracing {
        surface: Surface::Grpc,
        entropy: Arc::clone(entropy),
    };
    Routes::new(TokenServiceServer::new(edges.token))
        .add_service(SessionIdentityServiceServer::new(edges.identity))
        .add_service(IamPolicyServiceServer::new(edges.policy).max_decoding_message_size(MAX_MESSAGE_BYTES))
        .add_service(SyncServiceServer::new(edges.sync))
        .prepare()
        .into_axum_router()
        .layer(middleware::from_fn_with_state(guard.clone(), deadline))
        .layer(middleware::from_fn_with_state(guard, protect))
        .layer(middleware::from_fn_with_state(tracing, request::trace))
}

/// Whether `path` is a method of a service that is served here, for labels.
pub(crate) fn is_served(path: &str) -> bool {
    let services = [
        token_service_server::SERVICE_NAME,
        session_identity_service_server::SERVICE_NAME,
        iam_policy_service_server::SERVICE_NAME,
        sync_service_server::SERVICE_NAME,
    ];
    let Some((service, method)) = path.strip_prefix('/').and_then(|path| path.split_once('/')) else {
        return false;
    };
    services.contains(&service) && METHODS.contains(&method)
}

/// The methods of all services: what may become a label.
const METHODS: [&str; 15] = [
    "IssueTokenPair",
    "GetJwks",
    "AuthenticateClient",
    "CreateClient",
    "ListClients",
    "Authorize",
    "PublishBundle",
    "ListBundles",
    "Watch",
    "RevokeToken",
    "ListRevocations",
    "RemoveRevocation",
    "CreateApiKey",
    "ListApiKeys",
    "RevokeApiKey",
];

impl Guard {
    fn refuse(&self, headers: &HeaderMap, code: Code, message: &str) -> Response<Body> {
        Error::new(code, message)
            .to_status(&correlation_id(headers, &*self.entropy))
            .into_http()
    }
}

async fn protect(State(guard): State<Guard>, request: Request, next: Next) -> Response<Body> {
    let for_sidecars = request.uri().path() == WATCH;
    let verdict = guard.gate.judge(request.headers(), for_sidecars);
    if verdict != Verdict::Stranger
        && let Some(admission) = request.extensions().get::<Admission>()
    {
        admission.admit();
    }
    match verdict {
        Verdict::Pass => next.run(request).await,
        Verdict::Stranger => guard.refuse(
            request.headers(),
            Code::Unauthenticated,
            "Send the metadata authorization: Bearer with a credential of the control plane's data folder.",
        ),
        Verdict::WrongRole => guard.refuse(
            request.headers(),
            Code::AccessDenied,
            "A sidecar's credential opens only SyncService/Watch here.",
        ),
    }
}

async fn deadline(State(guard): State<Guard>, request: Request, next: Next) -> Response<Body> {
    let headers = request.headers().clone();
    match tokio::time::timeout(DEADLINE, next.run(request)).await {
        Ok(response) => response,
        Err(_) => guard.refuse(&headers, Code::Timeout, Code::Timeout.meaning()),
    }
}

#[cfg(test)]
mod tests {
    use prost::Message;
    use prost_types::FileDescriptorSet;

    use super::*;

    #[test]
    fn every_method_of_the_contracts_that_are_served_is_a_label() {
        let set = FileDescriptorSet::decode(postern_proto::FILE_DESCRIPTOR_SET).unwrap();
        // The edge's contract is the sidecar's.
        let served = set.file.iter().filter(|file| file.package() != "postern.edge.v1");
        let mut methods = 0;
        for (file, service) in served.flat_map(|file| file.service.iter().map(move |service| (file, service)))
        {
            for method in &service.method {
                let path = format!("/{}.{}/{}", file.package(), service.name(), method.name());
                assert!(is_served(&path), "{path} is missing in METHODS");
                methods += 1;
            }
        }
        assert_eq!(methods, METHODS.len(), "METHODS has more than the contracts");
    }

    #[test]
    fn only_methods_that_exist_become_labels() {
        assert!(is_served(WATCH));
        assert!(is_served("/postern.token.v1.TokenService/GetJwks"));
        for path in [
            "/postern.token.v1.TokenService/Nothing",
            "/x/GetJwks",
            "/",
            "",
            "/postern.token.v1.TokenService",
        ] {
            assert!(!is_served(path), "{path}");
        }
    }
}
