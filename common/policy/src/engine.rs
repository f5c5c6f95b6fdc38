//! The one trait behind which policy engines sit. An engine is immutable: a new bundle is a new engine, and an
//! evaluation never waits, does I/O or reads the clock (time and randomness come in through [`Env`]).

use std::fmt;

use postern_rego::http::{HttpAnswers, HttpRequest};
use postern_rego::{Document, Effects, Env, EvalError, Part, Place, Span, Value};

use crate::input::InputReads;

/// A loaded policy, ready to be asked. Cheap to share, never changed.
pub trait Engine: Send + Sync {
    /// The revision of the bundle it was made from: opaque, never ordered; empty when the bundle has none.
    fn revision(&self) -> &str;

    /// What runs: `plan`, `wasm`; `other` for what isn't a bundle's.
    fn kind(&self) -> &'static str {
        "other"
    }

    /// What may be asked, slash-separated (`orders/authz/decision`), in the order of their names.
    fn entrypoints(&self) -> Vec<String>;

    /// Finds an entrypoint by path. A leading slash, and the forms `data/…` and `data.a.b`, name the same.
    fn entrypoint(&self, path: &str) -> Option<Entrypoint>;

    /// What of `input` this entrypoint can read: the rest need not be built. All of it where an engine can't tell.
    fn reads(&self, _entrypoint: Entrypoint) -> &InputReads {
        InputReads::everything()
    }

    /// Evaluates an entrypoint of this engine. Without an input, whatever refers to `input` is undefined, which is not
    /// the same as an input of `null`. `Ok(None)` is undefined: the policy has nothing to say.
    ///
    /// # Errors
    /// Where evaluation itself fails: a conflict between rules, a limit reached, an entrypoint of another engine.
    fn evaluate(
        &self,
        entrypoint: Entrypoint,
        input: Option<&Value>,
        env: &Env,
    ) -> Result<Option<Value>, EngineError>;

    /// As [`Engine::evaluate`], of an input that is made as the policy looks at it, where the engine can do that.
    ///
    /// # Errors
    /// As [`Engine::evaluate`].
    fn evaluate_document(
        &self,
        entrypoint: Entrypoint,
        input: &dyn Document,
        env: &Env,
    ) -> Result<Option<Value>, EngineError> {
        self.evaluate(entrypoint, Some(input.value(Part::WHOLE)), env)
    }

    /// What an answer of this entrypoint can depend on besides its input: on everything, where an engine can't tell.
    fn effects(&self, _entrypoint: Entrypoint) -> Effects {
        Effects::ALL
    }

    /// Why nothing of what an entrypoint reads and depends on is known, where that is so: then no answer is given twice.
    fn opaque(&self) -> Option<&'static str> {
        None
    }

    /// As [`Engine::evaluate_document`], and says at which other instants the answer would be the same, as far as the clock has
    /// a part in it: at no other, where an engine can't tell.
    ///
    /// # Errors
    /// As [`Engine::evaluate`].
    fn evaluate_dated(
        &self,
        entrypoint: Entrypoint,
        input: &dyn Document,
        env: &Env,
    ) -> Result<(Option<Value>, Span), EngineError> {
        let answer = self.evaluate_document(entrypoint, input, env)?;
        Ok((answer, Span::instant(env.now_ns)))
    }
}

/// Neither data nor code, which may be large.
impl fmt::Debug for dyn Engine + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("revision", &self.revision())
            .field("entrypoints", &self.entrypoints())
            .finish_non_exhaustive()
    }
}

