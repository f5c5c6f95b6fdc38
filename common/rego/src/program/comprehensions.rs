//! Comprehensions that OPA indexes (`v1/ast/compile.go`, `getComprehensionIndex`; `v1/topdown/eval.go`,
//! `buildComprehensionCache`): those that variables from around them only narrow. OPA evaluates such a comprehension once,
//! without these variables, and looks up what belongs to their values. The result is the same, but for how a number is written:
//! in `{x | x == 1}`, whatever way the `x` around it is written in, OPA has found `1`. Here the variable stands for what it
//! was equated with from there on.

use std::collections::BTreeSet;

use super::index::fills;
use super::local_set::LocalSet;
use crate::plan::{Block, Kind, Operand, Plan, Statement};

/// The first local that the planner never numbers so.
const FIRST_LOCAL: i64 = i64::MAX - 1_000_000;

/// So many variables of a comprehension are looked after; more have none of it.
const MOST_KEYS: usize = 16;

/// Lets the variables in indexed comprehensions stand for what they are equated with.
pub(super) fn spell(plan: &mut Plan) {
    for function in &mut plan.functions {
        let mut speller = Speller::default();
        function
            .blocks
            .iter_mut()
            .for_each(|block| speller.list(&mut block.statements, false));
    }
}

#[derive(Default)]
struct Speller {
    /// The locals that keep `input` or `data` for after a `with`.
    saved: LocalSet,
    fresh: i64,
}

impl Speller {
    /// `muted` is under a `with`, where OPA indexes nothing.
    fn list(&mut self, statements: &mut [Statement], muted: bool) {
        let mut made = None;
        for statement in statements {
            match &mut statement.kind {
                Kind::AssignVar {
                    source: Operand::Local(0 | 1),
                    target,
                } => {
                    self.saved.insert(*target);
                }
                Kind::Block { blocks } => {
                    if let (Some(made), false, [block]) = (made, muted, blocks.as_mut_slice())
                        && fills(&block.statements, made)
                    {
                        self.comprehension(&mut block.statements, made);
                    }
                    blocks
                        .iter_mut()
                        .for_each(|block| self.list(&mut block.statements, muted));
                }
                Kind::Not { block } | Kind::Scan { block, .. } => self.list(&mut block.statements, muted),
                Kind::With {
                    path, value, block, ..
                } => {
                    let is_undo = path.is_empty()
                        && matches!(value, Operand::Local(value) if self.saved.contains(*value));
                    self.list(&mut block.statements, !is_undo);
                }
                _ => {}
            }
            made = match statement.kind {
                Kind::MakeArray { target, .. } | Kind::MakeSet { target } | Kind::MakeObject { target } => {
                    Some(target)
                }
                _ => None,
            };
        }
    }

    fn comprehension(&mut self, statements: &mut Vec<Statement>, made: i64) {
        let mut body = Body {
            made,
            known: LocalSet::from_iter([0, 1, made]),
            keys: BTreeSet::new(),
        };
        if body.list(statements, true).is_none() {
            return;
        }
        for key in body.keys.into_iter().take(MOST_KEYS) {
            self.fresh += 1;
            replace_after(statements, made, key, FIRST_LOCAL + self.fresh);
        }
    }
}

/// A comprehension's body, read as OPA would evaluate it: without the variables from around it.
struct Body {
    made: i64,
    /// The locals that it writes itself.
    known: LocalSet,
    /// The variables from around it that it equates with something.
    keys: BTreeSet<i64>,
}

impl Body {
    /// Reads statements; `None` where OPA would not index. Outside of what gives the elements nothing gets a value.
    fn list(&mut self, statements: &[Statement], gives: bool) -> Option<()> {
        let mut made = None;
        for statement in statements {
            match &statement.kind {
                Kind::Equal { a, b } if gives => self.equal(*a, *b)?,
                Kind::Block { blocks } => {
                    let nested = matches!((made, blocks.as_slice()), (Some(made), [block]) if fills(&block.statements, made));
                    for block in blocks {
                        self.block(block, gives, nested)?;
                    }
                }
                Kind::Not { block } => self.block(block, false, false)?,
                Kind::Scan {
                    source,
                    key,
                    value,
                    block,
                } => {
                    self.read(*source)?;
                    self.known.insert(*key);
                    self.known.insert(*value);
                    self.block(block, gives && fills(&block.statements, self.made), false)?;
                }
                Kind::With { value, block, .. } => {
                    self.operand(*value)?;
                    self.block(block, gives, false)?;
                }
                kind => self.simple(kind)?,
            }
            made = match statement.kind {
                Kind::MakeArray { target, .. } | Kind::MakeSet { target } | Kind::MakeObject { target } => {
                    Some(target)
                }
                _ => None,
            };
        }
        Some(())
    }

    fn block(&mut self, block: &Block, gives: bool, nested: bool) -> Option<()> {
        let keys: Vec<i64> = self.keys.iter().copied().collect();
        if nested {
            // OPA leaves those alone that close over a variable.
            keys.iter().for_each(|key| {
                self.keys.remove(key);
            });
        }
        let found = self.list(&block.statements, gives && !nested);
        self.keys.extend(keys);
        found
    }

