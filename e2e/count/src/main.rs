//! `postern-count`: the bench's check and its parts, repeated, for callgrind to count what they cost (`scripts/count.sh`).
//! Does nothing else, so that what isn't counted is quick, and prints what it did for whoever counts.

#![expect(clippy::print_stdout, reason = "its output is for the script that runs it")]

mod request;
mod world;

use std::hint::black_box;
use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use postern_decide::{Answer, Decision};

use world::World;

/// Checks of as many tokens and paths.
const VARIETY: usize = 16;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args_os().skip(1);
    let usage = "usage: postern-count BUNDLE ENTRYPOINT RUNS";
    let bundle: PathBuf = arguments.next().context(usage)?.into();
    let entrypoint = arguments
        .next()
        .and_then(|it| it.into_string().ok())
        .context(usage)?;
    let runs: usize = arguments
        .next()
        .and_then(|it| it.to_str()?.parse().ok())
        .context(usage)?;
    let world = World::lay(&std::fs::read(&bundle)?, &entrypoint, VARIETY)?;
    // The first check of each token verifies it; the ones that are counted find it remembered.
    for request in &world.requests {
        let decision = world.check(request);
        ensure!(
            matches!(decision.answer, Answer::Allow(_)),
            "the check was denied: {:?} {:?}",
            decision.record.code,
            decision.record.reason
        );
    }
    ensure!(
        world.check(&world.requests[0]).record.token_cached,
        "the token is not remembered"
    );
    for n in 0..runs {
        let request = &world.requests[n % VARIETY];
        counted_check(&world, request);
        counted_evaluation(&world);
    }
    println!("runs={runs}");
    Ok(())
}

/// What callgrind counts: a whole check, from the headers as they came to an answer, and letting go of it.
#[inline(never)]
fn counted_check(world: &World, request: &request::Request) {
    drop(black_box::<Box<Decision>>(world.check(request)));
}

/// One evaluation of the policy within it, over an input that is there.
#[inline(never)]
fn counted_evaluation(world: &World) {
    drop(black_box(world.evaluate()));
}