/// Asks an entrypoint once, with an empty input, before it goes into service: what fails whatever the input (a conflict, a
/// limit, a policy that the engine can't run after all) is noticed while the last good one serves. What it answers doesn't
/// matter, and a request that it asks for isn't made. The limits are those of `env`.
///
/// # Errors
/// [`EngineError::Evaluation`], [`EngineError::Limit`].
pub fn smoke_check(engine: &dyn Engine, entrypoint: Entrypoint, env: &Env) -> Result<(), EngineError> {
    let empty = Value::Object(postern_rego::Object::default());
    let env = Env {
        http: HttpAnswers::up_to(1),
        ..env.clone()
    };
    match engine.evaluate(entrypoint, Some(&empty), &env) {
        Ok(_) | Err(EngineError::NeedsHttp(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// An entrypoint of one particular engine: valid only with the engine that gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Entrypoint(u32);

impl Entrypoint {
    /// For engines: the `index`-th of [`Engine::entrypoints`].
    #[must_use]
    pub const fn from_index(index: u32) -> Self {
        Self(index)
    }

    /// Its place in [`Engine::entrypoints`].
    #[must_use]
    pub const fn index(self) -> u32 {
        self.0
    }
}

/// Why a bundle can't become an engine, or why an evaluation failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The bundle carries Rego, but nothing that can be run.
    #[error(
        "the bundle has Rego ({first}{}) but no plan.json; build it with `postern bundle build -e <entrypoint> …` \
         or `opa build -t plan -e <entrypoint> …`",
        if *.count > 1 { format!(" and {} more", .count - 1) } else { String::new() }
    )]
    PlanMissing {
        /// The first Rego file, in the order of names.
        first: String,
        /// How many Rego files there are.
        count: usize,
    },
    /// The bundle has neither Rego nor a plan.
    #[error("the bundle has no policy: neither plan.json nor Rego")]
    NoPolicy,
    /// The bundle's Wasm module can't be run: it isn't OPA's, or it needs what this engine lacks.
    #[error("policy.wasm can't be run: {0}")]
    Wasm(String),
    /// The bundle's policy is a Wasm module, and this program was built without the engine for them.
    #[error(
        "the bundle's policy is a Wasm module, which this build of Postern can't run (the feature `wasm` is not in it): use \
         the program that is shipped (`make release`), or build the bundle with `opa build -t plan -e {entrypoint} …`"
    )]
    WasmAbsent {
        /// What is to be asked.
        entrypoint: String,
    },
    /// The plan can't be run as a whole: malformed, or it needs what this engine lacks.
    #[error("the plan can't be run: {0}")]
    Load(String),
    /// The bundle doesn't have what is to be asked.
    #[error("the policy has no entrypoint `{wanted}`; it has: {}", list(.available))]
    NoSuchEntrypoint {
        /// What was asked for, as written.
        wanted: String,
        /// What there is.
        available: Vec<String>,
    },
    /// An entrypoint fails whatever it is asked.
    #[error("entrypoint `{name}` can't be asked: {reason}")]
    Entrypoint {
        /// Its name.
        name: String,
        /// How it fails.
        reason: String,
    },
    /// The policy calls `http.send`, and whoever loads it doesn't have it on.
    #[error(
        "the policy calls `http.send`, which is off; a sidecar takes it once `policy.http_send.hosts` lists the hosts that \
         may be asked, and makes requests on routes that say `http_send: true`"
    )]
    HttpSendOff,
    /// The policy asks for a request that has no answer yet. Whoever can make it evaluates again with the same time and
    /// seed, and the answer in [`Env::http`].
    #[error("evaluation failed: http.send: {0} has no answer, and none is fetched here")]
    NeedsHttp(Box<HttpRequest>),
    /// An evaluation failed.
    #[error("evaluation failed: {0}")]
    Evaluation(Stopped),
    /// An evaluation was stopped, for it took more time, memory or work than it may.
    #[error("evaluation stopped: {0}")]
    Limit(Stopped),
}

/// Why an evaluation ended without an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stopped {
    /// In our words.
    pub problem: String,
    /// In OPA's, to the byte, where it has words for it.
    pub opa: String,
    /// OPA's code for it.
    pub code: &'static str,
    /// Where in the Rego it was, where that is known.
    pub place: Option<Box<Place>>,
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem)
    }
}

impl Stopped {
    /// What OPA calls an internal error.
    #[must_use]
    pub fn internal(problem: &str) -> Self {
        let code = "eval_internal_error";
        Self {
            problem: problem.to_owned(),
            opa: format!("{code}: {problem}"),
            code,
            place: None,
        }
    }
}

impl From<&EvalError> for Stopped {
    fn from(error: &EvalError) -> Self {
        Self {
            problem: error.to_string(),
            opa: error.as_opa(),
            code: error.code(),
            place: Some(error.place())
                .filter(|place| !place.file.is_empty())
                .map(|place| Box::new(place.clone())),
        }
    }
}

fn list(names: &[String]) -> String {
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}

/// The form in which a plan names its entrypoints: without `data`, without a leading slash, slash-separated.
///
/// A name that has slashes keeps its dots (`a/b.c` is two segments); only a name without any is read as dotted.
#[must_use]
pub fn normalize_entrypoint(path: &str) -> String {
    let path = path.trim_matches('/');
    let slashed = if path.contains('/') {
        path.to_owned()
    } else {
        path.replace('.', "/")
    };
    match slashed.strip_prefix("data/") {
        Some(rest) => rest.to_owned(),
        None => slashed,
    }
}

/// Which of an engine's names `path` means. They may be spelled as they were typed, `/a/b` say: both sides are normalised.
#[cfg(feature = "plan")]
pub(crate) fn find_entrypoint<'n>(
    names: impl IntoIterator<Item = &'n str>,
    path: &str,
) -> Option<Entrypoint> {
    let wanted = normalize_entrypoint(path);
    let mut names = (0..).zip(names);
    let (at, _) = names.find(|(_, name)| normalize_entrypoint(name) == wanted)?;
    Some(Entrypoint::from_index(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_an_entrypoint_is_the_same() {
        for spelling in [
            "orders/authz/decision",
            "/orders/authz/decision",
            "data/orders/authz/decision",
            "/data/orders/authz/decision",
            "data.orders.authz.decision",
            "orders.authz.decision",
            "orders/authz/decision/",
        ] {
            assert_eq!(
                normalize_entrypoint(spelling),
                "orders/authz/decision",
                "{spelling}"
            );
        }
    }

    #[test]
    fn dots_inside_a_slashed_path_stay() {
        assert_eq!(normalize_entrypoint("data/a/b.c"), "a/b.c");
        assert_eq!(normalize_entrypoint("database/x"), "database/x");
    }

    #[test]
    fn a_missing_plan_names_the_command_that_makes_it() {
        let error = EngineError::PlanMissing {
            first: "orders.rego".to_owned(),
            count: 2,
        };
        let text = error.to_string();
        assert!(text.contains("orders.rego and 1 more"), "{text}");
        assert!(text.contains("postern bundle build -e"), "{text}");
    }
}
