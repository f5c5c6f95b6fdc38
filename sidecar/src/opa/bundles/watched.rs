//! `--watch`: the files, folders and bundles of the command line, loaded again when they change on disk. Whatever is wrong
//! with them keeps what was in force there.

use std::sync::Arc;

use postern_opa_config::PolicyFiles;
use postern_policy::Limits;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use super::loading::Loading;
use crate::opa::at_start;
use crate::opa::watching::Watching;

/// Follows them until `stop`, as they were when they were read at start.
pub(super) async fn follow(
    loading: &Loading,
    files: PolicyFiles,
    mut watching: Watching,
    stop: CancellationToken,
) {
    let files = Arc::new(files);
    while watching.changed(&stop).await {
        match load(loading, &files).await {
            Ok(()) => tracing::info!("files of the command line changed, and are in force as they are now"),
            Err(problem) => tracing::error!(
                problem,
                "files of the command line changed, and are refused; what was in force serves on"
            ),
        }
    }
}

async fn load(loading: &Loading, files: &Arc<PolicyFiles>) -> Result<(), String> {
    let files = Arc::clone(files);
    let read = spawn_blocking(move || at_start::read(&files, &Limits::default())).await;
    let read = read.map_err(|error| error.to_string())?;
    let at_start = read.map_err(|error| error.to_string())?;
    let started = loading.start_anew(at_start).await;
    started.map_err(|problem| problem.text())
}
