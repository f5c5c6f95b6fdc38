//! OPA's Wasm ABI, as its documentation has it ("From Scratch", versions 1.2 and 1.3): what a module must import and export.
//! A module that differs is refused by the name of what differs.

use wasmtime::{ExternType, FuncType, Instance, Memory, Module, Store, TypedFunc, ValType};

use super::state::State;

/// The versions that are run: 1.2 brought the heap's present calling convention, and 1.x stays compatible.
const MAJOR: i32 = 1;
const LEAST_MINOR: i32 = 2;

/// What a module may import, all from `env`, with the number of `i32` parameters and whether there is an answer.
pub(super) const IMPORTS: [(&str, usize, bool); 7] = [
    ("opa_abort", 1, false),
    ("opa_println", 1, false),
    ("opa_builtin0", 2, true),
    ("opa_builtin1", 3, true),
    ("opa_builtin2", 4, true),
    ("opa_builtin3", 5, true),
    ("opa_builtin4", 6, true),
];

/// What is called, likewise.
const EXPORTS: [(&str, usize, bool); 14] = [
    ("builtins", 0, true),
    ("entrypoints", 0, true),
    ("eval", 1, true),
    ("opa_eval_ctx_get_result", 1, true),
    ("opa_eval_ctx_new", 0, true),
    ("opa_eval_ctx_set_data", 2, false),
    ("opa_eval_ctx_set_entrypoint", 2, false),
    ("opa_eval_ctx_set_input", 2, false),
    ("opa_free", 1, false),
    ("opa_heap_ptr_get", 0, true),
    ("opa_heap_ptr_set", 1, false),
    ("opa_malloc", 1, true),
    ("opa_value_dump", 1, true),
    ("opa_value_parse", 2, true),
];

/// The functions of one instance. Addresses are unsigned to us, and `i32` to Wasm.
pub(super) struct Exports {
    pub(super) memory: Memory,
    pub(super) builtins: TypedFunc<(), u32>,
    pub(super) entrypoints: TypedFunc<(), u32>,
    pub(super) eval: TypedFunc<u32, i32>,
    pub(super) result: TypedFunc<u32, u32>,
    pub(super) new_context: TypedFunc<(), u32>,
    pub(super) set_data: TypedFunc<(u32, u32), ()>,
    pub(super) set_entrypoint: TypedFunc<(u32, i32), ()>,
    pub(super) set_input: TypedFunc<(u32, u32), ()>,
    pub(super) free: TypedFunc<u32, ()>,
    pub(super) heap: TypedFunc<(), u32>,
    pub(super) set_heap: TypedFunc<u32, ()>,
    pub(super) malloc: TypedFunc<u32, u32>,
    pub(super) dump: TypedFunc<u32, u32>,
    pub(super) parse: TypedFunc<(u32, u32), u32>,
}

/// That a module is one of OPA's, as far as its types tell; the pages of memory that it begins with.
pub(super) fn check(module: &Module) -> Result<u64, String> {
    let mut pages = None;
    for import in module.imports() {
        let (from, name) = (import.module(), import.name());
        let is_known = match import.ty() {
            ExternType::Memory(memory) if from == "env" && name == "memory" => {
                pages = Some(memory.minimum());
                !memory.is_64() && !memory.is_shared() && memory.page_size() == 1 << 16
            }
            ExternType::Func(function) if from == "env" => IMPORTS
                .iter()
                .any(|(known, parameters, answers)| *known == name && is(&function, *parameters, *answers)),
            _ => false,
        };
        if !is_known {
            return Err(format!(
                "it imports `{from}.{name}`, which OPA's modules don't, or not so"
            ));
        }
    }
    for (name, parameters, answers) in EXPORTS {
        match module.get_export(name) {
            Some(ExternType::Func(function)) if is(&function, parameters, answers) => {}
            _ => return Err(format!("it has no function `{name}`, which OPA's modules export")),
        }
    }
    if !matches!(module.get_export("memory"), Some(ExternType::Memory(_))) {
        return Err("it exports no `memory`, as OPA's modules do".to_owned());
    }
    pages.ok_or_else(|| "it doesn't import `env.memory`, as OPA's modules do".to_owned())
}

fn is(function: &FuncType, parameters: usize, answers: bool) -> bool {
    let is_i32 = |kind: ValType| matches!(kind, ValType::I32);
    function.params().len() == parameters
        && function.params().all(is_i32)
        && function.results().len() == usize::from(answers)
        && function.results().all(is_i32)
}

/// That it is of a version that is run here.
pub(super) fn check_version(store: &mut Store<State>, instance: &Instance) -> Result<(), String> {
    let mut number = |name: &str| {
        let global = instance.get_global(&mut *store, name)?;
        global.get(&mut *store).i32()
    };
    let major = number("opa_wasm_abi_version");
    let minor = number("opa_wasm_abi_minor_version");
    match (major, minor) {
        (Some(MAJOR), Some(minor)) if minor >= LEAST_MINOR => Ok(()),
        (Some(major), Some(minor)) => Err(format!(
            "it is of version {major}.{minor} of OPA's Wasm ABI, and {MAJOR}.{LEAST_MINOR} or later is run here; build it with an \
             OPA of 2021 or later"
        )),
        _ => {
            Err("it doesn't say which version of OPA's Wasm ABI it is of (`opa_wasm_abi_version`)".to_owned())
        }
    }
}

impl Exports {
    pub(super) fn of(
        store: &mut Store<State>,
        instance: &Instance,
        memory: Memory,
    ) -> wasmtime::Result<Self> {
        Ok(Self {
            memory,
            builtins: instance.get_typed_func(&mut *store, "builtins")?,
            entrypoints: instance.get_typed_func(&mut *store, "entrypoints")?,
            eval: instance.get_typed_func(&mut *store, "eval")?,
            result: instance.get_typed_func(&mut *store, "opa_eval_ctx_get_result")?,
            new_context: instance.get_typed_func(&mut *store, "opa_eval_ctx_new")?,
            set_data: instance.get_typed_func(&mut *store, "opa_eval_ctx_set_data")?,
            set_entrypoint: instance.get_typed_func(&mut *store, "opa_eval_ctx_set_entrypoint")?,
            set_input: instance.get_typed_func(&mut *store, "opa_eval_ctx_set_input")?,
            free: instance.get_typed_func(&mut *store, "opa_free")?,
            heap: instance.get_typed_func(&mut *store, "opa_heap_ptr_get")?,
            set_heap: instance.get_typed_func(&mut *store, "opa_heap_ptr_set")?,
            malloc: instance.get_typed_func(&mut *store, "opa_malloc")?,
            dump: instance.get_typed_func(&mut *store, "opa_value_dump")?,
            parse: instance.get_typed_func(&mut *store, "opa_value_parse")?,
        })
    }
}
