//! The operations that a plan's statements become: flat, with jumps in place of nested blocks, so that running them
//! needs no native recursion. Indices are in range by construction (`body`).
//!
//! Each says which statement it comes from. What statements mean is OPA's word: `docs/docs/ir.md` (the page
//! "Intermediate Representation"), and where that is silent, what OPA's own compiler to Wasm makes of them
//! (`internal/compiler/wasm/wasm.go`, with `wasm/src/value.c`). A statement is undefined if an operand is; then the
//! block that it stands in ends, and what follows the block goes on. The operations without a statement
//! are what `optimize` makes of several, and what `index` adds for the things that OPA's evaluator (`v1/topdown`,
//! `v1/ast/index.go`) does and a plan doesn't say.

mod exits;
mod tables;

pub(crate) use tables::{Asked, BuiltinCall, Call, DynamicCall, Function, Path, With};

/// No place.
pub(crate) const NOWHERE: u32 = u32::MAX;

/// A local variable: an offset into the running function's part of the stack.
pub(crate) type Local = u32;
/// An operation's place in the code.
pub(crate) type Address = u32;
/// Which of the iterations, or `with`s, that are open at once in a function.
pub(crate) type Slot = u32;

/// What an operation reads: a local variable or a constant, told apart by the highest bit; the next one says of a constant
/// that to look something up by it has a price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Operand(u32);

/// An [`Operand`], taken apart.
pub(crate) enum Source {
    Local(Local),
    Constant(u32),
}

impl Operand {
    const CONSTANT: u32 = 1 << 31;
    const HEAVY: u32 = 1 << 30;
    /// There can be this many locals in a function, and this many constants.
    pub(crate) const BOUND: usize = Self::HEAVY as usize;

    pub(crate) fn local(local: Local) -> Self {
        Operand(local & !Self::CONSTANT)
    }

    /// The constant that stands at `index`, and whether its value is light ([`Value::is_light`](crate::Value)).
    pub(crate) fn constant(index: u32, is_light: bool) -> Self {
        let weight = if is_light { 0 } else { Self::HEAVY };
        Operand(index | Self::CONSTANT | weight)
    }

    /// Whether it is a constant that is light.
    #[inline]
    pub(crate) fn is_light_constant(self) -> bool {
        self.0 & (Self::CONSTANT | Self::HEAVY) == Self::CONSTANT
    }

    pub(crate) fn source(self) -> Source {
        if self.0 & Self::CONSTANT == 0 {
            Source::Local(self.0)
        } else {
            Source::Constant(self.0 & !(Self::CONSTANT | Self::HEAVY))
        }
    }
}

/// Kinds of collections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Collection {
    Array,
    Set,
    Object,
}

