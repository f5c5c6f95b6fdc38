//! Calls: of the plan's functions, of builtins, of rules found by a path.

use super::{Body, DATA, INPUT, LATER, Op, Operand};
use crate::error::LoadError;
use crate::plan;
use crate::program::op::{BuiltinCall, Call, DynamicCall};

/// A dynamic call whose function is found but undefined leaves this block around it, as OPA's own compiler to Wasm
/// has it.
const DYNAMIC_CALL_BLOCK: usize = 3;

/// How many arguments are the world: `input` and `data`.
const WORLD: usize = 2;

impl Body<'_, '_> {
    pub(super) fn call(&mut self, name: &str, args: &[plan::Operand], result: i64) -> Result<(), LoadError> {
        let args = self.operands(args)?;
        let result = self.target(result)?;
        if let Some((function, params)) = self.builder.function(name) {
            if args.len() == WORLD && params > WORLD {
                // A function that is referred to as a document is none.
                return self.emit_failing(Op::Jump { to: LATER });
            }
            if args.len() != params {
                return Err(self.invalid(format!("`{name}` takes {params} arguments, not {}", args.len())));
            }
            let call = self.index(self.builder.calls.len())?;
            let same_world = hands_world_on(&args);
            self.builder.calls.push(Call {
                function,
                args,
                result,
                same_world,
            });
            return self.emit_failing(Op::Call { call, fail: LATER });
        }
        let Some(builtin) = self.builder.builtin(name) else {
            return Err(LoadError::UnknownFunction {
                name: name.to_owned(),
                place: self.place(),
            });
        };
        let call = self.index(self.builder.builtin_calls.len())?;
        self.builder.builtin_calls.push(BuiltinCall {
            builtin,
            args,
            result,
        });
        self.emit_failing(Op::CallBuiltin { call, fail: LATER })
    }

    pub(super) fn call_dynamic(
        &mut self,
        path: &[plan::Operand],
        args: &[i64],
        result: i64,
    ) -> Result<(), LoadError> {
        let path = self.operands(path)?;
        let args: Vec<plan::Operand> = args.iter().map(|arg| plan::Operand::Local(*arg)).collect();
        let args = self.operands(&args)?;
        let result = self.target(result)?;
        let call = self.index(self.builder.dynamic_calls.len())?;
        let same_world = hands_world_on(&args);
        self.builder.dynamic_calls.push(DynamicCall {
            path,
            args,
            result,
            same_world,
        });
        let Some(unwinding) = self.scopes.unwinding(DYNAMIC_CALL_BLOCK) else {
            return Err(self.invalid("CallDynamicStmt: expected four blocks around it"));
        };
        let here = self.here()?;
        // Past the call and the jump over what follows.
        let undefined = here.saturating_add(2);
        self.emit_failing(Op::CallDynamic {
            call,
            missing: LATER,
            fail: undefined,
        })?;
        let defined = self.emit(Op::Jump { to: LATER })?;
        for op in unwinding {
            self.emit(op)?;
        }
        let leave = self.emit(Op::Jump { to: LATER })?;
        self.scopes.wait(DYNAMIC_CALL_BLOCK, leave);
        self.patch(&[defined])
    }

    pub(super) fn index(&self, len: usize) -> Result<u32, LoadError> {
        u32::try_from(len).map_err(|_| self.too_large("the number of calls"))
    }
}

/// Whether the first arguments are the caller's own `input` and `data`.
pub(super) fn hands_world_on(args: &[Operand]) -> bool {
    matches!(args, [input, data, ..] if *input == Operand::local(INPUT) && *data == Operand::local(DATA))
}
