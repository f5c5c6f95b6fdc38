//! Who holds the id of a decision can ask the sidecar why, and learns no secret.

#[cfg(test)]
mod world;

use serde_json::json;
use world::{Client, World};

#[tokio::test]
async fn a_decision_is_found_by_its_id_and_by_its_requests() {
    let world = World::new().await;
    let sidecar = world.config().start_ready().await;
    let client = Client::over_unix(&sidecar.config).await;
    let authorization = format!("Bearer {}", world.token("orders:read"));
    let headers = [
        ("authorization", authorization.as_str()),
        ("x-request-id", "req-9"),
    ];
    let denied = client.ask("POST", "/orders?secret=hunter2", &headers, true).await;

    let id = denied.headers["x-postern-decision-id"].clone();
    for id in [id.as_str(), "req-9"] {
        let (status, decision) = sidecar.admin(&format!("/decisions/{id}")).await;
        assert_eq!(status, 200, "{decision}");
        assert_eq!(decision["outcome"], "denied");
        assert_eq!(decision["code"], "insufficient_scope");
        assert_eq!(
            decision["request"],
            json!({ "method": "POST", "host": "", "path": "/orders" })
        );
        assert_eq!(decision["caller"]["subject"], "alice");
        assert_eq!(decision["policy_revision"], "r1");
        let told = decision.to_string();
        assert!(!told.contains("hunter2") && !told.contains("eyJ"), "{told}");
    }
}

#[tokio::test]
async fn the_oldest_decisions_make_room_and_an_unknown_id_says_how_many_are_kept() {
    let world = World::new().await;
    let mut config = world.config();
    config.document["decisions"] = json!({ "keep": 2 });
    let sidecar = config.start_ready().await;
    let client = Client::over_unix(&sidecar.config).await;
    for id in ["one", "two", "three"] {
        client.ask("GET", "/orders", &[("x-request-id", id)], true).await;
    }
    let (_, list) = sidecar.admin("/decisions").await;
    let ids: Vec<_> = list["decisions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|decision| decision["correlation_id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["three", "two"]);
    let (status, problem) = sidecar.admin("/decisions/one").await;
    assert_eq!(status, 404);
    assert!(
        problem["detail"].as_str().unwrap().contains("the last 2"),
        "{problem}"
    );
}

#[tokio::test]
async fn nothing_is_kept_where_nothing_is_to_be() {
    let world = World::new().await;
    let mut config = world.config();
    config.document["decisions"] = json!({ "keep": 0 });
    let sidecar = config.start_ready().await;
    let client = Client::over_unix(&sidecar.config).await;
    client
        .ask("GET", "/orders", &[("x-request-id", "one")], true)
        .await;
    assert_eq!(sidecar.admin("/decisions/one").await.0, 404);
}

#[tokio::test]
async fn a_web_page_that_leads_a_browser_to_admin_reads_nothing() {
    let world = World::new().await;
    let mut config = world.config();
    config.document["admin"]["hosts"] = json!(["Sidecar.shop.svc"]);
    let address = config.document["admin"]["listen"].as_str().unwrap().to_owned();
    let sidecar = config.start_ready().await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let by_name = async |path: &str, host: &str| {
        let request = client.get(format!("http://{address}{path}")).header("host", host);
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    };
    for path in ["/config", "/decisions", "/metrics", "/healthz", "/nothing"] {
        let (status, body) = by_name(path, "page.attacker.example:9192").await;
        assert_eq!(status, 421, "{path}: {body}");
        let problem: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(problem["code"], "misdirected_request");
        assert!(
            problem["detail"].as_str().unwrap().contains("admin.hosts"),
            "{body}"
        );
    }
    for host in ["localhost", "[::1]:9192", "10.0.0.1", "sidecar.shop.svc:9192"] {
        assert_eq!(by_name("/healthz", host).await.0, 200, "{host}");
    }
    drop(sidecar);
}
