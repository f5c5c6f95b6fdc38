//! What routes promise: the first that a request meets in the order written, whatever the compiled form does.

use postern_decide::path::canonical;
use postern_decide::routes::{Conditions, HostPattern, PathMode, PathPattern, RoutesError, Target, Unmet};
use postern_decide::{Route, Routes};
use proptest::prelude::*;

#[cfg(test)]
fn conditions(host: &str, path: &str, methods: &str, context: &str) -> Conditions {
    let list = |text: &str| -> Option<Vec<String>> {
        (!text.is_empty()).then(|| text.split(',').map(str::to_owned).collect())
    };
    let path = (!path.is_empty()).then(|| match path.split_once(' ').unwrap() {
        ("exact", path) => PathPattern::exact(path).unwrap(),
        ("prefix", path) => PathPattern::prefix(path).unwrap(),
        (_, path) => PathPattern::template(path).unwrap(),
    });
    Conditions {
        hosts: list(host).map(|hosts| {
            hosts
                .iter()
                .map(|host| HostPattern::parse(host).unwrap())
                .collect()
        }),
        path,
        methods: list(methods).map(|methods| methods.into_iter().map(String::into_boxed_str).collect()),
        context_extensions: list(context)
            .unwrap_or_default()
            .iter()
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (Box::from(name), Box::from(value)))
            .collect(),
    }
}

#[cfg(test)]
fn table(rows: &[(&str, &str, &str, &str)]) -> Result<Routes, RoutesError> {
    Routes::new(
        rows.iter()
            .enumerate()
            .map(|(index, (host, path, methods, context))| {
                (
                    conditions(host, path, methods, context),
                    Route::named(&format!("r{index}")),
                )
            })
            .collect(),
    )
}

#[cfg(test)]
fn target<'a>(
    host: &'a str,
    method: &'a str,
    path: &'a str,
    context: &'a [(&'a str, &'a str)],
) -> Target<'a> {
    Target {
        host,
        path,
        method,
        context_extensions: context,
    }
}

#[test]
fn the_first_route_in_order_wins_and_none_is_none() {
    let routes = table(&[
        ("orders.example", "exact /health", "GET", ""),
        ("*.shop.example", "prefix /api", "", "tier=gold"),
        ("", "template /orders/{id}/items", "GET,HEAD", ""),
        ("", "template /files/{rest=**}", "", ""),
        ("", "prefix /a/", "", ""),
        ("", "exact *", "OPTIONS", ""),
    ])
    .unwrap();
    let gold = [("tier", "gold"), ("zone", "a")];
    for (host, method, path, context, expected) in [
        ("ORDERS.example:8443", "GET", "/health", &[][..], Some("r0")),
        ("orders.example", "GET", "/health/", &[], None),
        ("orders.example", "get", "/health", &[], None),
        ("eu.shop.example", "PUT", "/api/x", &gold, Some("r1")),
        ("eu.shop.example", "PUT", "/api", &gold, Some("r1")),
        ("eu.shop.example", "PUT", "/apis", &gold, None),
        ("eu.shop.example", "PUT", "/api/x", &[("tier", "silver")], None),
        ("shop.example", "PUT", "/api/x", &gold, None),
        ("x", "HEAD", "/orders/7/items", &[], Some("r2")),
        ("x", "HEAD", "/orders//items", &[], None),
        ("x", "POST", "/orders/7/items", &[], None),
        ("x", "HEAD", "/orders/7/items/", &[], None),
        ("x", "GET", "/files/", &[], Some("r3")),
        ("x", "GET", "/files/a/b/", &[], Some("r3")),
        ("x", "GET", "/files", &[], None),
        ("x", "GET", "/a", &[], None),
        ("x", "GET", "/a/", &[], Some("r4")),
        ("x", "OPTIONS", "*", &[], Some("r5")),
        ("x", "OPTIONS", "/*", &[], None),
    ] {
        let found = routes.find(&target(host, method, path, context));
        assert_eq!(
            found.map(|route| &*route.name),
            expected,
            "{method} {host} {path}"
        );
    }
}

#[test]
fn a_catch_all_takes_everything() {
    let routes = Routes::catch_all(Route::named("default"));
    for path in ["/", "*", "/a"] {
        assert!(routes.find(&target("", "", path, &[])).is_some());
    }
}

