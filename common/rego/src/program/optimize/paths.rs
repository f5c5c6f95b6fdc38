//! Lookups by constant keys that follow each other become one walk, and a walk that starts from what never changes is
//! made only the first time that an iteration comes by.

use super::access::Counts;
use super::{Body, Tables};
use crate::hash::HashSet;
use crate::program::op::{Address, Local, Op, Path, Source};

/// A lookup of a constant key.
struct Step {
    source: Local,
    key: u32,
    target: Local,
    fail: Address,
    /// Of a base document.
    place: Option<u32>,
}

pub(super) fn join(body: &mut Body<'_>, tables: &mut Tables<'_>) {
    let counts = body.counts(tables);
    // The locals that hold the same value whenever they are read in one run of the body.
    let mut steady: HashSet<Local> = (0..body.params)
        .filter(|local| counts.writes(*local) == 1)
        .collect();
    for at in 0..body.ops.len() {
        let Some(first) = step(body, at) else {
            continue;
        };
        let mut keys = vec![first.key];
        let mut last = first.target;
        let mut taken = Vec::new();
        for next in body.live_from(at + 1) {
            match step(body, next) {
                Some(step)
                    if step.source == last
                        && is_only_a_step(&counts, last)
                        && (step.place.is_some(), step.fail) == (first.place.is_some(), first.fail)
                        && !body.flow.is_entered(at, next) =>
                {
                    keys.push(step.key);
                    last = step.target;
                    taken.push(next);
                }
                _ => break,
            }
        }
        let is_steady = steady.contains(&first.source) && counts.writes(last) == 1;
        if is_steady {
            steady.insert(last);
        }
        let once = is_steady && body.flow.is_repeated(at);
        if taken.is_empty() && !once {
            continue;
        }
        let Ok(path) = u32::try_from(tables.paths.len()) else {
            return;
        };
        tables.paths.push(Path {
            source: first.source,
            keys: keys.into(),
            place: first.place,
        });
        taken.into_iter().for_each(|taken| body.set(taken, Op::Nothing));
        body.set(
            at,
            Op::Follow {
                path,
                target: last,
                once,
                fail: first.fail,
            },
        );
    }
}

/// Whether a local is written by one lookup and read by the next alone.
fn is_only_a_step(counts: &Counts, local: Local) -> bool {
    counts.writes(local) == 1 && counts.reads(local) == 1
}

/// `None`, too, where the key is so long that a look-up by it has a price, which walks don't pay.
fn step(body: &Body<'_>, at: usize) -> Option<Step> {
    let (source, key, target, fail, place) = match body.op(at)? {
        Op::Dot {
            source,
            key,
            target,
            fail,
        } => (source, key, target, fail, None),
        Op::DotBase {
            source,
            key,
            target,
            fail,
            place,
        } => (source, key, target, fail, Some(place)),
        _ => return None,
    };
    match (source.source(), key.source()) {
        (Source::Local(source), Source::Constant(index)) if key.is_light_constant() => Some(Step {
            source,
            key: index,
            target,
            fail,
            place,
        }),
        _ => None,
    }
}
