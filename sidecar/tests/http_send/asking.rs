//! A policy that asks what its input says, asked through the sidecar and through `opa eval`.

use std::path::Path;
use std::process::Command;

use postern_policy::{Bundle, Limits, Verification};
use serde_json::{Value as Json, json};

use super::world::Client;

/// Asks what the request's headers say, and refuses with all that came of it.
const REGO: &str = r#"package orders.authz

headers := input.attributes.request.http.headers

asked := object.union({"method": "get", "url": headers["x-url"]}, json.unmarshal(headers["x-options"]))

decision := {"allowed": false, "http_status": 403, "body": json.marshal(http.send(asked))}
"#;

/// A program of the pinned OPA's.
fn opa(folder: &Path, arguments: &[&str]) -> Vec<u8> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/tools.sh");
    let path = Command::new("bash").arg(script).output().unwrap();
    let path = String::from_utf8(path.stdout).unwrap();
    let output = Command::new(path.trim())
        .current_dir(folder)
        .args(arguments)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

/// The plan of [`REGO`].
pub(super) fn plan(folder: &Path) -> String {
    std::fs::write(folder.join("policy.rego"), REGO).unwrap();
    let entrypoint = "orders/authz/decision";
    opa(
        folder,
        &[
            "build",
            "-t",
            "plan",
            "-e",
            entrypoint,
            "-o",
            "plan.tar.gz",
            "policy.rego",
        ],
    );
    let archive = std::fs::read(folder.join("plan.tar.gz")).unwrap();
    let bundle = Bundle::read(&archive, &Verification::Unsigned, &Limits::default()).unwrap();
    String::from_utf8(bundle.plan().unwrap().bytes().to_vec()).unwrap()
}

/// What came of asking through the sidecar.
pub(super) struct Asked {
    pub(super) status: i32,
    /// What the policy saw, or the refusal.
    pub(super) text: String,
}

impl Asked {
    pub(super) fn json(&self) -> Json {
        serde_json::from_str(&self.text).unwrap()
    }

    /// Whether the decision was denied for what the policy asked.
    pub(super) fn is_refused(&self) -> bool {
        self.status == 500 && self.json()["code"] == "policy_error"
    }
}

pub(super) async fn ask(client: &Client, token: &str, url: &str, options: &Json) -> Asked {
    let authorization = format!("Bearer {token}");
    let options = options.to_string();
    let headers = [
        ("authorization", authorization.as_str()),
        ("x-url", url),
        ("x-options", options.as_str()),
    ];
    let answer = client.ask("GET", "/orders", &headers, true).await;
    Asked {
        status: answer.status,
        text: answer.body,
    }
}

/// What `opa eval` shows the policy, of all these requests.
pub(super) fn ask_opa(folder: &Path, asked: &[(String, Json)]) -> Vec<String> {
    let input = |(url, options): &(String, Json)| {
        let headers = json!({ "x-url": url, "x-options": options.to_string() });
        json!({ "attributes": { "request": { "http": { "headers": headers } } } })
    };
    let inputs: Vec<Json> = asked.iter().map(input).collect();
    let all = json!({ "all": inputs });
    std::fs::write(folder.join("input.json"), all.to_string()).unwrap();
    let query = "[body | some one in input.all; body := data.orders.authz.decision.body with input as one]";
    let text = opa(
        folder,
        &[
            "eval",
            "-d",
            "policy.rego",
            "-i",
            "input.json",
            "-f",
            "raw",
            query,
        ],
    );
    let shown: Vec<String> = serde_json::from_slice(&text).unwrap();
    assert_eq!(shown.len(), asked.len(), "one of them is undefined");
    shown
}

pub(super) fn without_date(response: &str) -> Json {
    let mut response: Json = serde_json::from_str(response).unwrap();
    if let Some(headers) = response["headers"].as_object_mut() {
        headers.remove("date");
    }
    response
}
