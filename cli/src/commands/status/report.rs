//! What was found, with the one judgement that a script needs: whether all is well.

use postern_proto::policy::v1::BundleInfo;
use serde::Serialize;
use serde_json::Value;

use crate::{
    dev::policy::status::{PolicyState, PolicyStatus},
    output,
};

/// How everything is.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The control plane.
    pub control_plane: ControlPlaneReport,
    /// The sidecar.
    pub sidecar: SidecarReport,
    /// What the sidecar tells of the policy that is put beside the one in force (`policy.candidate`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub candidate: Option<Value>,
    /// The Envoy of `postern dev`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub envoy: Option<EnvoyReport>,
    /// The policy that `postern dev` watches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyReport>,
}

impl Report {
    /// Whether everything that was asked is as it should be.
    pub fn all_well(&self) -> bool {
        self.control_plane.ok
            && self.sidecar.ok
            && self.envoy.as_ref().is_none_or(|envoy| envoy.ok)
            && self.policy.as_ref().is_none_or(|policy| policy.ok)
    }
}

/// How the control plane is.
#[derive(Debug, Serialize)]
pub struct ControlPlaneReport {
    /// Whether it answers.
    pub ok: bool,
    /// Where it was asked.
    pub url: String,
    /// Why it isn't; empty when it is.
    pub error: String,
    /// What it publishes.
    pub bundles: Vec<BundleReport>,
}

impl ControlPlaneReport {
    /// From its answer.
    pub fn new(url: &str, answer: anyhow::Result<Vec<BundleReport>>) -> Self {
        let (bundles, error) = match answer {
            Ok(bundles) => (bundles, String::new()),
            Err(error) => (Vec::new(), output::in_full(&error)),
        };
        Self {
            ok: error.is_empty(),
            url: url.to_owned(),
            error,
            bundles,
        }
    }
}

/// A published bundle.
#[derive(Debug, Serialize)]
pub struct BundleReport {
    pub(super) name: String,
    pub(super) revision: String,
    etag: String,
    signed_by: String,
    /// Seconds since the epoch.
    pub(super) published_at: i64,
    entrypoints: Vec<String>,
}

impl From<BundleInfo> for BundleReport {
    fn from(bundle: BundleInfo) -> Self {
        Self {
            name: bundle.name,
            revision: bundle.revision,
            etag: bundle.etag,
            signed_by: bundle.signed_by,
            published_at: bundle.published_at,
            entrypoints: bundle.entrypoints,
        }
    }
}

/// How the sidecar is.
#[derive(Debug, Serialize)]
pub struct SidecarReport {
    /// Whether it answers, is ready, and nothing that it keeps fresh failed lately.
    pub ok: bool,
    /// Where it was asked.
    pub url: String,
    /// Why it isn't; empty when it is.
    pub error: String,
    /// Its own account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<Value>,
}

impl SidecarReport {
    /// From its answer.
    pub fn new(url: &str, answer: anyhow::Result<Value>) -> Self {
        let (snapshot, error) = match answer {
            Ok(snapshot) => {
                let complaints = complaints(&snapshot).join("; ");
                (Some(snapshot), complaints)
            }
            Err(error) => (None, output::in_full(&error)),
        };
        Self {
            ok: error.is_empty(),
            url: url.to_owned(),
            error,
            snapshot,
        }
    }
}

/// Whether Envoy can be reached.
#[derive(Debug, Serialize)]
pub struct EnvoyReport {
    /// Whether it answers at all.
    pub ok: bool,
    /// Where it was asked.
    pub url: String,
    /// Why it doesn't; empty when it does.
    pub error: String,
}

impl EnvoyReport {
    /// From its answer, whatever that says.
    pub fn new(url: &str, answer: anyhow::Result<()>) -> Self {
        let error = answer
            .err()
            .map(|error| output::in_full(&error))
            .unwrap_or_default();
        Self {
            ok: error.is_empty(),
            url: url.to_owned(),
            error,
        }
    }
}

/// Everything in a snapshot that isn't as it should be.
fn complaints(snapshot: &Value) -> Vec<String> {
    let mut found = Vec::new();
    if snapshot["ready"] != Value::Bool(true) {
        let reasons = snapshot["not_ready"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str);
        found.push(format!("not ready: {}", reasons.collect::<Vec<_>>().join(", ")));
    }
    let mut failed = |what: &str, part: &Value| {
        if let Some(error) = part["error"].as_str().filter(|error| !error.is_empty()) {
            found.push(format!("{what}: {error}"));
        }
    };
    for issuer in snapshot["issuers"].as_array().into_iter().flatten() {
        failed(
            &format!("keys of {}", issuer["issuer"].as_str().unwrap_or("an issuer")),
            issuer,
        );
    }
    failed(
        "its configuration was refused, the one before serves on",
        &snapshot["config"],
    );
    failed("bundle", &snapshot["bundle"]);
    failed("control plane", &snapshot["control_plane"]);
    found
}

