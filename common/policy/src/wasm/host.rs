//! What modules call their host for: to give up, to print, and the builtins that they don't bring along.

use postern_rego::{BuiltinError, Context, Limit, Value};
use wasmtime::{AsContext, Caller, Extern, Func, Memory, Module, Store};

use super::state::{Builtin, Failure, State};
use crate::module_text::{ReadError, read, write};

/// No message of OPA's is longer.
const LONGEST_MESSAGE: usize = 4096;

/// What a module imports, in its order.
pub(super) fn imports(store: &mut Store<State>, module: &Module, memory: Memory) -> Vec<Extern> {
    let import = |name: &str, store: &mut Store<State>| -> Extern {
        match name {
            "memory" => memory.into(),
            "opa_abort" => Func::wrap(store, abort).into(),
            // For those who debug OPA's own library: modules that `opa build` makes don't print so.
            "opa_println" => Func::wrap(store, |_: Caller<'_, State>, _: u32| {}).into(),
            "opa_builtin0" => Func::wrap(store, |mut module: Caller<'_, State>, id: i32, _: u32| {
                call(&mut module, id, &[])
            })
            .into(),
            "opa_builtin1" => Func::wrap(store, |mut module: Caller<'_, State>, id: i32, _: u32, a: u32| {
                call(&mut module, id, &[a])
            })
            .into(),
            "opa_builtin2" => Func::wrap(
                store,
                |mut module: Caller<'_, State>, id: i32, _: u32, a: u32, b: u32| {
                    call(&mut module, id, &[a, b])
                },
            )
            .into(),
            "opa_builtin3" => Func::wrap(
                store,
                |mut module: Caller<'_, State>, id: i32, _: u32, a: u32, b: u32, c: u32| {
                    call(&mut module, id, &[a, b, c])
                },
            )
            .into(),
            // What else there is was refused before.
            _ => Func::wrap(
                store,
                |mut module: Caller<'_, State>, id: i32, _: u32, a: u32, b: u32, c: u32, d: u32| {
                    call(&mut module, id, &[a, b, c, d])
                },
            )
            .into(),
        }
    };
    module
        .imports()
        .map(|wanted| import(wanted.name(), store))
        .collect()
}

/// The bytes from an address up to a zero; `None` where there is none, or the address is no place in memory.
pub(super) fn terminated(memory: Memory, store: &impl AsContext, address: u32) -> Option<&[u8]> {
    let from = memory.data(store).get(usize::try_from(address).ok()?..)?;
    let end = from.iter().position(|byte| *byte == 0)?;
    from.get(..end)
}

fn abort(mut module: Caller<'_, State>, message: u32) -> wasmtime::Result<()> {
    let exports = module.data().exports.clone();
    let text = exports.and_then(|exports| terminated(exports.memory, &module, message));
    let text = text.map_or(&b"(unreadable abort message)"[..], |text| {
        text.get(..LONGEST_MESSAGE).unwrap_or(text)
    });
    let text = String::from_utf8_lossy(text).into_owned();
    // It is how the module's allocator says that it gets no more.
    let memory = module.data().memory;
    let failure = if memory.refused {
        memory_used_up(&memory)
    } else {
        Failure::Abort(text)
    };
    Err(module.data_mut().stop(failure))
}

pub(super) fn memory_used_up(memory: &super::state::MemoryLimit) -> Failure {
    Failure::Limit {
        limit: Limit::Memory,
        bound: memory.most as u64,
    }
}

