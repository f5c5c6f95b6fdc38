//! OPA's intermediate representation as `opa build -t plan` writes it, read into plain data. Knows the grammar of
//! `plan.json` and `plan.pb`, not what their statements do; nothing is resolved or checked here beyond its shape.
//!
//! The format is described in OPA's documentation (*Intermediate Representation*) and in its `v1/ir/ir.go`.

mod fields;
mod protobuf;
mod read;
#[cfg(test)]
mod tests;
mod wire;

use std::sync::Arc;

pub(crate) use protobuf::read as read_protobuf;
pub(crate) use read::read;
pub use wire::ProtobufError;

/// The deepest nesting of blocks that is read. OPA's planner opens one for each iteration, negation and `with` of a
/// rule's body; people's policies stay far below. It bounds this crate's native recursion over plans.
pub(crate) const MAX_BLOCK_NESTING: usize = 200;

/// A whole plan.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) strings: Vec<Arc<str>>,
    pub(crate) files: Vec<Arc<str>>,
    pub(crate) builtins: Vec<BuiltinDecl>,
    pub(crate) entrypoints: Vec<Entrypoint>,
    pub(crate) functions: Vec<Function>,
}

/// A builtin that the plan calls.
#[derive(Debug)]
pub(crate) struct BuiltinDecl {
    pub(crate) name: Arc<str>,
    /// Whether it gives a result; `print` doesn't.
    pub(crate) has_result: bool,
}

/// A query: blocks that add to the result set.
#[derive(Debug, Default)]
pub(crate) struct Entrypoint {
    pub(crate) name: Arc<str>,
    pub(crate) blocks: Vec<Block>,
}

/// A rule or function. Its first two parameters are `input` and `data`.
#[derive(Debug, Default)]
pub(crate) struct Function {
    pub(crate) name: Arc<str>,
    pub(crate) params: Vec<i64>,
    pub(crate) blocks: Vec<Block>,
    /// What dynamic calls find it under; empty if they don't.
    pub(crate) path: Vec<Arc<str>>,
}

/// Statements that run in order until one is undefined.
#[derive(Debug, Default)]
pub(crate) struct Block {
    pub(crate) statements: Vec<Statement>,
}

/// A statement and the Rego it came from.
#[derive(Debug)]
pub(crate) struct Statement {
    pub(crate) kind: Kind,
    pub(crate) location: Location,
}

/// Where in the Rego: an index into the plan's files, row and column.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Location {
    pub(crate) file: i64,
    pub(crate) row: u32,
    pub(crate) column: u32,
}

/// What a statement reads: a local variable, or a constant.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Operand {
    Local(i64),
    /// An index into the plan's strings.
    String(i64),
    Bool(bool),
}

/// The statements, named as in the plan without their `Stmt`. Locals and indices are as the plan has them, unchecked.
#[derive(Debug)]
pub(crate) enum Kind {
    ArrayAppend {
        value: Operand,
        array: i64,
    },
    AssignInt {
        value: i64,
        target: i64,
    },
    AssignVar {
        source: Operand,
        target: i64,
    },
    AssignVarOnce {
        source: Operand,
        target: i64,
    },
    Block {
        blocks: Vec<Block>,
    },
    Break {
        index: i64,
    },
    Call {
        function: Arc<str>,
        args: Vec<Operand>,
        result: i64,
    },
    CallDynamic {
        path: Vec<Operand>,
        args: Vec<i64>,
        result: i64,
    },
    Dot {
        source: Operand,
        key: Operand,
        target: i64,
    },
    Equal {
        a: Operand,
        b: Operand,
    },
    IsArray {
        source: Operand,
    },
    IsDefined {
        source: i64,
    },
    IsObject {
        source: Operand,
    },
    IsSet {
        source: Operand,
    },
    IsUndefined {
        source: i64,
    },
    Len {
        source: Operand,
        target: i64,
    },
    MakeArray {
        capacity: i64,
        target: i64,
    },
    MakeNull {
        target: i64,
    },
    MakeNumberInt {
        value: i64,
        target: i64,
    },
    /// `index` is one of the plan's strings, the number's text.
    MakeNumberRef {
        index: i64,
        target: i64,
    },
    MakeObject {
        target: i64,
    },
    MakeSet {
        target: i64,
    },
    Nop,
    Not {
        block: Block,
    },
    NotEqual {
        a: Operand,
        b: Operand,
    },
    ObjectInsert {
        key: Operand,
        value: Operand,
        object: i64,
    },
    ObjectInsertOnce {
        key: Operand,
        value: Operand,
        object: i64,
    },
    ObjectMerge {
        a: i64,
        b: i64,
        target: i64,
    },
    ResetLocal {
        target: i64,
    },
    ResultSetAdd {
        value: i64,
    },
    ReturnLocal {
        source: i64,
    },
    Scan {
        source: i64,
        key: i64,
        value: i64,
        block: Block,
    },
    SetAdd {
        value: Operand,
        set: i64,
    },
    /// `path` holds indices of the plan's strings.
    With {
        local: i64,
        path: Vec<i64>,
        value: Operand,
        block: Block,
    },
    /// One that this machine doesn't know; kept so that the refusal can say where it stands.
    Unknown {
        name: String,
    },
}
