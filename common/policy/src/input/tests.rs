use super::*;

fn build(request: &RequestParts<'_>, headers: &[(&'static str, &'static str)]) -> Result<Value, InputError> {
    document(InputReads::everything(), request, headers, None)
}

fn json(text: &str) -> Value {
    Value::from_json_str(text).unwrap()
}

#[test]
fn the_document_is_what_opa_envoy_gives() {
    let request = RequestParts {
        source: Some(PeerParts {
            address: Some(Address::Socket(SocketAddress {
                address: "10.0.0.1",
                port: Some(Port::Number(4711)),
                ..SocketAddress::default()
            })),
            principal: "spiffe://example.org/a",
            labels: &[("app", "a")],
            ..PeerParts::default()
        }),
        destination: Some(PeerParts {
            address: Some(Address::Pipe {
                path: "/run/x.sock",
                mode: 0,
            }),
            ..PeerParts::default()
        }),
        time: Some((1_700_000_000, 5)),
        id: "42",
        method: "GET",
        path: "/a%2Fb/c?x=1&x=2+3&y",
        host: "example.org",
        scheme: "http",
        size: -1,
        protocol: "HTTP/1.1",
        context_extensions: &[("k", "v")],
        tls_sni: Some(""),
        ..RequestParts::default()
    };
    let expected = json(
        r#"{
        "attributes": {
          "contextExtensions": {"k": "v"},
          "destination": {"address": {"pipe": {"path": "/run/x.sock"}}},
          "request": {
            "http": {"headers": {"accept": "*/*"}, "host": "example.org", "id": "42", "method": "GET",
                     "path": "/a%2Fb/c?x=1&x=2+3&y", "protocol": "HTTP/1.1", "scheme": "http", "size": -1},
            "time": {"nanos": 5, "seconds": 1700000000}
          },
          "source": {"address": {"socketAddress": {"address": "10.0.0.1", "portValue": 4711}},
                     "labels": {"app": "a"}, "principal": "spiffe://example.org/a"},
          "tlsSession": {}
        },
        "parsed_body": null,
        "parsed_path": ["a", "b", "c"],
        "parsed_query": {"x": ["1", "2 3"], "y": [""]},
        "source_principal": "spiffe://example.org/a",
        "truncated_body": false,
        "version": {"encoding": "protojson", "ext_authz": "v3"}
    }"#,
    );
    assert_eq!(
        build(&request, &[("accept", "*/*")]).unwrap().to_json(),
        expected.to_json()
    );
}

#[test]
fn what_is_unset_is_absent() {
    let input = build(&RequestParts::default(), &[]).unwrap();
    let expected = r#"{"attributes":{"request":{"http":{}}},"parsed_body":null,"parsed_path":[""],"parsed_query":{},"truncated_body":false,"version":{"encoding":"protojson","ext_authz":"v3"}}"#;
    assert_eq!(input.to_json(), expected);
}

