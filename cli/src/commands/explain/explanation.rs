//! One decision, told on one screen: who called, with what, which route, which stage settled it and why.

use std::fmt::Write as _;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{output::Printed, time_text};

/// The stages in their order, as the sidecar names them.
const STAGES: [&str; 7] = [
    "route",
    "peer",
    "credentials",
    "revocation",
    "step_up",
    "policy",
    "answer",
];

/// What the sidecar remembers of a decision.
#[derive(Debug, Serialize, Deserialize)]
pub struct Explanation {
    decision_id: String,
    correlation_id: String,
    trace_id: String,
    at_unix_ms: i64,
    took_us: f64,
    outcome: String,
    code: Option<String>,
    reason: Option<String>,
    stage: String,
    route: Option<String>,
    request: Request,
    caller: Caller,
    policy_revision: Option<String>,
    #[serde(default)]
    policy_remembered: bool,
    #[serde(default)]
    shadow: Option<Shadow>,
    revocations_stale: bool,
    /// What the candidate policy would have made of it, where it was asked and differed: an entry of `/candidate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    candidate: Option<Value>,
}

/// What a policy would have done on a route that asks it without acting on it.
#[derive(Debug, Serialize, Deserialize)]
struct Shadow {
    outcome: String,
    code: Option<String>,
    reason: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Request {
    method: String,
    host: String,
    path: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Caller {
    methods: Vec<String>,
    subject: Option<String>,
    client_id: Option<String>,
    issuer: Option<String>,
    api_key_id: Option<String>,
    peer: Option<String>,
    binding: String,
    token_remembered: bool,
}

impl Explanation {
    /// Reads what admin answered.
    ///
    /// # Errors
    /// When it is not of this version's form.
    pub fn read(answer: Value) -> anyhow::Result<Self> {
        serde_json::from_value(answer)
            .context("the sidecar tells decisions in another form than this version knows")
    }

    /// With what the candidate would have made of this decision, where that was another; `told` is the sidecar's `/candidate`.
    pub fn beside_candidate(mut self, told: Option<Value>) -> Self {
        let differences = told.and_then(|mut told| match told.get_mut("differences").map(Value::take) {
            Some(Value::Array(differences)) => Some(differences),
            _ => None,
        });
        let mut differences = differences.into_iter().flatten();
        self.candidate = differences.find(|one| one["decision_id"] == self.decision_id.as_str());
        self
    }

    /// Why it was refused, exactly; empty when it wasn't.
    pub fn why(&self) -> Vec<String> {
        let code = self.code.iter();
        code.map(|code| match &self.reason {
            Some(reason) => format!("{code}: {reason}"),
            None => code.clone(),
        })
        .collect()
    }

    /// Each stage, and what became of it.
    pub fn stages(&self) -> Vec<String> {
        let settled = STAGES.iter().position(|stage| *stage == self.stage);
        let denied = self.outcome != "allowed";
        let said = |(place, stage): (usize, &&str)| {
            let became = match settled {
                Some(at) if place > at => "not reached",
                Some(at) if place == at && self.outcome == "error" => "failed",
                Some(at) if place == at && denied => "refused",
                _ => "passed",
            };
            format!("{:<12} {became}{}", stage.replace('_', " "), self.beside(stage))
        };
        STAGES.iter().enumerate().map(said).collect()
    }

    /// What is worth saying beside a stage.
    fn beside(&self, stage: &str) -> String {
        let beside = match stage {
            "route" => self.route.as_ref().map(|route| format!("`{route}`")),
            "peer" => self.caller.peer.clone(),
            "credentials" => self.credentials(),
            "policy" => self.policy(),
            "revocation" if self.revocations_stale => {
                Some("by a list older than the route would like".to_owned())
            }
            _ => None,
        };
        beside.map(|text| format!(" · {text}")).unwrap_or_default()
    }

    fn policy(&self) -> Option<String> {
        let mut said = Vec::new();
        if let Some(revision) = &self.policy_revision {
            let remembered = if self.policy_remembered {
                " (remembered)"
            } else {
                ""
            };
            said.push(format!("revision `{revision}`{remembered}"));
        }
        if let Some(Shadow {
            outcome,
            code,
            reason,
        }) = &self.shadow
        {
            let mut text = format!("shadow: {outcome}");
            if let Some(code) = code {
                let _ = write!(text, ", {code}");
            }
            if let Some(reason) = reason {
                let _ = write!(text, ": {reason}");
            }
            said.push(text);
        }
        if let Some(difference) = &self.candidate {
            let candidate = &difference["candidate"];
            let text = |key: &str| candidate[key].as_str().unwrap_or_default();
            let mut told = format!("candidate `{}`: {}", text("revision"), text("outcome"));
            for more in ["code", "reason"].map(text).iter().filter(|it| !it.is_empty()) {
                let _ = write!(told, ", {more}");
            }
            said.push(told);
        }
        (!said.is_empty()).then(|| said.join(" · "))
    }

    fn credentials(&self) -> Option<String> {
        let caller = &self.caller;
        if caller.methods.is_empty() {
            return None;
        }
        let mut text = caller.methods.join(" and ");
        if let Some(issuer) = &caller.issuer {
            let remembered = if caller.token_remembered {
                "remembered"
            } else {
                "verified now"
            };
            let _ = write!(text, ", token of {issuer} ({remembered})");
        }
        if caller.binding != "none" {
            let _ = write!(text, ", bound by {}", caller.binding);
        }
        if let Some(id) = &caller.api_key_id {
            let _ = write!(text, ", key {id}");
        }
        Some(text)
    }

    fn who(&self) -> String {
        let caller = &self.caller;
        let named = [
            ("subject", &caller.subject),
            ("client", &caller.client_id),
            ("peer", &caller.peer),
        ];
        let known: Vec<String> = named
            .into_iter()
            .filter_map(|(what, name)| name.as_ref().map(|name| format!("{what} {name}")))
            .collect();
        if known.is_empty() {
            "nobody that was proved".to_owned()
        } else {
            known.join(", ")
        }
    }
}

impl Printed for Explanation {
    fn human(&self) -> String {
        let allowed = self.outcome == "allowed";
        let colour = if allowed {
            anstyle::AnsiColor::Green
        } else {
            anstyle::AnsiColor::Red
        };
        let style = colour.on_default().bold();
        let word = match self.outcome.as_str() {
            "allowed" => "ALLOWED",
            "error" => "LEFT TO THE PROXY",
            _ => "DENIED",
        };
        let mut text = format!("{style}{word}{style:#}");
        for why in self.why() {
            let _ = write!(text, " · {why}");
        }
        let at = time_text::utc(self.at_unix_ms.div_euclid(1000));
        let _ = write!(
            text,
            "\n\nrequest   {} {}{}\ncaller    {}\nwhen      {at}, in {:.0} µs\ndecision  {}\nrequest id {}\ntrace     {}\n\nstages\n  {}",
            self.request.method,
            self.request.host,
            self.request.path,
            self.who(),
            self.took_us,
            self.decision_id,
            self.correlation_id,
            self.trace_id,
            self.stages().join("\n  ")
        );
        text
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn denied() -> Explanation {
        Explanation::read(json!({
            "decision_id": "d-1", "correlation_id": "r-1", "trace_id": "t-1", "at_unix_ms": 1_700_000_000_500_i64,
            "took_us": 12.4, "outcome": "denied", "code": "token_expired", "reason": "expired 5 s ago",
            "stage": "credentials", "route": "orders",
            "request": { "method": "GET", "host": "shop.example", "path": "/orders" },
            "caller": { "methods": [], "subject": null, "client_id": null, "issuer": null, "api_key_id": null,
                "peer": "spiffe://example.org/web", "binding": "none", "token_remembered": false },
            "policy_revision": "r7", "policy_remembered": true, "revocations_stale": false,
            "shadow": { "outcome": "would deny", "code": "access_denied", "reason": "the policy refused" },
        }))
        .unwrap()
    }

    #[test]
    fn one_screen_says_who_what_where_and_why() {
        let text = denied().human();
        for told in [
            "DENIED",
            "token_expired: expired 5 s ago",
            "GET shop.example/orders",
            "peer spiffe://example.org/web",
            "2023-11-14T22:13:20Z",
            "route        passed · `orders`",
            "credentials  refused",
            "policy       not reached · revision `r7` (remembered) · shadow: would deny, access_denied: the policy refused",
        ] {
            assert!(text.contains(told), "{told} is not in\n{text}");
        }
        assert!(text.lines().count() < 24, "{text}");
    }

    #[test]
    fn a_candidate_that_differed_on_this_decision_is_told_and_on_others_is_not() {
        let differs = |id: &str| {
            json!({ "differences": [{ "decision_id": id, "kind": "would_allow",
                "candidate": { "revision": "r8", "outcome": "allowed", "code": null, "reason": null } }] })
        };
        let text = denied().beside_candidate(Some(differs("d-1"))).human();
        assert!(text.contains("candidate `r8`: allowed"), "{text}");
        for told in [Some(differs("d-2")), Some(json!({})), None] {
            let text = denied().beside_candidate(told).human();
            assert!(!text.contains("candidate"), "{text}");
        }
    }

    #[test]
    fn what_was_left_to_the_proxy_is_no_denial() {
        let failed = Explanation {
            outcome: "error".to_owned(),
            stage: "policy".to_owned(),
            ..denied()
        };
        let text = failed.human();
        assert!(
            text.contains("LEFT TO THE PROXY") && !text.contains("DENIED"),
            "{text}"
        );
        assert!(text.contains("policy       failed"), "{text}");
    }

    #[test]
    fn another_versions_form_is_said_to_be_one() {
        let error = Explanation::read(json!({ "decision_id": "d-1" })).unwrap_err();
        assert!(error.to_string().contains("another form"), "{error}");
    }
}
