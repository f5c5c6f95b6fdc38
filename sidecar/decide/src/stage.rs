//! The stages of a decision, and how a host hears of each: to measure, and to tell which one decided. Never changes what
//! is decided.

/// One stage of a decision, in the order in which they come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// The path's canonical form, and the route that takes the request.
    Route,
    /// The workload at the other end of the connection.
    Peer,
    /// What the route accepts: tokens, keys, peers, and what its rules ask of them.
    Credentials,
    /// Whether what was accepted has been revoked since.
    Revocation,
    /// How the user signed in.
    StepUp,
    /// The policy.
    Policy,
    /// What upstream and client are told.
    Answer,
}

impl Stage {
    /// Every stage in order.
    pub const ALL: [Self; 7] = [
        Self::Route,
        Self::Peer,
        Self::Credentials,
        Self::Revocation,
        Self::StepUp,
        Self::Policy,
        Self::Answer,
    ];

    /// Its name in metrics and in what `postern explain` prints.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Route => "route",
            Self::Peer => "peer",
            Self::Credentials => "credentials",
            Self::Revocation => "revocation",
            Self::StepUp => "step_up",
            Self::Policy => "policy",
            Self::Answer => "answer",
        }
    }
}

/// Is told of each stage that a check has passed. The last stage before a refusal isn't passed; the record names it.
pub trait Stages {
    /// The check has passed `stage`.
    fn passed(&mut self, stage: Stage);
}

/// Nobody listens.
impl Stages for () {
    fn passed(&mut self, _stage: Stage) {}
}
