//! From a discovery bundle to the configuration that it says, by the same steps as policy: joined, compiled, evaluated.

use std::sync::Arc;

use postern_opa_config::DecisionPath;
use postern_policy::activation::{Active, Verified};
use postern_policy::collection::RegoVersion;
use postern_policy::compilation::Wanted;
use postern_policy::{HttpSend, Object, Value};

use crate::clock;
use crate::opa::bundles::NotApplied;
use crate::opa::policy;
use crate::sync::{Context, PolicySet};

/// The configuration as JSON.
///
/// # Errors
/// When the bundle doesn't compile, or says nothing at `decision`.
pub(super) async fn configuration(
    bundle: Verified,
    decision: &DecisionPath,
    context: &Arc<Context>,
) -> Result<String, NotApplied> {
    let path = policy::data_path(decision);
    let (mut requirements, _) = policy::requirements(&decision.entrypoint());
    // Nobody sends for it: it is refused by name rather than left without an answer.
    requirements.http_send = HttpSend::Off;
    let wanted = Wanted {
        path: path.clone(),
        required: false,
    };
    let active = Active::new(Default::default(), RegoVersion::V1);
    let set = PolicySet::new(Arc::clone(context), active, [wanted], &requirements);
    // Nothing decides by it.
    let activation = set.start(vec![bundle], &|_| {}).await;
    let policy = activation.map_err(NotApplied::Policy)?.policy;
    let secret = *context.randomness.secret();
    let evaluated = tokio::task::spawn_blocking(move || {
        let engine = policy.engine();
        let Some(entrypoint) = engine.entrypoint(&path.name()) else {
            return Ok(None);
        };
        engine.evaluate(entrypoint, None, &policy.env(clock::now(), secret))
    });
    let value = match evaluated.await {
        Ok(Ok(value)) => value,
        Ok(Err(error)) => return Err(NotApplied::Other(error.to_string())),
        Err(error) => return Err(NotApplied::Other(error.to_string())),
    };
    let value = value.ok_or_else(|| NotApplied::Other("undefined configuration".to_owned()))?;
    Ok(if decision.segments.is_empty() {
        without_system(&value).to_json()
    } else {
        value.to_json()
    })
}

/// All of `data` has what tells policies of their bundles, which is no configuration.
fn without_system(data: &Value) -> Value {
    let Some(members) = data.as_object() else {
        return data.clone();
    };
    let is_kept = |name: &Value| *name != Value::from("system");
    let kept = members.iter().filter(|(name, _)| is_kept(name));
    let kept: Object = kept.map(|(name, value)| (name.clone(), value.clone())).collect();
    Value::from(kept)
}
