//! What a rule's head has for a key, or for its value: the terms that OPA's evaluator puts beside what is asked for before it
//! visits the rule (`v1/topdown/eval.go`, `biunify`).

use crate::hash::{HashMap, HashSet};
use crate::plan::{Block, Kind, Location, Operand};

/// So many terms of a head are looked at.
const MOST_TERMS: usize = 128;

/// A term of a head.
#[derive(Debug, Clone)]
pub(in crate::program) enum Pattern<'p> {
    /// What is known before the body; these statements make it.
    Known {
        makes: Vec<&'p Kind>,
        operand: Operand,
    },
    /// A variable: the local that the planner gave it.
    Var(i64),
    Array(Vec<Pattern<'p>>),
    /// By keys that are known.
    Object(Vec<(Pattern<'p>, Pattern<'p>)>),
    /// A set, or an object's key, with variables: before the body OPA finds nothing equal to it.
    Never,
    /// What can't be told, or is beyond the bound.
    Unknown,
}

impl Pattern<'_> {
    /// Calls `see` with each variable, in order.
    pub(in crate::program) fn each_var(&self, see: &mut impl FnMut(i64)) {
        match self {
            Pattern::Var(var) => see(*var),
            Pattern::Array(items) => items.iter().for_each(|item| item.each_var(see)),
            Pattern::Object(members) => members.iter().for_each(|(_, value)| value.each_var(see)),
            Pattern::Known { .. } | Pattern::Never | Pattern::Unknown => {}
        }
    }

    fn known(&self) -> bool {
        matches!(self, Pattern::Known { .. })
    }
}

/// The statements of a rule's block by the local that they make or add to.
pub(super) struct Makers<'p> {
    by_local: HashMap<i64, Vec<&'p Kind>>,
    /// The variables that stand in the head's arguments, as far as their place tells.
    arguments: HashSet<i64>,
    head: Location,
    params: &'p [i64],
}

impl<'p> Makers<'p> {
    /// `params` are the parameters of the function that the block is of, `input` and `data` not among them.
    pub(super) fn of(block: &'p Block, params: &'p [i64]) -> Self {
        let mut makers = Makers {
            by_local: HashMap::default(),
            arguments: HashSet::default(),
            head: block
                .statements
                .first()
                .map(|first| first.location)
                .unwrap_or_default(),
            params,
        };
        makers.note(block);
        makers
    }

    fn note(&mut self, block: &'p Block) {
        for statement in &block.statements {
            match &statement.kind {
                kind @ (Kind::MakeNull { target: local }
                | Kind::MakeNumberInt { target: local, .. }
                | Kind::MakeNumberRef { target: local, .. }
                | Kind::MakeArray { target: local, .. }
                | Kind::MakeObject { target: local }
                | Kind::MakeSet { target: local }
                | Kind::AssignVar { target: local, .. }
                | Kind::ArrayAppend { array: local, .. }
                | Kind::SetAdd { set: local, .. }
                | Kind::ObjectInsert { object: local, .. }) => {
                    self.by_local.entry(*local).or_default().push(kind);
                    if matches!(kind, Kind::AssignVar { .. }) && statement.location == self.head {
                        self.arguments.insert(*local);
                    }
                }
                Kind::Block { blocks } => blocks.iter().for_each(|block| self.note(block)),
                Kind::Scan { block, .. } | Kind::With { block, .. } => self.note(block),
                _ => {}
            }
        }
    }

