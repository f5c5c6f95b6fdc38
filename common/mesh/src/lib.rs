//! SPIFFE identities; transports between Postern's parts behind features.
