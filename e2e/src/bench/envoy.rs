//! What the sidecar adds to a request through a real Envoy: three listeners of one Envoy, without authorisation, with the
//! null server and with the sidecar, asked in turn at a constant rate.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

use super::policy::PolicyCase;
use super::tools;
use super::world::{World, free_address};
use super::{Measured, Setting, Shape, at_rate};
use crate::load::{Http, Outcome, closed_loop};
use crate::measure::Child;
use crate::report::{Pairs, Summary, latency_distributions, table};
use crate::traffic::http_requests;

const START_LIMIT: Duration = Duration::from_secs(30);

/// `check_added_p50_us` and `check_added_p99_us`: Envoy with the sidecar minus Envoy with the null server, at the shape's
/// rate, paired and interleaved.
///
/// # Errors
/// Where a part doesn't start, or answers otherwise than it should.
pub async fn through_envoy(setting: &Setting, shape: Shape) -> anyhow::Result<Measured> {
    let case = PolicyCase::read(setting, "rbac_30")?;
    let world = World::lay_remembering(setting, &case).await?;
    let _sidecar = world.start_sidecar(setting).await?;
    let _null = world.start_null(setting, None).await?;
    let upstream_address = free_address()?;
    let mut command = Command::new(setting.binaries.join("postern"));
    command.args(["upstream", "--listen", &upstream_address.to_string()]);
    let mut upstream = Child::start("upstream", &mut command)?;
    upstream
        .wait_until(START_LIMIT, || connects(upstream_address))
        .await?;

    let listeners = [free_address()?, free_address()?, free_address()?];
    let folder = tempfile::tempdir()?;
    let bootstrap = folder.path().join("envoy.yaml");
    std::fs::write(&bootstrap, bootstrap_yaml(&listeners, upstream_address, &world))?;
    let mut command = Command::new(tools::envoy(&setting.root)?);
    command.arg("-c").arg(&bootstrap).args([
        "--concurrency",
        "1",
        "--use-dynamic-base-id",
        "--log-level",
        "error",
    ]);
    let mut envoy = Child::start("envoy", &mut command)?;
    let [plain, null, sidecar] = listeners;
    envoy.wait_until(START_LIMIT, || connects(sidecar)).await?;

    let target = |address: SocketAddr| -> anyhow::Result<Arc<Http>> {
        let requests = http_requests(&format!("http://{address}"), &world.tokens)?;
        Ok(Arc::new(Http::new(requests, StatusCode::OK)?))
    };
    let targets = [
        ("no authorisation", target(plain)?),
        ("null", target(null)?),
        ("sidecar", target(sidecar)?),
    ];

    let (mut p50, mut p99) = (Pairs::default(), Pairs::default());
    let mut whole: Vec<Outcome> = targets.iter().map(|_| Outcome::empty()).collect();
    for _ in 0..setting.rounds {
        let mut percentiles = Vec::new();
        for ((_, target), whole) in targets.iter().zip(&mut whole) {
            let outcome = at_rate(target, shape).await?;
            percentiles.push((outcome.percentile_us(50.0), outcome.percentile_us(99.0)));
            whole.absorb(&outcome);
        }
        if let [_, null, sidecar] = percentiles[..] {
            p50.push(sidecar.0, null.0);
            p99.push(sidecar.1, null.1);
        }
    }
    let mut summary = Summary::default();
    summary.add("check_added_p50_us", p50.difference().median);
    summary.add("check_added_p99_us", p99.difference().median);

    let rows: Vec<Vec<String>> = targets
        .iter()
        .zip(&whole)
        .map(|((name, _), outcome)| {
            let at = |percentile| format!("{:.0}", outcome.percentile_us(percentile));
            vec![(*name).to_owned(), at(50.0), at(90.0), at(99.0), at(99.9)]
        })
        .collect();
    let series: Vec<_> = targets
        .iter()
        .zip(&whole)
        .map(|((name, _), outcome)| (*name, &outcome.latency))
        .collect();
    let title = format!("Through Envoy at {} requests a second, open loop", shape.rate);
    latency_distributions(&setting.output.join("envoy-latency.svg"), &title, &series)?;

    let mut text = format!(
        "Through Envoy at {} a second, open loop, all {} rounds together:\n\n{}\nSidecar minus null, paired: p50 {} µs, p99 {} µs.\n",
        shape.rate,
        setting.rounds,
        table(&["Envoy with", "p50 µs", "p90 µs", "p99 µs", "p99.9 µs"], &rows),
        p50.difference().show(0),
        p99.difference().show(0),
    );
    text += &closed(&targets, shape).await?;
    Ok(Measured { summary, text })
}

