//! The control plane: one binary that wires every service.

fn main() {}