#[test]
fn routes_that_could_never_match_or_be_told_apart_are_refused() {
    let shadowed = |rows: &[(&str, &str, &str, &str)]| table(rows).err();
    let by_first = Some(RoutesError::Shadowed { index: 1, by: 0 });
    for (wide, narrow) in [
        (("", "", "", ""), ("a.example", "exact /a", "GET", "k=v")),
        (("", "prefix /a", "", ""), ("", "template /a/{b}", "", "")),
        (("", "prefix /", "", ""), ("", "exact /a", "", "")),
        (("*.example", "", "", ""), ("a.example,*.b.example", "", "", "")),
        (("", "", "GET,PUT", ""), ("", "", "PUT", "")),
        (("", "", "", "k=v"), ("", "", "", "j=w,k=v")),
        (("", "template /{a}/{b=**}", "", ""), ("", "exact /a/", "", "")),
        (("", "template /{a}", "", ""), ("", "template /{other}", "", "")),
    ] {
        assert_eq!(shadowed(&[wide, narrow]), by_first, "{wide:?} {narrow:?}");
        assert_ne!(
            shadowed(&[narrow, wide]),
            by_first.filter(|_| wide != narrow && wide.1 != "template /{a}")
        );
    }
    let twins = vec![
        (conditions("a.example", "", "", ""), Route::named("same")),
        (conditions("b.example", "", "", ""), Route::named("same")),
    ];
    assert_eq!(
        Routes::new(twins).err(),
        Some(RoutesError::DuplicateName { index: 1, first: 0 })
    );
    assert_eq!(Routes::new(Vec::new()).err(), Some(RoutesError::None));
    let many = (0..=4096)
        .map(|index| {
            (
                conditions("", &format!("exact /{index}"), "", ""),
                Route::named(&index.to_string()),
            )
        })
        .collect();
    assert_eq!(Routes::new(many).err(), Some(RoutesError::TooMany));
    let escaped = |paths| {
        let route = Route {
            paths,
            ..Route::named("escaped")
        };
        Routes::new(vec![(conditions("", "exact /a%25b", "", ""), route)]).err()
    };
    assert_eq!(
        escaped(PathMode::Strict),
        Some(RoutesError::NeverStrict { index: 0 })
    );
    assert_eq!(escaped(PathMode::Compat), None);
}

#[test]
fn patterns_that_no_canonical_path_looks_like_are_refused() {
    for path in [
        "",
        "a",
        "/a//b",
        "/a/../b",
        "/a?b",
        "/a#b",
        "/a;b",
        "/a\\b",
        "/a%20b",
        "/a%2fb",
        "/a%3fb",
        "/a%zz",
        "https://a/b",
        "/a\n",
    ] {
        assert!(PathPattern::exact(path).is_err(), "{path:?}");
        assert!(PathPattern::template(path).is_err(), "{path:?}");
        // A prefix may end where a path can't.
        assert!(PathPattern::prefix(path).is_err(), "{path:?}");
    }
    for template in [
        "/{a",
        "/a}",
        "/x{a}",
        "/{a}x",
        "/{}",
        "/{a=*}",
        "/{a=**}/b",
        "/{a b}",
        "/{a}/{a}",
        "*",
    ] {
        assert!(PathPattern::template(template).is_err(), "{template:?}");
    }
    assert!(PathPattern::prefix("*").is_err());
    assert!(PathPattern::exact(&"/a".repeat(65)).is_err());
    let told = PathPattern::exact("/a%20b").unwrap_err().to_string();
    assert!(told.contains("`/a b`"), "{told}");
}

#[test]
fn what_a_request_does_not_meet_is_told_in_words() {
    let one = conditions("a.example,*.b.example,c", "prefix /a", "GET,PUT", "k=v");
    let unmet = |target: Target<'_>| one.unmet(&target).map(|unmet| unmet.to_string());
    for (target, expected) in [
        (
            target("x", "GET", "/a", &[("k", "v")]),
            Some("the host isn't a.example, *.b.example or c"),
        ),
        (target("c", "GET", "/b", &[("k", "v")]), Some("the path isn't /a")),
        (
            target("c", "POST", "/a", &[("k", "v")]),
            Some("the method isn't GET or PUT"),
        ),
        (
            target("c", "PUT", "/a", &[("k", "w")]),
            Some("the context extension k isn't v"),
        ),
        (target("c", "PUT", "/a", &[("k", "v")]), None),
    ] {
        assert_eq!(unmet(target).as_deref(), expected);
    }
    assert!(matches!(
        one.unmet(&target("x", "", "", &[])),
        Some(Unmet::Host(_))
    ));
}

#[cfg(test)]
fn any_conditions() -> impl Strategy<Value = Conditions> {
    let host = prop::sample::select(vec!["a.x", "b.x", "*.x", "*.a.x", "x", "c.a.x", "[fd00::1]"]);
    let segment = prop::sample::select(vec!["a", "b", "{p}", "{q}", ""]);
    let path = (
        prop::sample::select(vec!["exact", "prefix", "template", "rest"]),
        prop::collection::vec(segment, 0..4),
    )
        .prop_filter_map("no such pattern", |(kind, segments)| {
            let text = format!("/{}", segments.join("/"));
            match kind {
                "exact" => PathPattern::exact(&text.replace(['{', '}'], "")),
                "prefix" => PathPattern::prefix(&text.replace(['{', '}'], "")),
                "template" => PathPattern::template(&text),
                _ => PathPattern::template(&format!("{}/{{rest=**}}", text.trim_end_matches('/'))),
            }
            .ok()
        });
    let method = prop::sample::select(vec!["GET", "PUT", "POST"]).prop_map(Box::<str>::from);
    let context = prop::collection::btree_map(
        prop::sample::select(vec!["k", "l", "m"]),
        prop::sample::select(vec!["1", "2"]),
        0..3,
    );
    (
        prop::option::of(prop::collection::vec(host, 1..3)),
        prop::option::weighted(0.8, path),
        prop::option::of(prop::collection::vec(method, 1..3)),
        context,
    )
        .prop_map(|(hosts, path, methods, context)| Conditions {
            hosts: hosts.map(|hosts| {
                hosts
                    .iter()
                    .map(|host| HostPattern::parse(host).unwrap())
                    .collect()
            }),
            path,
            methods: methods.map(Vec::into_boxed_slice),
            context_extensions: context
                .into_iter()
                .map(|(name, value)| (Box::from(name), Box::from(value)))
                .collect(),
        })
}

