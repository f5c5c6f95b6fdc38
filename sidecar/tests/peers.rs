//! Peers that connect and say nothing, or vanish: they lose their places, on every listener. Slow, as the deadlines are
//! those of the real process.

#[cfg(test)]
mod world;

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use world::{Client, World};

/// Longer than any deadline of the process.
const AFTER_ALL: Duration = Duration::from_secs(25);
/// An HTTP/2 client's preface and its empty SETTINGS (RFC 9113 §3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// Says this, then reads until the other side has had enough.
#[cfg(test)]
async fn is_cut_off(address: &str, says: &[u8]) -> bool {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(says).await.unwrap();
    timeout(AFTER_ALL, stream.read_to_end(&mut Vec::new()))
        .await
        .is_ok()
}

#[tokio::test]
async fn who_says_nothing_or_answers_no_ping_loses_the_place() {
    let world = World::new().await;
    let sidecar = world.config().start_ready().await;
    let checks = sidecar.config.tcp();
    let admin = sidecar.config.document["admin"]["listen"].as_str().unwrap();
    let cut_off = tokio::join!(
        is_cut_off(&checks, b""),
        is_cut_off(&checks, &PREFACE[..10]),
        is_cut_off(&checks, PREFACE),
        is_cut_off(admin, b""),
        is_cut_off(admin, b"GET /readyz HTTP/1.1\r\nHost"),
    );
    assert_eq!(cut_off, (true, true, true, true, true));
}

#[tokio::test]
async fn one_place_serves_whichever_listener_has_a_client() {
    let world = World::new().await;
    let mut config = world.config();
    config.document["ext_authz"]["max_connections"] = json!(1);
    let sidecar = config.start_ready().await;
    let reader = world.token("orders:read");
    for round in 0..2 {
        let over_tcp = Client::over_tcp(&sidecar.config).await;
        let asked = timeout(Duration::from_secs(5), over_tcp.get("/orders", &reader)).await;
        assert_eq!(asked.unwrap().status, 200, "round {round} over TCP");
        drop(over_tcp);
        let over_unix = Client::over_unix(&sidecar.config).await;
        let asked = timeout(Duration::from_secs(5), over_unix.get("/orders", &reader)).await;
        assert_eq!(asked.unwrap().status, 200, "round {round} over the socket");
    }
}
