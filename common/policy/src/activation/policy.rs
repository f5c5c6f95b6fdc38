//! A policy that is loaded, whichever engine runs it.

use std::sync::Arc;

use postern_rego::{Program, Value};

use crate::compilation::RulePath;
use crate::plan::Entry;
use crate::{Engine, EngineError, Entrypoint, PlanEngine};
#[cfg(feature = "wasm")]
use crate::{WasmEngine, WasmModule};

/// What a bundle brought, or the compiler made.
#[derive(Debug, Clone)]
pub(super) enum Policy {
    /// A plan.
    Plan {
        program: Arc<Program>,
        /// Rules that aren't in it, and lie where data may not.
        unplanned: Arc<[RulePath]>,
    },
    /// A Wasm module.
    #[cfg(feature = "wasm")]
    Wasm(Arc<WasmModule>),
}

impl Policy {
    pub(super) fn unplanned(&self) -> &[RulePath] {
        match self {
            Self::Plan { unplanned, .. } => unplanned,
            #[cfg(feature = "wasm")]
            Self::Wasm(_) => &[],
        }
    }

    /// What it may be asked, as it spells it.
    pub(super) fn entrypoints(&self) -> Vec<String> {
        match self {
            Self::Plan { program, .. } => program.entrypoints().map(str::to_owned).collect(),
            #[cfg(feature = "wasm")]
            Self::Wasm(module) => module.entrypoints().map(str::to_owned).collect(),
        }
    }

    /// With its data and what may be asked of it; where each of the wanted names is asked.
    pub(super) fn engine(
        &self,
        revision: String,
        data: &Value,
        entries: Vec<Entry>,
        wanted: &[String],
    ) -> Result<(Arc<dyn Engine>, Vec<Entrypoint>), EngineError> {
        match self {
            Self::Plan { program, .. } => {
                let engine = PlanEngine::of(revision, Arc::clone(program), data.clone(), entries)?;
                let asked = named(&engine, wanted, |name| engine.named(name))?;
                Ok((Arc::new(engine), asked))
            }
            #[cfg(feature = "wasm")]
            Self::Wasm(module) => {
                let engine = WasmEngine::of(revision, module, data, entries)?;
                let asked = named(&engine, wanted, |name| engine.named(name))?;
                Ok((Arc::new(engine), asked))
            }
        }
    }
}

fn named(
    engine: &dyn Engine,
    wanted: &[String],
    find: impl Fn(&str) -> Option<Entrypoint>,
) -> Result<Vec<Entrypoint>, EngineError> {
    let each = wanted.iter().map(|name| {
        find(name).ok_or_else(|| EngineError::NoSuchEntrypoint {
            wanted: name.clone(),
            available: engine.entrypoints(),
        })
    });
    each.collect()
}