/// Calls a builtin of ours; 0 is undefined.
fn call(module: &mut Caller<'_, State>, id: i32, operands: &[u32]) -> wasmtime::Result<u32> {
    let Some(builtin) = module
        .data()
        .builtins
        .iter()
        .find(|builtin| builtin.id == id)
        .cloned()
    else {
        let problem = format!("it calls a builtin number {id}, which it doesn't declare");
        return Err(module.data_mut().stop(Failure::Broken(problem)));
    };
    let Some(env) = module.data_mut().evaluation.env.take() else {
        let problem = format!("it calls {} while it is loaded", builtin.name);
        return Err(module.data_mut().stop(Failure::Broken(problem)));
    };
    let mut values = Vec::with_capacity(operands.len());
    for operand in operands {
        values.push(operand_of(module, *operand, env.limits.max_memory)?);
    }
    let mut context = match module.data_mut().evaluation.context.take() {
        Some(paused) => paused.resume(&env, None),
        None => Context::new(&env, env.limits.max_statements, None),
    };
    let outcome = (builtin.function)(&mut context, &values);
    let paused = context.pause();
    let limits = env.limits;
    let time = env.time_limit;
    let evaluation = &mut module.data_mut().evaluation;
    evaluation.context = Some(paused);
    evaluation.env = Some(env);
    let bound = |limit: Limit| match limit {
        Limit::Statements => limits.max_statements,
        Limit::Time => time.map_or(0, |time| {
            u64::try_from(time.max().as_millis()).unwrap_or(u64::MAX)
        }),
        _ => limits.max_memory,
    };
    match outcome {
        Ok(Some(value)) => answer(module, &value),
        Ok(None) => Ok(0),
        Err(BuiltinError::Lenient(message)) => {
            let evaluation = &mut module.data_mut().evaluation;
            if evaluation.strict {
                evaluation.failed.get_or_insert(failed(&builtin, message));
            }
            Ok(0)
        }
        Err(BuiltinError::Halt(message)) => Err(module.data_mut().stop(failed(&builtin, message))),
        Err(BuiltinError::NeedsHttp(request)) => Err(module.data_mut().stop(Failure::NeedsHttp(request))),
        Err(BuiltinError::Exhausted(limit)) => {
            let bound = bound(limit);
            Err(module.data_mut().stop(Failure::Limit { limit, bound }))
        }
    }
}

fn failed(builtin: &Builtin, message: String) -> Failure {
    Failure::Builtin {
        name: builtin.name.clone(),
        message,
    }
}

fn operand_of(module: &mut Caller<'_, State>, operand: u32, room: u64) -> wasmtime::Result<Value> {
    let Some(exports) = module.data().exports.clone() else {
        return Err(module
            .data_mut()
            .stop(Failure::Broken("it isn't ready".to_owned())));
    };
    let address = exports.dump.call(&mut *module, operand)?;
    let length = terminated(exports.memory, module, address).map_or(0, <[u8]>::len);
    charge(module, length)?;
    let text = terminated(exports.memory, module, address);
    let value = text.map_or_else(
        || Err(ReadError::Malformed("it isn't in memory".to_owned())),
        |text| read(text, room),
    );
    match value {
        Ok(value) => {
            exports.free.call(&mut *module, address)?;
            Ok(value)
        }
        Err(error) => Err(module.data_mut().stop(unreadable("an operand", error, room))),
    }
}

/// Reading what a module hands over, and writing what it is handed, is work of its, too: a byte is an instruction.
fn charge(module: &mut Caller<'_, State>, bytes: usize) -> wasmtime::Result<()> {
    let fuel = module.get_fuel()?;
    match fuel.checked_sub(bytes as u64) {
        Some(left) => module.set_fuel(left),
        None => Err(module.data_mut().stop(Failure::Limit {
            limit: Limit::Statements,
            bound: 0,
        })),
    }
}

pub(super) fn unreadable(what: &str, error: ReadError, room: u64) -> Failure {
    match error {
        ReadError::Malformed(problem) => Failure::Broken(format!("{what} is no value: {problem}")),
        ReadError::TooLarge => Failure::Limit {
            limit: Limit::Memory,
            bound: room,
        },
    }
}

/// Hands a value over, by the text that the module reads values from.
fn answer(module: &mut Caller<'_, State>, value: &Value) -> wasmtime::Result<u32> {
    let Some(exports) = module.data().exports.clone() else {
        return Err(module
            .data_mut()
            .stop(Failure::Broken("it isn't ready".to_owned())));
    };
    let mut text = String::new();
    write(value, &mut text);
    charge(module, text.len())?;
    let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
    let address = exports.malloc.call(&mut *module, length)?;
    let written = exports
        .memory
        .write(&mut *module, address as usize, text.as_bytes());
    let value = match written {
        Ok(()) => exports.parse.call(&mut *module, (address, length))?,
        Err(_) => 0,
    };
    if value == 0 {
        let problem = "it doesn't take what a builtin answers".to_owned();
        return Err(module.data_mut().stop(Failure::Broken(problem)));
    }
    exports.free.call(&mut *module, address)?;
    Ok(value)
}
