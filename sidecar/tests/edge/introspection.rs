//! An issuer that can be asked about its tokens, and a sidecar that asks it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use postern_proto::edge::v1::auth_edge_service_client::AuthEdgeServiceClient;
use postern_proto::edge::v1::{IntrospectTokenRequest, IntrospectTokenResponse};
use serde_json::{Value as Json, json};
use tokio::sync::Notify;
use tonic::transport::Channel;

use crate::world::sidecar::Sidecar;
use crate::world::{AUDIENCE, Client, ISSUER, World, now};

/// An introspection endpoint of the test's own.
#[derive(Clone)]
pub(crate) struct Endpoint {
    pub(crate) address: std::net::SocketAddr,
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) behaviour: Mutex<Behaviour>,
    pub(crate) calls: AtomicUsize,
    /// `authorization` and body of the last call.
    pub(crate) last: Mutex<(String, String)>,
}

#[derive(Clone)]
pub(crate) enum Behaviour {
    Says(Json),
    SaysText(String),
    Fails,
    Hangs,
    /// Says what a good issuer says once it is let go.
    Held(Arc<Notify>),
}

impl Endpoint {
    pub(crate) async fn start(says: Json) -> Self {
        let shared = Arc::new(Shared {
            behaviour: Mutex::new(Behaviour::Says(says)),
            calls: AtomicUsize::new(0),
            last: Mutex::default(),
        });
        let router = Router::new()
            .route("/introspect", post(introspect))
            .with_state(Arc::clone(&shared));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, shared }
    }

    pub(crate) fn now(&self, behaviour: Behaviour) {
        *self.shared.behaviour.lock().unwrap() = behaviour;
    }

    pub(crate) fn calls(&self) -> usize {
        self.shared.calls.load(Ordering::SeqCst)
    }
}

async fn introspect(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: String) -> Response {
    shared.calls.fetch_add(1, Ordering::SeqCst);
    let credentials = headers
        .get("authorization")
        .map_or("", |value| value.to_str().unwrap());
    *shared.last.lock().unwrap() = (credentials.to_owned(), body);
    let behaviour = shared.behaviour.lock().unwrap().clone();
    match behaviour {
        Behaviour::Says(json) => json.to_string().into_response(),
        Behaviour::SaysText(text) => text.into_response(),
        Behaviour::Fails => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Behaviour::Hangs => std::future::pending().await,
        Behaviour::Held(let_go) => {
            let_go.notified().await;
            // Whoever else is held goes on, too.
            let_go.notify_one();
            active().to_string().into_response()
        }
    }
}

/// What a good issuer says of a good token.
pub(crate) fn active() -> Json {
    json!({
        "active": true, "iss": ISSUER, "aud": AUDIENCE, "sub": "bob", "client_id": "shop", "scope": "orders:read",
        "exp": now() + 600,
    })
}

/// A sidecar whose issuer can be asked.
pub(crate) struct Asked {
    pub(crate) world: World,
    pub(crate) sidecar: Sidecar,
    pub(crate) endpoint: Endpoint,
    pub(crate) edge: AuthEdgeServiceClient<Channel>,
    pub(crate) checks: Client,
}

impl Asked {
    pub(crate) async fn new(says: Json, settings: Json) -> Self {
        let world = World::new().await;
        let endpoint = Endpoint::start(says).await;
        std::fs::write(world.folder.path().join("secret"), "s:e/c+ret\n").unwrap();
        let mut config = world.config();
        let mut introspection = json!({
            "url": format!("http://{}/introspect", endpoint.address),
            "client_id": "side:car",
            "client_secret_file": "secret",
            "timeout_ms": 300,
        });
        let members = introspection.as_object_mut().unwrap();
        members.extend(settings.as_object().unwrap().clone());
        config.document["issuers"][0]["introspection"] = introspection;
        let sidecar = config.start_ready().await;
        let checks = Client::over_unix(&sidecar.config).await;
        Self {
            edge: AuthEdgeServiceClient::new(checks.channel.clone()),
            world,
            sidecar,
            endpoint,
            checks,
        }
    }

    pub(crate) async fn ask(&self, token: &str) -> Result<IntrospectTokenResponse, tonic::Status> {
        let request = IntrospectTokenRequest {
            token: token.to_owned(),
            issuer: String::new(),
        };
        let answer = self.edge.clone().introspect_token(request).await;
        answer.map(tonic::Response::into_inner)
    }
}

pub(crate) fn refused(answer: Result<IntrospectTokenResponse, tonic::Status>) -> postern_telemetry::Error {
    postern_telemetry::Error::from_status(&answer.unwrap_err())
}
