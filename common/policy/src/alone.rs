//! The engine of one bundle by itself, whichever its policy is made for.

use std::sync::Arc;

use crate::engine::smoke_check;
use crate::{Bundle, Engine, EngineError, Entrypoint, Env, HttpSend, PlanEngine};

/// Loads a bundle's plan; where it has none, and its manifest names what a Wasm module of it answers, that.
///
/// # Errors
/// As [`PlanEngine::from_bundle_with`]; [`EngineError::Wasm`], and [`EngineError::WasmAbsent`] in a build without the feature
/// `wasm`.
pub fn engine_of(bundle: &Bundle, http_send: HttpSend) -> Result<Arc<dyn Engine>, EngineError> {
    match bundle.manifest().wasm.first() {
        Some(entry) if bundle.plan().is_none() => of_module(bundle, entry, http_send),
        _ => Ok(Arc::new(PlanEngine::from_bundle_with(bundle, http_send)?)),
    }
}

/// [`smoke_check`] of every entrypoint: what passes is taken by a sidecar whichever of them it asks.
///
/// # Errors
/// [`EngineError::Entrypoint`] for the first that fails.
pub fn smoke_check_all(engine: &dyn Engine, env: &Env) -> Result<(), EngineError> {
    for (n, name) in (0..).zip(engine.entrypoints()) {
        smoke_check(engine, Entrypoint::from_index(n), env).map_err(|error| EngineError::Entrypoint {
            name,
            reason: error.to_string(),
        })?;
    }
    Ok(())
}

#[cfg(feature = "wasm")]
fn of_module(
    bundle: &Bundle,
    first: &crate::bundle::WasmEntry,
    http_send: HttpSend,
) -> Result<Arc<dyn Engine>, EngineError> {
    use crate::plan::Entry;
    use crate::{WasmEngine, WasmModule};

    let answered = &bundle.manifest().wasm;
    if answered.iter().any(|entry| entry.module != first.module) {
        return Err(EngineError::Wasm(
            "the bundle has several modules; build one of them".to_owned(),
        ));
    }
    let wasm = bundle
        .file(&first.module)
        .ok_or_else(|| EngineError::Wasm(format!("`{}` is not in the bundle", first.module)))?;
    let module = WasmModule::load(wasm, http_send)?;
    let entries: Vec<Entry> = module.entrypoints().map(Entry::of_plan).collect();
    Ok(Arc::new(WasmEngine::of(
        bundle.revision(),
        &module,
        bundle.data(),
        entries,
    )?))
}

#[cfg(not(feature = "wasm"))]
fn of_module(
    _: &Bundle,
    first: &crate::bundle::WasmEntry,
    _: HttpSend,
) -> Result<Arc<dyn Engine>, EngineError> {
    Err(EngineError::WasmAbsent {
        entrypoint: first.entrypoint.clone(),
    })
}
