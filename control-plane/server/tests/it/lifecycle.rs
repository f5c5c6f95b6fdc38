//! Starting, stopping, starting again, and refusing to start.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use postern_proto::sync::v1::WatchRequest;
use postern_proto::sync::v1::sync_service_client::SyncServiceClient;
use postern_store::{Database, Migrations};

use tokio::time::timeout;

use crate::support::{House, PATIENCE, files, json};

#[tokio::test]
async fn a_restart_keeps_the_key_the_clients_and_the_bundles() {
    let house = House::new();
    let before = house.start();
    let secret = before.reader().await;
    let bundle = before.publish("demo", house.archive("r1")).await.unwrap();
    let jwks = json(before.get("/.well-known/jwks.json").send().await.unwrap()).await;
    before.stop();

    let after = house.start();
    assert_eq!(
        json(after.get("/.well-known/jwks.json").send().await.unwrap()).await,
        jwks
    );
    let (status, answer) = after
        .token("reader", &secret, "grant_type=client_credentials")
        .await;
    assert_eq!(status, 200, "{answer}");
    let served = after
        .get("/bundles/demo")
        .bearer_auth(&after.sidecar)
        .send()
        .await
        .unwrap();
    assert_eq!(served.headers()["etag"], format!("\"{}\"", bundle.etag).as_str());
}

#[tokio::test]
async fn a_signal_right_after_it_is_ready_ends_it_in_order() {
    let house = House::new();
    for _ in 0..10 {
        house.start().stop();
    }
}

#[tokio::test]
async fn a_kill_loses_nothing_that_was_answered() {
    let house = House::new();
    let mut before = house.start();
    let secret = before.reader().await;
    let bundle = before.publish("demo", house.archive("r1")).await.unwrap();
    before.signal(Signal::SIGKILL);
    before.ended();

    let after = house.start();
    assert_eq!(
        after
            .token("reader", &secret, "grant_type=client_credentials")
            .await
            .0,
        200
    );
    let served = after
        .get("/bundles/demo")
        .bearer_auth(&after.sidecar)
        .send()
        .await
        .unwrap();
    assert_eq!(served.headers()["etag"], format!("\"{}\"", bundle.etag).as_str());
}

#[tokio::test]
async fn the_data_folder_holds_no_secret_in_the_clear_but_its_own_credentials() {
    let house = House::new();
    let plane = house.start();
    let secret = plane.reader().await;
    let (_, answer) = plane
        .token("reader", &secret, "grant_type=client_credentials")
        .await;
    let token = answer["access_token"].as_str().unwrap().to_owned();
    let log = serde_json::to_string(&plane.log()).unwrap();
    let (admin, sidecar) = (plane.admin.clone(), plane.sidecar.clone());
    plane.stop();
    for secret in [&secret, &token, &admin, &sidecar] {
        assert!(!log.contains(secret.as_str()), "in the log");
        for (path, bytes) in files(&house.data()) {
            let own = path
                .parent()
                .is_some_and(|folder| folder.ends_with("credentials"));
            let found = bytes
                .windows(secret.len())
                .any(|window| window == secret.as_bytes());
            assert!(own || !found, "{}", path.display());
        }
    }
}

#[tokio::test]
async fn long_polls_and_streams_end_at_once_when_it_is_stopped() {
    let house = House::new();
    let mut plane = house.start();
    let bundle = plane.publish("demo", house.archive("r1")).await.unwrap();
    let held = plane
        .get("/bundles/demo")
        .bearer_auth(&plane.sidecar)
        .header("if-none-match", format!("\"{}\"", bundle.etag))
        .header("prefer", "wait=300");
    let held = tokio::spawn(async move { held.send().await.unwrap().status() });
    let mut sync = SyncServiceClient::new(plane.authorized(&plane.sidecar).await);
    let mut hints = sync
        .watch(WatchRequest {
            bundle: "demo".into(),
            since: None,
        })
        .await
        .unwrap()
        .into_inner();
    for _ in ["keys", "bundle"] {
        let hint = timeout(PATIENCE, hints.message()).await.unwrap();
        hint.unwrap().unwrap();
    }
    let metrics = plane
        .metrics_with("postern_control_plane_bundle_requests_held 1")
        .await;
    assert!(
        metrics.contains("postern_control_plane_sync_watches 1"),
        "{metrics}"
    );
    #[expect(clippy::disallowed_methods, reason = "how long a real process takes to stop")]
    let asked = Instant::now();
    plane.signal(Signal::SIGTERM);
    assert_eq!(timeout(PATIENCE, held).await.unwrap().unwrap(), 304);
    let end = timeout(PATIENCE, hints.message()).await.unwrap();
    assert!(end.unwrap().is_none());
    // On another thread, so that the clients on this one can answer the last thing that the server asks them.
    let ended = tokio::task::spawn_blocking(move || plane.ended());
    assert!(ended.await.unwrap().success());
    assert!(asked.elapsed() < Duration::from_secs(4), "{:?}", asked.elapsed());
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let house = House::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for (http, grpc, key) in [
        (&*address, "127.0.0.1:0", "http.listen"),
        ("127.0.0.1:0", &*address, "grpc.listen"),
    ] {
        house.configure(http, grpc);
        let (status, said) = house.run_to_end();
        assert_eq!(status.code(), Some(1), "{said}");
        assert!(said.contains(&address) && said.contains(key), "{said}");
    }
}

#[tokio::test]
async fn a_data_folder_of_a_newer_version_is_refused_and_untouched() {
    let house = House::new();
    std::fs::create_dir(house.data()).unwrap();
    std::fs::write(house.data().join("VERSION"), "2\n").unwrap();
    std::fs::write(house.data().join("postern.db"), "from the future").unwrap();
    let before = files(&house.data());
    let (status, said) = house.run_to_end();
    assert_eq!(status.code(), Some(2), "{said}");
    assert!(said.contains("format 2"), "{said}");
    assert_eq!(files(&house.data()), before);
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused_and_untouched() {
    const FUTURE: Migrations = Migrations {
        service: postern_policy_service::MIGRATIONS.service,
        steps: &[
            postern_policy_service::MIGRATIONS.steps[0],
            (99, "future", "CREATE TABLE future (id TEXT PRIMARY KEY)"),
        ],
    };
    let house = House::new();
    house.start().stop();
    // The other services, which are looked at before this one, would have all of their tables to make.
    let path = house.data().join("postern.db");
    std::fs::remove_file(&path).unwrap();
    let database = Database::open(&path).await.unwrap();
    database.migrate(&FUTURE).await.unwrap();
    database.close().await;

    let before = std::fs::read(&path).unwrap();
    let (status, said) = house.run_to_end();
    assert_eq!(status.code(), Some(2), "{said}");
    assert!(said.contains("migration 99 of `policy`"), "{said}");
    assert!(std::fs::read(&path).unwrap() == before, "it was written to");
    let log = std::fs::metadata(house.data().join("postern.db-wal"));
    assert!(log.map_or(0, |log| log.len()) == 0, "it was written to");
}

#[tokio::test]
async fn a_wrong_configuration_is_one_line_and_exit_2() {
    let house = House::new();
    let path = house.folder.path().join("control-plane.yaml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("{text}colour: green\n")).unwrap();
    let (status, said) = house.run_to_end();
    assert_eq!(status.code(), Some(2));
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(
        said.contains("control-plane.yaml:9") && said.contains("colour"),
        "{said}"
    );
    assert!(!house.data().exists());
}
