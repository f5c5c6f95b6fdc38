//! The operations that a plan's statements become: flat, with jumps in place of nested blocks, so that running them
//! needs no native recursion. Indices are in range by construction (`lower`).

/// A local variable: an offset into the running function's part of the stack.
pub(crate) type Local = u32;
/// An operation's place in the code.
pub(crate) type Address = u32;
/// Which of the iterations, or `with`s, that are open at once in a function.
pub(crate) type Slot = u32;

/// What an operation reads: a local variable or a constant, told apart by the highest bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Operand(u32);

/// An [`Operand`], taken apart.
pub(crate) enum Source {
    Local(Local),
    Constant(u32),
}

impl Operand {
    const CONSTANT: u32 = 1 << 31;
    /// There can be this many locals in a function, and this many constants.
    pub(crate) const BOUND: usize = Self::CONSTANT as usize;

    pub(crate) fn local(local: Local) -> Self {
        Operand(local & !Self::CONSTANT)
    }

    pub(crate) fn constant(index: u32) -> Self {
        Operand(index | Self::CONSTANT)
    }

    pub(crate) fn source(self) -> Source {
        if self.0 & Self::CONSTANT == 0 {
            Source::Local(self.0)
        } else {
            Source::Constant(self.0 & !Self::CONSTANT)
        }
    }
}

/// One operation. Those with `fail` go on there when they are undefined, the others go on with the next.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Op {
    /// What an operation becomes that isn't needed; never in a program that runs.
    Nothing,
    Jump {
        to: Address,
    },
    /// `target := source`, undefined included.
    Assign {
        source: Operand,
        target: Local,
    },
    /// As `Assign`, but a second value that differs is a conflict.
    AssignOnce {
        source: Operand,
        target: Local,
        fail: Address,
    },
    Reset {
        target: Local,
    },
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
    Equal {
        a: Operand,
        b: Operand,
        fail: Address,
    },
    NotEqual {
        a: Operand,
        b: Operand,
        fail: Address,
    },
    IsArray {
        source: Operand,
        fail: Address,
    },
    IsObject {
        source: Operand,
        fail: Address,
    },
    IsSet {
        source: Operand,
        fail: Address,
    },
    IsDefined {
        source: Local,
        fail: Address,
    },
    IsUndefined {
        source: Local,
        fail: Address,
    },
    Len {
        source: Operand,
        target: Local,
        fail: Address,
    },
    MakeArray {
        capacity: u32,
        target: Local,
    },
    MakeObject {
        target: Local,
    },
    MakeSet {
        target: Local,
    },
    ArrayAppend {
        value: Operand,
        array: Local,
        fail: Address,
    },
    SetAdd {
        value: Operand,
        set: Local,
        fail: Address,
    },
    ObjectInsert {
        key: Operand,
        value: Operand,
        object: Local,
        fail: Address,
    },
    /// As `ObjectInsert`, but a second value that differs is a conflict.
    ObjectInsertOnce {
        key: Operand,
        value: Operand,
        object: Local,
        fail: Address,
    },
    ObjectMerge {
        a: Local,
        b: Local,
        target: Local,
        fail: Address,
    },
    /// Opens an iteration over `source`; what can't be iterated has no elements.
    ScanStart {
        source: Local,
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
    ScanEnd {
        slot: Slot,
    },
    /// Replaces a local, or what is at a path in it, until `WithEnd`.
    WithStart {
        with: u32,
        slot: Slot,
        fail: Address,
    },
    WithEnd {
        slot: Slot,
    },
    /// Calls a function of the plan.
    Call {
        call: u32,
        fail: Address,
    },
    CallBuiltin {
        call: u32,
        fail: Address,
    },
    /// Calls the function at a path made when running; `missing` where there is none.
    CallDynamic {
        call: u32,
        missing: Address,
        fail: Address,
    },
    Return {
        source: Local,
    },
    ReturnUndefined,
    /// Finds the rules that can succeed and goes to the first; `done` where there is none.
    Select {
        index: u32,
        done: Address,
    },
    /// Goes to the next rule that was found, which is this one, or one after it, or none.
    Group {
        index: u32,
        group: u32,
        fail: Address,
    },
    /// Whether this rule of an `else` chain was found.
    Branch {
        branch: u32,
        fail: Address,
    },
    /// Whether the rules that were found give one value, so that the first success ends it.
    IsEarly {
        fail: Address,
    },
    /// Whether the key is the one asked for, if one is.
    IsAsked {
        key: Operand,
        asked: Local,
        fail: Address,
    },
    ResultAdd {
        value: Local,
        fail: Address,
    },
    /// Adds the result `{"result": value}`.
    ResultValue {
        value: Operand,
        fail: Address,
    },
    /// Ends an entrypoint.
    Finish,
}

