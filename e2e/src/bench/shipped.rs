//! What is shipped (`make release`): how large it is, how soon it is ready from what it kept on disk, and what it takes in
//! memory under load.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;

use super::policy::PolicyCase;
use super::world::World;
use super::{Measured, Setting, Shape};
use crate::load::{ExtAuthz, closed_loop};
use crate::report::{Summary, table};
use crate::traffic::check_requests;

const IN_FLIGHT: usize = 16;
/// Starts of which the median is taken.
const STARTS: usize = 11;

/// `sidecar_rss_mib`, `sidecar_wasm_rss_mib`, `sidecar_ready_ms`, `sidecar_binary_mib`, of the program in `binaries`.
///
/// # Errors
/// Where it isn't there, doesn't start, or answers otherwise than it should.
pub async fn shipped(setting: &Setting, shape: Shape, binaries: &Path) -> anyhow::Result<Measured> {
    let program = binaries.join("postern-sidecar");
    let binary_bytes = std::fs::metadata(&program)
        .with_context(|| format!("{}: `make release` builds it", program.display()))?
        .len();
    let case = PolicyCase::read(setting, "demo")?;
    let world = World::lay_remembering(setting, &case).await?;
    let shipped = Setting {
        binaries: binaries.into(),
        ..setting.clone()
    };
    // The first start fetches keys and policy, and keeps them.
    drop(world.start_sidecar(&shipped).await?);
    let mut ready_ms = Vec::new();
    for _ in 0..STARTS {
        let began = Instant::now();
        let _sidecar = world.start_sidecar(&shipped).await?;
        ready_ms.push(began.elapsed().as_secs_f64() * 1e3);
    }
    ready_ms.sort_by(f64::total_cmp);

    let plan = under_load(&world, &shipped, shape).await?;
    let in_wasm = World::lay_in_wasm(setting, &PolicyCase::read(setting, "rbac_30")?).await?;
    // As above; what it compiled of the module is kept, too.
    drop(in_wasm.start_sidecar(&shipped).await?);
    let wasm = under_load(&in_wasm, &shipped, shape).await?;

    let median = ready_ms.get(STARTS / 2).copied().unwrap_or_default();
    let binary_mib = binary_bytes as f64 / (1 << 20) as f64;
    let mut summary = Summary::default();
    summary.add("sidecar_rss_mib", plan.loaded_mib);
    summary.add("sidecar_wasm_rss_mib", wasm.loaded_mib);
    summary.add("sidecar_ready_ms", median);
    summary.add("sidecar_binary_mib", binary_mib);
    let row = |what: &str, value: String| vec![what.to_owned(), value];
    let ends = (ready_ms.first(), ready_ms.last());
    let rows = [
        row(
            "from start to ready, from disk, ms",
            format!(
                "{median:.1} ({:.1}–{:.1})",
                ends.0.copied().unwrap_or_default(),
                ends.1.copied().unwrap_or_default()
            ),
        ),
        row("resident when ready, MiB", format!("{:.1}", plan.idle_mib)),
        row(
            &format!(
                "resident after {} checks at {IN_FLIGHT} in flight, MiB",
                plan.checks
            ),
            format!("{:.1}", plan.loaded_mib),
        ),
        row(
            "resident when ready, the policy of 30 roles in Wasm, MiB",
            format!("{:.1}", wasm.idle_mib),
        ),
        row(
            &format!(
                "resident after {} checks of that at {IN_FLIGHT} in flight, MiB",
                wasm.checks
            ),
            format!("{:.1}", wasm.loaded_mib),
        ),
        row("binary, stripped, MiB", format!("{binary_mib:.1}")),
    ];
    let text = format!(
        "What is shipped (`make release`), with the demo's policy; {STARTS} starts, median (min–max):\n\n{}",
        table(&["", ""], &rows)
    );
    Ok(Measured { summary, text })
}

/// What a sidecar that started from disk takes.
struct Resident {
    idle_mib: f64,
    loaded_mib: f64,
    checks: u64,
}

async fn under_load(world: &World, setting: &Setting, shape: Shape) -> anyhow::Result<Resident> {
    let sidecar = world.start_sidecar(setting).await?;
    let idle_mib = sidecar.resident_mib()?;
    let requests = check_requests(&world.tokens);
    let target = Arc::new(ExtAuthz::connect(&world.sidecar_socket(), requests, 0).await?);
    let outcome = closed_loop(target, IN_FLIGHT, shape.warm_up + shape.stretch).await;
    anyhow::ensure!(
        outcome.failed == 0,
        "{} requests failed or were denied",
        outcome.failed
    );
    Ok(Resident {
        idle_mib,
        loaded_mib: sidecar.resident_mib()?,
        checks: outcome.answered,
    })
}
