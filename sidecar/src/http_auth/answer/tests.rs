use postern_decide::Header;

use super::*;

fn prefix() -> HeaderPrefix {
    HeaderPrefix::new(HeaderPrefix::DEFAULT).unwrap()
}

fn header(name: &str, value: &str) -> Header {
    Header::new(name, value).unwrap()
}

fn text<'r>(response: &'r Response<Body>, name: &str) -> Option<&'r str> {
    response.headers().get(name).map(|value| value.to_str().unwrap())
}

fn deny(status: u16) -> Deny {
    Deny {
        status,
        headers: vec![header("retry-after", "1")],
        body: "{}".to_owned(),
        metadata: None,
    }
}

#[test]
fn no_proxy_ever_sees_a_refusal_that_it_reads_as_leave_or_as_an_accident() {
    for mode in [Mode::Envoy, Mode::Forward, Mode::Nginx] {
        for status in 100..=599 {
            let response = denied(mode, &prefix(), deny(status), Code::AccessDenied);
            let shown = response.status().as_u16();
            let as_leave = (200..300).contains(&shown);
            let as_accident = match mode {
                // A 5xx is an error to it, and `failure_mode_allow` lets errors through.
                Mode::Envoy => !(200..500).contains(&shown),
                Mode::Forward => shown < 200,
                // Any other is an error to it.
                Mode::Nginx => shown != 401 && shown != 403,
            };
            assert!(!as_leave && !as_accident, "{mode:?} {status} became {shown}");
            if shown != status {
                assert_eq!(shown, 403);
                assert_eq!(
                    text(&response, "x-postern-status"),
                    Some(status.to_string().as_str())
                );
                assert_eq!(text(&response, "x-postern-code"), Some("access_denied"));
            }
            assert_eq!(text(&response, "retry-after"), Some("1"));
        }
    }
}

#[test]
fn what_is_understood_stays_as_it_is() {
    for (mode, status) in [
        (Mode::Envoy, 302),
        (Mode::Envoy, 401),
        (Mode::Envoy, 429),
        (Mode::Forward, 302),
        (Mode::Forward, 503),
        (Mode::Nginx, 401),
        (Mode::Nginx, 403),
    ] {
        let response = denied(mode, &prefix(), deny(status), Code::AccessDenied);
        assert_eq!(response.status().as_u16(), status, "{mode:?}");
    }
}

#[test]
fn framing_is_nobodys_to_set() {
    let mut headers = HeaderMap::new();
    add(
        &mut headers,
        vec![
            header("content-length", "3"),
            header("transfer-encoding", "chunked"),
            header("connection", "close"),
            header("set-cookie", "a=1"),
            header("set-cookie", "b=2"),
        ],
    );
    assert_eq!(headers.len(), 2);
    assert_eq!(headers.get_all("set-cookie").iter().count(), 2);
}

#[test]
fn envoy_is_told_to_remove_what_was_forged_and_all_names_of_ours_that_are_not_set() {
    let allow = Allow {
        upstream_set: vec![header("x-postern-subject", "alice")],
        upstream_remove: vec![Text::from("x-postern-role")],
        ..Allow::default()
    };
    let response = allowed(Mode::Envoy, &prefix(), allow);
    assert_eq!(
        text(&response, "x-envoy-auth-headers-to-remove"),
        Some(
            "x-postern-auth,x-postern-client,x-postern-decision-id,x-postern-peer,x-postern-role,\
             x-postern-route,x-postern-scope"
        )
    );
    assert_eq!(response.status(), 200);
}

#[test]
fn of_one_name_the_upstream_is_told_its_own() {
    let allow = Allow {
        upstream_set: vec![header("x-request-id", "1")],
        response_set: vec![header("x-request-id", "2"), header("x-seen", "yes")],
        ..Allow::default()
    };
    let response = allowed(Mode::Forward, &prefix(), allow);
    assert_eq!(text(&response, "x-request-id"), Some("1"));
    assert_eq!(text(&response, "x-seen"), Some("yes"));
}

#[test]
fn what_cannot_be_said_is_not_left_out() {
    let mut sent = HeaderMap::new();
    sent.insert("x-internal", HeaderValue::from_static("1"));
    let removes = Allow {
        upstream_remove: vec![Text::from("x-internal")],
        ..Allow::default()
    };
    assert!(unsaid(Mode::Nginx, &prefix(), &removes, &sent).is_some());
    assert!(unsaid(Mode::Forward, &prefix(), &removes, &sent).is_some());
    assert!(unsaid(Mode::Envoy, &prefix(), &removes, &sent).is_none());
    // Nothing to remove: nothing is lost.
    assert!(unsaid(Mode::Nginx, &prefix(), &removes, &HeaderMap::new()).is_none());
    let rewrites = Allow {
        upstream_set: vec![header(":path", "/other")],
        ..Allow::default()
    };
    let strips = Allow {
        query_remove: vec!["access_token".to_owned()],
        ..Allow::default()
    };
    for mode in [Mode::Envoy, Mode::Forward, Mode::Nginx] {
        assert!(unsaid(mode, &prefix(), &rewrites, &HeaderMap::new()).is_some());
        assert!(unsaid(mode, &prefix(), &strips, &HeaderMap::new()).is_some());
    }
}

#[test]
fn a_forged_header_of_ours_is_found_where_it_could_not_be_removed() {
    for name in ["x-postern-subject", "x_postern_role", "x-postern-anything"] {
        let mut headers = HeaderMap::new();
        headers.insert(
            HeaderName::try_from(name).unwrap(),
            HeaderValue::from_static("forged"),
        );
        assert!(reserved(Mode::Nginx, &prefix(), &headers), "{name}");
        assert!(reserved(Mode::Forward, &prefix(), &headers), "{name}");
        assert!(!reserved(Mode::Envoy, &prefix(), &headers), "{name}");
    }
}