/// How the watched policy is.
#[derive(Debug, Serialize)]
pub struct PolicyReport {
    /// Whether what lies in the folder is what is served.
    pub ok: bool,
    /// The last look.
    #[serde(flatten)]
    pub status: PolicyStatus,
}

impl From<PolicyStatus> for PolicyReport {
    fn from(status: PolicyStatus) -> Self {
        Self {
            ok: status.state == PolicyState::Served,
            status,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::output::Printed as _;

    fn report(snapshot: Value, policy: PolicyState, error: &str) -> Report {
        let status = PolicyStatus {
            state: policy,
            error: error.to_owned(),
            revision: Some("dev-1".into()),
            policy_dir: "/policy".into(),
            at: 0,
        };
        Report {
            control_plane: ControlPlaneReport::new("http://c", Ok(Vec::new())),
            sidecar: SidecarReport::new("http://s", Ok(snapshot)),
            candidate: None,
            envoy: None,
            policy: Some(status.into()),
        }
    }

    fn well() -> Value {
        json!({"ready": true, "issuers": [{"issuer": "http://i", "error": null}],
               "bundle": {"revision": "dev-1", "error": null}, "control_plane": {"connected": true, "error": null}})
    }

    #[test]
    fn all_is_well_when_every_part_says_so() {
        let report = report(well(), PolicyState::Served, "");
        assert!(report.all_well(), "{report:?}");
        assert!(report.human().contains("decides by dev-1"));
    }

    #[test]
    fn the_candidate_and_the_sequences_are_told_and_decide_nothing() {
        let mut snapshot = well();
        snapshot["bundle"]["sequence"] = json!(7);
        let mut report = report(snapshot, PolicyState::Served, "");
        report.candidate = Some(json!({
            "bundle": {"revision": "r8", "sequence": 8, "error": null}, "sample_per_million": 10_000,
            "compared": {"same": 40, "would_deny": 2, "would_allow": 0}, "dropped": 3,
        }));
        let text = report.human();
        for told in [
            "decides by dev-1, sequence 7",
            "r8, sequence 8, asked of 10000 in a million: 40 same, 2 would deny; 3 dropped",
        ] {
            assert!(text.contains(told), "{told} is not in\n{text}");
        }
        report.candidate = Some(json!({"bundle": {"revision": null, "error": "signature: unknown key"}}));
        let text = report.human();
        assert!(text.contains("none is active; signature: unknown key"), "{text}");
        assert!(text.contains("NOT OK") && report.all_well(), "{text}");
    }

    #[test]
    fn a_policy_that_was_refused_is_not_well_and_says_why() {
        let report = report(well(), PolicyState::Refused, "orders.rego:7: rego_parse_error");
        assert!(!report.all_well());
        assert!(
            report
                .human()
                .ends_with("policy: orders.rego:7: rego_parse_error"),
            "{}",
            report.human()
        );
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(
            (&json["policy"]["ok"], &json["policy"]["state"]),
            (&json!(false), &json!("refused"))
        );
    }

    #[test]
    fn an_envoy_that_cannot_be_reached_is_not_well_and_says_why() {
        let mut report = report(well(), PolicyState::Served, "");
        report.envoy = Some(EnvoyReport::new("http://e", Ok(())));
        assert!(report.all_well());
        report.envoy = Some(EnvoyReport::new("http://e", Err(anyhow::anyhow!("refused"))));
        assert!(!report.all_well());
        assert!(report.human().ends_with("envoy: refused"), "{}", report.human());
    }

    #[test]
    fn what_a_sidecar_complains_of_is_told() {
        let mut snapshot = well();
        snapshot["bundle"]["error"] = json!("signature: unknown key");
        snapshot["issuers"][0]["error"] = json!("timed out");
        let report = report(snapshot, PolicyState::Served, "");
        assert_eq!(
            report.sidecar.error,
            "keys of http://i: timed out; bundle: signature: unknown key"
        );
        assert!(!report.all_well());
    }

    #[test]
    fn a_configuration_that_was_refused_is_not_well_though_the_one_before_serves() {
        let mut snapshot = well();
        snapshot["config"] =
            json!({"loaded_at": 1, "error": "sidecar.yaml:30: routes[2].acept: unknown key"});
        let report = report(snapshot, PolicyState::Served, "");
        assert!(!report.all_well());
        assert!(
            report
                .human()
                .ends_with("serves on: sidecar.yaml:30: routes[2].acept: unknown key"),
            "{}",
            report.human()
        );
    }

    #[test]
    fn an_answer_that_does_not_say_ready_is_not_ready() {
        assert!(!SidecarReport::new("http://s", Ok(json!({}))).ok);
        let waiting = json!({"ready": false, "not_ready": ["no bundle"]});
        assert_eq!(
            SidecarReport::new("http://s", Ok(waiting)).error,
            "not ready: no bundle"
        );
    }
}
