//! A `CheckRequest` as Envoy sends it, scanned without `prost`: what is read is what `prost` reads, or both refuse.

/// Reads `data` both ways.
pub fn run(data: &[u8]) {
    assert_eq!(postern_sidecar::difference_from_prost(data), None);
}
