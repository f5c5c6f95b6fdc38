//! The process under a configuration, and under the next.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusHandle;
use postern_opa_config::{Bundle, BundleSource, Discovery, Plan};

use super::changes;
use crate::opa::configured::{self, Surroundings};
use crate::opa::process::{Deciding, DropInError, Listening, around};
use crate::opa::service::{Service, services};
use crate::opa::status::PluginState;
use crate::opa::telling::{Anew, Telling, TellingPlan};
use crate::opa::tells;
use crate::sync::Context;

type ByName = BTreeMap<String, Arc<dyn Service>>;

/// What runs.
pub(super) struct Running {
    context: Arc<Context>,
    prometheus: PrometheusHandle,
    /// The process's own id, which stays.
    id: String,
    /// What is in force.
    plan: Plan,
    services: ByName,
    telling: Telling,
    /// Nothing before there is a configuration to decide by.
    deciding: Option<Deciding>,
}

impl Running {
    /// Nothing decides yet; what tells does so as `boot` says. Where the discovery bundle is kept on disk it tells nothing
    /// yet, either, as in OPA.
    ///
    /// # Errors
    /// When a service can't be asked as it is configured, or the system refuses.
    pub(super) fn new(
        boot: &Plan,
        discovery: &Discovery,
        context: &Arc<Context>,
        prometheus: PrometheusHandle,
    ) -> Result<Self, DropInError> {
        let services = services(
            &boot.config.services,
            &boot.config.keys,
            &around(boot, &context.randomness),
        )?;
        let mut plan = boot.clone();
        if discovery.persist {
            plan.config.decision_logs = None;
            plan.config.status = None;
        }
        let id = configured::new_id(&context.randomness);
        let told = telling_plan(&plan, &services, surroundings(context, &prometheus, &id));
        let telling = Telling::start(told, tells::LAST_STATUS)?;
        if boot.config.ext_authz.is_some() {
            telling.status().plugin(tells::PLUGIN, PluginState::NotReady);
        }
        Ok(Self {
            context: Arc::clone(context),
            prometheus,
            id,
            plan,
            services,
            telling,
            deciding: None,
        })
    }

    /// What tells.
    pub(super) fn telling(&self) -> &Telling {
        &self.telling
    }

    /// A service of the configuration in force.
    pub(super) fn service(&self, name: &str) -> Option<Arc<dyn Service>> {
        self.services.get(name).cloned()
    }

    /// Decides by the boot configuration until there is another, where that has a policy to decide by.
    ///
    /// # Errors
    /// When it can't.
    pub(super) async fn begin_with_boot(&mut self) -> Result<(), DropInError> {
        let has_policy = !self.plan.config.bundles.is_empty() || !self.plan.policy.paths.is_empty();
        if self.plan.config.ext_authz.is_some() && has_policy {
            return self.apply(self.plan.clone()).await;
        }
        tracing::info!("nothing is decided before the first configuration was discovered");
        Ok(())
    }

