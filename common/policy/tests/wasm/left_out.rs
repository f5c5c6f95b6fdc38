//! That a module answers as if all of its input were there, whatever of it is left out until the module looks.

use postern_policy::input::{Bodies, InputDocument, InputReads, PeerParts, PosternParts, RequestParts};
use postern_policy::{Document as _, Engine as _, Part, Parts, Value, WasmEngine};
use proptest::prelude::*;

use crate::{build, engine, env, json};

/// A rule for each way of looking at a value, or of passing it on.
const REGO: &str = r#"package a

import rego.v1

http := input.attributes.request.http

method := http.method

whole := input

whole_part := input.attributes.source

in_an_object := {"a": [http.headers, 1], "b": {"c": input.parsed_path}}

in_a_set := {input.attributes.source, input.attributes.destination}

as_a_key := {input.attributes.request.http.host: 1}

names := {name | some name, _ in input}

values := [value | some value in input.attributes]

deep := {path | walk(input.attributes, [path, _])}

is_there := [1 | input.attributes.request.http.headers]

is_not_there if not input.attributes.request.http.body

is_true if input.truncated_body

is_false if input.truncated_body == false

compared if input.attributes.source == input.attributes.destination

the_same if input.attributes.source == input.attributes.source

less if input.attributes.source < input.attributes.destination

counted := count(input.attributes.request.http.headers)

typed := type_name(input.attributes.destination)

by_a_name_of_its_own := http[http.headers["x-part"]]

any_header := {name | some name, value in http.headers; contains(value, "x")}

by_hosts_builtin := json.marshal(input.postern)

hashed := crypto.sha256(http.path)

got := object.get(input, ["attributes", "request", "http", "protocol"], "none")

merged := object.union(input.attributes.source, {"principal": "other"})

f(x) := x.principal

called := [f(input.attributes.source), f(input.attributes.destination)]

ignores(_) := 1

not_looked_at := ignores(input.attributes)

with_other := x if x := method with input.attributes.request.http.method as "OTHER"

with_part := x if x := names with input.attributes as input.attributes.source

either := input.attributes.source.labels if {
	true
} else := http.headers["x-user"] if {
	true
} else := "none"

every_one if {
	every header in http.headers {
		header != ""
	}
}

size_and_time := [http.size, input.attributes.request.time]

claims := input.postern.claims.roles[_]

postern := [input.postern.route, input.postern.subject]

element := input.attributes.contextExtensions.a in {"b", "c"}
"#;

const RULES: [&str; 35] = [
    "http",
    "method",
    "whole",
    "whole_part",
    "in_an_object",
    "in_a_set",
    "as_a_key",
    "names",
    "values",
    "deep",
    "is_there",
    "is_not_there",
    "is_true",
    "is_false",
    "compared",
    "the_same",
    "less",
    "counted",
    "typed",
    "by_a_name_of_its_own",
    "any_header",
    "by_hosts_builtin",
    "hashed",
    "got",
    "merged",
    "called",
    "not_looked_at",
    "with_other",
    "with_part",
    "either",
    "every_one",
    "size_and_time",
    "claims",
    "postern",
    "element",
];

fn engine_of_rules() -> WasmEngine {
    let paths: Vec<String> = RULES.iter().map(|rule| format!("a/{rule}")).collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    engine(&build(&[("a.rego", REGO)], &paths).wasm).unwrap()
}

/// A request of few values, by numbers that choose them.
struct Request {
    choices: Vec<usize>,
    claims: Value,
}

impl Request {
    fn of(choices: Vec<usize>) -> Self {
        let claims = json(r#"{"roles": ["a", "b"], "sub": "u"}"#);
        Self { choices, claims }
    }

    fn chosen<T: Copy>(&self, at: usize, values: &[T]) -> T {
        values[self.choices[at] % values.len()]
    }

    fn with<T>(&self, act: impl FnOnce(&InputDocument<'_, [(&str, &str)]>) -> T) -> T {
        let texts = ["", "a", "GET"];
        let labels: [&[(&str, &str)]; 3] = [&[], &[("a", "b")], &[("a", "c"), ("x", "")]];
        let peer = |at: usize| {
            let peer = PeerParts {
                principal: self.chosen(at, &texts),
                labels: self.chosen(at + 1, &labels),
                ..PeerParts::default()
            };
            self.chosen(at + 2, &[None, Some(peer)])
        };
        let headers: [&[(&str, &str)]; 4] = [
            &[],
            &[("x-user", "ada"), ("x-part", "method")],
            &[("x-part", "headers"), ("host", "x")],
            &[("a", "")],
        ];
        let request = RequestParts {
            source: peer(0),
            destination: peer(3),
            method: self.chosen(6, &texts),
            host: self.chosen(7, &texts),
            path: self.chosen(8, &["", "/a/b", "/a?b=c"]),
            protocol: self.chosen(9, &texts),
            body: self.chosen(10, &["", "{}"]),
            size: self.chosen(11, &[0, 2]),
            time: self.chosen(12, &[None, Some((1, 2))]),
            context_extensions: self.chosen(13, &labels),
            bodies: self.chosen(14, &[Bodies::Always, Bodies::Never]),
            ..RequestParts::default()
        };
        let postern = PosternParts {
            claims: self.chosen(15, &[None, Some(&self.claims)]),
            route: self.chosen(16, &[None, Some("r".into())]),
            path: "/a",
            auth: "jwt",
            ..PosternParts::default()
        };
        let postern = self.chosen(17, &[None, Some(&postern)]);
        let reads = InputReads::everything();
        act(&InputDocument::new(reads, &request, self.chosen(18, &headers), postern).unwrap())
    }
}

const CHOICES: usize = 19;

#[test]
fn property_32_what_is_left_out_is_never_seen_in_an_answer() {
    let engine = engine_of_rules();
    let requests = prop::collection::vec(0..12_usize, CHOICES);
    // Rules meet requests of all kinds before they have looked at all they ever look at, and afterwards.
    proptest!(ProptestConfig::with_cases(300), |(choices in requests)| {
        Request::of(choices).with(|document| {
            let whole = document.value(Part::WHOLE);
            for rule in RULES {
                let entrypoint = engine.entrypoint(&format!("a/{rule}")).unwrap();
                let expected = engine.evaluate(entrypoint, Some(whole), &env());
                let answer = engine.evaluate_document(entrypoint, document, &env());
                prop_assert_eq!(format!("{answer:?}"), format!("{expected:?}"), "{}", rule);
            }
            Ok(())
        })?;
    });
    let written = |rule: &str| engine.looked_at(engine.entrypoint(&format!("a/{rule}")).unwrap());
    assert_eq!(written("not_looked_at"), Parts::NONE);
    assert!(
        RULES.iter().all(|rule| written(rule) != Parts::ALL),
        "each look is told"
    );
}

#[test]
fn what_was_looked_at_is_written_from_then_on_and_no_more() {
    let engine = engine_of_rules();
    let request = Request::of(vec![1; CHOICES]);
    let method = engine.entrypoint("a/method").unwrap();
    let counts: Vec<u32> = (0..6)
        .map(|_| {
            let answer = request.with(|document| engine.evaluate_document(method, document, &env()));
            assert_eq!(answer.unwrap().unwrap().to_json(), "\"a\"");
            engine.looked_at(method).bits().count_ones()
        })
        .collect();
    // `attributes`, `request`, `http`, and the method.
    assert_eq!(counts, [1, 2, 3, 4, 4, 4]);
}
