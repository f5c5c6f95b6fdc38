//! What OPA has and this isn't: policy and data that are pushed, and queries. Whoever tries is told where these come from.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::any;

use super::{Api, answers};

const CODE: &str = "resource_not_found";

/// The paths.
pub(super) fn routes() -> Router<Api> {
    let mut routes = Router::new();
    for path in ["/v0/data", "/v1/data"] {
        routes = routes
            .route(path, any(data))
            .route(&format!("{path}/{{*path}}"), any(data));
    }
    routes = routes
        .route("/v1/policies", any(policies))
        .route("/v1/policies/{*path}", any(policies));
    for path in ["/v1/query", "/v1/compile"] {
        routes = routes
            .route(path, any(queries))
            .route(&format!("{path}/{{*path}}"), any(queries));
    }
    routes
}

/// Data, and decisions asked for over HTTP.
pub(super) async fn data() -> Response {
    let problem = "this is Postern: data isn't pushed or read here, and decisions are asked for over ext_authz; put data into \
                   a bundle (`bundles` of the configuration, `-b`, or files on the command line) in place of kube-mgmt or \
                   PUT /v1/data, and ask `postern policy` what a policy decides";
    answers::error(StatusCode::NOT_FOUND, CODE, problem)
}

async fn policies() -> Response {
    let problem = "this is Postern: policies aren't pushed here; put them into a bundle (`bundles` of the configuration, `-b`, or \
                   files on the command line) in place of kube-mgmt or PUT /v1/policies";
    answers::error(StatusCode::NOT_FOUND, CODE, problem)
}

async fn queries() -> Response {
    let problem = "this is Postern: there are no ad-hoc queries; use `opa eval` with the same bundle";
    answers::error(StatusCode::NOT_FOUND, CODE, problem)
}
