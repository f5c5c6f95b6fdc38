//! The data plane: Envoy's ext_authz, decided inside the pod.

fn main() {}
