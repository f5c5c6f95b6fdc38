//! Golden cases: a folder each, with a configuration, a policy, its data, a request, and what opa-envoy-plugin answers to it.
//!
//! | file | what |
//! |---|---|
//! | `config.yaml` | OPA's configuration; where it listens is said by whoever starts it |
//! | `policy.rego` | the policy |
//! | `data.json` | its base data, where it has some |
//! | `request.json` | the `CheckRequest`, in protobuf's JSON |
//! | `envoy.pb` | if it is there, empty: the plugin knows the types of Envoy's API (`proto-descriptor`) |
//! | `want.json` | what the plugin answered: `response` without its decision id, or `error` with code and message; and the event that it logged |

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::{Value as Json, json};
use tonic::Status;

use super::compare::ordered;
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

    /// What is wanted, without the event.
    ///
    /// # Errors
    /// When it isn't recorded.
    pub fn wanted(&self) -> anyhow::Result<Json> {
        let mut wanted: Json = serde_json::from_str(&self.read("want.json")?)?;
        if let Some(members) = wanted.as_object_mut() {
            members.remove("event");
        }
        Ok(wanted)
    }

    /// The event that is wanted.
    ///
    /// # Errors
    /// When it isn't recorded.
    pub fn wanted_event(&self) -> anyhow::Result<Json> {
        let mut wanted: Json = serde_json::from_str(&self.read("want.json")?)?;
        Ok(wanted.get_mut("event").context("no event is recorded")?.take())
    }

    /// Records what is wanted.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn record(&self, answer: &Json) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(answer)? + "\n";
        Ok(std::fs::write(self.folder.join("want.json"), text)?)
    }

    /// What `program` answers, in the form of `want.json`, without the event.
    ///
    /// # Errors
    /// When it can't be started or asked.
    pub async fn answer(&self, program: &Path) -> anyhow::Result<Json> {
        let (answer, _) = self.asked(program, &[]).await?;
        Ok(answer)
    }

    /// What `program` answers and the event that it writes to its console, each in the form of `want.json`.
    ///
    /// # Errors
    /// When it can't be started or asked, or writes no event.
    pub async fn answer_and_event(&self, program: &Path) -> anyhow::Result<(Json, Json)> {
        let (answer, log) = self.asked(program, &["--set=decision_logs.console=true"]).await?;
        let event = log.context("it wrote no event")?;
        Ok((answer, event))
    }

    async fn asked(&self, program: &Path, flags: &[&str]) -> anyhow::Result<(Json, Option<Json>)> {
        let folder = self.folder.canonicalize()?;
        let mut files = vec![folder.join("policy.rego")];
        let data = folder.join("data.json");
        if data.exists() {
            files.push(data);
        }
        let mut plugin = Vec::new();
        let types = tempfile::NamedTempFile::new()?;
        if folder.join("envoy.pb").exists() {
            std::fs::write(types.path(), postern_proto::ENVOY_FILE_DESCRIPTOR_SET)?;
            plugin.push(("proto-descriptor".to_owned(), types.path().display().to_string()));
        }
        let server = Server::start(
            program,
            &Setting {
                config: Some(folder.join("config.yaml")),
                files,
                plugin,
                flags: flags.iter().map(|flag| (*flag).to_owned()).collect(),
            },
        )
        .await?;
        let request = protobuf_json::request(&self.read("request.json")?)
            .with_context(|| format!("{}: request.json", self.name()))?;
        let answer = told(server.check(request).await)?;
        // Where a file lies is another place everywhere.
        let here = format!("{}/", folder.display());
        let placed = |told: &Json| -> anyhow::Result<Json> {
            Ok(serde_json::from_str(
                &serde_json::to_string(told)?.replace(&here, ""),
            )?)
        };
        let event = match flags {
            [] => None,
            _ => Some(placed(&kept(server.logged("Decision Log").await?)?)?),
        };
        Ok((placed(&answer)?, event))
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
            Ok(json!({ "error": { "code": code, "message": message } }))
        }
    }
}

/// A decision-log event as it is kept: without what is another each time. Of times only that they are there.
fn kept(mut event: Json) -> anyhow::Result<Json> {
    let members = event.as_object_mut().context("an event is no object")?;
    for volatile in ["decision_id", "timestamp", "time", "labels"] {
        let there = members.remove(volatile);
        anyhow::ensure!(there.is_some(), "an event has no `{volatile}`");
    }
    for same in ["level", "msg", "type"] {
        members.remove(same);
    }
    if let Some(metrics) = members.get_mut("metrics").and_then(Json::as_object_mut) {
        // What the first decision also measures, and looking up base data, which is no step of its own in a plan.
        metrics.retain(|name, _| !name.contains("query_compile") && !name.contains("external_resolve"));
        metrics.values_mut().for_each(|value| *value = "a time".into());
    }
    if let Some(Json::String(error)) = members.get_mut("error") {
        *error = error.replace('\u{a0}', " ");
    }
    whole(&mut event);
    Ok(event)
}

/// Numbers in one spelling of the several that they have: without a fraction where there is none.
#[expect(clippy::cast_possible_truncation, reason = "within what an i64 holds exactly")]
fn whole(value: &mut Json) {
    match value {
        Json::Number(number) => {
            let float = number
                .as_f64()
                .filter(|float| float.fract() == 0.0 && float.abs() < 9e15);
            if let Some(float) = float.filter(|_| !number.is_i64()) {
                *value = Json::from(float as i64);
            }
        }
        Json::Array(items) => items.iter_mut().for_each(whole),
        Json::Object(members) => members.values_mut().for_each(whole),
        Json::Null | Json::Bool(_) | Json::String(_) => {}
    }
}
