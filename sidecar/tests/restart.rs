//! Starts: from the last good state on disk with nobody there, from nothing, from state that is damaged or too new.

#[cfg(test)]
mod world;

use std::time::Duration;

use postern_jose::{Algorithm, LocalSigner};
use serde_json::json;
use world::{Client, World, eventually, token};

#[tokio::test]
async fn a_restart_needs_nobody() {
    let world = World::new().await;
    let sidecar = world.config().start_ready().await.settled().await;
    world.origin.kill();
    let reader = world.token("orders:read");
    let client = Client::over_unix(&sidecar.config).await;
    assert_eq!(
        client.get("/orders", &reader).await.status,
        200,
        "decisions go on, for tokens never seen before too"
    );

    let restarted = sidecar.kill().start_ready().await;
    let client = Client::over_unix(&restarted.config).await;
    assert_eq!(client.get("/orders", &reader).await.status, 200);
    assert_eq!(client.ask("GET", "/orders", &[], true).await.status, 401);
    let forged = token(
        &LocalSigner::generate(Algorithm::ES256).unwrap(),
        &json!({ "scope": "orders:read" }),
    );
    assert_eq!(client.get("/orders", &forged).await.status, 401);
    let authorization = format!("Bearer {reader}");
    assert_eq!(
        client
            .ask("POST", "/orders", &[("authorization", &authorization)], true)
            .await
            .status,
        403
    );
    let snapshot = restarted.snapshot().await;
    assert_eq!(
        (
            &snapshot["issuers"][0]["from_disk"],
            &snapshot["bundle"]["from_disk"]
        ),
        (&json!(true), &json!(true))
    );
}

#[tokio::test]
async fn without_any_state_it_is_not_ready_and_denies() {
    let world = World::new().await;
    world.origin.kill();
    let sidecar = world.config().start();
    eventually(Duration::from_secs(20), "admin answers", || async {
        sidecar.readyz().await.0 != 0
    })
    .await;
    let (status, body) = sidecar.readyz().await;
    assert_eq!(
        (
            status,
            &body["ready"],
            body["not_ready"].as_array().unwrap().len()
        ),
        (503, &json!(false), 2)
    );
    assert_eq!(sidecar.admin("/healthz").await.0, 200);
    let client = Client::over_tcp(&sidecar.config).await;
    let answer = client.get("/orders", &world.token("orders:read")).await;
    assert_eq!(
        (answer.status, answer.json()["code"].as_str()),
        (503, Some("keys_unavailable"))
    );
    assert!(answer.headers.contains_key("retry-after"));
}

#[tokio::test]
async fn not_modified_from_nothing_is_no_state() {
    let world = World::new().await;
    world.origin.be_stubborn();
    let sidecar = world.config().start();
    eventually(Duration::from_secs(20), "both say why", || async {
        let (status, body) = sidecar.readyz().await;
        let reasons = body["not_ready"].as_array().cloned().unwrap_or_default();
        status == 503 && reasons.len() == 2 && reasons.iter().all(|it| it.to_string().contains("304"))
    })
    .await;
    let snapshot = sidecar.snapshot().await;
    assert_eq!(snapshot["issuers"][0]["fetched_at"], json!(null));
}

#[tokio::test]
async fn damaged_state_is_dropped_and_what_is_good_is_used() {
    let world = World::new().await;
    let config = world.config().start_ready().await.settled().await.kill();
    world.origin.kill();
    let bundles = config.folder.join("data/bundles");
    let record = std::fs::read_dir(bundles)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let mut bytes = std::fs::read(&record).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&record, bytes).unwrap();
    let sidecar = config.start();
    eventually(Duration::from_secs(20), "admin answers", || async {
        sidecar.readyz().await.0 != 0
    })
    .await;
    let snapshot = sidecar.snapshot().await;
    assert_eq!(
        (&snapshot["issuers"][0]["keys"], &snapshot["bundle"]["revision"]),
        (&json!(1), &json!(null))
    );
    assert!(sidecar.log().iter().any(|line| {
        line["error"]
            .as_str()
            .is_some_and(|error| error.contains("checksum"))
    }));
    let client = Client::over_unix(&sidecar.config).await;
    let answer = client.get("/orders", &world.token("orders:read")).await;
    assert_eq!(
        (answer.status, answer.json()["code"].as_str()),
        (503, Some("policy_unavailable"))
    );
}

#[tokio::test]
async fn a_bundle_on_disk_is_verified_again() {
    let world = World::new().await;
    let config = world.config().start_ready().await.settled().await.kill();
    world.origin.kill();
    // The operator no longer trusts the author: what was accepted before doesn't count either.
    let other = LocalSigner::generate(Algorithm::ES256).unwrap();
    std::fs::write(
        config.folder.join("author.pem"),
        other.public_jwk().to_spki_pem().unwrap(),
    )
    .unwrap();
    let sidecar = config.start();
    eventually(Duration::from_secs(20), "admin answers", || async {
        sidecar.readyz().await.0 != 0
    })
    .await;
    assert_eq!(sidecar.snapshot().await["bundle"]["revision"], json!(null));
    assert_eq!(sidecar.readyz().await.0, 503);
}

#[tokio::test]
async fn a_data_folder_of_a_newer_version_is_refused_untouched() {
    let world = World::new().await;
    let config = world.config().start_ready().await.settled().await.kill();
    let version = config.folder.join("data/VERSION");
    std::fs::write(&version, "2\n").unwrap();
    let output = config.refused();
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("VERSION") && told.contains("version 2"), "{told}");
    assert_eq!(std::fs::read_to_string(version).unwrap(), "2\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_ends_when_told_and_leaves_no_socket() {
    let world = World::new().await;
    let sidecar = world.config().start_ready().await;
    let _client = Client::over_unix(&sidecar.config).await;
    let (status, config) = sidecar.terminate();
    assert!(status.success());
    assert!(!config.socket().exists());
    assert!(std::net::TcpStream::connect(config.tcp()).is_err());
}

#[tokio::test]
async fn a_successor_that_starts_while_the_old_one_drains_keeps_its_socket() {
    let world = World::new().await;
    let old = world.config().start_ready().await;
    // A connection that never ends by itself: the old one drains for as long as it may.
    let _lingering = std::os::unix::net::UnixStream::connect(old.config.socket()).unwrap();
    // Connections are accepted in turn: once a later one is served, that one is no longer in the queue.
    let later = Client::over_unix(&old.config).await;
    assert_eq!(later.ask("GET", "/orders", &[], true).await.status, 401);
    drop(later);
    let ended = tokio::task::spawn_blocking(move || old.terminate());
    let config = world.config();
    eventually(Duration::from_secs(5), "the old one listens no more", || async {
        std::os::unix::net::UnixStream::connect(config.socket()).is_err()
    })
    .await;
    let new = config.start_ready().await;
    assert!(!ended.is_finished(), "the old one was to drain meanwhile");
    assert!(ended.await.unwrap().0.success());
    let client = Client::over_unix(&new.config).await;
    assert_eq!(
        client.get("/orders", &world.token("orders:read")).await.status,
        200
    );
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let world = World::new().await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut config = world.config();
    let address = taken.local_addr().unwrap().to_string();
    config.document["admin"]["listen"] = json!(address);
    let output = config.refused();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(told.contains(&address), "{told}");
}
