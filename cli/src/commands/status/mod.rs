//! `postern status`: how the control plane, the sidecar and the policy are. Asks; changes nothing.

mod report;
mod shown;

use std::time::Duration;

use anyhow::Context as _;
use postern_proto::policy::v1::{ListBundlesRequest, iam_policy_service_client::IamPolicyServiceClient};
use serde_json::Value;

use crate::{
    control_plane::{self, TargetArgs},
    dev::policy::status::PolicyStatus,
    exit::Exit,
    output::{self, OutputArgs},
    sidecar_admin::{self, AdminArgs},
    target::DevFile,
};
use report::{BundleReport, ControlPlaneReport, EnvoyReport, PolicyReport, Report, SidecarReport};

/// Of asking the sidecar.
const DEADLINE: Duration = Duration::from_secs(5);

/// `postern status`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exits 0 when all is well, 1 when something isn't, 2 when it can't be told where to ask.\n\n\
    Examples:\n  \
    postern status\n  \
    postern status -o json | jq -r .policy.error\n  \
    postern status --control-plane http://10.0.0.7:8081 --credential-file admin \\\n      \
    --sidecar-admin http://127.0.0.1:9192"
)]
pub struct StatusArgs {
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    admin: AdminArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Asks all of them, prints, and exits by what they said.
pub async fn run(args: StatusArgs) -> anyhow::Result<Exit> {
    let target = args.target.target()?;
    let admin = args.admin.url(&args.target.dev.data_dir)?;
    let envoy = local_envoy(&args)?;
    let (control_plane, sidecar, envoy) = tokio::join!(
        ask_control_plane(&target),
        ask_sidecar(&admin),
        reach_envoy(envoy)
    );
    let report = Report {
        control_plane: ControlPlaneReport::new(&target.url, control_plane),
        candidate: candidate(&admin, sidecar.as_ref().ok()).await,
        sidecar: SidecarReport::new(&admin, sidecar),
        envoy,
        policy: watched_policy(&args)?,
    };
    output::print(args.output.output, &report)?;
    Ok(if report.all_well() { Exit::Yes } else { Exit::No })
}

async fn ask_control_plane(target: &control_plane::Target) -> anyhow::Result<Vec<BundleReport>> {
    let mut service = IamPolicyServiceClient::new(control_plane::connect(target).await?);
    let answer = service
        .list_bundles(ListBundlesRequest {})
        .await
        .map_err(control_plane::refused)?;
    Ok(answer
        .into_inner()
        .bundles
        .into_iter()
        .map(BundleReport::from)
        .collect())
}

/// The sidecar's `/snapshot`.
async fn ask_sidecar(admin: &str) -> anyhow::Result<Value> {
    sidecar_admin::get(admin, "/snapshot")
        .await?
        .with_context(|| format!("{admin}/snapshot does not answer as a sidecar does"))
}

/// The sidecar's `/candidate`, where its snapshot has one.
async fn candidate(admin: &str, snapshot: Option<&Value>) -> Option<Value> {
    snapshot?.get("candidate").filter(|it| !it.is_null())?;
    // How its bundle is, the snapshot says as well.
    sidecar_admin::get(admin, "/candidate?limit=0")
        .await
        .ok()
        .flatten()
}

/// The Envoy of `postern dev`, where it has one; that of a control plane elsewhere isn't known.
fn local_envoy(args: &StatusArgs) -> anyhow::Result<Option<String>> {
    if args.target.control_plane.is_some() {
        return Ok(None);
    }
    Ok(DevFile::read(&args.target.dev.data_dir)?.envoy)
}

/// An escaped slash, which the Envoy of `postern dev` refuses by itself (`path_with_escaped_slashes_action`): asking how it is
/// must not show up among the decisions. An Envoy that would pass it on has the sidecar refuse it, which is an answer too.
const ANSWERED_BY_ENVOY: &str = "/postern-status%2F";

/// Any answer over HTTP will do.
async fn reach_envoy(url: Option<String>) -> Option<EnvoyReport> {
    let url = url?;
    let asked = async {
        let client = reqwest::Client::builder()
            .timeout(DEADLINE)
            .no_proxy()
            .build()
            .context("preparing the request")?;
        let asked = format!("{}{ANSWERED_BY_ENVOY}", url.trim_end_matches('/'));
        client.get(asked).send().await.map_err(|error| {
            anyhow::anyhow!("no Envoy answers at {url}: {}", control_plane::innermost(&error))
        })?;
        Ok(())
    };
    let answer = asked.await;
    Some(EnvoyReport::new(&url, answer))
}

/// What `postern dev` watches, where there is one; a control plane elsewhere has none.
fn watched_policy(args: &StatusArgs) -> anyhow::Result<Option<PolicyReport>> {
    if args.target.control_plane.is_some() {
        return Ok(None);
    }
    let status = PolicyStatus::read(&args.target.dev.data_dir).context("policy-status.json")?;
    Ok(status.map(PolicyReport::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_envoy_that_does_not_listen_is_not_well_and_none_is_none() {
        let free = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let report = reach_envoy(Some(format!("http://{free}"))).await.unwrap();
        assert!(
            !report.ok && report.error.contains("no Envoy answers at"),
            "{report:?}"
        );
        assert!(reach_envoy(None).await.is_none());
    }
}
