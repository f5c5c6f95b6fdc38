//! How long answers hold.

use super::*;

const DATE: (&str, &str) = ("Date", "Thu, 01 Jan 1970 00:01:40 GMT");

fn response(headers: &[(&str, &str)]) -> HttpResponse {
    HttpResponse {
        status: "200 OK".to_owned(),
        status_code: 200,
        headers: headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        body: Vec::new(),
    }
}

#[test]
fn an_answer_holds_as_long_as_opa_says() {
    let now = Now {
        unix_ns: 500 * 1_000_000_000,
    };
    for (headers, seconds) in [
        (&[][..], Ok(None)),
        (&[DATE, ("cache-control", "max-age=60")], Ok(Some(160))),
        (&[DATE, ("Cache-Control", "public, max-age =60")], Ok(Some(160))),
        (
            &[DATE, ("cache-control", "max-age=60"), ("expires", DATE.1)],
            Ok(Some(160)),
        ),
        (
            &[DATE, ("cache-control", "max-age=99999999999999999999")],
            Ok(Some(100 + i64::from(i32::MAX))),
        ),
        (&[DATE, ("cache-control", "max-age=a=b")], Ok(None)),
        (&[("expires", DATE.1)], Ok(Some(100))),
        (&[("expires", "-1")], Ok(None)),
        (&[("cache-control", "max-age=60")], Err(())),
        (&[DATE, ("cache-control", "max-age=\"60\"")], Err(())),
        (&[DATE, ("cache-control", "max-age")], Err(())),
    ] {
        let wanted = seconds.map(|seconds| seconds.map_or(i64::MIN, nanoseconds));
        let got = expiry(HttpKeep::AsItSays, now, &response(headers)).map_err(|_| ());
        assert_eq!(got, wanted, "{headers:?}");
        let forced = expiry(HttpKeep::For { seconds: 9 }, now, &response(headers));
        assert_eq!(forced, Ok(nanoseconds(509)));
    }
}

#[test]
fn what_was_asked_weighs_as_what_was_answered_does() {
    let answer = Arc::new(Answer {
        response: response(&[]),
        expires_ns: 0,
    });
    let body = Value::from("a".repeat(100_000));
    let weight = Size.weight(&body, &answer);
    assert!(weight >= 100_000, "{weight}");
}
