//! `postern-count`: the bench's check and its parts, a policy's evaluation or the loading of its bundle, repeated, for
//! callgrind to count what they cost (`scripts/count.sh`). Does nothing else, so that what isn't counted is quick, and
//! prints what it did for whoever counts.

#![expect(clippy::print_stdout, reason = "its output is for the script that runs it")]

mod policy;
mod request;
mod world;

use std::hint::black_box;
use std::path::PathBuf;

use anyhow::{Context as _, bail, ensure};
use postern_decide::{Answer, PolicyCache};
use postern_policy::PlanEngine;

use policy::Policy;
use world::World;

/// Checks of as many tokens and paths.
const VARIETY: usize = 16;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args_os().skip(1);
    let usage = "usage: postern-count BUNDLE ENTRYPOINT check|evaluated_check|evaluation|load RUNS, or BUNDLE ENTRYPOINT policy RUNS INPUT";
    let bundle: PathBuf = arguments.next().context(usage)?.into();
    let bundle = std::fs::read(&bundle)?;
    let mut text = || {
        arguments
            .next()
            .and_then(|it| it.into_string().ok())
            .context(usage)
    };
    let (entrypoint, what) = (text()?, text()?);
    let runs: usize = text()?.parse().context(usage)?;
    match what.as_str() {
        "check" | "evaluated_check" => {
            let world = checked(&bundle, &entrypoint, what == "check")?;
            counted(runs, |n| {
                if let Some(request) = world.requests.get(n % VARIETY) {
                    drop(black_box(world.check(request)));
                }
            });
        }
        "evaluation" => {
            let world = checked(&bundle, &entrypoint, false)?;
            counted(runs, |_| drop(black_box(world.evaluate())));
        }
        "policy" => {
            let policy = Policy::load(&bundle, &entrypoint, &std::fs::read(text()?)?)?;
            counted(runs, |_| drop(black_box(policy.evaluate())));
        }
        "load" => {
            let bundle = policy::read(&bundle)?;
            counted(runs, |_| drop(black_box(PlanEngine::from_bundle(&bundle))));
        }
        _ => bail!(usage),
    }
    println!("{what} {runs}");
    Ok(())
}

/// The bench's sidecar, where each request was checked once: the first check of each token verifies it, the ones that are
/// counted find it remembered, and so what the policy answered, where that is to be.
fn checked(bundle: &[u8], entrypoint: &str, remembers: bool) -> anyhow::Result<World> {
    let world = World::lay(bundle, entrypoint, VARIETY, remembers)?;
    for request in &world.requests {
        let decision = world.check(request);
        let record = &decision.record;
        ensure!(
            matches!(decision.answer, Answer::Allow(_)),
            "the check was denied: {:?} {:?}",
            record.code,
            record.reason
        );
    }
    let first = world.requests.first().context("there are requests")?;
    let record = world.check(first).record;
    ensure!(record.token_cached, "the token is not remembered");
    ensure!(
        (record.policy_cache == PolicyCache::Hit) == remembers,
        "the policy's answer: {:?}",
        record.policy_cache
    );
    ensure!(world.evaluate().is_some(), "the policy has no answer");
    Ok(world)
}

/// What callgrind counts, by this name: it forgets what came before, and writes down what it has when this returns.
#[inline(never)]
fn counted(runs: usize, run: impl Fn(usize)) {
    for n in 0..runs {
        run(n);
    }
}
