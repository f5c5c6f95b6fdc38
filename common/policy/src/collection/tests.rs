use super::*;
use crate::bundle::{BundleBuilder, Limits, Verification};

fn member(name: &str, given: Given, builder: BundleBuilder) -> Member {
    let archive = builder.build().unwrap();
    let bundle = Bundle::read(&archive, &Verification::Unsigned, &Limits::default()).unwrap();
    Member {
        name: name.to_owned(),
        bundle: Arc::new(bundle),
        etag: String::new(),
        given,
    }
}

fn bundle(revision: &str, roots: &[&str]) -> BundleBuilder {
    BundleBuilder::new(revision).roots(roots.iter().copied())
}

fn loose(files: &[(&str, &str)]) -> Loose {
    let mut loose = Loose::default();
    for (path, content) in files {
        let file = LooseFile {
            path,
            place: &[],
            named: true,
            content: content.as_bytes(),
        };
        loose.add(&file, RegoVersion::V1).unwrap();
    }
    loose
}

/// What OPA 1.22.2 answered for `data.system` and `data` of the same parts, run with `opa run -s`.
#[test]
fn data_is_what_opas_store_holds() {
    let one = bundle("r7", &["a", "d"])
        .metadata("t", 1.into())
        .rego_version(0)
        .file("a.rego", "package a\nimport rego.v1\nx := 1\n")
        .data(r#"{"d":{"k":1}}"#);
    let two = bundle("", &["q"])
        .file_rego_version("/q/*.rego", 1)
        .file("q/q.rego", "package q\nz := 2\n");
    let files = loose(&[
        ("loose.rego", "package loose\nl := 1\n"),
        ("lo.json", r#"{"lo":1,"d":{"z":3}}"#),
    ]);
    let collection = Collection::join(
        &files,
        [
            member("two", Given::Fetched, two),
            member("one", Given::Fetched, one),
        ],
        RegoVersion::V1,
    )
    .unwrap();
    let expected = Value::from_json_str(
        r#"{"d":{"k":1},"lo":1,"system":{
            "bundles":{
                "one":{"etag":"","manifest":{"metadata":{"t":1},"rego_version":0,"revision":"r7","roots":["a","d"]}},
                "two":{"etag":"","manifest":{"file_rego_versions":{"/q/*.rego":1},"revision":"","roots":["q"]}}},
            "modules":{"one/a.rego":{"rego_version":0}},
            "version":{"build_commit":"","build_hostname":"","build_timestamp":"","version":"1.22.2"}}}"#,
    )
    .unwrap();
    assert_eq!(collection.data(), &expected);
    let ids: Vec<_> = collection
        .modules()
        .iter()
        .map(|module| (module.id.as_str(), module.version))
        .collect();
    assert_eq!(
        ids,
        [
            ("loose.rego", RegoVersion::V1),
            ("one/a.rego", RegoVersion::V0),
            ("two/q/q.rego", RegoVersion::V1)
        ]
    );
    assert_eq!(collection.revision(), "one=r7,two=");
}

#[test]
fn a_bundle_that_is_fetched_and_owns_everything_leaves_nothing_beside_it() {
    let whole = || {
        bundle("", &[""])
            .file("q.rego", "package q\nz := 2\n")
            .data(r#"{"dd":{"k":1}}"#)
    };
    let files = loose(&[
        ("loose.rego", "package loose\nl := 1\n"),
        ("lo.json", r#"{"lo":1}"#),
    ]);
    let join = |given| Collection::join(&files, [member("one", given, whole())], RegoVersion::V1).unwrap();
    let fetched = join(Given::Fetched);
    assert_eq!(
        fetched.data().to_json(),
        r#"{"dd":{"k":1},"system":{"bundles":{"one":{"etag":"","manifest":{"revision":"","roots":[""]}}}}}"#
    );
    assert_eq!(fetched.modules().len(), 1);
    let at_start = join(Given::AtStart);
    assert!(
        at_start
            .data()
            .get("system")
            .and_then(|system| system.get("version"))
            .is_some()
    );
    assert!(at_start.data().get("lo").is_none());
    assert_eq!(at_start.modules().len(), 2);
}

#[test]
fn parts_that_cannot_be_together_are_named() {
    let refusal = |files: &Loose, members: Vec<Member>| {
        let error = Collection::join(files, members, RegoVersion::V1).unwrap_err();
        let bundles = error.bundles().join(" ");
        (error.to_string(), bundles)
    };
    let none = Loose::default();
    let (text, bundles) = refusal(
        &none,
        vec![
            member("one", Given::Fetched, bundle("", &["a"])),
            member("two", Given::Fetched, bundle("", &["a/b"])),
        ],
    );
    assert!(text.contains("[one, two] (a overlaps a/b)"), "{text}");
    assert_eq!(bundles, "one two");

    let outside = bundle("", &["a", "d"]).file("z.rego", "# z\npackage x.y\n");
    let (text, bundles) = refusal(&none, vec![member("one", Given::Fetched, outside)]);
    assert!(
        text.starts_with("manifest roots [a d] do not permit 'package x.y' in module 'z.rego'"),
        "{text}"
    );
    assert_eq!(bundles, "one");

    let (text, _) = refusal(
        &loose(&[("a.json", r#"{"a":1}"#)]),
        vec![member(
            "one",
            Given::Fetched,
            bundle("", &["a/b"]).data(r#"{"a":{"b":1}}"#),
        )],
    );
    assert!(text.contains("data at a,"), "{text}");

    let no_package = bundle("", &["a"]).file("z.rego", "x := 1");
    assert!(
        refusal(&none, vec![member("one", Given::Fetched, no_package)])
            .0
            .contains("z.rego")
    );
    let pattern = bundle("", &["a"])
        .file_rego_version("[", 1)
        .file("a.rego", "package a");
    assert!(
        refusal(&none, vec![member("one", Given::Fetched, pattern)])
            .0
            .contains("file_rego_versions")
    );
    let (text, _) = refusal(
        &loose(&[("one/a.rego", "package b")]),
        vec![member(
            "one",
            Given::Fetched,
            bundle("", &["a"]).file("a.rego", "package a"),
        )],
    );
    assert!(text.contains("one/a.rego"), "{text}");
}

#[test]
fn packages_tell_where_there_can_be_rules() {
    let files = loose(&[("p.rego", "package a.b\nx := 1\n")]);
    let collection = Collection::join(&files, [], RegoVersion::V1).unwrap();
    let may = |text: &str| collection.may_have_rules(&DataPath::of_ref(text).unwrap());
    assert!(may("data.a") && may("data.a.b.x.y") && may("data"));
    assert!(!may("data.system.log.mask") && !may("data.a.c"));
}