impl Op {
    /// Where the operation goes when it doesn't go on with the next.
    pub(super) fn exit(&self) -> Option<Address> {
        let mut copy = *self;
        copy.exit_mut().copied()
    }

    /// Sets where the operation goes when it doesn't go on with the next. For a dynamic call that is where it goes
    /// when there is no function.
    pub(super) fn set_exit(&mut self, exit: Address) {
        if let Some(own) = self.exit_mut() {
            *own = exit;
        }
    }

    /// Everywhere it can go beside the next.
    pub(super) fn exits(&self) -> impl Iterator<Item = Address> {
        let undefined = match self {
            Op::CallDynamic { fail, .. } => Some(*fail),
            _ => None,
        };
        self.exit().into_iter().chain(undefined)
    }

    /// Whether it can go on with the next.
    pub(super) fn goes_on(&self) -> bool {
        !matches!(
            self,
            Op::Jump { .. } | Op::Return { .. } | Op::ReturnUndefined | Op::Finish
        )
    }

    /// Changes everywhere it can go beside the next.
    pub(super) fn map_exits(&mut self, place: impl Fn(Address) -> Address) {
        if let Op::CallDynamic { fail, .. } = self {
            *fail = place(*fail);
        }
        if let Some(exit) = self.exit_mut() {
            *exit = place(*exit);
        }
    }

    fn exit_mut(&mut self) -> Option<&mut Address> {
        match self {
            Op::Jump { to } => Some(to),
            Op::Select { done, .. } | Op::ScanNext { done, .. } | Op::ScanSeek { done, .. } => Some(done),
            Op::CallDynamic { missing, .. } => Some(missing),
            Op::AssignOnce { fail, .. }
            | Op::Dot { fail, .. }
            | Op::DotBase { fail, .. }
            | Op::Follow { fail, .. }
            | Op::DotCompare { fail, .. }
            | Op::Equal { fail, .. }
            | Op::NotEqual { fail, .. }
            | Op::IsArray { fail, .. }
            | Op::IsObject { fail, .. }
            | Op::IsSet { fail, .. }
            | Op::IsDefined { fail, .. }
            | Op::IsUndefined { fail, .. }
            | Op::Len { fail, .. }
            | Op::ArrayAppend { fail, .. }
            | Op::SetAdd { fail, .. }
            | Op::ObjectInsert { fail, .. }
            | Op::ObjectInsertOnce { fail, .. }
            | Op::ObjectMerge { fail, .. }
            | Op::WithStart { fail, .. }
            | Op::Group { fail, .. }
            | Op::Branch { fail, .. }
            | Op::IsEarly { fail }
            | Op::IsAsked { fail, .. }
            | Op::Call { fail, .. }
            | Op::CallBuiltin { fail, .. }
            | Op::ResultAdd { fail, .. }
            | Op::ResultValue { fail, .. } => Some(fail),
            Op::Nothing
            | Op::Assign { .. }
            | Op::Reset { .. }
            | Op::MakeArray { .. }
            | Op::MakeObject { .. }
            | Op::MakeSet { .. }
            | Op::ScanStart { .. }
            | Op::ScanEnd { .. }
            | Op::WithEnd { .. }
            | Op::Return { .. }
            | Op::ReturnUndefined
            | Op::Finish => None,
        }
    }
}

/// A function of the plan.
#[derive(Debug)]
pub(crate) struct Function {
    /// As the plan names it: `g0.data.a.b`.
    pub(crate) name: std::sync::Arc<str>,
    pub(crate) entry: Address,
    /// The parameters are the first locals.
    pub(crate) params: u32,
    pub(crate) locals: u32,
    /// Where its result is remembered for one input and data; `None` for functions with arguments of their own.
    pub(crate) memo: Option<u32>,
    /// Of a variant that gives no more than some keys of its result.
    pub(crate) asked: Option<Asked>,
}

/// The keys that a function is asked for: its last parameters, of which the last may be undefined.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    pub(crate) keys: u32,
    /// Where the whole result is remembered.
    pub(crate) whole: Option<u32>,
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

/// Where an [`Op::Follow`] goes.
#[derive(Debug)]
pub(crate) struct Path {
    pub(crate) source: Local,
    /// Constants.
    pub(crate) keys: Box<[u32]>,
    /// Whether the steps are those of `DotBase`.
    pub(crate) base: bool,
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
}
