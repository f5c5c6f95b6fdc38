//! The report as people read it.

use std::fmt::Write as _;

use serde_json::Value;

use super::report::{BundleReport, Report};
use crate::output::{self, Printed};
use crate::time_text::utc;

impl Printed for Report {
    fn human(&self) -> String {
        let revision = self
            .sidecar
            .snapshot
            .as_ref()
            .and_then(|it| it.pointer("/bundle/revision")?.as_str());
        let bundle = self.sidecar.snapshot.as_ref().map(|it| &it["bundle"]);
        let is_wasm = bundle.is_some_and(|bundle| bundle["engine"] == "wasm");
        let revision = revision.map(|revision| {
            let revision = if is_wasm {
                format!("{revision} in Wasm")
            } else {
                revision.to_owned()
            };
            ordered(&revision, bundle)
        });
        let mut rows = vec![
            row(
                "control plane",
                self.control_plane.ok,
                self.control_plane.url.clone(),
            ),
            row(
                "sidecar",
                self.sidecar.ok,
                match &revision {
                    Some(revision) => format!("{}, decides by {revision}", self.sidecar.url),
                    None => self.sidecar.url.clone(),
                },
            ),
        ];
        rows.extend(self.candidate.iter().map(candidate));
        let envoy = self.envoy.iter();
        rows.extend(
            envoy
                .clone()
                .map(|envoy| row("envoy", envoy.ok, envoy.url.clone())),
        );
        let bundles = self.control_plane.bundles.iter().map(|bundle| {
            let BundleReport {
                name,
                revision,
                published_at,
                ..
            } = bundle;
            row(
                &format!("bundle {name}"),
                true,
                format!("{revision}, published {}", utc(*published_at)),
            )
        });
        rows.extend(bundles);
        let policy = self.policy.iter();
        rows.extend(policy.clone().map(|policy| {
            row(
                "policy",
                policy.ok,
                policy.status.policy_dir.display().to_string(),
            )
        }));
        let mut text = output::table(["PART", "STATE", "ABOUT"], rows);
        let errors = [
            ("control plane", &self.control_plane.error),
            ("sidecar", &self.sidecar.error),
        ]
        .into_iter()
        .chain(envoy.map(|envoy| ("envoy", &envoy.error)))
        .chain(policy.map(|policy| ("policy", &policy.status.error)));
        for (part, error) in errors.filter(|(_, error)| !error.is_empty()) {
            let _ = write!(text, "\n\n{part}: {error}");
        }
        text
    }
}

/// A revision, and its place in the order of its signer, where it has one.
fn ordered(revision: &str, bundle: Option<&Value>) -> String {
    match bundle.and_then(|bundle| bundle["sequence"].as_u64()) {
        Some(sequence) => format!("{revision}, sequence {sequence}"),
        None => revision.to_owned(),
    }
}

/// A candidate decides nothing, so nothing is wrong where it isn't well; what is the matter is said.
fn candidate(told: &Value) -> [String; 3] {
    let bundle = &told["bundle"];
    let mut about = match bundle["revision"].as_str() {
        Some(revision) => ordered(revision, Some(bundle)),
        None => "none is active".to_owned(),
    };
    if let Some(share) = told["sample_per_million"].as_u64() {
        let _ = write!(about, ", asked of {share} in a million");
    }
    let counts = told["compared"].as_object().into_iter().flatten();
    let counts: Vec<_> = counts
        .filter_map(|(outcome, count)| Some((outcome, count.as_u64().filter(|count| *count > 0)?)))
        .map(|(outcome, count)| format!("{count} {}", outcome.replace('_', " ")))
        .collect();
    if !counts.is_empty() {
        let _ = write!(about, ": {}", counts.join(", "));
    }
    if let Some(dropped) = told["dropped"].as_u64().filter(|count| *count > 0) {
        let _ = write!(about, "; {dropped} dropped");
    }
    let error = bundle["error"].as_str().filter(|error| !error.is_empty());
    if let Some(error) = error {
        let _ = write!(about, "; {error}");
    }
    row(
        "candidate",
        error.is_none() && bundle["revision"].is_string(),
        about,
    )
}

fn row(part: &str, ok: bool, about: String) -> [String; 3] {
    [
        part.to_owned(),
        if ok { "ok" } else { "NOT OK" }.to_owned(),
        about,
    ]
}
