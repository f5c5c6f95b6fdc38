//! The one policy that all parts make: what the process was started with, and the bundles that come.

use std::sync::Arc;
use std::time::Duration;

use postern_compiler::{MissingTool, locate_opa};
use postern_decide::{DecisionCacheLimits, PolicyLimits};
use postern_opa_config::{DecisionPath, ExtAuthz, Plan, Segment};
use postern_policy::activation::Active;
use postern_policy::collection::DataPath;
use postern_policy::compilation::Wanted;
use postern_policy::{EvaluationLimits, HttpSend, Limits, TimeLimit, Verification};

use super::process::DropInError;
use super::{at_start, configured};
use crate::clock;
use crate::sync::{Activation, Context, PolicySet, Requirements};

/// How long one evaluation may take. OPA has no such limit, so it is far beyond what Envoy waits.
const EVALUATION: Duration = Duration::from_secs(10);

/// The policy's parts, and why nothing is compiled here, where that is so.
pub(super) struct Policy {
    pub(super) set: Arc<PolicySet>,
    pub(super) missing: Option<MissingTool>,
}

/// Compiles and activates what the command line names, where it names something.
///
/// # Errors
/// When it can't be read, or is refused.
pub(super) async fn start(
    plan: &Plan,
    plugin: &ExtAuthz,
    context: &Arc<Context>,
) -> Result<Policy, DropInError> {
    let at_start = at_start::read(&plan.policy, &Limits::default())?;
    let (requirements, missing) = requirements(&plugin.decision.path().entrypoint());
    let set = PolicySet::new(
        Arc::clone(context),
        Active::new(at_start.loose, at_start.version),
        wanted(plan, plugin),
        &requirements,
    );
    if !at_start.is_empty {
        let published = Arc::clone(&context.published);
        let tell = move |activation: &Activation| drop(published.swap_policy(&activation.policy));
        if let Err(error) = set.start(at_start.bundles, &tell).await {
            return Err(DropInError::Policy { error, missing });
        }
    }
    let set = Arc::new(set);
    Ok(Policy { set, missing })
}

/// What any policy must be, and why nothing is compiled here, where that is so.
pub(super) fn requirements(entrypoint: &str) -> (Requirements, Option<MissingTool>) {
    let (opa, missing) = match locate_opa(None) {
        Ok(opa) => (Some(opa), None),
        Err(missing) => (None, Some(missing)),
    };
    let requirements = Requirements {
        // Who fetches says what is signed by whom, and how large it may be.
        verification: Verification::Unsigned,
        entrypoint: entrypoint.to_owned(),
        limits: Limits::default(),
        http_send: HttpSend::On,
        may_fail: true,
        evaluation: PolicyLimits {
            evaluation: EvaluationLimits::default(),
            time: Some(TimeLimit::new(EVALUATION, clock::monotonic)),
        },
        opa,
        // The plugin remembers no decisions.
        cache: DecisionCacheLimits {
            entries: 0,
            ..DecisionCacheLimits::default()
        },
    };
    (requirements, missing)
}

/// What is asked: the plugin's decision first, then what else is, where the policy has it.
fn wanted(plan: &Plan, plugin: &ExtAuthz) -> Vec<Wanted> {
    let beside = configured::decisions(plan);
    let all = std::iter::once(plugin.decision.path()).chain(&beside);
    all.map(|path| Wanted {
        path: data_path(path),
        required: false,
    })
    .collect()
}

/// The path as policies are asked.
pub(super) fn data_path(path: &DecisionPath) -> DataPath {
    use postern_policy::collection::Segment as Step;
    path.segments
        .iter()
        .map(|segment| match segment {
            Segment::Text(text) => Step::Name(text.clone()),
            Segment::Number(number) => Step::Number(*number),
        })
        .collect()
}
