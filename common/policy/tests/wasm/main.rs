//! The engine for Wasm modules over what OPA builds: what it answers, beside the plan of the same policy; how far a module may
//! go; and what isn't taken for one.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

mod activation;
mod answers;
mod bounds;
mod builtins;
mod foreign;
mod hostile;
mod left_out;
#[path = "../support/mod.rs"]
mod support;

use std::fs;

use postern_policy::plan::Entry;
use postern_policy::{
    Bundle, Engine as _, EngineError, Env, HttpSend, Limits, PlanEngine, Value, Verification, WasmEngine,
    WasmModule,
};

/// What OPA makes of a policy: a bundle with a plan, and one with a module.
pub(crate) struct Built {
    pub(crate) plan: Bundle,
    pub(crate) wasm: Bundle,
    /// The archive of the second.
    pub(crate) archive: Vec<u8>,
}

pub(crate) fn build(files: &[(&str, &str)], entrypoints: &[&str]) -> Built {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join("policy").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let archive = |target: &str| {
        let mut arguments = vec![
            "build",
            "-t",
            target,
            "--revision",
            "r1",
            "-o",
            "out.tar.gz",
            "-b",
            "policy",
        ];
        for entrypoint in entrypoints {
            arguments.extend(["-e", entrypoint]);
        }
        if target == "wasm" {
            // Otherwise `print` is left out.
            arguments.push("--wasm-include-print");
        }
        support::run_well(folder.path(), &arguments);
        fs::read(folder.path().join("out.tar.gz")).unwrap()
    };
    let read = |archive: &[u8]| Bundle::read(archive, &Verification::Unsigned, &Limits::default()).unwrap();
    let wasm = archive("wasm");
    Built {
        plan: read(&archive("plan")),
        wasm: read(&wasm),
        archive: wasm,
    }
}

pub(crate) fn module(bundle: &Bundle) -> &[u8] {
    bundle.file("policy.wasm").expect("a module")
}

pub(crate) fn engine(bundle: &Bundle) -> Result<WasmEngine, EngineError> {
    of_module(module(bundle), bundle.data())
}

pub(crate) fn of_module(wasm: &[u8], data: &Value) -> Result<WasmEngine, EngineError> {
    let module = WasmModule::load(wasm, HttpSend::Off)?;
    let entries: Vec<Entry> = module.entrypoints().map(Entry::of_plan).collect();
    WasmEngine::of("r1", &module, data, entries)
}

pub(crate) fn env() -> Env {
    Env::new(1_767_225_600_000_000_000, [7; 32])
}

/// What both engines answer, each in JSON; `None` is undefined.
pub(crate) type Pair = [Result<Option<String>, EngineError>; 2];

/// The two engines of one policy.
pub(crate) struct Engines {
    pub(crate) plan: PlanEngine,
    pub(crate) wasm: WasmEngine,
}

impl Engines {
    pub(crate) fn of(built: &Built) -> Self {
        Self {
            plan: PlanEngine::from_bundle(&built.plan).unwrap(),
            wasm: engine(&built.wasm).unwrap(),
        }
    }

    pub(crate) fn ask(&self, path: &str, input: Option<&Value>, env: &Env) -> Pair {
        let shown = |value: Option<Value>| value.map(|value| value.to_json());
        let plan = self
            .plan
            .evaluate(self.plan.entrypoint(path).unwrap(), input, env);
        let wasm = self
            .wasm
            .evaluate(self.wasm.entrypoint(path).unwrap(), input, env);
        [plan.map(shown), wasm.map(shown)]
    }
}

pub(crate) fn json(text: &str) -> Value {
    Value::from_json_str(text).expect(text)
}
