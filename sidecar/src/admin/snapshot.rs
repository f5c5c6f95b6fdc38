//! /snapshot: what this sidecar decides from, where it got it, and what went wrong last.

use serde::Serialize;

use crate::status::{BundleState, ControlPlaneState, IssuerState, State};

/// The document. Times are seconds since the epoch.
#[derive(Debug, Serialize)]
pub(super) struct Shown {
    version: &'static str,
    ready: bool,
    not_ready: Vec<String>,
    issuers: Vec<IssuerState>,
    bundle: Option<BundleState>,
    control_plane: Option<ControlPlaneState>,
}

impl Shown {
    pub(super) fn of(state: State) -> Self {
        let not_ready = state.not_ready();
        Self {
            version: env!("CARGO_PKG_VERSION"),
            ready: not_ready.is_empty(),
            not_ready,
            issuers: state.issuers,
            bundle: state.bundle,
            control_plane: state.control_plane,
        }
    }
}
