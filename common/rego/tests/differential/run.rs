//! Many policies, on all processors, until enough decisions were compared.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use postern_rego::Planted;

use crate::compare::{Difference, LEVELS, Tally, compare, usable};
use crate::found;
use crate::generate;
use crate::oracle::{self, Asked, Oracle};
use crate::shrink::shrink;
use crate::syntax::Policy;

/// How much is compared.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    pub(crate) decisions: usize,
    /// Inputs for each policy.
    pub(crate) inputs: usize,
}

/// After so many policies that differ, the run ends.
const ENOUGH: usize = 12;

#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) tally: Tally,
    /// Policies that differ, made small, by seed.
    pub(crate) differences: Vec<(u64, Policy, Difference)>,
}

impl Outcome {
    /// What was compared and what differs, and that nothing does. What differs is kept for the next run.
    pub(crate) fn check(&self) {
        let Tally {
            policies,
            unusable,
            unbuilt,
            decisions,
            defined,
            errors,
            printed,
            stopped,
        } = &self.tally;
        println!(
            "{decisions} decisions of {policies} policies ({unusable} more were refused by OPA): {defined} defined, {errors} errors, {printed} printed"
        );
        for (what, counts) in [("not built by OPA", unbuilt), ("stopped here", stopped)] {
            for (why, count) in counts {
                println!("  {what}: {count} {why}");
            }
        }
        for (seed, policy, difference) in &self.differences {
            println!(
                "seed {seed} {difference}\n{}",
                found::keep(*seed, policy, difference)
            );
        }
        let count = self.differences.len();
        assert_eq!(
            count,
            0,
            "{count} policies differ; kept in {}",
            found::folder().display()
        );
        // Else the above would show little.
        assert!(*defined > decisions / 3 && *errors > decisions / 20 && *printed > decisions / 50);
        assert!(*unusable < policies / 3, "{unusable} policies are refused by OPA");
    }
}

/// Compares the policies of the seeds from `first` on.
pub(crate) fn run(first: u64, size: Size, planted: Planted) -> Outcome {
    let program = oracle::program();
    let (next, decisions) = (AtomicU64::new(first), AtomicUsize::new(0));
    let outcome = Mutex::new(Outcome::default());
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                let mut oracle = Oracle::start(&program);
                while decisions.load(Ordering::Relaxed) < size.decisions {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    let mut tally = Tally::default();
                    let difference = one(&mut oracle, seed, size.inputs, planted, &mut tally);
                    decisions.fetch_add(tally.decisions, Ordering::Relaxed);
                    let mut outcome = outcome.lock().expect("no worker panics");
                    outcome.tally.add(tally);
                    outcome.differences.extend(difference);
                    if outcome.differences.len() >= ENOUGH {
                        return;
                    }
                }
            });
        }
    });
    let mut outcome = outcome.into_inner().expect("no worker panics");
    outcome.differences.sort_by_key(|(seed, ..)| *seed);
    outcome
}

fn one(
    oracle: &mut Oracle,
    seed: u64,
    inputs: usize,
    planted: Planted,
    tally: &mut Tally,
) -> Option<(u64, Policy, Difference)> {
    let policy = generate::policy(seed, inputs);
    let Some((mut policy, builds)) = usable(oracle, policy, &LEVELS) else {
        tally.unusable += 1;
        return None;
    };
    let difference = compare(&Asked::from(&policy), &builds, planted, tally)
        .into_iter()
        .next()?;
    policy.inputs = vec![policy.inputs[difference.input].clone()];
    policy.entrypoints.retain(|name| *name == difference.entrypoint);
    let mut differs = |policy: &Policy| again(oracle, policy, &difference, planted);
    let small = shrink(policy.clone(), 2_000, |policy| differs(policy).is_some());
    let difference = differs(&small)
        .or_else(|| differs(&policy))
        .unwrap_or_else(|| difference.clone());
    Some((seed, small, difference))
}

/// The difference that a policy still has in the mode that one was found in.
fn again(process: &mut Oracle, policy: &Policy, found: &Difference, planted: Planted) -> Option<Difference> {
    let levels = if found.level == 0 {
        vec![0]
    } else {
        vec![0, found.level]
    };
    let asked = Asked::from(policy);
    let oracle::Reply::Built(builds) = process.ask(&asked, &levels) else {
        return None;
    };
    let differences = compare(&asked, &builds, planted, &mut Tally::default());
    differences
        .into_iter()
        .find(|other| other.level == found.level && other.strict == found.strict)
}
