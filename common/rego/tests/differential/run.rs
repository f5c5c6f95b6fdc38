//! Many policies, on all processors, until enough decisions were compared.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::answer::Mistake;
use crate::compare::{Difference, Tally, compare, usable};
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
            ordered_otherwise,
            worded_otherwise,
            spelled_otherwise,
            broken,
            stopped,
        } = &self.tally;
        println!(
            "{decisions} decisions of {policies} policies ({unusable} more were refused by OPA): {defined} defined, {errors} errors, {printed} printed; {ordered_otherwise} in another order, {worded_otherwise} conflicts in other words, {spelled_otherwise} numbers written in another way by optimized rules, {broken} more broken by OPA"
        );
        println!("differential_decisions {decisions}");
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
        println!("differential_differing {count}");
        assert_eq!(
            count,
            0,
            "{count} policies differ; kept in {}",
            found::folder().display()
        );
        assert!(
            *ordered_otherwise * 1000 <= *decisions,
            "{ordered_otherwise} of {decisions} decisions came to the same in another order"
        );
        assert!(
            *worded_otherwise * 50 <= *errors,
            "{worded_otherwise} of {errors} errors are conflicts told in other words"
        );
        assert!(
            *spelled_otherwise * 10_000 <= *decisions,
            "{spelled_otherwise} of {decisions} decisions write a number in another way"
        );
        // Else the above would show little.
        assert!(*defined > decisions / 3 && *errors > decisions / 20 && *printed > decisions / 50);
        assert!(*unusable < policies / 2, "{unusable} policies are refused by OPA");
    }
}

/// Compares the policies of the seeds from `first` on.
pub(crate) fn run(first: u64, size: Size, mistake: Mistake) -> Outcome {
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
                    let difference = one(&mut oracle, seed, size.inputs, mistake, &mut tally);
                    progress(
                        decisions.fetch_add(tally.decisions, Ordering::Relaxed),
                        tally.decisions,
                    );
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

/// Says how far a long run is.
fn progress(before: usize, more: usize) {
    const STEP: usize = 50_000;
    if before / STEP != (before + more) / STEP {
        println!("{} decisions compared", before + more);
    }
}

/// How many decisions it takes until one is OPA's without the mistake and isn't with it; `None` if none of so many is.
pub(crate) fn decisions_until_found(first: u64, most: usize, mistake: Mistake) -> Option<usize> {
    let mut oracle = Oracle::start(&oracle::program());
    let mut tally = Tally::default();
    for seed in first.. {
        if tally.decisions >= most {
            break;
        }
        let Some((policy, builds)) = usable(&mut oracle, generate::policy(seed, 4)) else {
            continue;
        };
        let asked = Asked::from(&policy);
        let found = compare(&asked, &builds, mistake, &mut tally);
        if found.is_empty() {
            continue;
        }
        let known = compare(&asked, &builds, Mistake::None, &mut Tally::default());
        if found
            .iter()
            .any(|found| known.iter().all(|known| !found.is_of(known)))
        {
            return Some(tally.decisions);
        }
    }
    None
}

fn one(
    oracle: &mut Oracle,
    seed: u64,
    inputs: usize,
    mistake: Mistake,
    tally: &mut Tally,
) -> Option<(u64, Policy, Difference)> {
    let policy = generate::policy(seed, inputs);
    let Some((mut policy, builds)) = usable(oracle, policy) else {
        tally.unusable += 1;
        return None;
    };
    let differences = compare(&Asked::from(&policy), &builds, mistake, tally);
    let difference = differences.into_iter().next()?;
    policy.inputs = vec![policy.inputs[difference.input].clone()];
    let mut differs = |policy: &Policy| again(oracle, policy, &difference, mistake);
    // What the optimizer makes of a policy depends on all of its entrypoints.
    let mut alone = policy.clone();
    alone.entrypoints.retain(|name| *name == difference.entrypoint);
    if differs(&alone).is_some() {
        policy = alone;
    }
    let small = shrink(policy.clone(), 2_000, |policy| differs(policy).is_some());
    let difference = differs(&small)
        .or_else(|| differs(&policy))
        .unwrap_or_else(|| difference.clone());
    Some((seed, small, difference))
}

/// The difference that a policy still has in the mode that one was found in.
fn again(process: &mut Oracle, policy: &Policy, found: &Difference, mistake: Mistake) -> Option<Difference> {
    let levels = if found.level == 0 {
        vec![0]
    } else {
        vec![0, found.level]
    };
    let asked = Asked::from(policy);
    let oracle::Reply::Built(builds) = process.ask(&asked, &levels) else {
        return None;
    };
    let differences = compare(&asked, &builds, mistake, &mut Tally::default());
    differences
        .into_iter()
        .find(|other| (other.level, other.strict) == (found.level, found.strict))
}
