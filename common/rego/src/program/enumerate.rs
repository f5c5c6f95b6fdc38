//! Iterations over documents of which some stand under constants that are no names, as with `p[1] := x` and `p.a := y`. OPA goes
//! from one document to the next, and evaluates each when it comes to it (`v1/topdown/eval.go`, `evalTree.enumerate`); the planner
//! does so where all are names, and else makes the whole object first. Here the keys are gone over, level by level, and what is at
//! each is asked for by its keys.

use std::sync::Arc;

use super::live::reads_once;
use super::tree::Documents;
use crate::hash::HashMap;
use crate::number::Number;
use crate::plan::{Block, Kind, Location, Operand, Plan, Statement};
use crate::value::Value;

/// The first local that the planner never numbers so.
const FIRST_LOCAL: i64 = i64::MAX - 2_000_000;

/// Goes over the keys of functions that make such documents; `documents` has those of each function.
pub(super) fn one_by_one(plan: &mut Plan, documents: Vec<Documents>) {
    let documents: HashMap<Arc<str>, Documents> = plan
        .functions
        .iter()
        .zip(documents)
        .filter(|(_, documents)| !documents.0.is_empty())
        .map(|(function, documents)| (function.name.clone(), documents))
        .collect();
    if documents.is_empty() {
        return;
    }
    let Plan {
        strings,
        functions,
        entrypoints,
        ..
    } = plan;
    let functions = functions.iter_mut().map(|function| &mut function.blocks);
    let entrypoints = entrypoints.iter_mut().map(|entrypoint| &mut entrypoint.blocks);
    for blocks in functions.chain(entrypoints) {
        let mut body = Body {
            documents: &documents,
            strings,
            locals: 0,
        };
        blocks
            .iter_mut()
            .for_each(|block| body.list(&mut block.statements));
    }
}

struct Body<'k> {
    documents: &'k HashMap<Arc<str>, Documents>,
    strings: &'k [Arc<str>],
    /// How many locals were added.
    locals: i64,
}

/// A call, lookups of constants in what it gives, and the iteration over what is found there.
struct Iterated<'k> {
    documents: &'k Documents,
    /// How many statements there are before the iteration.
    before: usize,
    /// Where the documents are.
    found: i64,
}

impl<'k> Body<'k> {
    fn list(&mut self, statements: &mut Vec<Statement>) {
        let mut at = 0;
        while at < statements.len() {
            if let Some(iterated) = statements.get(at..).and_then(|from| self.iterated(from)) {
                let taken: Vec<Statement> = statements.drain(at..=at + iterated.before).collect();
                let written = self.rewritten(taken, &iterated);
                statements.splice(at..at, written);
            }
            let within: &mut [Block] = match statements.get_mut(at).map(|statement| &mut statement.kind) {
                Some(Kind::Block { blocks }) => blocks,
                Some(Kind::Not { block } | Kind::Scan { block, .. } | Kind::With { block, .. }) => {
                    std::slice::from_mut(block)
                }
                _ => &mut [],
            };
            within
                .iter_mut()
                .for_each(|block| self.list(&mut block.statements));
            at += 1;
        }
    }

