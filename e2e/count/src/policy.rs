//! A policy of any bundle, asked about an input from a file: as the bench of policies asks it.

use anyhow::{Context as _, ensure};
use postern_policy::{Bundle, Engine as _, Entrypoint, Env, Limits, PlanEngine, Value, Verification};

/// What is asked.
pub(crate) struct Policy {
    engine: PlanEngine,
    entrypoint: Entrypoint,
    input: Value,
}

impl Policy {
    /// Loads the bundle's plan, and asks once: what is there to be made once isn't counted.
    pub(crate) fn load(bundle: &[u8], entrypoint: &str, input: &[u8]) -> anyhow::Result<Self> {
        let bundle = read(bundle)?;
        let engine = PlanEngine::from_bundle(&bundle)?;
        let entrypoint = engine.require(entrypoint)?;
        let input = Value::from_json_slice(input).context("the input")?;
        let policy = Self {
            engine,
            entrypoint,
            input,
        };
        ensure!(policy.evaluate().is_some(), "the policy has no answer");
        Ok(policy)
    }

    /// One evaluation.
    pub(crate) fn evaluate(&self) -> Option<Value> {
        let env = Env::new(0, [0; 32]);
        let answer = self.engine.evaluate(self.entrypoint, Some(&self.input), &env);
        answer.ok().flatten()
    }
}

/// The bundle, whose signature is nobody's business here.
pub(crate) fn read(bundle: &[u8]) -> anyhow::Result<Bundle> {
    Ok(Bundle::read(bundle, &Verification::Unsigned, &Limits::default())?)
}
