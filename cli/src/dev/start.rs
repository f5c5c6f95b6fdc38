//! From a prepared folder to a stack that answers: each part is started as soon as what it needs is there.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use postern_proto::policy::v1::iam_policy_service_client::IamPolicyServiceClient;
use secrecy::SecretString;

use super::{
    clients, http,
    leftovers::{self, Started},
    part::{Launch, Part},
    policy::{Look, Maker, Publisher},
    ports::url,
    progress::Progress,
    ready::{expect, until},
    setup::Setup,
    supervisor::Supervisor,
};
use crate::{
    control_plane::{self, ControlPlane, Target},
    target::DevFile,
};

/// A stack that answers.
pub struct Running {
    /// What `dev.json` says of it.
    pub dev: DevFile,
    /// Keeps its policy up to date.
    pub publisher: Publisher,
    /// How its look ended.
    pub look: Look,
}

/// Starts the parts and returns when a request goes all the way through.
///
/// # Errors
/// What failed. Parts that were started still run: they are the supervisor's.
pub async fn start(
    setup: &Setup,
    maker: Maker,
    supervisor: &mut Supervisor,
    progress: &Progress,
) -> anyhow::Result<Running> {
    let launches = &setup.launches;
    let mut pids = BTreeMap::new();
    let mut started = Vec::new();
    let mut launch = |launch: &Launch| -> anyhow::Result<()> {
        let pid = supervisor.start(launch).context("starting")?;
        pids.insert(launch.part.key().to_owned(), pid);
        // At once: who kills us needn't wait for READY.
        started.push(Started {
            pid,
            argv: launch.argv.clone(),
        });
        leftovers::write(&setup.folder, &started).context("writing run/started.json")
    };
    progress.step("starting the control plane and the upstream");
    launch(&launches.control_plane)?;
    launch(&launches.upstream)?;
    if let Some(envoy) = &launches.envoy {
        launch(envoy)?;
    }
    let http = http::client()?;
    let ready = format!("{}/readyz", url(setup.ports.http));
    until(Part::ControlPlane.title(), async || {
        expect(200, http::status(&http, &ready, None).await)
    })
    .await?;

    progress.step("registering the demo clients");
    let channel = connect(setup).await?;
    clients::register(channel.clone(), &setup.clients).await?;

    progress.step("publishing the policy");
    let (publisher, look) = publish(setup, maker, channel).await?;

    progress.step("starting the sidecar");
    launch(&launches.sidecar)?;
    let ready = format!("{}/readyz", url(setup.ports.admin));
    until(Part::Sidecar.title(), async || {
        expect(200, http::status(&http, &ready, None).await)
    })
    .await?;

    let dev = dev_file(setup, pids);
    progress.step("sending a first request");
    first_request(&http, &dev).await?;
    Ok(Running { dev, publisher, look })
}

async fn connect(setup: &Setup) -> anyhow::Result<ControlPlane> {
    let target = Target {
        url: url(setup.ports.grpc),
        credential_file: setup.folder.path("control-plane/credentials/admin"),
    };
    Ok(control_plane::connect(&target).await?)
}

/// Brings the folder's policy to the control plane. Where it can't be, one from an earlier start serves; without one
/// there is nothing to decide with, and no reason to go on.
async fn publish(setup: &Setup, maker: Maker, channel: ControlPlane) -> anyhow::Result<(Publisher, Look)> {
    let mut publisher = Publisher {
        policy_dir: setup.policy_dir.clone(),
        data_dir: setup.folder.root().to_owned(),
        maker,
        service: IamPolicyServiceClient::new(channel),
        served: None,
        looked_at: None,
    };
    let mut look = publisher.look().await;
    // Somebody is saving files right now; a few looks see the end of it.
    for _ in 0..10 {
        if look != Look::Torn {
            break;
        }
        look = publisher.look().await;
    }
    if let Look::Failed { error, .. } = &look {
        match &publisher.served {
            Some(revision) => crate::output::note(&format!(
                "policy: {error}\n  {revision} of an earlier start serves"
            )),
            None => bail!(
                "the policy in {} can't be served: {error}",
                setup.policy_dir.display()
            ),
        }
    }
    Ok((publisher, look))
}

/// The reader reads: through Envoy where there is one, and in any case a token is issued.
async fn first_request(http: &reqwest::Client, dev: &DevFile) -> anyhow::Result<()> {
    let reader = dev
        .clients
        .get("reader")
        .context("clients.json has no `reader`")?;
    let token: SecretString = http::token(http, &dev.control_plane, reader).await?;
    if let Some(envoy) = &dev.envoy {
        let orders = format!("{envoy}/orders");
        // Any decision is one: a changed policy may well refuse the reader.
        let decided = async || match http::status(http, &orders, Some(&token)).await {
            Some(200 | 401 | 403 | 404) => Ok(()),
            other => expect(200, other),
        };
        until(Part::Envoy.title(), decided).await?;
    }
    let upstream = async || expect(200, http::status(http, &dev.upstream, None).await);
    until(Part::Upstream.title(), upstream).await?;
    Ok(())
}

fn dev_file(setup: &Setup, pids: BTreeMap<String, u32>) -> DevFile {
    let ports = setup.ports;
    let commands = setup
        .launches
        .iter()
        .map(|launch| (launch.part.key().to_owned(), launch.argv.clone()));
    DevFile {
        envoy: setup.launches.envoy.as_ref().map(|_| url(ports.envoy)),
        upstream: url(ports.upstream),
        control_plane: url(ports.http),
        control_plane_grpc: url(ports.grpc),
        sidecar_admin: url(ports.admin),
        sidecar_ext_authz: format!("unix:{}", setup.socket.display()),
        issuer: url(ports.http),
        policy_dir: setup.policy_dir.clone(),
        clients: setup.clients.clone(),
        pids,
        commands: commands.collect(),
    }
}
