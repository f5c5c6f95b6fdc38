//! The command line: develop, ask, build and push policy.

fn main() {}
