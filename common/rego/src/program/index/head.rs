//! The head of a rule of a partial object, as its block shows it: the keys that lead to where it adds something.

use std::sync::Arc;

use crate::number::Number;
use crate::plan::{Block, Kind, Operand, Statement};
use crate::value::Value;

/// A rule's head.
#[derive(Debug)]
pub(in crate::program) struct RuleHead {
    /// Outermost first.
    pub(in crate::program) keys: Vec<Key>,
    /// Whether it adds to a set there.
    pub(in crate::program) set: bool,
    /// The local of the innermost collection, which the rule's last statement adds to.
    pub(in crate::program) last: i64,
}

impl RuleHead {
    /// The constants that it begins with.
    pub(in crate::program) fn constants(&self) -> Vec<Value> {
        self.keys.iter().map_while(|key| key.value.clone()).collect()
    }
}

/// One key.
#[derive(Debug, Clone)]
pub(in crate::program) struct Key {
    pub(in crate::program) operand: Operand,
    /// The value, if it is a constant.
    pub(in crate::program) value: Option<Value>,
    made: Option<Made>,
}

/// How a constant that is no operand is made.
#[derive(Debug, Clone, Copy)]
enum Made {
    Null,
    Int(i64),
    Text(i64),
}

impl Key {
    /// What makes the constant in another local, where something has to.
    pub(in crate::program) fn make(&self, target: i64) -> Option<Kind> {
        Some(match self.made? {
            Made::Null => Kind::MakeNull { target },
            Made::Int(value) => Kind::MakeNumberInt { value, target },
            Made::Text(index) => Kind::MakeNumberRef { index, target },
        })
    }

    /// The operand, where the constant was made in that local.
    pub(in crate::program) fn operand_in(&self, made: i64) -> Operand {
        match self.made {
            Some(_) => Operand::Local(made),
            None => self.operand,
        }
    }
}

/// The head of the rule in a block that adds to what a function returns.
pub(in crate::program) fn head(block: &Block, returned: i64, strings: &[Arc<str>]) -> Option<RuleHead> {
    let mut head = RuleHead {
        keys: Vec::new(),
        set: false,
        last: returned,
    };
    loop {
        let (operand, inner, set) = added(&block.statements, head.last)?;
        if set {
            head.set = true;
            return Some(head);
        }
        head.keys.push(key(block, operand, strings));
        match inner {
            Some(inner) if inner != head.last => head.last = inner,
            Some(_) => return None,
            None => return Some(head),
        }
    }
}

/// What is put into a collection: under which key, which collection there is added to in turn, and whether it is a set.
fn added(statements: &[Statement], to: i64) -> Option<(Operand, Option<i64>, bool)> {
    statements.iter().find_map(|statement| match &statement.kind {
        Kind::SetAdd { value, set } if *set == to => Some((*value, None, true)),
        Kind::ObjectInsertOnce { key, object, .. } if *object == to => Some((*key, None, false)),
        Kind::Dot {
            source: Operand::Local(source),
            key,
            target,
        } if *source == to => Some((*key, Some(*target), false)),
        Kind::Block { blocks } => blocks.iter().find_map(|block| added(&block.statements, to)),
        Kind::Scan { block, .. } | Kind::With { block, .. } => added(&block.statements, to),
        _ => None,
    })
}

fn key(block: &Block, operand: Operand, strings: &[Arc<str>]) -> Key {
    let text = |index: i64| usize::try_from(index).ok().and_then(|index| strings.get(index));
    let (value, made) = match operand {
        Operand::String(index) => (text(index).cloned().map(Value::String), None),
        Operand::Bool(flag) => (Some(Value::Bool(flag)), None),
        Operand::Local(local) => match super::made(block, local) {
            Some(Kind::MakeNull { .. }) => (Some(Value::Null), Some(Made::Null)),
            Some(Kind::MakeNumberInt { value, .. }) => (Some(Value::from(*value)), Some(Made::Int(*value))),
            Some(Kind::MakeNumberRef { index, .. }) => {
                let number = text(*index).and_then(|text| Number::from_literal(text));
                (number.map(Value::Number), Some(Made::Text(*index)))
            }
            _ => (None, None),
        },
    };
    Key {
        operand,
        made: made.filter(|_| value.is_some()),
        value,
    }
}
