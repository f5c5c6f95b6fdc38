//! The sidecar's whole decision as one function of its arguments.
