//! What becomes of an event, by the policies `system/log/drop` and `system/log/mask`, of the same bundle that decided. Where
//! one of them fails the event is lost, as in OPA: what was to be hidden isn't shown because hiding it failed.

use postern_decide::{ActivePolicy, Now};
use postern_policy::{EngineError, Value};

use super::event::Event;
use super::mask;

/// What becomes of an event.
#[derive(Debug, PartialEq)]
pub(super) enum Fate {
    /// It is told, without what was masked.
    Told(Box<Event>),
    /// The policy wants none of it.
    Dropped,
    /// It can't be known what may be told of it. The text says why.
    Lost(String),
}

/// Asks both policies. `drop` and `mask` are their names; what a bundle doesn't have says nothing.
pub(super) fn judge(
    mut event: Event,
    policy: Option<&ActivePolicy>,
    (drop, mask): (&str, &str),
    now: Now,
    mut seed: impl FnMut() -> [u8; 32],
) -> Fate {
    let Some(policy) = policy else {
        return Fate::Told(Box::new(event));
    };
    let mut told = None;
    let mut ask = |name: &str, event: &Event| -> Result<Option<Value>, EngineError> {
        let Some(entrypoint) = policy.engine().entrypoint(name) else {
            return Ok(None);
        };
        let told = told.get_or_insert_with(|| event.to_value());
        let env = policy.env(now, seed());
        policy.engine().evaluate(entrypoint, Some(told), &env)
    };
    match ask(drop, &event) {
        Ok(Some(Value::Bool(true))) => return Fate::Dropped,
        Ok(_) => {}
        Err(error) => return Fate::Lost(format!("the drop decision failed: {error}")),
    }
    match ask(mask, &event) {
        Ok(None) => {}
        Ok(Some(answer)) => match mask::rules(&answer) {
            Ok(rules) => mask::apply(&rules, &mut event),
            Err(error) => return Fate::Lost(format!("the mask decision can't be read: {error}")),
        },
        Err(error) => return Fate::Lost(format!("the mask decision failed: {error}")),
    }
    Fate::Told(Box::new(event))
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
