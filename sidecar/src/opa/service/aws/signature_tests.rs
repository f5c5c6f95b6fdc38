//! Signatures that AWS published: its test suite for Signature Version 4, and the examples of S3's documentation.

use super::*;

const SUITE: (&str, &str) = ("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
const S3: (&str, &str) = ("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");

fn signed(
    (access_key, secret): (&str, &str),
    service: &str,
    time: &str,
    (method, url, headers, body): (Method, &str, &[(&'static str, &'static str)], &str),
) -> HeaderMap {
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
        .collect();
    let request = Signed {
        method: &method,
        url: &Url::parse(url).unwrap(),
        headers: &headers,
        body: body.as_bytes(),
    };
    let keys = AwsKeys {
        access_key: access_key.to_owned(),
        secret_key: secret.to_owned().into(),
        session_token: None,
        region: "us-east-1".to_owned(),
    };
    let time: jiff::Timestamp = time.parse().unwrap();
    let now = Now {
        unix_ns: time.as_nanosecond().try_into().unwrap(),
    };
    sign(&request, service, &keys, now).unwrap().into_iter().collect()
}

fn authorization(headers: &HeaderMap) -> &str {
    headers["authorization"].to_str().unwrap()
}

#[test]
fn the_suite_of_aws_is_signed_as_published() {
    let form = [("content-type", "application/x-www-form-urlencoded")];
    for (request, signature) in [
        (
            (Method::GET, "https://example.amazonaws.com/", &[][..], ""),
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        ),
        (
            (Method::POST, "https://example.amazonaws.com/", &[], ""),
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
        ),
        (
            (
                Method::GET,
                "https://example.amazonaws.com/?Param1=value1",
                &[],
                "",
            ),
            "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb",
        ),
        (
            (
                Method::POST,
                "https://example.amazonaws.com/",
                &form,
                "Param1=value1",
            ),
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
        ),
    ] {
        let headers = signed(SUITE, "service", "2015-08-30T12:36:00Z", request.clone());
        let wanted = format!(",Signature={signature}");
        let got = authorization(&headers);
        assert!(got.ends_with(&wanted), "{request:?}: {got}");
        assert!(
            got.starts_with(
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request,"
            )
        );
        assert_eq!(headers["x-amz-date"], "20150830T123600Z");
        assert!(!headers.contains_key("x-amz-content-sha256"));
    }
}

#[test]
fn the_examples_of_s3_are_signed_as_published() {
    for (request, names, signature) in [
        (
            (
                Method::GET,
                "https://examplebucket.s3.amazonaws.com/test.txt",
                &[("range", "bytes=0-9")][..],
                "",
            ),
            "host;range;x-amz-content-sha256;x-amz-date",
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        (
            (
                Method::GET,
                "https://examplebucket.s3.amazonaws.com/?max-keys=2&prefix=J",
                &[],
                "",
            ),
            "host;x-amz-content-sha256;x-amz-date",
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ] {
        let headers = signed(S3, "s3", "2013-05-24T00:00:00Z", request.clone());
        let wanted = format!(
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders={names},Signature={signature}"
        );
        assert_eq!(authorization(&headers), wanted, "{request:?}");
        assert!(headers["authorization"].is_sensitive());
    }
}