    /// The documents that are called for, if the next statements iterate over them, and nothing else looks at them.
    fn iterated(&self, statements: &[Statement]) -> Option<Iterated<'k>> {
        let Kind::Call {
            function,
            args,
            result,
        } = &statements.first()?.kind
        else {
            return None;
        };
        let mut documents = self.documents.get(function).filter(|_| args.len() == 2)?;
        let mut found = *result;
        let mut made: Vec<(i64, Value)> = Vec::new();
        let mut rest = statements.get(1..)?;
        loop {
            let (next, after) = rest.split_first()?;
            match &next.kind {
                Kind::MakeNull { target } => made.push((*target, Value::Null)),
                Kind::MakeNumberInt { value, target } => made.push((*target, Value::from(*value))),
                Kind::MakeNumberRef { index, target } => made.push((*target, self.number(*index)?)),
                Kind::Dot {
                    source: Operand::Local(source),
                    key,
                    target,
                } if *source == found && reads_once(rest, found) => {
                    let key = match key {
                        Operand::String(index) => Value::String(self.text(*index)?.clone()),
                        Operand::Bool(flag) => Value::Bool(*flag),
                        Operand::Local(local) => {
                            let own = made.iter().rfind(|(own, _)| own == local);
                            own.map(|(_, value)| value.clone())?
                        }
                    };
                    let mut below = documents.0.iter();
                    documents = &below.find(|(own, _)| own.value.as_ref() == Some(&key))?.1;
                    found = *target;
                }
                Kind::Scan {
                    source,
                    key,
                    value,
                    block,
                } if *source == found && reads_once(rest, found) => {
                    let first = block.statements.first().filter(|first| takes(&first.kind, *key));
                    let inner = block.statements.get(usize::from(first.is_some())..)?;
                    let is_worth_it = documents.0.len() > 1 || below(&[documents], inner, *value).is_some();
                    return is_worth_it.then_some(Iterated {
                        documents,
                        before: statements.len() - rest.len(),
                        found,
                    });
                }
                _ => return None,
            }
            rest = after;
        }
    }

    fn text(&self, index: i64) -> Option<&Arc<str>> {
        usize::try_from(index)
            .ok()
            .and_then(|index| self.strings.get(index))
    }

    fn number(&self, index: i64) -> Option<Value> {
        Number::from_literal(self.text(index)?).map(Value::Number)
    }

    fn local(&mut self) -> i64 {
        self.locals += 1;
        FIRST_LOCAL + self.locals
    }

    /// A call and the iteration over what it gives, one document after the other.
    fn rewritten(&mut self, mut call: Vec<Statement>, iterated: &Iterated<'_>) -> Vec<Statement> {
        let mut levels = Vec::new();
        let mut nodes = vec![iterated.documents];
        let mut inner = Vec::new();
        let mut next = call.pop();
        while let Some(Statement {
            kind: Kind::Scan {
                key, value, block, ..
            },
            location,
        }) = next.take()
        {
            // The key's variable comes first: where it is known already, the other documents are passed over.
            let mut rest = block.statements.into_iter().peekable();
            let take = rest.next_if(|first| takes(&first.kind, key));
            inner = rest.collect();
            if let Some(children) = below(&nodes, &inner, value) {
                nodes = children;
                next = inner.pop();
            }
            levels.push(Level {
                key,
                value,
                take,
                location,
            });
        }
        let mut statements = call;
        let mut found = iterated.found;
        for level in &levels {
            statements.push(Statement {
                kind: Kind::Dot {
                    source: Operand::Local(found),
                    key: Operand::Local(level.key),
                    target: level.value,
                },
                location: level.location,
            });
            found = level.value;
        }
        statements.append(&mut inner);
        let Some(location) = levels.first().map(|first| first.location) else {
            return statements;
        };
        let mut written = Vec::new();
        let keys: Vec<i64> = (0..=levels.len()).map(|_| self.local()).collect();
        let sources = keys.iter().zip(keys.iter().skip(1));
        if let Some(first) = keys.first() {
            self.keys(iterated.documents, levels.len(), *first, location, &mut written);
        }
        for (level, (source, below)) in levels.into_iter().zip(sources).rev() {
            statements.splice(0..0, level.take);
            statements = vec![Statement {
                kind: Kind::Scan {
                    source: *source,
                    key: level.key,
                    value: *below,
                    block: Block { statements },
                },
                location: level.location,
            }];
        }
        written.append(&mut statements);
        written
    }

    /// Makes an object of the keys of documents: under each what is below it, to so many levels.
    fn keys(
        &mut self,
        documents: &Documents,
        levels: usize,
        target: i64,
        location: Location,
        into: &mut Vec<Statement>,
    ) {
        let statement = |kind| Statement { kind, location };
        into.push(statement(Kind::MakeObject { target }));
        for (key, below) in &documents.0 {
            let value = if levels > 1 {
                let own = self.local();
                self.keys(below, levels - 1, own, location, into);
                Operand::Local(own)
            } else {
                Operand::Bool(true)
            };
            let made = self.local();
            into.extend(key.make(made).map(statement));
            into.push(statement(Kind::ObjectInsert {
                key: key.operand_in(made),
                value,
                object: target,
            }));
        }
    }
}

/// An iteration over keys.
struct Level {
    key: i64,
    /// What is at the key.
    value: i64,
    take: Option<Statement>,
    location: Location,
}

/// What the documents of a level consist of, if each is one of documents, and nothing is done but to iterate over them.
fn below<'k>(nodes: &[&'k Documents], statements: &[Statement], value: i64) -> Option<Vec<&'k Documents>> {
    let [next] = statements else { return None };
    match &next.kind {
        Kind::Scan { source, .. } if *source == value && reads_once(statements, value) => {}
        _ => return None,
    }
    let children = nodes.iter().flat_map(|node| &node.0).map(|(_, below)| below);
    let children: Vec<&Documents> = children.collect();
    let each_has_some = children.iter().all(|child| !child.0.is_empty());
    (each_has_some && !children.is_empty()).then_some(children)
}

/// Whether a statement gives a key to a variable, or compares it.
fn takes(kind: &Kind, key: i64) -> bool {
    let is_key = |operand: &Operand| matches!(operand, Operand::Local(local) if *local == key);
    match kind {
        Kind::AssignVar { source, .. } => is_key(source),
        Kind::Equal { a, b } => is_key(a) || is_key(b),
        _ => false,
    }
}
