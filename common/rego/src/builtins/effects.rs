//! What a builtin depends on besides its operands: those that OPA calls nondeterministic, and why each is.

/// What the answer of a builtin depends on besides its operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Effects {
    /// The instant of the decision.
    pub clock: bool,
    /// Randomness.
    pub randomness: bool,
    /// Something that is asked over the network.
    pub network: bool,
    /// What the host says of itself (`opa.runtime`).
    pub host: bool,
}

impl Effects {
    /// Depends on the operands alone.
    pub const NONE: Effects = Effects {
        clock: false,
        randomness: false,
        network: false,
        host: false,
    };

    /// Depends on everything, for all that is known.
    pub const ALL: Effects = Effects {
        clock: true,
        randomness: true,
        network: true,
        host: true,
    };

    /// Whether there are none: then the same operands have the same answer, always.
    #[must_use]
    pub fn is_none(self) -> bool {
        self == Self::NONE
    }

    /// What either depends on.
    #[must_use]
    pub fn and(self, other: Effects) -> Effects {
        Effects {
            clock: self.clock || other.clock,
            randomness: self.randomness || other.randomness,
            network: self.network || other.network,
            host: self.host || other.host,
        }
    }
}

/// What the builtin that OPA calls `name` depends on, whether or not this crate has it: those that OPA's capabilities
/// mark as nondeterministic, and the two that check certificates against the present without being marked.
#[must_use]
pub fn effects(name: &str) -> Effects {
    let none = Effects::NONE;
    match name {
        "time.now_ns"
        | "io.jwt.decode_verify"
        | "crypto.x509.parse_and_verify_certificates"
        | "crypto.x509.parse_and_verify_certificates_with_options" => Effects { clock: true, ..none },
        "rand.intn" | "uuid.rfc4122" | "io.jwt.encode_sign" | "io.jwt.encode_sign_raw" => Effects {
            randomness: true,
            ..none
        },
        // It keeps answers for as long as they are fresh.
        "http.send" => Effects {
            clock: true,
            network: true,
            ..none
        },
        // A schema may refer to others, elsewhere.
        "json.match_schema" | "json.verify_schema" | "net.lookup_ip_addr" => Effects {
            network: true,
            ..none
        },
        "opa.runtime" => Effects { host: true, ..none },
        _ => none,
    }
}

#[cfg(test)]
mod tests {
    use super::{Effects, effects};

    /// `nondeterministic` in OPA's capabilities.
    const OPAS: [&str; 11] = [
        "http.send",
        "io.jwt.decode_verify",
        "io.jwt.encode_sign",
        "io.jwt.encode_sign_raw",
        "json.match_schema",
        "json.verify_schema",
        "net.lookup_ip_addr",
        "opa.runtime",
        "rand.intn",
        "time.now_ns",
        "uuid.rfc4122",
    ];

    #[test]
    fn all_that_opa_marks_depends_on_something() {
        for name in OPAS {
            assert!(!effects(name).is_none(), "{name}");
        }
    }

    #[test]
    fn of_this_crates_own_nothing_else_does() {
        for name in crate::builtin_names().filter(|name| !OPAS.contains(name)) {
            assert!(effects(name).is_none(), "{name}");
        }
    }

    #[test]
    fn effects_add_up() {
        let both = effects("rand.intn").and(effects("time.now_ns"));
        assert_eq!(
            both,
            Effects {
                clock: true,
                randomness: true,
                ..Effects::NONE
            }
        );
    }
}
