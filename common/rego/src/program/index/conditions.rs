//! From what is known of the rules to what is tested when one is looked for (`v1/ast/index.go`, `insertPath`). OPA puts
//! the conditions into a tree, reference by reference; here each rule has its own, and the most telling reference leads
//! to the rules that can match.

use super::facts::{Facts, RefId, Wanted};
use super::{Condition, Leading, Test};
use crate::hash::{HashMap, HashSet};
use crate::value::Value;

/// The conditions of each rule.
pub(super) fn conditions(facts: &Facts<'_>) -> Vec<Vec<Condition>> {
    let levels = levels(facts);
    facts
        .rules
        .iter()
        .enumerate()
        .map(|(at, _)| of_rule(facts, at, &levels))
        .collect()
}

/// The references that some rule wants a certain value at, in the order that OPA looks at them.
fn levels(facts: &Facts<'_>) -> Vec<RefId> {
    let valued: HashSet<RefId> = facts
        .rules
        .iter()
        .flatten()
        .filter(|fact| !fact.wanted.is_var())
        .map(|fact| fact.at)
        .collect();
    let mut levels: Vec<RefId> = valued.into_iter().collect();
    levels.sort_by_key(|id| {
        let stats = facts.stats.get(*id).copied().unwrap_or_default();
        (stats.alternated, std::cmp::Reverse(stats.count), *id)
    });
    levels
}

fn of_rule(facts: &Facts<'_>, rule: usize, levels: &[RefId]) -> Vec<Condition> {
    let mut left = facts.rules.get(rule).cloned().unwrap_or_default();
    let mut conditions = Vec::new();
    for level in levels {
        let mut wanted: Vec<Wanted> = Vec::new();
        left.retain(|fact| {
            let here = fact.at == *level;
            if here {
                wanted.push(fact.wanted.clone());
            }
            !here
        });
        // That it is defined says less than what it has to be.
        if wanted.iter().any(|wanted| !wanted.is_var()) {
            wanted.retain(|wanted| !wanted.is_var());
        }
        let valued_left = left.iter().any(|fact| levels.contains(&fact.at));
        let test = match wanted.as_slice() {
            [] => continue,
            [wanted] => test(wanted),
            [first, ..] if first.is_var() => Test::Defined,
            _ => {
                let is_last = !left.is_empty()
                    && wanted
                        .iter()
                        .any(|wanted| wanted.is_affix() || wanted.is_composite());
                let test = any_of(&one_end(wanted));
                conditions.push(Condition { at: *level, test });
                if is_last && valued_left {
                    // OPA's tree ends here, and so does what it knows of the rule; but what it needs defined.
                    left.retain(|fact| !levels.contains(&fact.at));
                    break;
                }
                continue;
            }
        };
        conditions.push(Condition { at: *level, test });
    }
    // The references that no rule wants a value at only have to be there.
    let defined: HashSet<RefId> = left.iter().map(|fact| fact.at).collect();
    let mut defined: Vec<RefId> = defined.into_iter().filter(|id| !levels.contains(id)).collect();
    defined.sort_unstable();
    conditions.extend(defined.into_iter().map(|at| Condition {
        at,
        test: Test::Defined,
    }));
    conditions
}

/// Where both beginnings and ends are wanted, OPA tests those of which the shortest is longer.
fn one_end(wanted: Vec<Wanted>) -> Vec<Wanted> {
    let shortest = |length: fn(&Wanted) -> Option<usize>| wanted.iter().filter_map(length).min();
    let prefix = shortest(|wanted| match wanted {
        Wanted::Prefix(text) => Some(text.len()),
        _ => None,
    });
    let suffix = shortest(|wanted| match wanted {
        Wanted::Suffix(text) => Some(text.len()),
        _ => None,
    });
    let (Some(prefix), Some(suffix)) = (prefix, suffix) else {
        return wanted;
    };
    let dropped = |wanted: &Wanted| match wanted {
        Wanted::Prefix(_) => suffix > prefix,
        Wanted::Suffix(_) => suffix <= prefix,
        _ => false,
    };
    wanted.into_iter().filter(|wanted| !dropped(wanted)).collect()
}

fn any_of(wanted: &[Wanted]) -> Test {
    let mut scalars = HashSet::default();
    let mut others = Vec::new();
    for wanted in wanted {
        match test(wanted) {
            Test::Is(value) => {
                scalars.insert(value);
            }
            other => others.push(other),
        }
    }
    Test::AnyOf { scalars, others }
}

fn test(wanted: &Wanted) -> Test {
    match wanted {
        Wanted::Var(_) | Wanted::Is(Value::Array(_) | Value::Object(_) | Value::Set(_)) => Test::Defined,
        Wanted::Is(value) => Test::Is(value.clone()),
        Wanted::Array(items, delimiters) => Test::Array(items.clone(), delimiters.clone()),
        Wanted::Holds(value) => Test::Holds(value.clone()),
        Wanted::Prefix(text) => Test::Prefix(text.clone()),
        Wanted::Suffix(text) => Test::Suffix(text.clone()),
    }
}

/// The scalars that a condition lets through at its reference, if there is no other way.
pub(super) fn scalars(test: &Test) -> Option<Vec<&Value>> {
    match test {
        Test::Is(value) => Some(vec![value]),
        Test::AnyOf { scalars, others } if others.is_empty() => Some(scalars.iter().collect()),
        _ => None,
    }
}

/// The reference whose value leaves the fewest rules, and the rules by that value; the second are those that don't care.
pub(super) fn leading(rules: &[Vec<Condition>]) -> Option<Leading> {
    let mut named: HashMap<RefId, usize> = HashMap::default();
    for condition in rules.iter().flatten() {
        if scalars(&condition.test).is_some() {
            *named.entry(condition.at).or_default() += 1;
        }
    }
    let mut candidates: Vec<(RefId, usize)> = named.into_iter().collect();
    // Those that most rules look at are worth a try.
    const TRIED: usize = 8;
    candidates.sort_by_key(|(id, count)| (std::cmp::Reverse(*count), *id));
    let tried = candidates
        .into_iter()
        .take(TRIED)
        .map(|(id, _)| by_value(rules, id));
    tried.min_by_key(|leading| {
        leading.by_value.values().map(Vec::len).max().unwrap_or(0) + leading.others.len()
    })
}

fn by_value(rules: &[Vec<Condition>], id: RefId) -> Leading {
    let mut by_value: HashMap<Value, Vec<u32>> = HashMap::default();
    let mut others = Vec::new();
    for (conditions, at) in rules.iter().zip(0..) {
        let own = conditions.iter().find(|condition| condition.at == id);
        match own.and_then(|condition| scalars(&condition.test)) {
            Some(values) => values
                .into_iter()
                .for_each(|value| by_value.entry(value.clone()).or_default().push(at)),
            None => others.push(at),
        }
    }
    Leading {
        at: id,
        by_value,
        others,
    }
}
