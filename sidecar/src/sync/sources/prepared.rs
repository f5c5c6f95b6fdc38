//! Getting another configuration ready beside what runs: what stays, what has to be started, and with what. Changes nothing
//! that is in force.

use std::sync::Arc;
use std::time::Duration;

use postern_decide::TrustedIssuer;
use tokio::time::timeout;

use super::super::bundle::BundlePuller;
use super::super::fetch::Fetcher;
use super::super::keys::KeysPuller;
use super::super::lists::Lists;
use super::super::pulled::{Loaded, PullError, Role};
use super::super::{StreamPlan, keeper};
use super::Sources;
use crate::clock;
use crate::config::{Config, Issuer, Policy};
use crate::refetch::Wake;
use crate::status::IssuerState;

/// How long another policy may take to be fetched before it takes over from one that serves.
const FIRST_FETCH: Duration = Duration::from_secs(20);

/// Why a configuration can't take over.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PrepareError {
    /// Its policy can't be had: the one that serves would be replaced by none.
    #[error("policy: {0}")]
    Policy(#[from] PullError),
    /// Its policy takes too long.
    #[error("policy: it could not be fetched within {} s", FIRST_FETCH.as_secs())]
    PolicyDeadline,
}

/// What another configuration makes of what there is. Nothing of it is in force.
pub(crate) struct Prepared {
    pub(super) issuers: Vec<PreparedIssuer>,
    pub(super) policy: PreparedPolicy,
    pub(super) lists: Option<Lists>,
}

pub(super) struct PreparedIssuer {
    pub(super) issuer: Arc<TrustedIssuer>,
    pub(super) wake: Arc<Wake>,
    /// `None`: the one that runs stays, with the keys that it has by then.
    pub(super) puller: Option<(KeysPuller, IssuerState)>,
}

pub(super) enum PreparedPolicy {
    Stays,
    None,
    Other(Box<BundlePuller>, Option<Loaded>),
}

impl Sources {
    /// Gets ready for the first configuration, from disk alone: checks needn't wait for the network.
    pub(crate) async fn prepare_from_disk(&self, config: &Config) -> Prepared {
        let policy = match &config.policy {
            None => PreparedPolicy::None,
            Some(policy) => {
                let mut puller = self.bundle_puller(policy);
                let loaded = puller.load_from_disk().await;
                PreparedPolicy::Other(Box::new(puller), loaded)
            }
        };
        self.prepared(config, policy)
    }

    /// Gets ready for another configuration.
    ///
    /// # Errors
    /// When something that serves would be replaced by something that isn't there.
    pub(crate) async fn prepare(&self, config: &Config) -> Result<Prepared, PrepareError> {
        let policy = match (&config.policy, &self.policy) {
            (None, _) => PreparedPolicy::None,
            (Some(policy), Some(running)) if *policy == running.plan => PreparedPolicy::Stays,
            (Some(policy), _) => {
                let mut puller = self.bundle_puller(policy);
                let loaded = match puller.load_from_disk().await {
                    Some(loaded) => loaded,
                    None => timeout(FIRST_FETCH, puller.fetch())
                        .await
                        .map_err(|_| PrepareError::PolicyDeadline)??,
                };
                PreparedPolicy::Other(Box::new(puller), Some(loaded))
            }
        };
        Ok(self.prepared(config, policy))
    }

    fn prepared(&self, config: &Config, policy: PreparedPolicy) -> Prepared {
        Prepared {
            issuers: config
                .issuers
                .iter()
                .map(|issuer| self.prepare_issuer(issuer))
                .collect(),
            policy,
            lists: match (&config.stream, &self.stream) {
                (Some(plan), None) => Some(self.lists_from_disk(plan)),
                (Some(_) | None, _) => None,
            },
        }
    }

    fn prepare_issuer(&self, plan: &Issuer) -> PreparedIssuer {
        let wake = self.wakes.of(plan.name()).unwrap_or_default();
        let in_force = self.context.published.load().issuers.get(plan.name()).cloned();
        if let (Some(running), Some(issuer)) = (self.issuers.get(plan.name()), &in_force)
            && (&running.plan.0, &running.plan.1) == (&plan.source, &plan.plan)
        {
            return PreparedIssuer {
                issuer: Arc::clone(issuer),
                wake,
                puller: None,
            };
        }
        let mut puller = KeysPuller::new(
            Arc::clone(&self.context),
            plan.plan.clone(),
            &plan.source,
            self.client.clone(),
            Arc::clone(&wake),
        );
        let issuer = puller
            .load_from_disk()
            .unwrap_or_else(|| TrustedIssuer::without_keys(Arc::clone(&plan.plan.rules)));
        let state = IssuerState::of(&issuer, issuer.keys().is_some());
        PreparedIssuer {
            issuer: Arc::new(issuer),
            wake,
            puller: Some((puller, state)),
        }
    }

    fn bundle_puller(&self, policy: &Policy) -> BundlePuller {
        let fetcher = Fetcher::new(
            self.client.clone(),
            policy.url.clone(),
            policy.credential_file.clone(),
        );
        BundlePuller::new(
            Arc::clone(&self.context),
            policy.plan.clone(),
            Role::InForce,
            fetcher,
            Arc::clone(&self.bundle_hint),
        )
    }

    fn lists_from_disk(&self, plan: &StreamPlan) -> Lists {
        match keeper::load(&self.context.disk, &plan.url, clock::now().seconds()) {
            Ok(lists) => lists.unwrap_or_else(Lists::unknown),
            Err(error) => {
                self.context.drop_kept("revocations and API keys", &error);
                Lists::unknown()
            }
        }
    }
}
