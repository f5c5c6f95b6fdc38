//! Whether a check costs more where there is more of something: the same requests to two sidecars, in turn, of which one
//! has a thousand times as many keys, routes or revocations as the other.

use std::sync::Arc;

use super::check::cost;
use super::policy::PolicyCase;
use super::world::{Size, World};
use super::{Measured, Setting, Shape};
use crate::load::ExtAuthz;
use crate::report::{Pairs, Summary, table};
use crate::traffic::check_requests;

const IN_FLIGHT: usize = 16;

/// `growth_keys`, `growth_routes`, `growth_revocations`: CPU per check at the large end over the small end, at 16 in flight.
///
/// # Errors
/// Where a sidecar doesn't start, or answers otherwise than it should.
pub async fn growth(setting: &Setting, shape: Shape) -> anyhow::Result<Measured> {
    let ends = [
        (
            "growth_keys",
            "1 → 1,000 keys",
            Size {
                keys: 1,
                ..Size::default()
            },
            Size {
                keys: 1_000,
                ..Size::default()
            },
        ),
        (
            "growth_routes",
            "10 → 1,000 routes",
            Size {
                routes: 10,
                ..Size::default()
            },
            Size {
                routes: 1_000,
                ..Size::default()
            },
        ),
        (
            "growth_revocations",
            "0 → 1,000,000 revocations",
            Size {
                revocations: Some(0),
                ..Size::default()
            },
            Size {
                revocations: Some(1_000_000),
                ..Size::default()
            },
        ),
    ];
    let mut summary = Summary::default();
    let mut rows = Vec::new();
    for (name, what, small, large) in ends {
        let (pairs, resident) = ends_of(setting, shape, small, large).await?;
        summary.add(name, pairs.ratio().median);
        rows.push(vec![
            what.to_owned(),
            pairs.reference().show(1),
            pairs.ours().show(1),
            pairs.ratio().show(2),
            format!("{:.1}", resident.1),
            format!("{:.1}", resident.0),
        ]);
    }
    let text = format!(
        "What a Check costs as things grow (cached token, policy of 30 roles evaluated, {IN_FLIGHT} in flight, {} rounds of \
         {:?}, median (min–max)):\n\n{}",
        setting.rounds,
        shape.stretch,
        table(
            &[
                "",
                "CPU µs, small",
                "CPU µs, large",
                "ratio",
                "MiB, small",
                "MiB, large"
            ],
            &rows
        )
    );
    Ok(Measured { summary, text })
}

/// The large end over the small one, and what is resident at either (large first).
async fn ends_of(
    setting: &Setting,
    shape: Shape,
    small: Size,
    large: Size,
) -> anyhow::Result<(Pairs, (f64, f64))> {
    let case = PolicyCase::read(setting, "rbac_30")?;
    let mut sides = Vec::new();
    for size in [large, small] {
        let world = World::lay_of_size(setting, &case, size).await?;
        let sidecar = world.start_sidecar(setting).await?;
        let requests = check_requests(&world.tokens);
        let target = Arc::new(ExtAuthz::connect(&world.sidecar_socket(), requests, 0).await?);
        sides.push((target, sidecar, world));
    }
    let mut pairs = Pairs::default();
    for _ in 0..setting.rounds {
        let mut costs = Vec::new();
        for (target, sidecar, _) in &sides {
            costs.push(cost(target, sidecar, IN_FLIGHT, shape).await?.0);
        }
        if let [large, small] = costs[..] {
            pairs.push(large, small);
        }
    }
    let mut resident = Vec::new();
    for (_, sidecar, _) in &sides {
        resident.push(sidecar.resident_mib()?);
    }
    match resident[..] {
        [large, small] => Ok((pairs, (large, small))),
        _ => anyhow::bail!("two sidecars were started"),
    }
}
