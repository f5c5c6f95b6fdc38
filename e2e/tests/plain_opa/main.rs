//! A plain OPA beside the sidecar in opa-envoy-plugin's place: both get the same bundles from the same server, both tell the
//! same sink, and what they decide and tell is compared as far as it should be the same.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

mod events;
mod nginx;
mod pulled;

use std::path::Path;
use std::time::Duration;

use postern_e2e::opa_envoy::bundle_server::BundleServer;
use postern_e2e::opa_envoy::plain_opa::PlainOpa;
use postern_e2e::opa_envoy::server::{Server, Setting};
use postern_e2e::stack::{self, binary};
use serde_json::{Value as Json, json};

/// How long is waited for what a server is to do.
const LIMIT: Duration = Duration::from_secs(30);

/// What is asked.
const PATH: &str = "envoy/authz/allow";

/// Reads what another bundle has, answers in every form, fails where it is told to.
const RULES: &str = r#"package envoy.authz

default allow := {"allowed": false, "http_status": 403, "body": "no", "headers": {"x-why": "not a reader"}}

http := input.attributes.request.http

allow := {
	"allowed": true,
	"headers": {"x-said": data.words.said, "x-path": concat("|", input.parsed_path)},
	"response_headers_to_add": {"x-parts": ["a", "b"]},
	"dynamic_metadata": {"query": input.parsed_query, "body": input.parsed_body, "third": 1 / 3},
} if {
	http.headers["x-user"] in data.words.readers
}

allow := {"allowed": true} if http.path == "/conflict"
"#;

/// What the log is to leave out.
const LOG: &str = r#"package system.log

mask contains "/input/attributes/request/http/headers/authorization"

mask contains {"op": "upsert", "path": "/result/headers/x-said", "value": "***"}

drop if input.input.attributes.request.http.path == "/healthz"
"#;

/// What `ask` comes to, asked again and again for as long as that is nothing.
async fn until<T>(what: &str, ask: impl AsyncFnMut() -> Option<T>) -> T {
    let came = stack::until(LIMIT, ask).await;
    came.unwrap_or_else(|| panic!("waited {LIMIT:?} in vain until {what}"))
}

/// OPA, our sidecar, and where both send what they have to tell.
struct Pair {
    opa: PlainOpa,
    ours: Server,
    sink: BundleServer,
    _config: tempfile::NamedTempFile,
}

impl Pair {
    /// Starts both with this configuration and what makes them tell the sink.
    async fn start(mut config: Json) -> Self {
        let sink = BundleServer::start().await.unwrap();
        config["services"]["sink"] = json!({ "url": sink.url() });
        config["labels"] = json!({"region": "here"});
        config["decision_logs"] =
            json!({"service": "sink", "reporting": {"min_delay_seconds": 0, "max_delay_seconds": 1}});
        config["status"] = json!({"service": "sink"});
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), config.to_string()).unwrap();
        // Each in a place of its own.
        let apart = |name: &str| {
            ["decision_logs", "status"].map(|section| format!("--set={section}.partition_name={name}"))
        };
        let setting = Setting {
            config: Some(file.path().to_owned()),
            files: Vec::new(),
            plugin: vec![("path".to_owned(), PATH.to_owned())],
            flags: apart("ours").to_vec(),
        };
        let (theirs, sidecar) = (apart("opa"), binary("postern-sidecar"));
        let (opa, ours) = tokio::join!(
            PlainOpa::start(file.path(), &theirs),
            Server::start(&sidecar, &setting)
        );
        Self {
            opa: opa.unwrap(),
            ours: ours.unwrap(),
            sink,
            _config: file,
        }
    }

    /// What the status of each says of a bundle, once both are so.
    async fn status(&self, name: &str, is_so: impl Fn(&Json) -> bool) -> [Json; 2] {
        let mut both = [Json::Null, Json::Null];
        let came = async {
            loop {
                let (_, opa) = self.opa.api("/v1/status").await.unwrap();
                let (_, ours) = self.ours.api("/v1/status").await.unwrap();
                both = [opa, ours].map(|told| told["result"]["bundles"][name].clone());
                if both.iter().all(&is_so) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        if tokio::time::timeout(LIMIT, came).await.is_err() {
            let (opa, ours) = (self.opa.log().unwrap(), self.ours.log().unwrap());
            panic!("the status of {name} stays {both:#?}:\n{opa}\n{ours}");
        }
        both
    }

    /// Waits until both have that revision of a bundle in force, and have told so alike.
    async fn in_force(&self, name: &str, revision: &str) {
        let both = self
            .status(name, |status| {
                status["active_revision"] == revision && status.get("code").is_none()
            })
            .await;
        let [opa, ours] = both.map(|status| without_times(&status));
        assert_eq!(opa, ours);
    }
}

/// A bundle's status, with no more than the names of what differs from one process to another.
fn without_times(status: &Json) -> Json {
    let mut status = status.clone();
    for (name, value) in status.as_object_mut().unwrap() {
        if name.starts_with("last_") || name == "metrics" {
            *value = json!("told");
        }
    }
    status
}

fn write(path: &Path, bytes: impl AsRef<[u8]>) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}
