//! What both sides agree on about policy: the document a policy is asked with, the forms its answer may take, the
//! bundle it comes in, and the [`Engine`] that runs it.
//!
//! - [`input`] builds the document that OPA-Envoy gives a policy, plus `input.postern`, from borrowed parts.
//! - [`PolicyResult`] reads what the policy answered; anything of the wrong form is an error that names it.
//! - [`bundle`] (feature `bundle`) reads, verifies, builds and signs OPA's bundles.
//! - [`builtins`] (feature `builtins`) are the builtins of policies that need cryptography.
//! - [`collection`] (feature `bundle`) is all that is active together: bundles, and files beside them.
//! - [`compilation`] (feature `bundle`) is how OPA's compiler makes one plan of that.
//! - [`activation`] (features `bundle` and `plan`) is every step from an archive to a policy that may be asked.
//! - [`alone`] (features `bundle` and `plan`) is the engine of one bundle by itself.
//! - [`plan`] (feature `plan`) runs a bundle's plan.
//! - [`module_text`] reads and writes values as Wasm modules do.
//! - [`wasm`] (feature `wasm`) runs a bundle's Wasm module, where there is no plan.
//!
//! Without default features this crate knows neither archives nor signatures nor any engine: that core is what the
//! sidecar's decision is written against. Nothing here does I/O or reads a clock, but for one thread that interrupts Wasm
//! modules ([`wasm`]).

pub mod engine;
pub mod input;
pub mod result;

#[cfg(any(feature = "builtins", feature = "bundle"))]
mod path_unescape;
mod plan_file;
mod runtime;

#[cfg(all(feature = "bundle", feature = "plan"))]
pub mod activation;
#[cfg(all(feature = "bundle", feature = "plan"))]
pub mod alone;
#[cfg(feature = "builtins")]
pub mod builtins;
#[cfg(feature = "bundle")]
pub mod bundle;
#[cfg(feature = "bundle")]
pub mod collection;
#[cfg(feature = "bundle")]
pub mod compilation;
#[cfg(feature = "bundle")]
pub mod go_match;
pub mod module_text;
#[cfg(feature = "bundle")]
mod modules;
#[cfg(feature = "plan")]
pub mod plan;
#[cfg(feature = "wasm")]
pub mod wasm;

pub use engine::{Engine, EngineError, Entrypoint, Stopped};
pub use plan_file::PlanFile;
pub use result::{Allow, Deny, DenyOrigin, PolicyResult, Refusal, RefusalCode, ResultError};
pub use runtime::{OPA_VERSION, runtime};

#[cfg(feature = "bundle")]
pub use bundle::{
    Arrived, Bundle, BundleBuilder, BundleError, BundleName, Delta, DeltaError, Deltas, Limits, Verification,
    VerificationKey,
};
#[cfg(all(feature = "bundle", feature = "builtins"))]
pub use bundle::{OpaKey, OpaVerification};
#[cfg(feature = "bundle")]
pub use modules::keep_modules_in;
#[cfg(feature = "plan")]
pub use plan::{HttpSend, PlanEngine, Reach};
#[cfg(feature = "wasm")]
pub use wasm::{WasmEngine, WasmModule};

/// What an evaluation is given besides input and data: the time, a seed, limits, and answers to `http.send`.
pub use postern_rego::{
    Array, Calls, Document, Effects, Env, Limits as EvaluationLimits, Object, Part, Parts, Place, Span,
    TimeLimit, Value, http,
};
