//! Policies that are too large to be kept as files: Rego and data as text.

use std::fmt::Write as _;

/// The subject of the request that every policy is asked about.
const SUBJECT: usize = 17;

/// Role-based access with a binding for each of `count` subjects, in an object keyed by subject.
pub(super) fn bindings(count: usize) -> (String, String) {
    let rego = r#"package bench.bindings

default decision := {"allowed": false}

decision := {"allowed": true} if {
	some role in data.bindings[input.postern.subject]
	some permission in data.permissions[role]
	permission.method == input.attributes.request.http.method
	permission.resource == input.parsed_path[0]
}
"#;
    let mut bound = String::new();
    // The one that is asked for is among them, however few they are.
    for n in 0..count {
        let subject = if n == 0 { SUBJECT } else { SUBJECT + n };
        let comma = if n == 0 { "" } else { "," };
        let _ = write!(
            bound,
            "{comma}\"user-{subject:05}\":[\"role-{:02}\",\"role-{:02}\"]",
            n % 30,
            (n + 7) % 30
        );
    }
    let mut permissions = String::new();
    for n in 0..30 {
        let comma = if n == 0 { "" } else { "," };
        let _ = write!(
            permissions,
            "{comma}\"role-{n:02}\":[{{\"method\":\"POST\",\"resource\":\"orders\"}},\
             {{\"method\":\"GET\",\"resource\":\"invoices\"}},{{\"method\":\"GET\",\"resource\":\"orders\"}}]"
        );
    }
    let data = format!("{{\"bindings\":{{{bound}}},\"permissions\":{{{permissions}}}}}");
    (rego.to_owned(), data)
}

/// A policy of `count` rules, each for one method and one resource of one tenant.
pub(super) fn rules(count: usize) -> (String, String) {
    let mut rego = "package bench.rules\n\ndefault decision := {\"allowed\": false}\n\n\
                    decision := {\"allowed\": true} if allow\n"
        .to_owned();
    for n in 0..count {
        // The last of them lets the request through.
        let resource = if n + 1 == count {
            "orders".to_owned()
        } else {
            format!("resource-{n:04}")
        };
        let _ = write!(
            rego,
            "\nallow if {{\n\tinput.parsed_path[0] == \"{resource}\"\n\
             \tinput.attributes.request.http.method == \"GET\"\n\
             \tstartswith(input.attributes.request.http.path, \"/\")\n\
             \t\"orders:read\" in input.postern.scopes\n}}\n"
        );
    }
    (rego, "{}".to_owned())
}
