//! One look at the policy folder: read, make, publish, and write down how it went. Never publishes half a change.

use std::path::PathBuf;

use postern_proto::policy::v1::{
    ListBundlesRequest, PublishBundleRequest, iam_policy_service_client::IamPolicyServiceClient,
};
use tonic::{Code, Status};

use super::{
    maker::{MakeError, Maker},
    revision::revision,
    status::{PolicyState, PolicyStatus},
};
use crate::{
    clock,
    control_plane::{ControlPlane, refused},
    dev::demo,
    policy::PolicyFolder,
};

/// Brings the folder's policy to the control plane.
pub struct Publisher {
    /// The folder.
    pub policy_dir: PathBuf,
    /// Where `policy-status.json` goes.
    pub data_dir: PathBuf,
    /// Makes bundles.
    pub maker: Maker,
    /// Where they go.
    pub service: IamPolicyServiceClient<ControlPlane>,
    /// The revision that the control plane serves, as far as it could be asked.
    pub served: Option<String>,
    /// The revision that was looked at last; nothing when the folder couldn't be read.
    pub looked_at: Option<String>,
}

/// How a look ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// What lies in the folder was served already.
    Unchanged {
        /// Its revision.
        revision: String,
    },
    /// It is served now.
    Published {
        /// Its revision.
        revision: String,
    },
    /// It changed while it was being made: look again.
    Torn,
    /// It can't be served; the last good one is.
    Failed {
        /// Whether it is wrong or can't be compiled here.
        state: PolicyState,
        /// Why.
        error: String,
        /// Whether the same folder may well be published a little later: the control plane couldn't be asked, or didn't
        /// answer.
        passing: bool,
    },
}

impl Look {
    /// A failure that may be over a little later.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Failed { passing: true, .. })
    }
}

impl Publisher {
    /// Asks the control plane what it serves: others publish too, and its data may be gone.
    async fn learn_served(&mut self) -> Result<(), Look> {
        let answer = self
            .service
            .list_bundles(ListBundlesRequest {})
            .await
            .map_err(not_published)?
            .into_inner();
        let mut bundles = answer.bundles.into_iter();
        self.served = bundles
            .find(|bundle| bundle.name == demo::BUNDLE)
            .map(|bundle| bundle.revision);
        Ok(())
    }

    /// Looks at the folder and serves what lies there, where it can be.
    pub async fn look(&mut self) -> Look {
        let look = self.make_and_publish().await.unwrap_or_else(|failed| failed);
        if look != Look::Torn {
            self.write_down(&look);
        }
        look
    }

    async fn make_and_publish(&mut self) -> Result<Look, Look> {
        self.looked_at = None;
        let folder = self.read()?;
        let revision = revision(folder.files());
        self.looked_at = Some(revision.clone());
        self.learn_served().await?;
        if self.served.as_ref() == Some(&revision) {
            return Ok(Look::Unchanged { revision });
        }
        let made = self.maker.make(&self.policy_dir, &folder, &revision).await;
        // The compiler reads the folder by itself, so what it made is this revision only if nothing moved meanwhile.
        if self.read()? != folder {
            return Ok(Look::Torn);
        }
        let archive = made.map_err(|error| match error {
            MakeError::NoCompiler(missing) => Look::Failed {
                state: PolicyState::NoCompiler,
                error: missing.to_string(),
                passing: false,
            },
            error => failed(error.to_string()),
        })?;
        let request = PublishBundleRequest {
            name: demo::BUNDLE.to_owned(),
            archive: archive.into(),
            entrypoints: vec![demo::ENTRYPOINT.to_owned()],
        };
        self.service
            .publish_bundle(request)
            .await
            .map_err(not_published)?;
        self.served = Some(revision.clone());
        Ok(Look::Published { revision })
    }

    fn read(&self) -> Result<PolicyFolder, Look> {
        PolicyFolder::read(&self.policy_dir).map_err(|error| failed(error.to_string()))
    }

    fn write_down(&self, look: &Look) {
        let (state, error) = match look {
            Look::Failed { state, error, .. } => (*state, error.clone()),
            Look::Unchanged { .. } | Look::Published { .. } | Look::Torn => {
                (PolicyState::Served, String::new())
            }
        };
        let status = PolicyStatus {
            state,
            error,
            revision: self.served.clone(),
            policy_dir: self.policy_dir.clone(),
            at: clock::now().0,
        };
        if let Err(error) = status.write(&self.data_dir) {
            crate::output::note(&format!("policy-status.json can't be written: {error}"));
        }
    }
}

fn failed(error: String) -> Look {
    Look::Failed {
        state: PolicyState::Refused,
        error,
        passing: false,
    }
}

/// What the control plane's answer to a question, or its silence, means for the look.
fn not_published(status: Status) -> Look {
    let passing = matches!(
        status.code(),
        Code::Unavailable
            | Code::DeadlineExceeded
            | Code::Cancelled
            | Code::ResourceExhausted
            | Code::Aborted
            | Code::Internal
            // What tonic says when a connection breaks under a call.
            | Code::Unknown
    );
    let error = if status.code() == Code::InvalidArgument {
        status.message().to_owned()
    } else {
        refused(status).to_string()
    };
    Look::Failed {
        state: PolicyState::Refused,
        error,
        passing,
    }
}

#[cfg(test)]
mod tests;
