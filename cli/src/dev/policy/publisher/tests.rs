//! Against a control plane's policy service that fails when told to. The policy is the demo's, so no compiler is needed.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use postern_jose::{Algorithm, LocalSigner};
use postern_policy::{Bundle, Limits, Verification};
use postern_proto::policy::v1::{
    AuthorizeRequest, AuthorizeResponse, BundleInfo, ListBundlesResponse, PublishBundleResponse,
    iam_policy_service_server::{IamPolicyService, IamPolicyServiceServer},
};
use tonic::{
    Request, Response,
    transport::{Server, server::TcpIncoming},
};

use super::{super::follow, super::maker::write_demo, *};
use crate::control_plane::{Target, connect};

/// What the service serves, and what it says to the next bundle instead of taking it.
#[derive(Clone, Default)]
struct Service(Arc<Mutex<(Option<String>, Option<Code>)>>);

impl Service {
    fn served(&self) -> Option<String> {
        self.0.lock().unwrap().0.clone()
    }

    fn serve(&self, revision: &str) {
        self.0.lock().unwrap().0 = Some(revision.to_owned());
    }

    fn refuse_next(&self, code: Code) {
        self.0.lock().unwrap().1 = Some(code);
    }
}

#[tonic::async_trait]
impl IamPolicyService for Service {
    async fn authorize(&self, _: Request<AuthorizeRequest>) -> Result<Response<AuthorizeResponse>, Status> {
        Err(Status::unimplemented("not asked here"))
    }

    async fn publish_bundle(
        &self,
        request: Request<PublishBundleRequest>,
    ) -> Result<Response<PublishBundleResponse>, Status> {
        if let Some(code) = self.0.lock().unwrap().1.take() {
            return Err(Status::new(code, "as told"));
        }
        let archive = request.into_inner().archive;
        let bundle = Bundle::read(&archive, &Verification::Unsigned, &Limits::default()).unwrap();
        self.serve(bundle.revision());
        Ok(Response::new(PublishBundleResponse::default()))
    }

    async fn list_bundles(
        &self,
        _: Request<ListBundlesRequest>,
    ) -> Result<Response<ListBundlesResponse>, Status> {
        let served = self.served().into_iter().map(|revision| BundleInfo {
            name: demo::BUNDLE.to_owned(),
            revision,
            ..BundleInfo::default()
        });
        Ok(Response::new(ListBundlesResponse {
            bundles: served.collect(),
        }))
    }
}

/// A publisher of the demo's policy to a running service; ends with the test's runtime, its files with the folder.
async fn publisher() -> (Publisher, Service, tempfile::TempDir) {
    let service = Service::default();
    let incoming = TcpIncoming::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}", incoming.local_addr().unwrap());
    let server = Server::builder().add_service(IamPolicyServiceServer::new(service.clone()));
    tokio::spawn(server.serve_with_incoming(incoming));
    let temp = tempfile::tempdir().unwrap();
    let credential_file = temp.path().join("admin");
    std::fs::write(&credential_file, "postern_admin_x\n").unwrap();
    let channel = connect(&Target { url, credential_file }).await.unwrap();
    let signer = Arc::new(LocalSigner::generate(Algorithm::ES256).unwrap());
    let publisher = Publisher {
        policy_dir: write_demo(&temp.path().join("policy")).unwrap(),
        data_dir: temp.path().to_owned(),
        maker: Maker::new(signer, None).unwrap(),
        service: IamPolicyServiceClient::new(channel),
        served: None,
        looked_at: None,
    };
    (publisher, service, temp)
}

fn state_in(dir: &tempfile::TempDir) -> PolicyStatus {
    PolicyStatus::read(dir.path()).unwrap().unwrap()
}

#[tokio::test]
async fn what_is_served_already_is_not_published_again() {
    let (mut publisher, service, dir) = publisher().await;
    let Look::Published { revision } = publisher.look().await else {
        panic!("the first look publishes");
    };
    assert_eq!(service.served().as_ref(), Some(&revision));
    service.refuse_next(Code::Internal);
    assert_eq!(
        publisher.look().await,
        Look::Unchanged {
            revision: revision.clone()
        }
    );
    assert_eq!(state_in(&dir).revision, Some(revision));
}

#[tokio::test]
async fn what_others_published_meanwhile_is_replaced() {
    let (mut publisher, service, _dir) = publisher().await;
    let first = publisher.look().await;
    service.serve("pushed by hand");
    assert_eq!(publisher.look().await, first, "it is published again");
    assert_eq!(service.served(), publisher.served);
}

#[tokio::test]
async fn a_refusal_lasts_and_a_missing_answer_passes() {
    let (mut publisher, service, dir) = publisher().await;
    service.refuse_next(Code::InvalidArgument);
    let refused = publisher.look().await;
    assert!(
        matches!(&refused, Look::Failed { passing: false, error, .. } if error == "as told"),
        "{refused:?}"
    );
    assert_eq!(state_in(&dir).state, PolicyState::Refused);
    service.refuse_next(Code::Unavailable);
    assert!(publisher.look().await.is_passing());
}

#[tokio::test]
async fn a_change_that_could_not_be_published_is_published_once_it_can_without_another_change() {
    let (mut publisher, service, _dir) = publisher().await;
    service.refuse_next(Code::DeadlineExceeded);
    let look = publisher.look().await;
    assert!(look.is_passing(), "{look:?}");
    let published = async {
        while service.served().is_none() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::select! {
        () = follow(publisher, look) => {}
        published = tokio::time::timeout(Duration::from_secs(30), published) => published.unwrap(),
    }
}
