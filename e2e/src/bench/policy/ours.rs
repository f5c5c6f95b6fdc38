//! Our side of the comparison.

use std::hint::black_box;
use std::time::{Duration, Instant};

use postern_policy::{Bundle, Engine as _, Entrypoint, Env, Limits, PlanEngine, Value, Verification};

use super::PolicyCase;
use crate::bench::Setting;

/// The engine and a parsed input.
pub(super) struct Ours {
    engine: PlanEngine,
    entrypoint: Entrypoint,
    input: Value,
}

impl Ours {
    pub(super) fn load(setting: &Setting, case: &PolicyCase) -> anyhow::Result<Self> {
        let archive = case.archive(setting)?;
        let bundle = Bundle::read(&archive, &Verification::Unsigned, &Limits::default())?;
        let engine = PlanEngine::from_bundle(&bundle)?;
        let entrypoint = engine.require(&case.entrypoint)?;
        let input = Value::from_json_slice(&std::fs::read(case.input())?)?;
        Ok(Self {
            engine,
            entrypoint,
            input,
        })
    }

    pub(super) fn evaluate(&self) -> anyhow::Result<Option<Value>> {
        Ok(self
            .engine
            .evaluate(self.entrypoint, Some(&self.input), &Env::new(0, [0; 32]))?)
    }

    pub(super) fn ns_per_evaluation(&self) -> anyhow::Result<f64> {
        const WARM_UP: Duration = Duration::from_millis(100);
        const STRETCH: Duration = Duration::from_millis(500);
        let run = |stretch: Duration| -> anyhow::Result<f64> {
            let (start, mut n) = (Instant::now(), 0u64);
            while start.elapsed() < stretch {
                for _ in 0..100 {
                    black_box(self.evaluate()?);
                }
                n += 100;
            }
            Ok(start.elapsed().as_nanos() as f64 / n as f64)
        };
        run(WARM_UP)?;
        run(STRETCH)
    }
}
