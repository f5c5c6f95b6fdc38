//! Hands each decision to those who tell of it: the plugin's metrics and the decision log. Never waits.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use postern_decide::opa_envoy::Verdict;
use postern_decide::{ActivePolicy, Now, OpaEnvoySettings, Resumption};

use super::log::{Teller, Told};
use super::status::PluginMetrics;

/// Who is told of decisions.
#[derive(Debug, Clone, Default)]
pub(crate) struct Observer {
    /// Where `enable-performance-metrics` asks for it.
    pub(crate) metrics: Option<Arc<PluginMetrics>>,
    /// Where the configuration has `decision_logs`, which may change.
    pub(crate) log: Arc<ArcSwapOption<Teller>>,
}

impl Observer {
    /// A decision was made by `policy` on the request with this gRPC body; it was done at a time, and took so long.
    /// `made_with` is what it can be made with once more.
    pub(crate) fn decided(
        &self,
        body: &Bytes,
        verdict: &Verdict,
        settings: &OpaEnvoySettings,
        policy: Option<&Arc<ActivePolicy>>,
        (at, took): (Now, Duration),
        made_with: impl FnOnce() -> Resumption,
    ) {
        if let Some(metrics) = &self.metrics {
            metrics.checked(verdict, took);
        }
        if let Some(log) = &*self.log.load() {
            log.tell(Told {
                body: body.clone(),
                decision_id: verdict.decision_id,
                result: verdict.result.clone(),
                failure: verdict.failure.clone(),
                has_input: verdict.has_input,
                settings: settings.clone(),
                policy: policy.cloned(),
                made_with: log.tells_calls().then(made_with),
                at,
                took,
            });
        }
    }
}