type AnyRequest = (String, String, &'static str, Vec<(&'static str, &'static str)>);

#[cfg(test)]
fn any_request() -> impl Strategy<Value = AnyRequest> {
    let host = prop::sample::select(vec![
        "a.x",
        "B.X:80",
        "x",
        "x.",
        "c.a.x",
        "d.c.a.x",
        ".x",
        ".a.x",
        "[FD00::1]:1",
        "",
        "a.x.y",
    ]);
    let path = prop_oneof![
        9 => prop::collection::vec(prop::sample::select(vec!["a", "b", "p", "q", ""]), 0..5)
            .prop_map(|segments| format!("/{}", segments.join("/"))),
        1 => Just("*".to_owned()),
    ];
    let context = prop::collection::btree_map(
        prop::sample::select(vec!["k", "l", "m", "n"]),
        prop::sample::select(vec!["1", "2"]),
        0..4,
    );
    (
        host.prop_map(str::to_owned),
        path,
        prop::sample::select(vec!["GET", "PUT", "POST", "get"]),
        context.prop_map(|map| map.into_iter().collect()),
    )
}

/// Of random conditions, those that no earlier one covers: what a configuration can hold.
#[cfg(test)]
fn possible(all: Vec<Conditions>) -> Vec<Conditions> {
    let mut kept: Vec<Conditions> = Vec::new();
    for one in all {
        if !kept.iter().any(|earlier| earlier.covers(&one)) {
            kept.push(one);
        }
    }
    kept
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn property_compiled_matching_is_first_match_in_order(
        all in prop::collection::vec(any_conditions(), 1..120),
        requests in prop::collection::vec(any_request(), 1..20),
    ) {
        let kept = possible(all);
        let routes = Routes::new(
            kept.iter()
                .enumerate()
                .map(|(index, one)| (one.clone(), Route::named(&index.to_string())))
                .collect(),
        ).unwrap();
        for (host, path, method, context) in &requests {
            let target = target(host, method, path, context);
            let expected = kept.iter().position(|one| one.unmet(&target).is_none());
            let found = routes.find(&target).map(|route| route.name.parse::<usize>().unwrap());
            prop_assert_eq!(found, expected, "{:?}", target);
        }
    }

    #[test]
    fn property_what_is_covered_is_met(
        all in prop::collection::vec(any_conditions(), 2..30),
        requests in prop::collection::vec(any_request(), 1..50),
    ) {
        for (wide, narrow) in all.iter().flat_map(|wide| all.iter().map(move |narrow| (wide, narrow))) {
            if !wide.covers(narrow) {
                continue;
            }
            for (host, path, method, context) in &requests {
                let target = target(host, method, path, context);
                prop_assert!(narrow.unmet(&target).is_some() || wide.unmet(&target).is_none(), "{:?}", target);
            }
        }
    }

    #[test]
    fn property_the_canonical_form_is_its_own_and_strict_paths_keep_theirs(
        path in "(/|[a-c]|\\.|\\.\\.|;|%2[fFeE35]|%3[bBfF]|%5[cC]|%41|%c3%a9|%25|é|\\\\|\\?|#|[ -~]){0,12}",
    ) {
        let target = format!("/{path}");
        if let Ok(once) = canonical(&target) {
            let twice = canonical(once.as_str());
            prop_assert_eq!(twice.as_ref().map(postern_decide::path::CanonicalPath::as_str), Ok(once.as_str()));
            let text = once.as_str();
            prop_assert!(text.starts_with('/') && !text.contains("//") && !text.contains(['?', '#', ';', '\\']));
            prop_assert!(!text.split('/').any(|segment| matches!(segment, "." | "..")));
            if once.strict().is_ok() {
                prop_assert_eq!(twice.unwrap().strict(), Ok(()), "strict stays strict");
                let raw = target.split('?').next().unwrap();
                prop_assert_eq!(raw.split('/').count(), text.split('/').count(), "no segment comes or goes");
                if !raw.contains('%') {
                    prop_assert_eq!(raw, text, "without escapes nothing changes");
                }
            }
        }
    }
}
