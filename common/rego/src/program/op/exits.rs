//! Where operations go: to the next, or elsewhere.

use super::{Address, Op};

impl Op {
    /// Where the operation goes when it doesn't go on with the next.
    pub(in crate::program) fn exit(&self) -> Option<Address> {
        let mut copy = *self;
        copy.exit_mut().copied()
    }

    /// Sets where the operation goes when it doesn't go on with the next. For a dynamic call that is where it goes
    /// when there is no function.
    pub(in crate::program) fn set_exit(&mut self, exit: Address) {
        if let Some(own) = self.exit_mut() {
            *own = exit;
        }
    }

    /// Everywhere it can go beside the next.
    pub(in crate::program) fn exits(&self) -> impl Iterator<Item = Address> {
        let undefined = match self {
            Op::CallDynamic { fail, .. } => Some(*fail),
            _ => None,
        };
        self.exit().into_iter().chain(undefined)
    }

    /// Whether it can go on with the next.
    pub(in crate::program) fn goes_on(&self) -> bool {
        !matches!(
            self,
            Op::Jump { .. } | Op::Return { .. } | Op::ReturnUndefined | Op::Finish
        )
    }

    /// Changes everywhere it can go beside the next.
    pub(in crate::program) fn map_exits(&mut self, place: impl Fn(Address) -> Address) {
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
            | Op::TakeAsked { fail, .. }
            | Op::AskedIs { fail, .. }
            | Op::AskedPart { fail, .. }
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
            | Op::ScanAsked { .. }
            | Op::ScanEnd { .. }
            | Op::WithEnd { .. }
            | Op::Return { .. }
            | Op::ReturnUndefined
            | Op::Finish => None,
        }
    }
}
