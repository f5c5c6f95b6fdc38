//! A bundle at `file://`: an archive or a folder on this machine, read once (OPA's `v1/plugins/bundle`, `fileLoader`).

use std::io;
use std::path::Path;
use std::sync::Arc;

use postern_compiler::loose;
use postern_policy::activation::Verified;
use postern_policy::collection::Given;
use tokio::task::spawn_blocking;

use super::loading::{Came, Loading, Subscription, Update};
use super::problem::Problem;
use crate::clock::Stopwatch;

/// Loads it.
pub(super) async fn load(loading: &Loading, subscription: &Arc<Subscription>, path: &Path) {
    let mut update = Update::new("");
    let stopwatch = Stopwatch::start();
    let (subscribed, path) = (Arc::clone(subscription), path.to_owned());
    let read = spawn_blocking(move || read(&subscribed, &path)).await;
    update.timer("rego_load_bundles", stopwatch.elapsed());
    let outcome = match read {
        Ok(read) => read.map(Some),
        Err(error) => Err(Problem::Other(format!("reading ended unexpectedly: {error}"))),
    };
    // It is told of there, and not tried again.
    let _ = loading.process(subscription, update, outcome).await;
}

fn read(subscription: &Subscription, path: &Path) -> Result<Came, Problem> {
    if let Err(error) = std::fs::metadata(path) {
        let why = match error.kind() {
            io::ErrorKind::NotFound => "no such file or directory".to_owned(),
            _ => error.to_string(),
        };
        return Err(Problem::Other(format!("stat {}: {why}", path.display())));
    }
    let bundle = loose::bundle(path, &[], &subscription.verification, &subscription.limits);
    let bundle = bundle.map_err(|error| Problem::Other(error.to_string()))?;
    Ok(Came {
        verified: Verified::arrived(&subscription.name, bundle, "", Given::Fetched),
        etag: String::new(),
        size: 0,
        kept: None,
    })
}
