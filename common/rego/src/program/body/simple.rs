//! The statements without blocks and calls: one operation each.

use super::{Address, Body, Constants, LATER, Op};
use crate::error::LoadError;
use crate::plan::{self, Kind};

impl Body<'_, '_> {
    pub(super) fn simple(&mut self, kind: &Kind) -> Result<(), LoadError> {
        const FAIL: Address = LATER;
        match kind {
            Kind::Nop | Kind::Block { .. } | Kind::Not { .. } | Kind::Scan { .. } | Kind::With { .. } => {
                Ok(())
            }
            Kind::Unknown { name } => Err(LoadError::UnknownStatement {
                name: name.clone(),
                place: self.place(),
            }),
            Kind::Break { index } => self.break_from(*index),
            Kind::Call {
                function,
                args,
                result,
            } => self.call(function, args, *result),
            Kind::CallDynamic { path, args, result } => self.call_dynamic(path, args, *result),
            Kind::AssignInt { value, target } | Kind::MakeNumberInt { value, target } => {
                let constant = self.builder.constants.int(*value);
                self.assign_constant(constant, *target)
            }
            Kind::MakeNumberRef { index, target } => {
                let string = self.string(*index)?;
                let constant = self.builder.constants.number(string);
                let constant =
                    constant.map_err(|text| self.invalid(format!("expected a number, found `{text}`")))?;
                self.assign_constant(constant, *target)
            }
            Kind::MakeNull { target } => self.assign_constant(Some(Constants::null()), *target),
            Kind::ReturnLocal { source } => {
                let source = self.local(*source)?;
                self.emit(Op::Return { source }).map(drop)
            }
            Kind::AssignVar { source, target } => {
                let is_live = self.live.contains(*target);
                let var = *target;
                let (source, target) = (self.operand(*source)?, self.target(*target)?);
                if is_live {
                    self.emit(Op::Assign { source, target })?;
                    self.filter(var, target)?;
                }
                self.leave_until(kind)
            }
            Kind::ResetLocal { target } => {
                let target = self.target(*target)?;
                self.emit(Op::Reset { target }).map(drop)
            }
            Kind::MakeArray { capacity, target } => {
                let (capacity, target) = (u32::try_from(*capacity).unwrap_or(0), self.target(*target)?);
                self.emit(Op::MakeArray { capacity, target }).map(drop)
            }
            Kind::MakeObject { target } => {
                let target = self.target(*target)?;
                self.emit(Op::MakeObject { target }).map(drop)
            }
            Kind::MakeSet { target } => {
                let target = self.target(*target)?;
                self.emit(Op::MakeSet { target }).map(drop)
            }
            Kind::AssignVarOnce { source, target } => self.assign_once(*source, *target),
            Kind::Dot { source, key, target } => self.dot(*source, *key, *target),
            Kind::Equal { a, b } => {
                let (a, b) = (self.operand(*a)?, self.operand(*b)?);
                self.emit_failing(Op::Equal { a, b, fail: FAIL })
            }
            Kind::NotEqual { a, b } => {
                let (a, b) = (self.operand(*a)?, self.operand(*b)?);
                self.emit_failing(Op::NotEqual { a, b, fail: FAIL })
            }
            Kind::IsArray { source } => {
                let source = self.operand(*source)?;
                self.emit_failing(Op::IsArray { source, fail: FAIL })
            }
            Kind::IsObject { source } => {
                let source = self.operand(*source)?;
                self.emit_failing(Op::IsObject { source, fail: FAIL })
            }
            Kind::IsSet { source } => {
                let source = self.operand(*source)?;
                self.emit_failing(Op::IsSet { source, fail: FAIL })
            }
            Kind::IsDefined { source } => {
                let source = self.local(*source)?;
                self.emit_failing(Op::IsDefined { source, fail: FAIL })
            }
            Kind::IsUndefined { source } => {
                let source = self.local(*source)?;
                self.emit_failing(Op::IsUndefined { source, fail: FAIL })
            }
            Kind::Len { source, target } => {
                let (source, target) = (self.operand(*source)?, self.target(*target)?);
                self.emit_failing(Op::Len {
                    source,
                    target,
                    fail: FAIL,
                })
            }
            Kind::ArrayAppend { value, array } => {
                let (value, array) = (self.operand(*value)?, self.target(*array)?);
                self.emit_failing(Op::ArrayAppend {
                    value,
                    array,
                    fail: FAIL,
                })
            }
            Kind::SetAdd { value, set } => {
                let to = *set;
                let (value, set) = (self.operand(*value)?, self.target(*set)?);
                self.emit_failing(Op::SetAdd {
                    value,
                    set,
                    fail: FAIL,
                })?;
                self.note_given(to);
                Ok(())
            }
            Kind::ObjectInsert { key, value, object } => {
                let (key, value) = (self.operand(*key)?, self.operand(*value)?);
                let object = self.target(*object)?;
                self.emit_failing(Op::ObjectInsert {
                    key,
                    value,
                    object,
                    fail: FAIL,
                })
            }
            Kind::ObjectInsertOnce { key, value, object } => {
                let to = *object;
                let (key, value) = (self.operand(*key)?, self.operand(*value)?);
                let object = self.target(*object)?;
                self.emit_failing(Op::ObjectInsertOnce {
                    key,
                    value,
                    object,
                    last: self.comprehended.contains(to),
                    fail: FAIL,
                })?;
                self.note_given(to);
                Ok(())
            }
            Kind::ObjectMerge { a, b, target } => {
                let (a, b, target) = (self.local(*a)?, self.local(*b)?, self.target(*target)?);
                self.emit_failing(Op::ObjectMerge {
                    a,
                    b,
                    target,
                    fail: FAIL,
                })
            }
            Kind::ResultSetAdd { value } => {
                let value = self.local(*value)?;
                self.emit_failing(Op::ResultAdd { value, fail: FAIL })
            }
        }
    }

    /// `target := constant`.
    fn assign_constant(&mut self, constant: Option<u32>, target: i64) -> Result<(), LoadError> {
        let constant = constant.ok_or_else(|| self.too_large("the number of constants"))?;
        let target = self.target(target)?;
        self.emit(Op::Assign {
            source: self.builder.constants.operand(constant),
            target,
        })?;
        Ok(())
    }

    fn dot(&mut self, source: plan::Operand, key: plan::Operand, target: i64) -> Result<(), LoadError> {
        let (source, key) = (self.operand(source)?, self.operand(key)?);
        let Some(way) = self.way(source) else {
            let target = self.target(target)?;
            return self.emit_failing(Op::Dot {
                source,
                key,
                target,
                fail: LATER,
            });
        };
        let place = self.place_at(&way)?;
        let target = self.target(target)?;
        self.base.insert(target, way.to(Some(key)));
        self.emit_failing(Op::DotBase {
            source,
            key,
            target,
            fail: LATER,
            place,
        })
    }
}
