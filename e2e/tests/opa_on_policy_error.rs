//! `on-policy-error` in the place of opa-envoy-plugin: by default a failing policy is the plugin's error, and with `deny` it is
//! a denial that no `failure_mode_allow` lets through.

use envoy_types::pb::envoy::service::auth::v3::check_response::HttpResponse;
use envoy_types::pb::envoy::service::auth::v3::{CheckRequest, CheckResponse};
use postern_e2e::opa_envoy::server::{Server, Setting};
use postern_e2e::stack::binary;

const POLICY: &str = r#"package envoy.authz

ill_formed := {"allowed": "yes"}

conflicts := 1
conflicts := 2

undefined if false
"#;

#[cfg(test)]
async fn asked(path: &str, plugin: &[(&str, &str)]) -> (Result<CheckResponse, tonic::Status>, String) {
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("policy.rego");
    std::fs::write(&policy, POLICY).unwrap();
    let config = folder.path().join("opa.yaml");
    std::fs::write(&config, "decision_logs: {console: true}\n").unwrap();
    let more = plugin
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    let setting = Setting {
        config: Some(config),
        files: vec![policy],
        plugin: [("path".to_owned(), path.to_owned())]
            .into_iter()
            .chain(more)
            .collect(),
        flags: Vec::new(),
    };
    let server = Server::start(&binary("postern-sidecar"), &setting).await.unwrap();
    let answer = server.check(CheckRequest::default()).await;
    let metrics = server.api_text("/metrics").await.unwrap().1;
    (answer, metrics)
}

const CASES: [(&str, &str); 3] = [
    ("envoy/authz/ill_formed", "type assertion"),
    ("envoy/authz/conflicts", "eval_conflict_error"),
    ("envoy/authz/undefined", "undefined decision"),
];

#[tokio::test]
async fn a_policy_that_fails_is_an_error_of_grpcs_unless_it_is_to_deny() {
    for (path, word) in CASES {
        for plugin in [&[][..], &[("on-policy-error", "error")]] {
            let (answer, metrics) = asked(path, plugin).await;
            let status = answer.unwrap_err();
            assert_eq!(status.code(), tonic::Code::Unknown, "{path}");
            let counted = "postern_checks_total{route=\"\",outcome=\"error\",code=\"policy_error\"} 1";
            assert!(metrics.contains(counted), "{metrics}");
            let _ = word;
        }
    }
}

#[tokio::test]
async fn a_policy_that_fails_denies_where_it_is_to() {
    for (path, word) in CASES {
        for dry_run in ["false", "true"] {
            let (answer, metrics) = asked(path, &[("on-policy-error", "deny"), ("dry-run", dry_run)]).await;
            let answer = answer.unwrap();
            assert_eq!(answer.status.unwrap().code, 7, "{path}");
            let Some(HttpResponse::DeniedResponse(denied)) = answer.http_response else {
                panic!("{path}")
            };
            assert_eq!(denied.status.unwrap().code, 500);
            let problem: serde_json::Value = serde_json::from_str(&denied.body).unwrap();
            assert_eq!(problem["code"], "policy_error");
            assert!(
                !denied.body.contains(word),
                "only operators are told: {}",
                denied.body
            );
            let fields = answer.dynamic_metadata.unwrap().fields;
            assert_eq!(fields.len(), 1, "the decision's id, by which the log is searched");
            assert!(fields.contains_key("decision_id"));
            let counted = "postern_checks_total{route=\"\",outcome=\"denied\",code=\"policy_error\"} 1";
            assert!(metrics.contains(counted), "{metrics}");
        }
    }
}