/// The closed loop, for orientation: latencies with a fixed number in flight.
async fn closed(targets: &[(&str, Arc<Http>); 3], shape: Shape) -> anyhow::Result<String> {
    let mut rows = Vec::new();
    for in_flight in [1, 8, 16] {
        for (name, target) in targets {
            closed_loop(Arc::clone(target), in_flight, shape.warm_up).await;
            let outcome = closed_loop(Arc::clone(target), in_flight, shape.stretch).await;
            anyhow::ensure!(
                outcome.failed == 0,
                "{name}: {} requests failed or were denied",
                outcome.failed
            );
            rows.push(vec![
                in_flight.to_string(),
                (*name).to_owned(),
                format!("{:.0}", outcome.percentile_us(50.0)),
                format!("{:.0}", outcome.percentile_us(99.0)),
                format!("{:.0}", outcome.answered as f64 / outcome.elapsed.as_secs_f64()),
            ]);
        }
    }
    Ok(format!(
        "\nClosed loop:\n\n{}",
        table(
            &["in flight", "Envoy with", "p50 µs", "p99 µs", "requests/s"],
            &rows
        )
    ))
}

async fn connects(address: SocketAddr) -> bool {
    tokio::net::TcpStream::connect(address).await.is_ok()
}

fn bootstrap_yaml(listeners: &[SocketAddr; 3], upstream: SocketAddr, world: &World) -> String {
    let [plain, null, sidecar] = listeners;
    format!(
        "static_resources:\n  listeners:\n{}{}{}  clusters:\n{}{}  - name: upstream\n    connect_timeout: 1s\n    load_assignment: {{ cluster_name: upstream, endpoints: [ {{ lb_endpoints: [ {{ endpoint: {{ address: {} }} }} ] }} ] }}\n",
        listener("plain", *plain, None),
        listener("reference", *null, Some("reference")),
        listener("sidecar", *sidecar, Some("sidecar")),
        authz_cluster("reference", &world.null_socket()),
        authz_cluster("sidecar", &world.sidecar_socket()),
        socket_address(upstream),
    )
}

fn listener(name: &str, address: SocketAddr, authz: Option<&str>) -> String {
    let filter = authz.map_or_else(String::new, |cluster| {
        format!(
            "          - name: envoy.filters.http.ext_authz\n            typed_config:\n              \"@type\": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz\n              transport_api_version: V3\n              failure_mode_allow: false\n              encode_raw_headers: true\n              grpc_service: {{ envoy_grpc: {{ cluster_name: {cluster} }}, timeout: 1s }}\n"
        )
    });
    format!(
        "  - name: {name}\n    address: {address}\n    filter_chains:\n    - filters:\n      - name: envoy.filters.network.http_connection_manager\n        typed_config:\n          \"@type\": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager\n          stat_prefix: {name}\n          route_config: {{ virtual_hosts: [ {{ name: all, domains: [\"*\"], routes: [ {{ match: {{ prefix: \"/\" }}, route: {{ cluster: upstream }} }} ] }} ] }}\n          http_filters:\n{filter}          - name: envoy.filters.http.router\n            typed_config: {{ \"@type\": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }}\n",
        address = socket_address(address),
    )
}

fn authz_cluster(name: &str, socket: &Path) -> String {
    format!(
        "  - name: {name}\n    connect_timeout: 1s\n    typed_extension_protocol_options:\n      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:\n        \"@type\": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions\n        explicit_http_config: {{ http2_protocol_options: {{}} }}\n    load_assignment: {{ cluster_name: {name}, endpoints: [ {{ lb_endpoints: [ {{ endpoint: {{ address: {{ pipe: {{ path: \"{}\" }} }} }} }} ] }} ] }}\n",
        socket.display()
    )
}

fn socket_address(address: SocketAddr) -> String {
    format!(
        "{{ socket_address: {{ address: \"{}\", port_value: {} }} }}",
        address.ip(),
        address.port()
    )
}
