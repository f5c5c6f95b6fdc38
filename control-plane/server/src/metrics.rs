//! The process's metrics in Prometheus' text format. Every name starts with `postern_control_plane_`, and is declared
//! here with its help.

use std::time::Duration;

use ::metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

use crate::request::Surface;

const REQUESTS: &str = "postern_control_plane_requests_total";
const DURATION: &str = "postern_control_plane_request_duration_seconds";
const HELD: &str = "postern_control_plane_bundle_requests_held";
const WATCHES: &str = "postern_control_plane_sync_watches";
const SEQUENCE: &str = "postern_control_plane_sync_sequence";
const SNAPSHOTS: &str = "postern_control_plane_sync_snapshots_total";
const BUNDLES: &str = "postern_control_plane_bundles";

/// Seconds; long polls end beyond the last.
const BUCKETS: [f64; 12] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 60.0,
];

/// How often measured durations are folded.
const UPKEEP: Duration = Duration::from_secs(5);

/// What is measured when it is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Levels {
    pub(crate) bundle_requests_held: usize,
    pub(crate) sync_watches: usize,
    pub(crate) sync_sequence: u64,
    pub(crate) bundles: usize,
}

/// Installs the recorder for the process.
pub(crate) fn install() -> Result<PrometheusHandle, BuildError> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Full(DURATION.to_owned()), &BUCKETS)?
        .install_recorder()?;
    describe_counter!(
        REQUESTS,
        "Requests answered, by surface (http, grpc), endpoint and status"
    );
    describe_histogram!(
        DURATION,
        Unit::Seconds,
        "Time until a request's answer began, by surface and endpoint"
    );
    describe_gauge!(HELD, "Bundle requests that are held until the bundle changes");
    describe_gauge!(WATCHES, "Open streams of SyncService/Watch");
    describe_gauge!(SEQUENCE, "Number of the last change of revocations and API keys");
    describe_counter!(
        SNAPSHOTS,
        "Snapshots of the lists begun on a stream: for clients that have nothing, or are too far behind"
    );
    describe_gauge!(BUNDLES, "Bundles that are served");
    Ok(handle)
}

/// Folds measured durations into their buckets from time to time, for as long as it is polled: unfolded ones are kept one
/// by one, and nobody may ever scrape.
pub(crate) async fn upkeep(handle: PrometheusHandle) {
    loop {
        tokio::time::sleep(UPKEEP).await;
        handle.run_upkeep();
    }
}

/// Counts an answer.
pub(crate) fn answered(surface: Surface, endpoint: &str, status: &str, seconds: f64) {
    let surface = match surface {
        Surface::Http => "http",
        Surface::Grpc => "grpc",
    };
    let endpoint = endpoint.to_owned();
    counter!(REQUESTS, "surface" => surface, "endpoint" => endpoint.clone(), "status" => status.to_owned())
        .increment(1);
    histogram!(DURATION, "surface" => surface, "endpoint" => endpoint).record(seconds);
}

/// Counts a snapshot that a stream begins.
pub(crate) fn snapshot_begun() {
    counter!(SNAPSHOTS).increment(1);
}

/// The text that Prometheus scrapes.
pub(crate) fn render(handle: &PrometheusHandle, levels: Levels) -> String {
    for (name, level) in [
        (HELD, levels.bundle_requests_held),
        (WATCHES, levels.sync_watches),
        (BUNDLES, levels.bundles),
    ] {
        gauge!(name).set(u32::try_from(level).unwrap_or(u32::MAX));
    }
    #[expect(
        clippy::cast_precision_loss,
        reason = "exact for more changes than there will be, 2^53"
    )]
    gauge!(SEQUENCE).set(levels.sync_sequence as f64);
    handle.run_upkeep();
    handle.render()
}
