//! What a Check costs the sidecar, beside the null server in the same run.

use std::sync::Arc;
use std::time::Duration;

use super::policy::PolicyCase;
use super::world::World;
use super::{Measured, Setting, Shape, at_rate};
use crate::load::{ExtAuthz, Outcome, Target, closed_loop, closed_loop_of};
use crate::measure::Child;
use crate::report::{Pairs, Summary, cost_over_load, latency_distributions, table};
use crate::traffic::{VARIETY, check_requests};

const IN_FLIGHT: [usize; 4] = [1, 8, 16, 64];
/// The load that the named ratio is taken at.
const NAMED_AT: usize = 16;
/// How many tokens that were never seen a round takes.
const COLD: usize = 20_000;

/// `check_cached_cpu_vs_null` (token cached, and what the policy of 30 roles answered), `check_eval_cpu_vs_null` (token cached,
/// policy evaluated each time), `check_wasm_cpu_vs_null` (the same policy as a Wasm module), `check_cold_cpu_vs_null`
/// (every token new) and the tables around them.
///
/// # Errors
/// Where a server doesn't start, or answers otherwise than it should.
pub async fn check(setting: &Setting, shape: Shape) -> anyhow::Result<Measured> {
    let case = PolicyCase::read(setting, "rbac_30")?;
    let world = World::lay(setting, &case).await?;
    let requests = check_requests(&world.tokens);
    let sidecar = world.start_sidecar(setting).await?;
    let null = cheaper_null(setting, &world, &requests, shape).await?;
    let ours = Arc::new(ExtAuthz::connect(&world.sidecar_socket(), requests.clone(), 0).await?);
    let remembering = World::lay_remembering(setting, &case).await?;
    let remembering_sidecar = remembering.start_sidecar(setting).await?;
    let remembered = check_requests(&remembering.tokens);
    let remembered = Arc::new(ExtAuthz::connect(&remembering.sidecar_socket(), remembered, 0).await?);
    let reference = Arc::new(ExtAuthz::connect(&world.null_socket(), requests, 0).await?);

    let mut rows = Vec::new();
    let mut lines = (Vec::new(), Vec::new());
    let mut summary = Summary::default();
    for in_flight in IN_FLIGHT {
        let (mut cpu, mut cached, mut p50) = (Pairs::default(), Pairs::default(), Pairs::default());
        for _ in 0..setting.rounds {
            let a = cost(&ours, &sidecar, in_flight, shape).await?;
            let b = cost(&reference, &null, in_flight, shape).await?;
            let c = cost(&remembered, &remembering_sidecar, in_flight, shape).await?;
            cpu.push(a.0, b.0);
            cached.push(c.0, b.0);
            p50.push(a.1.percentile_us(50.0), b.1.percentile_us(50.0));
        }
        if in_flight == NAMED_AT {
            summary.add("check_cached_cpu_vs_null", cached.ratio().median);
            summary.add("check_eval_cpu_vs_null", cpu.ratio().median);
            summary.add("null_cpu_us", cpu.reference().median);
        }
        let at = in_flight as f64;
        lines.0.push((at, cpu.ours().median));
        lines.1.push((at, cpu.reference().median));
        rows.push(vec![
            in_flight.to_string(),
            cached.ours().show(1),
            cpu.ours().show(1),
            cpu.reference().show(1),
            cached.ratio().show(2),
            cpu.ratio().show(2),
            p50.ours().show(0),
            p50.reference().show(0),
        ]);
    }
    let cold = cold(setting, &world, (&ours, &sidecar), (&reference, &null)).await?;
    summary.add("check_cold_cpu_vs_null", cold.ratio().median);
    let in_wasm = in_wasm(setting, &case, shape, (&reference, &null)).await?;
    summary.add("check_wasm_cpu_vs_null", in_wasm.ratio().median);
    let headers = [
        "in flight",
        "remembered CPU µs",
        "evaluated CPU µs",
        "null CPU µs",
        "ratio remembered",
        "ratio evaluated",
        "sidecar p50 µs",
        "null p50 µs",
    ];
    let mut text = format!(
        "A Check with a cached token, what the policy of 30 roles answered remembered or evaluated (p50, too), {} rounds of {:?}, median (min–max):\n\n{}",
        setting.rounds,
        shape.stretch,
        table(&headers, &rows)
    );
    text += &format!(
        "\nEvery token new (ES256), {NAMED_AT} in flight, {COLD} of them a round:\n\n{}",
        table(
            &["sidecar CPU µs", "null CPU µs", "ratio"],
            &[vec![
                cold.ours().show(1),
                cold.reference().show(1),
                cold.ratio().show(2)
            ]]
        )
    );
    text += &format!(
        "\nThe same policy in Wasm, a cached token, {NAMED_AT} in flight:\n\n{}",
        table(
            &["sidecar CPU µs", "null CPU µs", "ratio"],
            &[vec![
                in_wasm.ours().show(1),
                in_wasm.reference().show(1),
                in_wasm.ratio().show(2)
            ]]
        )
    );
    let costs = [("sidecar", lines.0), ("null", lines.1)];
    cost_over_load(
        &setting.output.join("check-cost.svg"),
        "Server CPU per Check",
        "µs of CPU",
        &costs,
    )?;

    let (a, b) = (at_rate(&ours, shape).await?, at_rate(&reference, shape).await?);
    let plot = setting.output.join("check-latency.svg");
    let title = format!("Check at {} a second, open loop, raw ext_authz", shape.rate);
    latency_distributions(&plot, &title, &[("sidecar", &a.latency), ("null", &b.latency)])?;
    text += &format!(
        "\nAt {} a second, open loop, from when each request was due:\n\n{}",
        shape.rate,
        table(
            &["server", "p50 µs", "p90 µs", "p99 µs", "p99.9 µs"],
            &[latencies("sidecar", &a), latencies("null", &b)]
        )
    );
    Ok(Measured { summary, text })
}

