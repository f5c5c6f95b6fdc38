//! `envoy.service.auth.v2`, which Envoy left in 2021 and opa-envoy-plugin still answers: refused in words that say what to
//! change, rather than as anything unknown.

use axum::routing::any;
use tonic::Status;
use tonic::service::Routes;

const CHECK: &str = "/envoy.service.auth.v2.Authorization/Check";
const REFUSAL: &str =
    "envoy.service.auth.v2 isn't served: set transport_api_version: V3 in Envoy's ext_authz filter";

/// The routes, and the refusal.
pub(super) fn refused_in(routes: Routes) -> Routes {
    let refused = any(async || Status::unimplemented(REFUSAL).into_http::<axum::body::Body>());
    routes.into_axum_router().route(CHECK, refused).into()
}
