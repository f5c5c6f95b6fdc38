//! `&`, `|`, the difference, and their forms over a set of sets.

use super::operands::{set, wrong_type};
use super::{Answer, BuiltinError, Context, answer};
use crate::value::{Set, Value};

/// `a & b`
pub(super) fn and(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let (a, b) = (set(operands, 1)?, set(operands, 2)?);
    answer(intersect(context, a, b)?)
}

/// `a | b`
pub(super) fn or(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let (a, b) = (set(operands, 1)?, set(operands, 2)?);
    context.make(a.len().saturating_add(b.len()))?;
    context.spend_on_sort(a.weight().saturating_add(b.weight()), 4)?;
    answer(a.iter().chain(b).cloned().collect::<Set>())
}

/// `a - b`
pub(super) fn difference(context: &mut Context<'_>, a: &Set, b: &Set) -> Answer {
    context.make(a.len())?;
    context.spend_on_sort(a.weight(), b.len())?;
    answer(
        a.iter()
            .filter(|member| !b.contains(member))
            .cloned()
            .collect::<Set>(),
    )
}

pub(super) fn intersection(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let mut members = set(operands, 1)?.iter();
    let Some(first) = members.next() else {
        return answer(Set::default());
    };
    let mut common = inner(first)?.clone();
    for member in members {
        common = intersect(context, &common, inner(member)?)?;
    }
    answer(common)
}

pub(super) fn union(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let (mut members, mut weight) = (Vec::new(), 0_u64);
    for member in set(operands, 1)? {
        let member = inner(member)?;
        context.make(member.len())?;
        weight = weight.saturating_add(member.weight());
        members.extend(member.iter().cloned());
    }
    context.spend_on_sort(weight, members.len())?;
    answer(members.into_iter().collect::<Set>())
}

fn inner(member: &Value) -> Result<&Set, BuiltinError> {
    match member {
        Value::Set(set) => Ok(set),
        other => wrong_type(1, other, &["set"]),
    }
}

/// The members of the smaller set that the larger one has.
fn intersect(context: &mut Context<'_>, a: &Set, b: &Set) -> Result<Set, BuiltinError> {
    let (smaller, larger) = if b.len() < a.len() { (b, a) } else { (a, b) };
    context.make(smaller.len())?;
    context.spend_on_sort(smaller.weight(), larger.len())?;
    Ok(smaller
        .iter()
        .filter(|member| larger.contains(member))
        .cloned()
        .collect())
}
