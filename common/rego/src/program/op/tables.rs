//! What operations name by an index: functions, and the operands of those that have many, so that an operation stays small.

use std::sync::Arc;

use super::{Address, Local, Operand};

/// A function of the plan.
#[derive(Debug)]
pub(crate) struct Function {
    /// As the plan names it: `g0.data.a.b`.
    pub(crate) name: Arc<str>,
    pub(crate) entry: Address,
    /// The parameters are the first locals.
    pub(crate) params: u32,
    pub(crate) locals: u32,
    /// Where its result is remembered for one input and data; `None` for functions with arguments of their own.
    pub(crate) memo: Option<u32>,
    /// What its last arguments are, where its result is remembered by them.
    pub(crate) asked: Option<Asked>,
}

/// The arguments that a function's result is remembered by, its last ones.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Asked {
    /// Of a variant that gives no more than some keys of its result. The last may be undefined.
    Keys {
        count: u32,
        /// Where the whole result is remembered.
        whole: Option<u32>,
    },
    /// All of its own, of a function that prints, or of whose results one is asked for somewhere: OPA remembers what functions
    /// give, and it would show if one ran twice. Of others only what is written in another way than what they gave first, unless
    /// `always`.
    Arguments { count: u32, always: bool },
    /// All of its own, without the last, which is the result that is asked for: of a variant of the function `of`, with which it
    /// shares what is remembered. The last may be undefined.
    Result { count: u32, of: u32 },
}

impl Asked {
    /// Of so many arguments those that it is remembered by.
    pub(crate) fn arguments(self, all: usize) -> std::ops::Range<usize> {
        let (count, end) = match self {
            Asked::Keys { count, .. } | Asked::Arguments { count, .. } => (count, all),
            Asked::Result { count, .. } => (count, all.saturating_sub(1)),
        };
        end.saturating_sub(count as usize)..end
    }
}

/// The operands of a call.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) function: u32,
    pub(crate) args: Box<[Operand]>,
    pub(crate) result: Local,
    /// Whether `input` and `data` are handed on as the caller has them.
    pub(crate) same_world: bool,
}

/// The operands of a builtin's call.
#[derive(Debug)]
pub(crate) struct BuiltinCall {
    pub(crate) builtin: u32,
    pub(crate) args: Box<[Operand]>,
    pub(crate) result: Local,
}

/// The operands of a dynamic call.
#[derive(Debug)]
pub(crate) struct DynamicCall {
    pub(crate) path: Box<[Operand]>,
    pub(crate) args: Box<[Operand]>,
    pub(crate) result: Local,
    pub(crate) same_world: bool,
}

/// Where an [`Op::Follow`](super::Op::Follow) goes.
#[derive(Debug)]
pub(crate) struct Path {
    pub(crate) source: Local,
    /// Constants.
    pub(crate) keys: Box<[u32]>,
    /// Whether the steps are those of `DotBase`, and where the first begins.
    pub(crate) place: Option<u32>,
}

/// The operands of a `with`.
#[derive(Debug)]
pub(crate) struct With {
    pub(crate) local: Local,
    /// Constants: the keys that lead to what is replaced; none replace the local.
    pub(crate) path: Box<[u32]>,
    pub(crate) value: Operand,
    /// Whether it replaces (part of) `input` or `data`.
    pub(crate) changes_world: bool,
    /// Whether it puts back what was there before another: the planner so ends one within an expression.
    pub(crate) restores: bool,
}
