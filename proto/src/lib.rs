//! Postern's gRPC contracts and the code generated from them.
