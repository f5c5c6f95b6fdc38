//! Tests through the real thing, load generators, reference servers, benches.