    fn equal(&mut self, a: Operand, b: Operand) -> Option<()> {
        match (a, b) {
            (Operand::Local(key), other) if !self.is_known(key) => {
                self.operand(other)?;
                self.keys.insert(key);
            }
            (other, Operand::Local(key)) if !self.is_known(key) => {
                self.operand(other)?;
                self.keys.insert(key);
            }
            _ => {}
        }
        Some(())
    }

    fn is_known(&self, local: i64) -> bool {
        self.known.contains(local) || self.keys.contains(&local)
    }

    fn read(&self, local: i64) -> Option<()> {
        self.is_known(local).then_some(())
    }

    fn operand(&self, operand: Operand) -> Option<()> {
        match operand {
            Operand::Local(local) => self.read(local),
            Operand::String(_) | Operand::Bool(_) => Some(()),
        }
    }

    fn simple(&mut self, kind: &Kind) -> Option<()> {
        match kind {
            Kind::AssignVar { source, target } | Kind::Len { source, target } => {
                self.operand(*source)?;
                self.known.insert(*target);
            }
            Kind::AssignInt { target, .. }
            | Kind::MakeArray { target, .. }
            | Kind::MakeNull { target }
            | Kind::MakeNumberInt { target, .. }
            | Kind::MakeNumberRef { target, .. }
            | Kind::MakeObject { target }
            | Kind::MakeSet { target }
            | Kind::ResetLocal { target } => {
                self.known.insert(*target);
            }
            Kind::Dot { source, key, target } => {
                self.operand(*source)?;
                self.operand(*key)?;
                self.known.insert(*target);
            }
            Kind::Call { args, result, .. } => {
                args.iter().try_for_each(|arg| self.operand(*arg))?;
                self.known.insert(*result);
            }
            Kind::Equal { a, b } | Kind::NotEqual { a, b } => {
                self.operand(*a)?;
                self.operand(*b)?;
            }
            Kind::IsArray { source } | Kind::IsObject { source } | Kind::IsSet { source } => {
                self.operand(*source)?;
            }
            Kind::IsDefined { source } | Kind::IsUndefined { source } => self.read(*source)?,
            Kind::ArrayAppend { value, .. } | Kind::SetAdd { value, .. } => self.operand(*value)?,
            Kind::ObjectInsert { key, value, .. } | Kind::ObjectInsertOnce { key, value, .. } => {
                self.operand(*key)?;
                self.operand(*value)?;
            }
            Kind::Nop | Kind::Break { .. } => {}
            _ => return None,
        }
        Some(())
    }
}

/// Puts what a variable is equated with in its place, from there on.
fn replace_after(statements: &mut Vec<Statement>, made: i64, key: i64, fresh: i64) {
    let equal = statements
        .iter()
        .position(|statement| matches!(statement.kind, Kind::Equal { a, b } if is(a, key) || is(b, key)));
    let Some(at) = equal else {
        for statement in statements {
            let within: &mut [Block] = match &mut statement.kind {
                Kind::Block { blocks } => blocks,
                Kind::Scan { block, .. } | Kind::With { block, .. } => std::slice::from_mut(block),
                _ => continue,
            };
            within
                .iter_mut()
                .filter(|block| fills(&block.statements, made))
                .for_each(|block| replace_after(&mut block.statements, made, key, fresh));
        }
        return;
    };
    let Some((before, after)) = statements.split_at_mut_checked(at + 1) else {
        return;
    };
    let Some(Statement {
        kind: Kind::Equal { a, b },
        location,
    }) = before.last()
    else {
        return;
    };
    let copy = Statement {
        kind: Kind::AssignVar {
            source: if is(*a, key) { *b } else { *a },
            target: fresh,
        },
        location: *location,
    };
    after
        .iter_mut()
        .for_each(|statement| rename(&mut statement.kind, key, fresh));
    statements.insert(at + 1, copy);
}

fn is(operand: Operand, local: i64) -> bool {
    matches!(operand, Operand::Local(own) if own == local)
}

/// Reads another local.
fn rename(kind: &mut Kind, from: i64, to: i64) {
    let operand = |operand: &mut Operand| {
        if is(*operand, from) {
            *operand = Operand::Local(to);
        }
    };
    let block = |block: &mut Block| {
        block
            .statements
            .iter_mut()
            .for_each(|statement| rename(&mut statement.kind, from, to));
    };
    match kind {
        Kind::AssignVar { source: value, .. }
        | Kind::ArrayAppend { value, .. }
        | Kind::SetAdd { value, .. }
        | Kind::IsArray { source: value }
        | Kind::IsObject { source: value }
        | Kind::IsSet { source: value }
        | Kind::Len { source: value, .. } => operand(value),
        Kind::Dot {
            source: a, key: b, ..
        }
        | Kind::Equal { a, b }
        | Kind::NotEqual { a, b }
        | Kind::ObjectInsert { key: a, value: b, .. }
        | Kind::ObjectInsertOnce { key: a, value: b, .. } => {
            operand(a);
            operand(b);
        }
        Kind::Call { args, .. } => args.iter_mut().for_each(operand),
        Kind::Block { blocks } => blocks.iter_mut().for_each(block),
        Kind::Not { block: inner } => block(inner),
        Kind::Scan {
            source, block: inner, ..
        } => {
            if *source == from {
                *source = to;
            }
            block(inner);
        }
        Kind::With {
            value, block: inner, ..
        } => {
            operand(value);
            block(inner);
        }
        _ => {}
    }
}
