//! The candidate policy of a configuration: nothing waits for it, and it holds nothing up.

use std::sync::Arc;

use super::super::bundle::BundlePuller;
use super::super::candidate;
use super::super::fetch::Fetcher;
use super::super::pulled::Role;
use super::Sources;
use super::task::{Running, Task};
use crate::config::Config;
use crate::status::BundleState;

impl Sources {
    /// Ends the candidate that isn't configured any more, and starts the one that is.
    pub(super) async fn change_candidate(&mut self, config: &Config) {
        let running = self.candidate.as_ref().map(|running| &running.plan);
        if running == config.candidate.as_ref() {
            return;
        }
        if let Some(running) = self.candidate.take() {
            running.task.end().await;
        }
        self.context.candidates.clear();
        self.context.status.change(|state| {
            state.candidate = config.candidate.as_ref().map(|candidate| BundleState {
                name: candidate.plan.name.clone(),
                ..Default::default()
            });
        });
        self.candidate = config.candidate.as_ref().map(|plan| {
            let fetcher = Fetcher::new(
                self.client.clone(),
                plan.url.clone(),
                plan.credential_file.clone(),
            );
            let puller = BundlePuller::new(
                Arc::clone(&self.context),
                plan.plan.clone(),
                Role::Candidate {
                    per_million: plan.per_million,
                },
                fetcher,
                Arc::default(),
            );
            Running {
                plan: plan.clone(),
                task: Task::start(|stop| candidate::keep(puller, stop)),
            }
        });
    }
}
