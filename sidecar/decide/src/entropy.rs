//! The randomness that one decision may use, drawn by the host beforehand. Never a source of its own.

/// Random bytes for one decision, a field for each use, so that no byte serves two.
#[derive(Clone, Default)]
pub struct Entropy {
    /// For the decision id (UUIDv4).
    pub decision_id: [u8; 16],
    /// For a correlation id, where the request brings none.
    pub correlation_id: [u8; 16],
    /// For a trace, where the request brings none: trace id and span id.
    pub trace: [u8; 24],
    /// For the span of this hop, where the request brings a trace.
    pub span: [u8; 8],
    /// For what a policy draws (`rand.intn`, `uuid.rfc4122`).
    pub policy_seed: [u8; 32],
}

impl Entropy {
    /// Fills every field from the host's generator, which is asked once.
    pub fn draw(fill: impl FnOnce(&mut [u8])) -> Self {
        let mut drawn = [0; 16 + 16 + 24 + 8 + 32];
        fill(&mut drawn);
        let mut entropy = Self::default();
        let mut rest = drawn.as_slice();
        for field in [
            entropy.decision_id.as_mut_slice(),
            &mut entropy.correlation_id,
            &mut entropy.trace,
            &mut entropy.span,
            &mut entropy.policy_seed,
        ] {
            if let Some((bytes, further)) = rest.split_at_checked(field.len()) {
                field.copy_from_slice(bytes);
                rest = further;
            }
        }
        entropy
    }
}

impl std::fmt::Debug for Entropy {
    /// Says nothing: policy may make secrets from it.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Entropy(..)")
    }
}
