//! OPA's HTTP API, as far as the pod's probes and operators ask it of opa-envoy-plugin: health and metrics on both ports, and on
//! the main one configuration and status. What pushes policy or data is told where these come from instead. Answers are those
//! of OPA 1.22 to the byte where they say the same.
//!
//! | file | job |
//! |---|---|
//! | `health` | `/health`, and below it what `data.system.health` says |
//! | `query` | the parameters of a URL as Go reads them |
//! | `answers` | the forms of answers |
//! | `absent` | what is not here |

mod absent;
mod answers;
mod health;
mod query;

use std::io;
use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{any, get};
use serde_json::{Value as Json, json};
use tokio_util::sync::CancellationToken;

use super::status::{Collector, OpaStatus};
use crate::admin::{HttpVersions, serve_router};
use crate::listen::Bound;
use crate::published::Published;
use crate::random::Randomness;

/// What the API answers from.
#[derive(Clone)]
pub(crate) struct Api {
    pub(crate) status: Arc<OpaStatus>,
    pub(crate) configured: Arc<ArcSwap<Configured>>,
    pub(crate) published: Arc<Published>,
    pub(crate) randomness: Arc<Randomness>,
    /// This process's own metrics, in Prometheus' text format.
    pub(crate) own_metrics: Arc<dyn Fn() -> String + Send + Sync>,
}

/// What the configuration in force makes of the answers.
pub(crate) struct Configured {
    /// Whether the configuration has a `status`: without it `/v1/status` is an error, as in OPA.
    pub(crate) has_status: bool,
    pub(crate) collector: Collector,
    /// OPA's configuration with its defaults. Credentials are taken out here.
    pub(crate) config: Json,
}

/// Which of OPA's two ports it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Port {
    /// `--addr`.
    Main,
    /// `--diagnostic-addr`: health and metrics only.
    Diagnostic,
}

/// Serves until `stop`, then lets answers under way end.
///
/// # Errors
/// When the listener fails.
pub(crate) async fn serve(
    bound: Bound,
    (port, versions): (Port, HttpVersions),
    api: Api,
    stop: CancellationToken,
) -> io::Result<()> {
    serve_router(bound, versions, router(port, api), stop).await
}

fn router(port: Port, api: Api) -> Router {
    let both = Router::new()
        .route("/health", only_get(health::health))
        .route("/health/{*path}", only_get(health::by_policy))
        .route("/health/", get(answers::without_slash))
        .route("/metrics", get(metrics).fallback(answers::method_not_allowed));
    let all = match port {
        Port::Diagnostic => both,
        Port::Main => both
            .route("/v1/config", only_get(config))
            .route("/v1/status", only_get(status))
            .route(
                "/",
                get(index)
                    .post(absent::data)
                    .fallback(answers::method_not_allowed),
            )
            .merge(absent::routes()),
    };
    all.fallback(answers::not_found).with_state(api)
}

/// A handler of GET. OPA refuses HEAD, too, though its `Allow` says otherwise.
fn only_get<H, T>(handler: H) -> axum::routing::MethodRouter<Api>
where
    H: axum::handler::Handler<T, Api>,
    T: 'static,
{
    any(
        async move |State(api): State<Api>, request: Request| match *request.method() {
            Method::GET => handler.call(request, api).await,
            Method::HEAD => StatusCode::METHOD_NOT_ALLOWED.into_response(),
            _ => answers::method_not_allowed().await,
        },
    )
}

async fn metrics(State(api): State<Api>) -> Response {
    let mut text = (api.own_metrics)();
    // Writing to a string doesn't fail.
    let _ = api.configured.load().collector.write_text(&mut text);
    const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores";
    ([(header::CONTENT_TYPE, TEXT)], text).into_response()
}

async fn config(State(api): State<Api>, request: Request) -> Response {
    let shown = without_credentials(&api.configured.load().config);
    answers::json(&json!({ "result": shown }), query::flag(request.uri(), "pretty"))
}

async fn status(State(api): State<Api>, request: Request) -> Response {
    let configured = api.configured.load();
    if !configured.has_status {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        return answers::error(status, "internal_error", "status plugin not enabled");
    }
    let update = api.status.update(configured.collector.to_json());
    answers::json(&json!({ "result": update }), query::flag(request.uri(), "pretty"))
}

/// Something answers here: what OPA's own page is good for.
async fn index() -> Html<String> {
    let version = env!("CARGO_PKG_VERSION");
    Html(format!(
        "<html>\n<body>\nPostern {version}, in the place of opa-envoy-plugin.<br>\n\
         Checks are answered over gRPC; here are /health, /metrics, /v1/config and /v1/status.<br>\n</body>\n</html>\n"
    ))
}

/// As OPA shows it: without services' `credentials`, and of `keys` nothing that could sign (`config.ActiveConfig`).
fn without_credentials(config: &Json) -> Json {
    let mut config = config.clone();
    let each = |value: &mut Json, act: &dyn Fn(&mut serde_json::Map<String, Json>)| match value {
        Json::Array(items) => items.iter_mut().filter_map(Json::as_object_mut).for_each(act),
        Json::Object(members) => members.values_mut().filter_map(Json::as_object_mut).for_each(act),
        _ => {}
    };
    if let Some(services) = config.get_mut("services") {
        each(services, &|service| {
            service.remove("credentials");
        });
    }
    if let Some(keys) = config.get_mut("keys") {
        each(keys, &|key| {
            key.remove("private_key");
            key.remove("key");
        });
    }
    config
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
