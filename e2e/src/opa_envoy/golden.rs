//! Golden cases: a folder each, with a configuration, a policy, its data, a request, and what opa-envoy-plugin answers to it.
//!
//! | file | what |
//! |---|---|
//! | `config.yaml` | OPA's configuration; where it listens is said by whoever starts it |
//! | `policy.rego` | the policy |
//! | `data.json` | its base data, where it has some |
//! | `request.json` | the `CheckRequest`, in protobuf's JSON |
//! | `want.json` | what the plugin answered: `response` without its decision id, or `error` with code and message; and the event that it logged |

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::{Value as Json, json};
use tonic::Status;

use super::compare::{ordered, without_values};
use super::protobuf_json;
use super::server::{Server, Setting};
use envoy_types::pb::envoy::service::auth::v3::CheckResponse;

/// A case.
#[derive(Debug, Clone)]
pub struct Case {
    /// Its folder.
    pub folder: PathBuf,
}

impl Case {
    /// All cases under `root`, by name.
    ///
    /// # Errors
    /// When the folder can't be read.
    pub fn all(root: &Path) -> anyhow::Result<Vec<Self>> {
        let folders = std::fs::read_dir(root).with_context(|| root.display().to_string())?;
        let mut cases = Vec::new();
        for folder in folders {
            let folder = folder?.path();
            if folder.is_dir() {
                cases.push(Self { folder });
            }
        }
        cases.sort_by(|a, b| a.folder.cmp(&b.folder));
        Ok(cases)
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> String {
        let name = self.folder.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    fn read(&self, file: &str) -> anyhow::Result<String> {
        let path = self.folder.join(file);
        std::fs::read_to_string(&path).with_context(|| path.display().to_string())
    }

    /// What is wanted.
    ///
    /// # Errors
    /// When it isn't recorded.
    pub fn wanted(&self) -> anyhow::Result<Json> {
        Ok(serde_json::from_str(&self.read("want.json")?)?)
    }

    /// Records what is wanted.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn record(&self, answer: &Json) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(answer)? + "\n";
        Ok(std::fs::write(self.folder.join("want.json"), text)?)
    }

    /// What `program` answers, in the form of `want.json`.
    ///
    /// # Errors
    /// When it can't be started or asked.
    pub async fn answer(&self, program: &Path) -> anyhow::Result<Json> {
        let folder = self.folder.canonicalize()?;
        let mut files = vec![folder.join("policy.rego")];
        let data = folder.join("data.json");
        if data.exists() {
            files.push(data);
        }
        let server = Server::start(
            program,
            &Setting {
                config: Some(folder.join("config.yaml")),
                files,
                plugin: Vec::new(),
            },
        )
        .await?;
        let request = protobuf_json::request(&self.read("request.json")?)
            .with_context(|| format!("{}: request.json", self.name()))?;
        let answer = told(server.check(request).await)?;
        // Where a file lies is another place everywhere.
        let here = format!("{}/", folder.display());
        let text = serde_json::to_string(&answer)?.replace(&here, "");
        Ok(serde_json::from_str(&text)?)
    }
}

fn told(answer: Result<CheckResponse, Status>) -> anyhow::Result<Json> {
    match answer {
        Ok(response) => {
            let mut response = protobuf_json::of_response(&ordered(response))?;
            if let Some(metadata) = response.get_mut("dynamicMetadata").and_then(Json::as_object_mut) {
                let id = metadata.remove("decision_id");
                anyhow::ensure!(id == Some("a UUIDv4".into()), "the decision's id is {id:?}");
            }
            Ok(json!({ "response": response }))
        }
        Err(status) => {
            let message = status.message().replace('\u{a0}', " ");
            let code = format!("{:?}", status.code());
            Ok(json!({ "error": { "code": code, "message": without_values(&message) } }))
        }
    }
}
