//! OPA's rule index, rebuilt from the plan. OPA's evaluator asks it which of the rules of one name can succeed, visits
//! only those, and stops at the first success where all of them give the same value. The planner writes none of that
//! down. Here it is made again from the rules' own conditions, exactly as OPA 1.22.2 has it (`v1/ast/index.go`): a rule
//! that OPA doesn't visit can't fail here either, and one that it visits isn't passed over.

mod asked;
mod blocks;
mod conditions;
mod decode;
mod facts;
mod head;
mod keys;
mod pattern;
mod shape;
mod terms;
mod virtuals;

use std::sync::Arc;

use super::op::{Address, Local};
use crate::hash::{HashMap, HashSet};
use crate::plan::{Function, Plan};
use crate::value::Value;

pub(super) use asked::{Compared, FurtherKey, asked, asked_results, asking, compared, further, taken_key};
pub(super) use blocks::{fills, saved};
pub(crate) use facts::split;
pub(super) use head::{Key, RuleHead, head};
pub(super) use keys::{Keys, becomes, collection, keys, made, values};
pub(super) use pattern::Pattern;
pub(super) use shape::{Group, Made, Rules, rules};
use terms::{Head, Ref, Step};
pub(super) use virtuals::Virtual;

/// So many rules, or more, are looked for through the index for speed alone.
const MANY: usize = 6;

/// The index of a function's rules.
#[derive(Debug)]
pub(crate) struct Index {
    /// What the conditions look at.
    pub(crate) refs: Vec<Place>,
    /// The rules, with those of `else` chains, in order.
    pub(crate) branches: Vec<Branch>,
    /// The rule or chain that a branch belongs to: where it is entered, an [`super::Op::Group`].
    pub(crate) groups: Vec<Address>,
    /// Where it goes on when there is nothing (more) to visit.
    pub(crate) done: Address,
    /// A reference, which rules its value leaves, and the rules that don't look at it.
    pub(crate) leading: Option<Leading>,
    /// Whether the collections that keys are looked up in are asked: not where the first success ends it.
    pub(crate) asks_collections: bool,
    /// What a recording calls the first of the rules; the others follow.
    pub(crate) first_rule: u32,
    /// For tests: leaves out what it should name last.
    pub(crate) is_wrong: bool,
}

/// A reference's value leads to the rules that can match.
#[derive(Debug)]
pub(crate) struct Leading {
    pub(crate) at: usize,
    pub(crate) by_value: HashMap<Value, Vec<u32>>,
    pub(crate) others: Vec<u32>,
}

/// A rule.
#[derive(Debug)]
pub(crate) struct Branch {
    pub(crate) group: u32,
    pub(crate) conditions: Vec<Condition>,
    /// References: keys, and collections that must have them.
    pub(crate) memberships: Vec<(usize, usize)>,
    /// Which constant it gives; `None` if it varies.
    pub(crate) value: Option<u32>,
}

/// What a rule needs at a reference.
#[derive(Debug)]
pub(crate) struct Condition {
    pub(crate) at: usize,
    pub(crate) test: Test,
}

/// What a value has to be.
#[derive(Debug)]
pub(crate) enum Test {
    Defined,
    Is(Value),
    /// An array of these; `None` is any element. With delimiters, also a string that splits into it.
    Array(Vec<Option<Value>>, Option<String>),
    /// A collection with this element.
    Holds(Value),
    /// A string that begins so, or a collection with one.
    Prefix(String),
    Suffix(String),
    AnyOf {
        scalars: HashSet<Value>,
        others: Vec<Test>,
    },
}

/// A reference: the local that it begins at, and the way from there.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) source: Local,
    pub(crate) keys: Vec<Value>,
    /// Whether it is a path of OPA's storage.
    pub(crate) base: bool,
}

/// When a rule's success ends the search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Early {
    Always,
    Never,
    /// Where all rules that are left give one value.
    ByValue,
}

