//! Every flag of `opa run`, as of 1.22, and of the plugin's. docs/opa-configuration.md is written from it.

use crate::fate::Fate::{self, Honoured, NotHonoured, Refused};

/// What stands behind a flag, as pflag reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// Nothing, or `=true` and the like.
    Switch,
    /// Text; the last holds.
    Text,
    /// One of these words; the last holds.
    OneOf(&'static [&'static str]),
    /// A whole number, with Go's prefixes; the last holds.
    Integer,
    /// Texts with commas between, as in CSV; all count.
    List,
    /// A text each time; all count.
    Each,
}

/// A flag of `opa run`.
#[derive(Clone, Copy, Debug)]
pub struct Flag {
    /// Without its dashes.
    pub name: &'static str,
    /// Its letter.
    pub short: Option<char>,
    /// What stands behind it.
    pub takes: Takes,
    /// What becomes of it.
    pub fate: Fate,
}

const fn flag(name: &'static str, short: Option<char>, takes: Takes, fate: Fate) -> Flag {
    Flag {
        name,
        short,
        takes,
        fate,
    }
}

const AS_THERE: Fate = Honoured("");
const NO_SHELL: Fate = NotHonoured("it is about OPA's shell");
const NO_CHECK: Fate = NotHonoured("there is no version check");
const NO_TLS: Fate = Refused(
    "8181 and 8282 are served without TLS; take the flag out and let --addr be localhost or a Unix socket, or put a proxy before it",
);
const LEVELS: &[&str] = &["debug", "info", "error"];

/// The flags, in the order of `opa run --help`.
pub const FLAGS: &[Flag] = &[
    flag(
        "addr",
        Some('a'),
        Takes::List,
        Honoured("host:port, http://host:port, unix:///path, unix://@name"),
    ),
    flag(
        "authentication",
        None,
        Takes::OneOf(&["token", "tls", "off"]),
        Honoured("`off`; others are refused: the HTTP API asks nobody who they are"),
    ),
    flag(
        "authorization",
        None,
        Takes::OneOf(&["basic", "off"]),
        Honoured("`off`; others are refused: the HTTP API has nothing that could be pushed to"),
    ),
    flag("bundle", Some('b'), Takes::Switch, AS_THERE),
    flag("config-file", Some('c'), Takes::Text, AS_THERE),
    flag(
        "opa-config",
        None,
        Takes::Text,
        Honoured("ours: --config-file and --server in one"),
    ),
    flag("diagnostic-addr", None, Takes::List, AS_THERE),
    flag("disable-telemetry", None, Takes::Switch, NO_CHECK),
    flag("exclude-files-verify", None, Takes::List, AS_THERE),
    flag("format", Some('f'), Takes::Text, NO_SHELL),
    flag("h2c", None, Takes::Switch, AS_THERE),
    flag("history", Some('H'), Takes::Text, NO_SHELL),
    flag("ignore", None, Takes::List, AS_THERE),
    flag(
        "log-format",
        None,
        Takes::OneOf(&["text", "json", "json-pretty"]),
        Honoured(
            "lines of the process have our own members; those of events and status have OPA's, a line each",
        ),
    ),
    flag(
        "log-level",
        Some('l'),
        Takes::OneOf(LEVELS),
        Honoured("`POSTERN_LOG` goes over it; `debug` is about our own parts"),
    ),
    flag(
        "log-level-request",
        None,
        Takes::OneOf(LEVELS),
        NotHonoured("requests of the HTTP API aren't logged"),
    ),
    flag(
        "log-timestamp-format",
        None,
        Takes::Text,
        NotHonoured("times are written as RFC 3339 has them"),
    ),
    flag(
        "max-errors",
        Some('m'),
        Takes::Integer,
        NotHonoured(
            "`opa build`, which compiles here, has no such flag: it tells of 10 errors, the flag's default",
        ),
    ),
    flag(
        "min-tls-version",
        None,
        Takes::OneOf(&["1.0", "1.1", "1.2", "1.3"]),
        Honoured("connections to services speak TLS 1.2 at least, also with 1.0 and 1.1"),
    ),
    flag(
        "optimize-store-for-read-speed",
        None,
        Takes::Switch,
        NotHonoured("reads are always fast"),
    ),
    flag(
        "pprof",
        None,
        Takes::Switch,
        NotHonoured("pprof looks into Go programs"),
    ),
    flag(
        "ready-timeout",
        None,
        Takes::Integer,
        Honoured("Checks are answered meanwhile, as in the plugin; a signal ends the wait, too"),
    ),
    flag("scope", None, Takes::Text, AS_THERE),
    flag(
        "server",
        Some('s'),
        Takes::Switch,
        Honoured("needed; there is no shell"),
    ),
    flag("set", None, Takes::Each, AS_THERE),
    flag("set-file", None, Takes::Each, AS_THERE),
    flag("shutdown-grace-period", None, Takes::Integer, AS_THERE),
    flag("shutdown-wait-period", None, Takes::Integer, AS_THERE),
    flag("signing-alg", None, Takes::Text, AS_THERE),
    flag(
        "skip-known-schema-check",
        None,
        Takes::Switch,
        NotHonoured("it is about the policy of --authorization=basic, which isn't offered"),
    ),
    flag("skip-verify", None, Takes::Switch, AS_THERE),
    flag("skip-version-check", None, Takes::Switch, NO_CHECK),
    flag("tls-ca-cert-file", None, Takes::Text, NO_TLS),
    flag("tls-cert-file", None, Takes::Text, NO_TLS),
    flag(
        "tls-cert-refresh-period",
        None,
        Takes::Text,
        NotHonoured("8181 and 8282 are served without TLS"),
    ),
    flag(
        "tls-cipher-suites",
        None,
        Takes::List,
        NotHonoured(
            "connections to services take only suites with forward secrecy and authenticated encryption",
        ),
    ),
    flag("tls-private-key-file", None, Takes::Text, NO_TLS),
    flag("unix-socket-perm", None, Takes::Text, AS_THERE),
    flag("v0-compatible", None, Takes::Switch, AS_THERE),
    flag(
        "v1-compatible",
        None,
        Takes::Switch,
        Honoured("over --v0-compatible, as in OPA"),
    ),
    flag(
        "verification-key",
        None,
        Takes::Text,
        Honoured(
            "a public key or certificate in PEM, HMAC's secret, or a file of one; not a private key; digests by MD5, SHA-1 and SHA-512-224 are refused",
        ),
    ),
    flag("verification-key-id", None, Takes::Text, AS_THERE),
    flag(
        "watch",
        Some('w'),
        Takes::Switch,
        Honoured(
            "what is there is looked at twice a second, through links, and read once it rests; then all of it is as after a restart, and signatures are verified. OPA reads at once, loses the data of services' bundles, and passes over signatures",
        ),
    ),
    flag(
        "watch-config",
        None,
        Takes::Switch,
        NotHonoured("restart the process to use a changed file, or have `discovery` bring what changes"),
    ),
];