/// One operation. Those with `fail` go on there when they are undefined, the others go on with the next.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Op {
    /// What an operation becomes that isn't needed; never in a program that runs.
    Nothing,
    /// Goes on elsewhere: `BreakStmt`, and the ends of `BlockStmt`, `NotStmt` and `ScanStmt`.
    Jump { to: Address },
    /// `AssignVarStmt`, `AssignIntStmt` and the `Make…Stmt`s of scalars, which are constants here: `target := source`,
    /// undefined included.
    Assign { source: Operand, target: Local },
    /// `AssignVarOnceStmt`: as `Assign`, of a source that is defined; a second value that differs is a conflict.
    AssignOnce {
        source: Operand,
        target: Local,
        fail: Address,
    },
    /// `ResetLocalStmt`: the local is undefined from here on.
    Reset { target: Local },
    /// `DotStmt`: `target := source[key]`, of an object, an array, or a set, whose members are their own keys. Undefined where
    /// there is no such member, and for scalars.
    Dot {
        source: Operand,
        key: Operand,
        target: Local,
        fail: Address,
    },
    /// As `Dot`, of a source that was reached from `data` by lookups and iterations alone: a base document, or rather
    /// a place in OPA's storage.
    DotBase {
        source: Operand,
        key: Operand,
        target: Local,
        fail: Address,
        /// Which of the program's places the source is at; [`NOWHERE`] where that isn't known.
        place: u32,
    },
    /// Several `Dot`s or `DotBase`s, each of what the one before found.
    Follow {
        path: u32,
        target: Local,
        /// Whether it gives the same each time, so that what is found once stays.
        once: bool,
        fail: Address,
    },
    /// A `Dot`, and an `Equal` or `NotEqual` of what it finds.
    DotCompare {
        source: Operand,
        key: Operand,
        other: Operand,
        equal: bool,
        fail: Address,
    },
    /// `EqualStmt`: undefined unless both are equal, as OPA compares values.
    Equal { a: Operand, b: Operand, fail: Address },
    /// `NotEqualStmt`: undefined if both are equal, or one is undefined.
    NotEqual { a: Operand, b: Operand, fail: Address },
    /// `IsArrayStmt`: undefined unless it is an array.
    IsArray { source: Operand, fail: Address },
    /// `IsObjectStmt`: undefined unless it is an object.
    IsObject { source: Operand, fail: Address },
    /// `IsSetStmt`: undefined unless it is a set.
    IsSet { source: Operand, fail: Address },
    /// `IsDefinedStmt`: undefined unless the local is defined.
    IsDefined { source: Local, fail: Address },
    /// `IsUndefinedStmt`: undefined if the local is defined.
    IsUndefined { source: Local, fail: Address },
    /// `LenStmt`: how many elements, members or code points; undefined for what has no length.
    Len {
        source: Operand,
        target: Local,
        fail: Address,
    },
    /// `MakeArrayStmt`. The capacity is the plan's hint.
    MakeArray { capacity: u32, target: Local },
    /// `MakeObjectStmt`.
    MakeObject { target: Local },
    /// `MakeSetStmt`.
    MakeSet { target: Local },
    /// `ArrayAppendStmt`.
    ArrayAppend {
        value: Operand,
        array: Local,
        fail: Address,
    },
    /// `SetAddStmt`. Of values that are equal the first stays, with its way of writing.
    SetAdd {
        value: Operand,
        set: Local,
        fail: Address,
    },
    /// `ObjectInsertStmt`. A second value for a key replaces the first.
    ObjectInsert {
        key: Operand,
        value: Operand,
        object: Local,
        fail: Address,
    },
    /// `ObjectInsertOnceStmt`: as `ObjectInsert`, but a second value that differs is a conflict.
    ObjectInsertOnce {
        key: Operand,
        value: Operand,
        object: Local,
        /// Whether of equal values the last stays, with its way of writing: in comprehensions.
        last: bool,
        fail: Address,
    },
    /// `ObjectMergeStmt`: `a` with the members of `b` that it lacks, in the objects within both, too; the one that is defined
    /// where the other isn't; `a` where one is no object.
    ObjectMerge {
        a: Local,
        b: Local,
        target: Local,
        fail: Address,
    },
    /// Begins a `ScanStmt`: opens an iteration over `source`, in OPA's order; what can't be iterated has no elements.
    ScanStart { source: Local, slot: Slot },
    /// The same over the one element under the key that is asked for, if one is: not in the plan; OPA binds the keys of a rule's
    /// head before it visits the body. With `base`, `source` was reached from `data`.
    ScanAsked {
        source: Local,
        asked: Local,
        base: bool,
        /// As in `DotBase`.
        place: u32,
        slot: Slot,
    },
    /// Takes the next key, if something reads it, and value, or closes the iteration and goes to `done`.
    ScanNext {
        slot: Slot,
        key: Option<Local>,
        value: Local,
        done: Address,
    },
    /// A `ScanNext`, and a `DotCompare` of what it finds, until one holds: passes over the elements whose member `key`
    /// isn't `other`, or is, where `equal` is false.
    ScanSeek {
        slot: Slot,
        value: Local,
        key: Operand,
        other: Operand,
        equal: bool,
        done: Address,
    },
    /// Closes an iteration that is left early.
    ScanEnd { slot: Slot },
    /// Begins a `WithStmt`: replaces a local, or what is at a path in it, until `WithEnd`. On the way to a path what is missing
    /// or no object becomes one. Undefined, with nothing replaced, where a part would become undefined.
    WithStart { with: u32, slot: Slot, fail: Address },
    /// Puts back what the `with` replaced.
    WithEnd { slot: Slot },
    /// `CallStmt` of a function of the plan. Undefined where it returns nothing. A function without arguments of its own is
    /// run once for one `input` and `data`.
    Call { call: u32, fail: Address },
    /// `CallStmt` of a builtin. Undefined where it has no result, and where it fails, unless errors are strict.
    CallBuiltin { call: u32, fail: Address },
    /// `CallDynamicStmt`: calls the function at a path made when running; `missing` where there is none.
    CallDynamic {
        call: u32,
        missing: Address,
        fail: Address,
    },
    /// `ReturnLocalStmt`: ends a function.
    Return { source: Local },
    /// Ends a function whose blocks came to no `ReturnLocalStmt`.
    ReturnUndefined,
    /// Finds the rules that can succeed and goes to the first; `done` where there is none.
    Select { index: u32, done: Address },
    /// Goes to the next rule that was found, which is this one, or one after it, or none.
    Group { index: u32, group: u32, fail: Address },
    /// Whether this rule of an `else` chain was found.
    Branch { branch: u32, fail: Address },
    /// Whether the rules that were found give one value, so that the first success ends it.
    IsEarly { fail: Address },
    /// Not in the plan: goes to `fail` where a key is asked for that isn't a collection of this kind, with so many elements
    /// unless that is [`NOWHERE`].
    AskedIs {
        asked: Local,
        kind: Collection,
        len: u32,
        fail: Address,
    },
    /// `target := asked[key]`, if a key is asked for, which is `asked`; undefined where it lacks that.
    AskedPart {
        asked: Local,
        key: Operand,
        target: Local,
        fail: Address,
    },
    /// Whether the key is the one asked for, if one is.
    IsAsked {
        key: Operand,
        asked: Local,
        fail: Address,
    },
    /// The same of a variable, which is then written as the key that is asked for: OPA has bound it to that.
    TakeAsked { var: Local, asked: Local, fail: Address },
    /// `ResultSetAddStmt`: adds an object of a query's variables to the results.
    ResultAdd { value: Local, fail: Address },
    /// Adds the result `{"result": value}`.
    ResultValue { value: Operand, fail: Address },
    /// Ends an entrypoint.
    Finish,
}