    /// Goes on under `next`: begins to decide if nothing did, and changes what is another otherwise. Checks are answered all
    /// the while.
    ///
    /// # Errors
    /// When it can't, or may not change so while it runs. What was in force stays in force then.
    pub(super) async fn apply(&mut self, next: Plan) -> Result<(), DropInError> {
        let plugin = next.config.ext_authz.as_ref().ok_or(DropInError::NoPlugin)?;
        if self.deciding.is_some()
            && let Some(refused) = changes::refused(&self.plan, &next)
        {
            return Err(DropInError::Discovery(refused));
        }
        for notice in &next.not_honoured {
            if !self.plan.not_honoured.contains(notice) {
                tracing::warn!(%notice, "not honoured");
            }
        }
        let services = self.services_of(&next)?;
        let surroundings = surroundings(&self.context, &self.prometheus, &self.id);
        let told = telling_plan(&next, &services, surroundings);
        let grace = Duration::from_secs(next.server.shutdown_grace_seconds);
        let anew = self.anew(&next, &services);
        match &self.deciding {
            Some(deciding) => {
                self.telling.change(told, anew, grace)?;
                let changed = self.changed_bundles(&next, &services);
                deciding.bundles.leave(changed.keys()).await;
                deciding
                    .bundles
                    .start(&changed, &next.config.keys, &services)
                    .await;
            }
            None => {
                let listening = Listening::new(plugin)?;
                let bundles = Deciding::policy(&next, plugin, &self.context, &self.telling).await?;
                self.telling.change(told, anew, grace)?;
                let deciding =
                    Deciding::start(&next, plugin, listening, bundles, &self.context, &self.telling)?;
                deciding
                    .bundles
                    .start(&next.config.bundles, &next.config.keys, &services)
                    .await;
                self.telling.status().plugin(tells::PLUGIN, PluginState::Ok);
                self.deciding = Some(deciding);
            }
        }
        self.services = services;
        self.plan = next;
        Ok(())
    }

    /// The services of `next`. Those that are the same go on, with their connections and tokens.
    fn services_of(&self, next: &Plan) -> Result<ByName, DropInError> {
        let around = around(next, &self.context.randomness);
        let mut all = services(&next.config.services, &next.config.keys, &around)?;
        for (name, service) in &mut all {
            if let Some(there) = self.services.get(name)
                && next.has_same_service(&self.plan, name)
            {
                *service = Arc::clone(there);
            }
        }
        Ok(all)
    }

    fn is_same_service(&self, services: &ByName, name: Option<&str>) -> bool {
        let Some(name) = name else {
            return true;
        };
        match (self.services.get(name), services.get(name)) {
            (Some(there), Some(service)) => Arc::ptr_eq(there, service),
            _ => false,
        }
    }

    fn anew(&self, next: &Plan, services: &ByName) -> Anew {
        let (now, then) = (&self.plan.config, &next.config);
        let of_logs = then
            .decision_logs
            .as_ref()
            .and_then(|logs| logs.service.as_deref());
        let of_status = then.status.as_ref().and_then(|status| status.service.as_deref());
        Anew {
            logs: self.deciding.is_none()
                || now.decision_logs != then.decision_logs
                || now.labels != then.labels
                || now.nd_builtin_cache != then.nd_builtin_cache
                || !self.is_same_service(services, of_logs),
            status: now.status != then.status || !self.is_same_service(services, of_status),
        }
    }

    /// The bundles of `next` that are new, or others than before, or whose service or keys are.
    fn changed_bundles(&self, next: &Plan, services: &ByName) -> BTreeMap<String, Bundle> {
        let is_same = |name: &str, bundle: &Bundle| {
            let service = match &bundle.source {
                BundleSource::Service { service, .. } => Some(service.as_str()),
                BundleSource::File(_) => None,
            };
            self.plan.config.bundles.get(name) == Some(bundle)
                && self.is_same_service(services, service)
                && (bundle.signing.is_none() || next.has_same_keys(&self.plan))
        };
        let all = next.config.bundles.iter();
        all.filter(|(name, bundle)| !is_same(name, bundle))
            .map(|(name, bundle)| (name.clone(), bundle.clone()))
            .collect()
    }

    /// Ends: answers what is under way, and tells what is to be told.
    pub(super) async fn end(self, plan: &Plan, grace: Duration) {
        if let Some(deciding) = self.deciding {
            deciding.end(plan).await;
        }
        self.telling.end(grace).await;
    }
}

fn surroundings(context: &Context, prometheus: &PrometheusHandle, id: &str) -> Surroundings {
    tells::surroundings(context, prometheus.clone(), id.to_owned())
}

fn telling_plan(plan: &Plan, services: &ByName, surroundings: Surroundings) -> TellingPlan {
    let plugin = plan.config.ext_authz.as_ref();
    configured::telling(plan, plugin, |name| services.get(name).cloned(), surroundings)
}