#[test]
fn what_is_proved_stands_in_postern() {
    let claims = json(r#"{"sub":"u","n":1.0}"#);
    let issuer: std::sync::Arc<str> = "https://issuer".into();
    let parts = PosternParts {
        claims: Some(&claims),
        subject: Some("u".into()),
        client_id: Some("c".into()),
        issuer: Some((&issuer).into()),
        scopes: &["orders:read".into(), "orders:write".into()],
        peer_spiffe_id: Some("spiffe://example.org/a".into()),
        route: Some("default".into()),
        path: "/orders",
        auth: "jwt,other",
        api_key: Some(ApiKeyParts {
            id: "k1".into(),
            name: "ci".into(),
        }),
    };
    let input = document(
        InputReads::everything(),
        &RequestParts::default(),
        &[][..],
        Some(&parts),
    )
    .unwrap();
    assert_eq!(
        input.get("postern").unwrap().to_json(),
        r#"{"api_key":{"id":"k1","name":"ci"},"auth":["jwt","other"],"claims":{"n":1.0,"sub":"u"},"client_id":"c","issuer":"https://issuer","path":"/orders","peer":{"spiffe_id":"spiffe://example.org/a"},"route":"default","scopes":["orders:read","orders:write"],"subject":"u"}"#
    );
}

#[test]
fn what_is_not_proved_is_absent_from_postern() {
    let parts = PosternParts {
        path: "/",
        ..PosternParts::default()
    };
    let input = document(
        InputReads::everything(),
        &RequestParts::default(),
        &[][..],
        Some(&parts),
    )
    .unwrap();
    assert_eq!(
        input.get("postern").unwrap().to_json(),
        r#"{"path":"/","scopes":[]}"#
    );
}

#[test]
fn paths_are_unescaped_before_they_are_split() {
    let cases = [
        ("", r#"[""]"#),
        ("/", r#"[""]"#),
        ("///a//b/", r#"["a","","b",""]"#),
        ("/%2f%2Fa", r#"["a"]"#),
        ("/a+b", r#"["a+b"]"#),
        ("/%C3%A9", r#"["é"]"#),
        ("/a?b?c", r#"["a"]"#),
    ];
    for (path, expected) in cases {
        let input = build(
            &RequestParts {
                path,
                ..RequestParts::default()
            },
            &[],
        )
        .unwrap();
        assert_eq!(input.get("parsed_path").unwrap().to_json(), expected, "{path}");
    }
}

#[test]
fn ill_formed_paths_and_queries_say_where() {
    let cases = [
        ("/%zz", "the path has an invalid escape `%zz`"),
        ("/a%2", "the path has an invalid escape `%2`"),
        ("/a?x=%", "the query has an invalid escape `%`"),
        ("/a?x=1;y=2", "the query has a `;`"),
    ];
    for (path, expected) in cases {
        let error = build(
            &RequestParts {
                path,
                ..RequestParts::default()
            },
            &[],
        )
        .unwrap_err()
        .to_string();
        assert!(error.starts_with(expected), "{path}: {error}");
    }
}

#[test]
fn bodies_are_parsed_by_their_type() {
    let cases = [
        ("application/json; charset=utf-8", r#"{"a": 1.0}"#, r#"{"a":1.0}"#),
        (
            "application/x-www-form-urlencoded",
            "a=1&a=2",
            r#"{"a":["1","2"]}"#,
        ),
        ("application/vnd.api+json", "{}", "null"),
        ("Application/JSON", "{}", "null"),
        ("multipart/form-data; boundary=x", "--x--", "{}"),
        ("multipart/form-data", "--x--", "null"),
        (
            "multipart/form-data; boundary=x",
            "--x\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--x--",
            r#"{"a":["1"]}"#,
        ),
        ("application/grpc", "x", "null"),
        ("application/json", "", "null"),
    ];
    for (content_type, body, expected) in cases {
        let as_text = RequestParts {
            body,
            ..RequestParts::default()
        };
        let as_bytes = RequestParts {
            raw_body: body.as_bytes(),
            ..RequestParts::default()
        };
        for request in [as_text, as_bytes] {
            let input = build(&request, &[("content-type", content_type)]).unwrap();
            assert_eq!(
                input.get("parsed_body").unwrap().to_json(),
                expected,
                "{content_type}"
            );
        }
    }
}

#[test]
fn a_cut_body_is_not_parsed() {
    let request = RequestParts {
        body: r#"{"a":"#,
        ..RequestParts::default()
    };
    for cut in [("x-envoy-auth-partial-body", "true"), ("content-length", "100")] {
        let input = build(&request, &[("content-type", "application/json"), cut]).unwrap();
        assert_eq!(input.get("truncated_body"), Some(&Value::from(true)));
        assert_eq!(input.get("parsed_body"), Some(&Value::Null));
    }
}

#[test]
fn a_body_that_is_not_what_it_says_is_an_error() {
    let broken = RequestParts {
        body: "{} trailing",
        ..RequestParts::default()
    };
    let error = build(&broken, &[("content-type", "application/json")]).unwrap_err();
    assert!(matches!(error, InputError::JsonBody { .. }), "{error}");
    let error = build(
        &broken,
        &[("content-type", "application/json"), ("content-length", "x")],
    )
    .unwrap_err();
    assert_eq!(error.to_string(), "content-length is not a number");
}

#[test]
fn raw_bodies_are_base64_in_attributes() {
    let request = RequestParts {
        raw_body: b"\xff\x00",
        ..RequestParts::default()
    };
    let input = build(&request, &[]).unwrap();
    let http = input
        .get("attributes")
        .and_then(|a| a.get("request"))
        .and_then(|r| r.get("http"))
        .unwrap();
    assert_eq!(http.get("rawBody").unwrap().as_str(), Some("/wA="));
}