/// What is to be made of a function beyond its plan.
pub(super) struct Search<'p> {
    pub(super) early: Early,
    /// `None` where it makes no difference which rules are visited.
    pub(super) index: Option<Index>,
    /// The keys that each rule gives, or its value, in a variant that is asked for some.
    pub(super) keys: Vec<Keys<'p>>,
}

/// How OPA would search the rules of a function.
pub(super) fn search(
    plan: &Plan,
    functions: &HashMap<Arc<str>, u32>,
    known: &Virtual,
    function: &Function,
    rules: &Rules<'_>,
) -> Search<'static> {
    let params = function.params.get(2..).unwrap_or_default();
    let context = decode::Context {
        plan,
        functions,
        params,
        plain: function.name.starts_with("g0."),
        result: rules.result,
        returned: rules.returned,
    };
    let mut groups = Vec::new();
    let mut decoded = Vec::new();
    for (group, at) in rules.groups.iter().zip(0..) {
        for block in &group.branches {
            groups.push(at);
            decoded.push(decode::rule(&context, block));
        }
    }
    let values = classes(&decoded);
    let early = match (rules.made, values.first()) {
        (Made::Value, Some(first)) if first.is_some() && values.iter().all(|value| value == first) => {
            Early::Always
        }
        (Made::Value, _) if values.iter().any(Option::is_some) => Early::ByValue,
        _ => Early::Never,
    };
    let is_virtual = |reference: &Ref| known.has(reference);
    let facts = facts::Facts::of(&decoded, &is_virtual);
    let conditions = conditions::conditions(&facts);
    let knows =
        conditions.iter().any(|own| !own.is_empty()) || facts.memberships.iter().any(|own| !own.is_empty());
    let matters = decoded.iter().any(|rule| rule.acts_before)
        || (decoded.len() > 1 && decoded.iter().any(|rule| rule.acts))
        || decoded.len() >= MANY
        // Storage finds members by numbers that the index doesn't find.
        || (early != Early::Always && facts.memberships.iter().any(|own| !own.is_empty()));
    if !knows || !matters {
        // Which rules are left decides where it ends only if something can still happen then.
        let early = if early == Early::ByValue {
            Early::Never
        } else {
            early
        };
        return Search {
            early,
            index: None,
            keys: Vec::new(),
        };
    }
    let leading = conditions::leading(&conditions);
    let branches = conditions
        .into_iter()
        .zip(facts.memberships.iter())
        .zip(groups)
        .zip(values);
    let branches = branches
        .map(|(((conditions, memberships), group), value)| Branch {
            group,
            conditions,
            memberships: memberships.clone(),
            value,
        })
        .collect();
    Search {
        early,
        index: Some(Index {
            refs: facts.refs.iter().map(place).collect(),
            branches,
            groups: vec![0; rules.groups.len()],
            done: 0,
            leading,
            asks_collections: early != Early::Always,
            first_rule: 0,
            is_wrong: false,
        }),
        keys: Vec::new(),
    }
}

/// Numbers the constants that rules give, equal ones alike.
fn classes(rules: &[decode::Rule]) -> Vec<Option<u32>> {
    let mut known: HashMap<&Value, u32> = HashMap::default();
    rules
        .iter()
        .map(|rule| {
            let next = u32::try_from(known.len()).unwrap_or(u32::MAX);
            rule.value
                .as_ref()
                .map(|value| *known.entry(value).or_insert(next))
        })
        .collect()
}

fn place(reference: &Ref) -> Place {
    let source = match reference.head {
        Head::Input | Head::Var(_) => 0,
        Head::Data => 1,
        Head::Arg(at) => 2 + at,
    };
    let keys = reference.steps.iter().filter_map(|step| match step {
        Step::Const(value) => Some(value.clone()),
        Step::Var(_) | Step::Other => None,
    });
    Place {
        source,
        keys: keys.collect(),
        base: reference.head == Head::Data,
    }
}
