//! `postern.policy.v1.IamPolicyService`: protobuf in, use case, protobuf out. It decides nothing.

use std::sync::Arc;

use postern_policy::{BundleName, EngineError, Value};
use postern_proto::policy::v1::iam_policy_service_server::IamPolicyService;
use postern_proto::policy::v1::{self as proto};
use postern_store::{Entropy, random_bytes};
use postern_telemetry::{Code, CorrelationId, Error, X_REQUEST_ID};
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status};

use crate::model::Published;
use crate::service::{Policies, PolicyError};

/// The largest message: an archive of 32 MiB, and what stands around it.
pub const MAX_MESSAGE_BYTES: usize = 32 * 1024 * 1024 + 64 * 1024;

/// What may be asked of one bundle.
const MAX_ENTRYPOINTS: usize = 100;

/// The service's gRPC edge.
#[derive(Clone)]
pub struct PolicyGrpc {
    policies: Policies,
    entropy: Arc<dyn Entropy>,
}

impl PolicyGrpc {
    /// The edge of `policies`; `entropy` makes correlation ids for callers that sent none.
    pub fn new(policies: Policies, entropy: Arc<dyn Entropy>) -> Self {
        Self { policies, entropy }
    }

    fn correlation_id(&self, metadata: &MetadataMap) -> CorrelationId {
        let sent = metadata.get(X_REQUEST_ID).and_then(|id| id.to_str().ok());
        CorrelationId::of(sent, || random_bytes(&*self.entropy))
    }
}

#[tonic::async_trait]
impl IamPolicyService for PolicyGrpc {
    async fn authorize(
        &self,
        request: Request<proto::AuthorizeRequest>,
    ) -> Result<Response<proto::AuthorizeResponse>, Status> {
        let id = self.correlation_id(request.metadata());
        let proto::AuthorizeRequest {
            bundle,
            path,
            input_json,
        } = request.into_inner();
        let name = BundleName::parse(&bundle)
            .ok_or_else(|| Error::new(Code::NotFound, "There is no bundle of that name.").to_status(&id))?;
        let input = match input_json.as_str() {
            "" => None,
            text => Some(Value::from_json_str(text).map_err(|error| {
                Error::validation("The input can't be read.")
                    .with_field("input_json", format!("expected JSON text: {error}"))
                    .to_status(&id)
            })?),
        };
        let decided = self
            .policies
            .authorize(&name, &path, input)
            .await
            .map_err(|error| refused(error, &id))?;
        if let Some(reason) = &decided.ill_formed {
            tracing::warn!(decision_id = decided.decision_id, %reason, "the policy's result denies: it has no known form");
        }
        tracing::info!(
            decision_id = decided.decision_id,
            bundle = %name,
            path,
            revision = decided.revision,
            allowed = decided.allowed,
            "policy asked"
        );
        Ok(Response::new(proto::AuthorizeResponse {
            allowed: decided.allowed,
            result_json: decided.result.map(|result| result.to_json()).unwrap_or_default(),
            decision_id: decided.decision_id,
            revision: decided.revision,
        }))
    }

    async fn publish_bundle(
        &self,
        request: Request<proto::PublishBundleRequest>,
    ) -> Result<Response<proto::PublishBundleResponse>, Status> {
        let id = self.correlation_id(request.metadata());
        let proto::PublishBundleRequest {
            name,
            archive,
            entrypoints,
        } = request.into_inner();
        if entrypoints.len() > MAX_ENTRYPOINTS || entrypoints.iter().any(String::is_empty) {
            return Err(
                Error::validation("The bundle can't be published for these entrypoints.")
                    .with_field(
                        "entrypoints",
                        format!("expected at most {MAX_ENTRYPOINTS}, such as orders/authz/decision"),
                    )
                    .to_status(&id),
            );
        }
        let name = BundleName::parse(&name).ok_or_else(|| {
            Error::validation("The bundle can't be published under that name.")
                .with_field("name", format!("expected {}", BundleName::EXPECTED))
                .to_status(&id)
        })?;
        let published = self
            .policies
            .publish_for(name, archive, entrypoints)
            .await
            .map_err(|error| refused(error, &id))?;
        tracing::info!(
            bundle = %published.name,
            revision = published.revision(),
            etag = published.etag,
            signed_by = published.signed_by,
            sequence = published.sequence,
            "bundle published"
        );
        Ok(Response::new(proto::PublishBundleResponse {
            bundle: Some(info(&published)),
        }))
    }

    async fn list_bundles(
        &self,
        _request: Request<proto::ListBundlesRequest>,
    ) -> Result<Response<proto::ListBundlesResponse>, Status> {
        let bundles = self
            .policies
            .catalog()
            .bundles()
            .map(|published| info(published))
            .collect();
        Ok(Response::new(proto::ListBundlesResponse { bundles }))
    }
}

fn info(published: &Published) -> proto::BundleInfo {
    proto::BundleInfo {
        name: published.name.to_string(),
        revision: published.revision().to_owned(),
        etag: published.etag.clone(),
        published_at: published.published_at,
        size: published.archive.len() as u64,
        entrypoints: published.engine.entrypoints(),
        signed_by: published.signed_by.clone().unwrap_or_default(),
        sequence: published.sequence,
    }
}

/// What callers are told; the log gets the whole.
fn refused(error: PolicyError, id: &CorrelationId) -> Status {
    let error = match error {
        error @ PolicyError::Refused { .. } => {
            tracing::warn!(reason = %error, "bundle refused; the one before keeps serving");
            Error::new(Code::BundleRefused, error.to_string())
        }
        error @ PolicyError::TooMany => {
            tracing::warn!(reason = %error, "bundle not published");
            Error::new(Code::LimitReached, error.to_string())
        }
        error @ (PolicyError::NoBundle(_) | PolicyError::NoEntrypoint { .. }) => {
            Error::new(Code::NotFound, error.to_string())
        }
        PolicyError::Evaluation(error) => {
            let code = match error {
                EngineError::Limit(_) => Code::PolicyTimeout,
                _ => Code::PolicyError,
            };
            let error = Error::new(code, code.meaning()).with_cause(error);
            tracing::warn!(error = error.log_detail(), "the policy failed");
            error
        }
        error @ (PolicyError::Store(_) | PolicyError::Interrupted(_) | PolicyError::Compiler(_)) => {
            let error = Error::unavailable(error);
            tracing::error!(error = error.log_detail(), "the policy store failed");
            error
        }
    };
    error.to_status(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_bundles_are_the_callers_limit_not_a_bad_bundle() {
        let id = CorrelationId::from_bytes([0; 16]);
        let status = refused(PolicyError::TooMany, &id);
        assert_eq!(status.code(), tonic::Code::ResourceExhausted);
        assert_eq!(Error::from_status(&status).code(), Code::LimitReached);
    }
}
