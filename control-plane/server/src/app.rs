//! The wiring: opens the data folder, starts each service on it, puts them behind the two listeners, and ends it all in
//! order. The only place that knows every service.

use std::io;
use std::sync::Arc;

use metrics_exporter_prometheus::BuildError;
use postern_identity::{ApiKeys, Identity, IdentityGrpc};
use postern_oauth::{Rpc, Services};
use postern_policy_service::{BundleApi, Policies, PolicyError, PolicyGrpc};
use postern_proto::identity::v1::session_identity_service_client::SessionIdentityServiceClient;
use postern_proto::identity::v1::session_identity_service_server::SessionIdentityServiceServer;
use postern_proto::sync::v1::KeysHint;
use postern_proto::token::v1::token_service_client::TokenServiceClient;
use postern_proto::token::v1::token_service_server::TokenServiceServer;
use postern_store::{
    CHANGE_LOG_MIGRATIONS, ChangeLog, Clock, DataFolder, Database, DatabaseError, Entropy, FolderError,
    SystemClock, SystemEntropy,
};
use postern_token::{KeyError, NonceKeyError, NonceKeys, Revocations, TokenGrpc, TokenPolicy, Tokens};
use tokio_util::sync::CancellationToken;

use crate::config::Settings;
use crate::credentials::Gate;
use crate::grpc::Edges;
use crate::health::Health;
use crate::listener::{BindError, Bound};
use crate::request::Surface;
use crate::sync::{Feed, Lists, Sources, SyncGrpc};
use crate::upkeep::Upkeep;
use crate::{grpc, http, limits, metrics};

/// Why the process can't start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// The data folder can't be used.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// An address can't be listened on.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The database can't be used.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// There is no key to sign with.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// There are no keys for DPoP nonces.
    #[error(transparent)]
    NonceKeys(#[from] NonceKeyError),
    /// The bundles can't be read.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// Metrics can't be set up.
    #[error("cannot set up metrics: {0}")]
    Metrics(#[from] BuildError),
    /// Signals can't be heard.
    #[error("cannot listen for signals: {0}")]
    Signals(#[from] io::Error),
}

/// Runs until a signal asks it to stop.
pub(crate) async fn run(settings: Settings) -> Result<(), StartError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
    let closing = CancellationToken::new();

    let folder = DataFolder::open(&settings.data_dir, &*entropy)?;
    let http = Bound::bind("http.listen", settings.http, Surface::Http).await?;
    let grpc = Bound::bind("grpc.listen", settings.grpc, Surface::Grpc).await?;
    let addresses = (http.address(), grpc.address());
    let issuer = settings
        .issuer
        .clone()
        .unwrap_or_else(|| format!("http://{}", addresses.0));

    let database = database(&folder).await?;
    let gate = Gate::new(folder.credentials());
    let sealer = Arc::new(folder.into_sealer());
    let keys =
        postern_token::load_or_create(&database, &sealer, settings.algorithm, &*clock, &*entropy).await?;
    let keys_hint = KeysHint {
        issuer: issuer.clone(),
        etag: keys.document().etag.clone(),
    };
    let policy = TokenPolicy {
        issuer: issuer.clone(),
        ttl_seconds: settings.ttl_seconds,
    };
    let tokens = Tokens::new(policy, keys, Arc::clone(&clock), Arc::clone(&entropy));
    let identity = Identity::new(database.clone(), Arc::clone(&clock), Arc::clone(&entropy));
    let log = ChangeLog::open(database.clone(), Arc::clone(&entropy)).await?;
    let revocations = Revocations::new(database.clone(), log.clone(), Arc::clone(&clock));
    let api_keys = ApiKeys::new(
        database.clone(),
        log.clone(),
        Arc::clone(&clock),
        Arc::clone(&entropy),
    );
    let nonce_keys =
        NonceKeys::open(database.clone(), sealer, Arc::clone(&clock), Arc::clone(&entropy)).await?;
    let feed = Feed::open(log.clone(), Arc::clone(&clock)).await?;
    let policies = Policies::new(settings.policy, database.clone(), clock, Arc::clone(&entropy));
    for left_out in policies.restore().await? {
        tracing::error!(reason = %left_out, "a stored bundle is left out; the next older one of its name is tried");
    }

    let sources = Sources {
        keys: keys_hint,
        policies: policies.clone(),
        lists: Lists::new(
            log.clone(),
            revocations.clone(),
            api_keys.clone(),
            feed.subscribe(),
        ),
        nonce_keys: nonce_keys.clone(),
    };
    let edges = Edges {
        token: TokenGrpc::new(tokens, revocations.clone(), Arc::clone(&entropy)),
        identity: IdentityGrpc::new(identity, api_keys.clone(), Arc::clone(&entropy)),
        policy: PolicyGrpc::new(policies.clone(), Arc::clone(&entropy)),
        sync: SyncGrpc::new(sources, closing.clone(), Arc::clone(&entropy)),
    };
    let recorder = metrics::install()?;
    let upkeep = Upkeep {
        nonce_keys,
        revocations,
        api_keys,
        log,
    };
    let background = [
        tokio::spawn(metrics::upkeep(recorder.clone())),
        tokio::spawn(feed.run()),
        tokio::spawn(upkeep.run()),
    ];
    let health = Health {
        database: database.clone(),
        metrics: recorder,
        bundles: BundleApi::new(policies.clone(), closing.clone(), Arc::clone(&entropy)),
        policies,
        sync: edges.sync.clone(),
    };
    let oauth = postern_oauth::router(&issuer, in_process(&edges));
    let http_router = http::router(oauth, health, gate.clone(), &entropy);
    let grpc_router = grpc::router(edges, gate, &entropy);

    let connections = limits::connections();
    let listeners = async {
        tokio::join!(
            http.serve(http_router, connections, closing.clone()),
            grpc.serve(grpc_router, connections, closing.clone())
        );
    };
    // Before it says that it is ready: a signal from then on ends it in order.
    let requested = postern_process::told_to_end()?;
    let signal = async {
        tracing::info!(http = %addresses.0, grpc = %addresses.1, issuer, "ready");
        let signal = requested.await;
        closing.cancel();
        signal
    };
    let ((), signal) = tokio::join!(listeners, signal);
    tracing::info!(signal, "stopping");
    background.iter().for_each(tokio::task::JoinHandle::abort);
    database.close().await;
    Ok(())
}

/// The database with every service's tables up to date.
async fn database(folder: &DataFolder) -> Result<Database, DatabaseError> {
    let database = Database::open(&folder.database_path()).await?;
    let migrations = [
        CHANGE_LOG_MIGRATIONS,
        postern_token::MIGRATIONS,
        postern_identity::MIGRATIONS,
        postern_policy_service::MIGRATIONS,
    ];
    database.migrate_all(&migrations).await?;
    Ok(database)
}

/// The services that OAuth asks, in this process: the generated clients around the generated servers.
fn in_process(edges: &Edges) -> Services {
    let token = Rpc::new(TokenServiceServer::new(edges.token.clone()));
    let identity = Rpc::new(SessionIdentityServiceServer::new(edges.identity.clone()));
    Services {
        token: TokenServiceClient::new(token),
        identity: SessionIdentityServiceClient::new(identity),
    }
}
