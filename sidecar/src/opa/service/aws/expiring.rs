//! Keeps keys that hold for a while, until they are about to expire.

use jiff::{SignedDuration, Timestamp};
use postern_opa_config::WebIdentity;
use reqwest::Client;
use tokio::sync::Mutex;

use super::answers::Temporary;
use super::signature::AwsKeys;
use super::temporary;
use crate::clock;
use crate::opa::service::Around;

/// Keys that hold for less than that are got anew, as in OPA.
const MARGIN: SignedDuration = SignedDuration::from_mins(5);

/// The keys of one source.
pub(super) struct Expiring {
    client: Client,
    /// Held while they are got, so that they are got once.
    kept: Mutex<Option<(AwsKeys, Timestamp)>>,
}

impl Expiring {
    pub(super) fn new(client: Client) -> Self {
        Self {
            client,
            kept: Mutex::new(None),
        }
    }

    /// The keys of the metadata service.
    pub(super) async fn metadata(
        &self,
        role: Option<&str>,
        region: &str,
        around: &Around,
    ) -> Result<AwsKeys, String> {
        self.kept_or(temporary::metadata(&self.client, role, region, around))
            .await
    }

    /// The keys of a web identity.
    pub(super) async fn web_identity(
        &self,
        identity: &WebIdentity,
        around: &Around,
    ) -> Result<AwsKeys, String> {
        self.kept_or(temporary::web_identity(&self.client, identity, around))
            .await
    }

    async fn kept_or(&self, got: impl Future<Output = Result<Temporary, String>>) -> Result<AwsKeys, String> {
        let mut kept = self.kept.lock().await;
        let now = Timestamp::from_nanosecond(clock::now().unix_ns.into()).unwrap_or(Timestamp::MAX);
        if let Some((keys, expires)) = kept.as_ref()
            && now.saturating_add(MARGIN).unwrap_or(Timestamp::MAX) < *expires
        {
            return Ok(keys.clone());
        }
        let (keys, expires) = got.await?;
        *kept = Some((keys.clone(), expires.unwrap_or(Timestamp::MIN)));
        Ok(keys)
    }
}