/// The cost of tokens that were never seen: each is sent once to either server.
async fn cold(
    setting: &Setting,
    world: &World,
    ours: (&ExtAuthz, &Child),
    reference: (&ExtAuthz, &Child),
) -> anyhow::Result<Pairs> {
    let mut pairs = Pairs::default();
    for round in 0..setting.rounds {
        let first = VARIETY + round * COLD;
        let requests = check_requests(&world.tokens_of(first..first + COLD)?);
        let mut costs = [0.0; 2];
        for (cost, (target, server)) in costs.iter_mut().zip([ours, reference]) {
            let target = Arc::new(target.with_requests(requests.clone())?);
            let before = server.cpu_time()?;
            let outcome = closed_loop_of(target, NAMED_AT, COLD as u64).await;
            *cost = per_request(server.cpu_time()?.saturating_sub(before), &outcome)?;
        }
        let [ours, reference] = costs;
        pairs.push(ours, reference);
    }
    Ok(pairs)
}

/// The cost of a check whose policy is a Wasm module, evaluated each time.
async fn in_wasm(
    setting: &Setting,
    case: &PolicyCase,
    shape: Shape,
    (reference, null): (&Arc<ExtAuthz>, &Child),
) -> anyhow::Result<Pairs> {
    let world = World::lay_in_wasm(setting, case).await?;
    let sidecar = world.start_sidecar(setting).await?;
    let requests = check_requests(&world.tokens);
    let ours = Arc::new(ExtAuthz::connect(&world.sidecar_socket(), requests, 0).await?);
    let mut pairs = Pairs::default();
    for _ in 0..setting.rounds {
        let a = cost(&ours, &sidecar, NAMED_AT, shape).await?;
        let b = cost(reference, null, NAMED_AT, shape).await?;
        pairs.push(a.0, b.0);
    }
    Ok(pairs)
}

/// The reference is whichever runtime flavour of the null server is cheaper in this run.
pub(super) async fn cheaper_null(
    setting: &Setting,
    world: &World,
    requests: &[bytes::Bytes],
    shape: Shape,
) -> anyhow::Result<Child> {
    let mut costs = Vec::new();
    for flavour in [None, Some(1)] {
        let null = world.start_null(setting, flavour).await?;
        let target = Arc::new(ExtAuthz::connect(&world.null_socket(), requests.to_vec(), 0).await?);
        costs.push((cost(&target, &null, NAMED_AT, shape).await?.0, flavour));
    }
    costs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let flavour = costs.first().and_then(|(_, flavour)| *flavour);
    world.start_null(setting, flavour).await
}

/// µs of the server's CPU per answered request, and what the generator saw.
pub(super) async fn cost<T: Target>(
    target: &Arc<T>,
    server: &Child,
    in_flight: usize,
    shape: Shape,
) -> anyhow::Result<(f64, Outcome)> {
    closed_loop(Arc::clone(target), in_flight, shape.warm_up).await;
    let before = server.cpu_time()?;
    let outcome = closed_loop(Arc::clone(target), in_flight, shape.stretch).await;
    let used = server.cpu_time()?.saturating_sub(before);
    Ok((per_request(used, &outcome)?, outcome))
}

fn per_request(used: Duration, outcome: &Outcome) -> anyhow::Result<f64> {
    anyhow::ensure!(
        outcome.failed == 0,
        "{} requests failed or were denied",
        outcome.failed
    );
    anyhow::ensure!(outcome.answered > 0, "no request was answered");
    Ok(used.as_secs_f64() * 1e6 / outcome.answered as f64)
}

fn latencies(name: &str, outcome: &Outcome) -> Vec<String> {
    let at = |percentile| format!("{:.0}", outcome.percentile_us(percentile));
    vec![name.to_owned(), at(50.0), at(90.0), at(99.0), at(99.9)]
}