    /// The term that a local or constant stands for.
    pub(super) fn pattern(&self, operand: Operand) -> Pattern<'p> {
        let mut left = MOST_TERMS;
        let found = self.term(operand, &mut left);
        if left == 0 { Pattern::Unknown } else { found }
    }

    fn term(&self, operand: Operand, left: &mut usize) -> Pattern<'p> {
        *left = left.saturating_sub(1);
        let Operand::Local(local) = operand else {
            return Pattern::Known {
                makes: Vec::new(),
                operand,
            };
        };
        if *left == 0 {
            return Pattern::Unknown;
        }
        let (first, more) = match self.by_local.get(&local).map(Vec::as_slice) {
            Some([first, more @ ..]) => (*first, more),
            _ => return Pattern::Var(local),
        };
        match first {
            Kind::MakeNull { .. } | Kind::MakeNumberInt { .. } | Kind::MakeNumberRef { .. } => {
                Pattern::Known {
                    makes: vec![first],
                    operand,
                }
            }
            Kind::MakeArray { .. } => {
                let items = more.iter().filter_map(|kind| match kind {
                    Kind::ArrayAppend { value, .. } => Some(*value),
                    _ => None,
                });
                let items: Vec<Pattern<'p>> = items.map(|item| self.term(item, left)).collect();
                match self.made(first, more, &items, local) {
                    Some(known) => known,
                    None => Pattern::Array(items),
                }
            }
            Kind::MakeObject { .. } => self.object(first, more, local, left),
            Kind::MakeSet { .. } => {
                let elements = more.iter().filter_map(|kind| match kind {
                    Kind::SetAdd { value, .. } => Some(*value),
                    _ => None,
                });
                let elements: Vec<Pattern<'p>> = elements.map(|element| self.whole(element, left)).collect();
                let made = self.made(first, more, &elements, local);
                made.unwrap_or_else(|| unknown_or_never(elements.iter()))
            }
            _ => Pattern::Var(local),
        }
    }

    fn object(&self, first: &'p Kind, more: &[&'p Kind], local: i64, left: &mut usize) -> Pattern<'p> {
        let members = more.iter().filter_map(|kind| match kind {
            Kind::ObjectInsert { key, value, .. } => Some((*key, *value)),
            _ => None,
        });
        let members: Vec<(Pattern<'p>, Pattern<'p>)> = members
            .map(|(key, value)| (self.whole(key, left), self.term(value, left)))
            .collect();
        if !members.iter().all(|(key, _)| key.known()) {
            return unknown_or_never(members.iter().map(|(key, _)| key));
        }
        let terms: Vec<Pattern<'p>> = members
            .iter()
            .flat_map(|(key, value)| [key.clone(), value.clone()])
            .collect();
        match self.made(first, more, &terms, local) {
            Some(known) => known,
            None => Pattern::Object(members),
        }
    }

    /// A collection of which all terms are known.
    fn made(
        &self,
        first: &'p Kind,
        more: &[&'p Kind],
        terms: &[Pattern<'p>],
        local: i64,
    ) -> Option<Pattern<'p>> {
        let mut makes = vec![first];
        for term in terms {
            let Pattern::Known { makes: own, .. } = term else {
                return None;
            };
            makes.extend(own);
        }
        makes.extend(more);
        Some(Pattern::Known {
            makes,
            operand: Operand::Local(local),
        })
    }

    /// A term that OPA doesn't take apart: variables in it have to be arguments.
    fn whole(&self, operand: Operand, left: &mut usize) -> Pattern<'p> {
        match self.term(operand, left) {
            Pattern::Var(var) => match self.by_local.get(&var).map(Vec::as_slice) {
                Some(
                    [
                        assign @ Kind::AssignVar {
                            source: Operand::Local(source),
                            ..
                        },
                    ],
                ) if self.params.contains(source) => Pattern::Known {
                    makes: vec![assign],
                    operand,
                },
                // Taken out of an argument, perhaps.
                _ if !self.params.is_empty() && self.arguments.contains(&var) => Pattern::Unknown,
                _ => Pattern::Var(var),
            },
            // Within a set, or an object's key, nothing is taken apart.
            Pattern::Array(_) | Pattern::Object(_) if self.params.is_empty() => Pattern::Never,
            Pattern::Array(_) | Pattern::Object(_) => Pattern::Unknown,
            other => other,
        }
    }
}

/// What a collection is that isn't known, because of one of these.
fn unknown_or_never<'a, 'p: 'a>(mut terms: impl Iterator<Item = &'a Pattern<'p>>) -> Pattern<'p> {
    if terms.any(|term| matches!(term, Pattern::Unknown)) {
        Pattern::Unknown
    } else {
        Pattern::Never
    }
}
