//! The policy service: bundles kept and served, decisions answered.
