//! Policy from where OPA's configuration says: bundles of services and files, as opa-envoy-plugin loads them and tells of them.
//! With `OPA_ENVOY` set to the plugin's program, each story is told of it, too, before it is of the sidecar.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

mod deltas;
mod discovered;
mod files;
mod proved;
mod served;

use std::path::PathBuf;
use std::time::Duration;

use envoy_types::pb::envoy::service::auth::v3::CheckRequest;
use envoy_types::pb::envoy::service::auth::v3::check_response::HttpResponse;
use postern_e2e::opa_envoy::bundle_server::{BundleServer, bundle};
use postern_e2e::opa_envoy::server::{self, Server, Setting};
use postern_e2e::stack::{self, binary};
use serde_json::{Value as Json, json};

/// How long is waited for what a server is to do.
const LIMIT: Duration = Duration::from_secs(30);

/// What `ask` comes to, asked again and again for as long as that is nothing; `None` when it stays so.
async fn until<T>(ask: impl AsyncFnMut() -> Option<T>) -> Option<T> {
    stack::until(LIMIT, ask).await
}

/// The programs that a story is told of.
fn programs() -> Vec<PathBuf> {
    server::programs(binary("postern-sidecar"))
}

/// A bundle server, a program that asks it, and what they share.
struct World {
    bundles: BundleServer,
    server: Server,
    _config: tempfile::NamedTempFile,
}

/// What `bundles` and so on say; services and the plugin's own section are added.
async fn start(program: &std::path::Path, bundles: &BundleServer, config: Json) -> World {
    start_with(program, bundles, config, &[]).await
}

async fn start_with(
    program: &std::path::Path,
    bundles: &BundleServer,
    mut config: Json,
    flags: &[String],
) -> World {
    let own = json!({
        "services": {"s": {"url": bundles.url()}},
        "plugins": {"envoy_ext_authz_grpc": {"path": "envoy/authz/allow"}},
    });
    for (key, value) in own.as_object().unwrap() {
        config
            .as_object_mut()
            .unwrap()
            .entry(key)
            .or_insert(value.clone());
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), config.to_string()).unwrap();
    let setting = Setting {
        config: Some(file.path().to_owned()),
        files: Vec::new(),
        plugin: Vec::new(),
        flags: flags.to_vec(),
    };
    let server = Server::start(program, &setting).await.unwrap();
    World {
        bundles: bundles.clone(),
        server,
        _config: file,
    }
}

impl World {
    /// What the policy says: the header that it adds, or why there is no answer.
    async fn said(&self) -> String {
        match self.server.check(CheckRequest::default()).await {
            Err(status) => status.message().to_owned(),
            Ok(response) => match response.http_response {
                Some(HttpResponse::OkResponse(ok)) => {
                    let header = ok.headers.into_iter().next().and_then(|option| option.header);
                    header.map(|header| header.value).unwrap_or_default()
                }
                _ => "denied".to_owned(),
            },
        }
    }

    async fn says(&self, wanted: &str) {
        let mut said = String::new();
        let came = until(async || {
            said = self.said().await;
            (said == wanted).then_some(())
        });
        if came.await.is_none() {
            panic!("it says {said:?}, and not {wanted:?}:\n{}", self.logged());
        }
    }

    /// The end of its log.
    fn logged(&self) -> String {
        let log = self.server.log().unwrap();
        let lines: Vec<&str> = log.lines().filter(|line| line.len() < 2000).collect();
        lines[lines.len().saturating_sub(10)..].join("\n")
    }

    /// What the status says of a bundle, once `is_so`.
    async fn status(&self, name: &str, is_so: impl Fn(&Json) -> bool) -> Json {
        let mut status = Json::Null;
        let came = until(async || {
            let (_, told) = self.server.api("/v1/status").await.unwrap();
            status = told["result"]["bundles"][name].clone();
            is_so(&status).then(|| status.clone())
        });
        if let Some(status) = came.await {
            return status;
        }
        panic!("the status of {name} stays {status:#}:\n{}", self.logged());
    }
}

impl World {
    /// What the status says of discovery, once `is_so`.
    async fn discovery(&self, is_so: impl Fn(&Json) -> bool) -> Json {
        let mut told = Json::Null;
        let came = until(async || {
            (_, told) = self.server.api("/v1/status").await.unwrap();
            is_so(&told["result"]["discovery"]).then_some(())
        });
        if came.await.is_none() {
            panic!("the status stays {told:#}:\n{}", self.logged());
        }
        told["result"].clone()
    }
}

/// Whether a status says that.
fn says_so(message: &str) -> impl Fn(&Json) -> bool {
    move |status| {
        status["message"]
            .as_str()
            .is_some_and(|said| said.contains(message))
    }
}

const SAYS_DATA: &str =
    "package envoy.authz\n\nallow := {\"allowed\": true, \"headers\": {\"x-said\": data.words.said}}\n";

fn polled(resource: &str) -> Json {
    json!({"service": "s", "resource": resource, "polling": {"min_delay_seconds": 0, "max_delay_seconds": 1}})
}

fn words(revision: &str, said: &str) -> Vec<u8> {
    bundle(
        revision,
        &["words"],
        &[("words/data.json", &json!({ "said": said }).to_string())],
    )
    .unwrap()
}

fn rules(revision: &str) -> Vec<u8> {
    bundle(revision, &["envoy"], &[("p.rego", SAYS_DATA)]).unwrap()
}
