//! Whether sidecars would take a bundle, found out as they do: by the same steps, asked for what they will ask for. Where its
//! Rego must be compiled first, says so.

use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};
use postern_policy::activation::{Active, Demand, NextStep, Verified};
use postern_policy::alone::engine_of;
use postern_policy::collection::{DataPath, Given, Member};
use postern_policy::compilation::Wanted;
use postern_policy::{Bundle, BundleName, Env, HttpSend, Limits, Verification};

use crate::model::Refused;

/// What came of looking at a bundle.
#[derive(Debug)]
pub(crate) enum Looked {
    /// It runs as it is.
    Runs,
    /// It runs once it is compiled.
    ToCompile {
        /// Its files that the compiler is given.
        files: Vec<(String, Vec<u8>)>,
        /// Whether its signer put it in an order.
        has_sequence: bool,
        /// Why it must be.
        why: String,
    },
}

/// Verifies the bundle and takes it through each step, which takes processor time in proportion to it. `asked` is what sidecars
/// ask; where it is empty, whatever its plan has.
///
/// # Errors
/// Why a sidecar wouldn't take it.
pub(crate) fn look(
    name: &BundleName,
    archive: &[u8],
    verification: &Verification,
    asked: &[String],
    env: &Env,
) -> Result<Looked, Refused> {
    let bundle = Arc::new(Bundle::read(archive, verification, &Limits::default())?);
    let verified = Verified::of(Member {
        name: name.as_str().to_owned(),
        bundle: Arc::clone(&bundle),
        etag: String::new(),
        given: Given::Fetched,
    });
    let sequence = bundle.sequence()?;
    let named = if asked.is_empty() {
        if is_rego_alone(&bundle) {
            return Err(Refused::NothingAsked);
        }
        engine_of(&bundle, HttpSend::On)?.entrypoints()
    } else {
        asked.to_vec()
    };
    let wanted = named.iter().map(|name| Wanted {
        path: DataPath::of_entrypoint(name),
        required: true,
    });
    let demand = Demand {
        wanted: wanted.collect(),
        http_send: HttpSend::On,
        may_fail: false,
    };
    match verified.join(&Active::of_one_bundle(None))?.next(&demand)? {
        NextStep::Ready(ready) => {
            ready.check()?.attempt(env)?;
            Ok(Looked::Runs)
        }
        NextStep::Compile(compiling) => Ok(Looked::ToCompile {
            files: bundle
                .files()
                .filter(|(path, _)| !is_made(path))
                .map(|(path, content)| (path.to_owned(), content.to_vec()))
                .collect(),
            has_sequence: sequence.is_some(),
            why: compiling.why().to_string(),
        }),
    }
}

/// What a bundle that was pushed is known by, with what is asked of it.
pub(crate) fn digest(archive: &[u8], asked: &[String]) -> String {
    let mut context = Context::new(&SHA256);
    for part in std::iter::once(archive).chain(asked.iter().map(String::as_bytes)) {
        context.update(&(part.len() as u64).to_le_bytes());
        context.update(part);
    }
    hex::encode(context.finish().as_ref())
}

fn is_rego_alone(bundle: &Bundle) -> bool {
    bundle.plan().is_none() && bundle.manifest().wasm.is_empty() && bundle.modules().next().is_some()
}

/// What is made of the rest of a bundle.
fn is_made(path: &str) -> bool {
    matches!(path, ".signatures.json" | "plan.json" | "plan.pb") || path.ends_with(".wasm")
}
