//! /snapshot: what this sidecar decides from, where it got it, and what went wrong last.

use serde::Serialize;

use crate::status::{BundleState, ConfigState, ControlPlaneState, IssuerState, State};

/// The document. Times are seconds since the epoch.
#[derive(Debug, Serialize)]
pub(super) struct Shown {
    version: &'static str,
    ready: bool,
    not_ready: Vec<String>,
    degraded: Vec<String>,
    config: ConfigState,
    issuers: Vec<IssuerState>,
    bundle: Option<BundleState>,
    candidate: Option<BundleState>,
    control_plane: Option<ControlPlaneState>,
    /// What on disk isn't used, and why.
    dropped: Vec<String>,
}

impl Shown {
    pub(super) fn of(state: State) -> Self {
        let (not_ready, degraded) = (state.not_ready(), state.degraded());
        Self {
            version: env!("CARGO_PKG_VERSION"),
            ready: not_ready.is_empty(),
            not_ready,
            degraded,
            config: state.config,
            issuers: state.issuers,
            bundle: state.bundle,
            candidate: state.candidate,
            control_plane: state.control_plane,
            dropped: state.dropped,
        }
    }
}
