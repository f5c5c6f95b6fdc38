//! Whether a check costs more where there are more connections. A kernel's share grows with them whoever serves, so the null
//! server is asked over as many, and the two ratios are compared.

use std::sync::Arc;

use super::check::{cheaper_null, cost};
use super::policy::PolicyCase;
use super::world::World;
use super::{Measured, Setting, Shape};
use crate::load::ManyConnections;
use crate::report::{Pairs, Summary, table};
use crate::traffic::check_requests;

/// In all, however many connections share them.
const IN_FLIGHT: usize = 64;
const FEW: usize = 1;
const MANY: usize = 1_000;

/// `growth_connections`: ours over null at 1,000 connections, over the same at 1.
///
/// # Errors
/// Where a server doesn't start, or answers otherwise than it should.
pub async fn connections(setting: &Setting, shape: Shape) -> anyhow::Result<Measured> {
    let case = PolicyCase::read(setting, "rbac_30")?;
    let world = World::lay(setting, &case).await?;
    // A few for each connection are enough: what is measured is the connections.
    let requests = check_requests(world.tokens.get(..50).unwrap_or_default());
    let sidecar = world.start_sidecar(setting).await?;
    let null = cheaper_null(setting, &world, &requests, shape).await?;
    let mut growth = Pairs::default();
    let mut sides = [Pairs::default(), Pairs::default()];
    let mut targets = Vec::new();
    for count in [FEW, MANY] {
        let ours = ManyConnections::connect(&world.sidecar_socket(), count, &requests).await?;
        let reference = ManyConnections::connect(&world.null_socket(), count, &requests).await?;
        targets.push((Arc::new(ours), Arc::new(reference)));
    }
    for _ in 0..setting.rounds {
        let mut ratios = [0.0; 2];
        for (((ours, reference), side), ratio) in targets.iter().zip(&mut sides).zip(&mut ratios) {
            let a = cost(ours, &sidecar, IN_FLIGHT, shape).await?.0;
            let b = cost(reference, &null, IN_FLIGHT, shape).await?.0;
            side.push(a, b);
            *ratio = a / b;
        }
        let [few, many] = ratios;
        growth.push(many, few);
    }
    let mut summary = Summary::default();
    summary.add("growth_connections", growth.ratio().median);
    let row = |count: usize, side: &Pairs| {
        vec![
            count.to_string(),
            side.ours().show(1),
            side.reference().show(1),
            side.ratio().show(2),
        ]
    };
    let [few, many] = &sides;
    let text = format!(
        "What a Check costs over many connections ({IN_FLIGHT} in flight in all, {} rounds of {:?}, median (min–max)); the \
         ratio grows by {}:\n\n{}",
        setting.rounds,
        shape.stretch,
        growth.ratio().show(2),
        table(
            &["connections", "sidecar CPU µs", "null CPU µs", "ratio"],
            &[row(FEW, few), row(MANY, many)]
        )
    );
    Ok(Measured { summary, text })
}
