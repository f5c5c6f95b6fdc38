//! A lookup whose result is compared and then never looked at again needs no local.

use super::{Body, Tables};
use crate::program::op::{Address, Local, Op, Operand, Source};

pub(super) fn join(body: &mut Body<'_>, tables: &Tables<'_>) {
    let counts = body.counts(tables);
    for at in 0..body.ops.len() {
        let (a, b, equal, fail) = match body.op(at) {
            Some(Op::Equal { a, b, fail }) => (a, b, true, fail),
            Some(Op::NotEqual { a, b, fail }) => (a, b, false, fail),
            _ => continue,
        };
        for (looked_up, other) in [(a, b), (b, a)] {
            let Source::Local(local) = looked_up.source() else {
                continue;
            };
            if counts.writes(local) != 1 || counts.reads(local) != 1 {
                continue;
            }
            let Some((from, source, key)) = lookup(body, at, local, fail) else {
                continue;
            };
            if body.flow.is_entered(from, at) {
                continue;
            }
            body.set(from, Op::Nothing);
            body.set(
                at,
                Op::DotCompare {
                    source,
                    key,
                    other,
                    equal,
                    fail,
                },
            );
            break;
        }
    }
}

/// The lookup before `at` that writes `local`, if it can as well be made at `at`: what is in between only looks
/// something up too, and goes to the same place where that is undefined.
fn lookup(body: &Body<'_>, at: usize, local: Local, gone_to: Address) -> Option<(usize, Operand, Operand)> {
    let mut written = Vec::new();
    for before in (0..at).rev() {
        match body.op(before)? {
            Op::Nothing => {}
            Op::Dot {
                source,
                key,
                target,
                fail,
            } if fail == gone_to => {
                if target == local {
                    let stays = |operand: Operand| match operand.source() {
                        Source::Local(local) => !written.contains(&local),
                        Source::Constant(_) => true,
                    };
                    return (stays(source) && stays(key)).then_some((before, source, key));
                }
                written.push(target);
            }
            Op::DotBase { target, fail, .. } | Op::Follow { target, fail, .. } if fail == gone_to => {
                written.push(target);
            }
            _ => return None,
        }
    }
    None
}
