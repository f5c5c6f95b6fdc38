//! What runs on, in Rego. `many` is a hundred thousand numbers.

use super::bomb::Ends::{Answers, Memory, Refused, Work};
use super::bomb::{Bomb, bomb, rules};

#[rustfmt::skip]
pub(crate) const BOMBS: &[Bomb] = &[
    bomb("digests_of_a_long_text", Work, "[1 | some i in many; not crypto.sha256(input.text)]"),
    bomb("md5_of_a_long_text", Work, "[1 | some i in many; not crypto.md5(input.text)]"),
    bomb("macs_of_a_long_text", Work, "[1 | some i in many; not crypto.hmac.sha512(input.text, input.text)]"),
    bomb("long_texts_that_are_equal", Work, "[1 | some i in many; crypto.hmac.equal(input.text, input.text) == (i < 0)]"),

    bomb("a_certificate_of_many_extensions", Work, "[1 | some i in many; count(crypto.x509.parse_certificates(input.certificate)) == i]"),
    bomb("a_certificate_of_many_policies", Work, "[1 | some i in many; count(crypto.x509.parse_certificates(input.certificate)) == i]"),
    bomb("a_certificate_of_many_names", Work, "[1 | some i in many; count(crypto.x509.parse_certificates(input.certificate)) == i]"),
    bomb("certificates_of_long_subjects_that_are_kept", Memory, "[c | some i in many; c := crypto.x509.parse_certificates(input.certificate)]"),
    bomb("many_certificates_that_are_kept", Memory, "[c | some i in many; c := crypto.x509.parse_certificates(input.certificate)]"),
    bomb("many_certificates_of_one_name", Work, "[1 | some i in many; crypto.x509.parse_and_verify_certificates(input.certificate)[0]]"),
    bomb("a_long_host_among_many_names", Work, r#"crypto.x509.parse_and_verify_certificates_with_options(input.certificate, {"DNSName": input.host, "CurrentTime": 1767225600000000000})"#),
    bomb("signatures_by_large_keys", Work, r#"[1 | some i in many; crypto.x509.parse_and_verify_certificates_with_options(input.certificate, {"CurrentTime": 1767225600000000000 + i})[0]]"#),
    bomb("a_request_for_many_extensions", Work, "[1 | some i in many; not crypto.x509.parse_certificate_request(input.request)]"),
    bomb("blocks_of_nothing_but_headers", Work, "[1 | some i in many; count(crypto.x509.parse_certificates(input.pem)) == i]"),
    bomb("many_private_keys", Work, "[1 | some i in many; count(crypto.parse_private_keys(input.pem)) == i]"),
    bomb("a_private_key_of_large_numbers", Refused, "[1 | some i in many; count(crypto.parse_private_keys(input.pem)) == i]"),
    bomb("more_certificates_than_are_looked_at", Refused, "crypto.x509.parse_certificates(input.text)"),

    bomb("tokens_of_nothing_but_points", Work, r#"[1 | some i in many; io.jwt.verify_hs256(input.text, "secret") == (i < 0)]"#),
    bomb("tokens_of_nothing_but_points_and_keys", Work, "[1 | some i in many; io.jwt.verify_rs256(input.text, input.keys) == (i < 0)]"),
    bomb("tokens_of_a_long_payload", Work, r#"[1 | some i in many; io.jwt.verify_hs256(input.token, "secret") == (i < 0)]"#),
    bomb("tokens_of_a_long_payload_under_constraints", Memory, r#"[1 | some i in many; io.jwt.decode_verify(input.token, {"secret": "secret", "time": i})[0]]"#),
    bomb("long_secrets", Work, r#"[1 | some i in many; io.jwt.decode_verify(input.token, {"secret": input.text, "aud": sprintf("%d", [i])})[0]]"#),
    bomb("long_secrets_of_one_token", Work, r#"[1 | some i in many; io.jwt.decode_verify(input.token, {"secret": input.text, "time": i})[0]]"#),
    bomb("long_audiences", Work, r#"[1 | some i in many; io.jwt.decode_verify(input.token, {"secret": "secret", "aud": input.text, "iss": sprintf("%d", [i])})[0]]"#),
    bomb("headers_of_many_critical_names", Memory, r#"[1 | some i in many; io.jwt.verify_rs256(input.token, input.keys)]"#),
    bomb("headers_of_many_critical_names_under_constraints", Memory, r#"[1 | some i in many; io.jwt.decode_verify(input.token, {"secret": "secret", "time": i})[0]]"#),
    bomb("tokens_within_tokens", Work, r#"[1 | some i in many; io.jwt.decode_verify(input.token, {"secret": "secret", "aud": sprintf("%d", [i])})[0]]"#),
    bomb("sets_of_many_keys", Work, r#"[1 | some i in many; io.jwt.verify_es512(input.token, sprintf("%s%*s", [input.keys, (i % 1000) + 1, " "]))]"#),
    bomb("sets_of_more_keys_than_are_read", Memory, r#"[1 | some i in many; io.jwt.verify_es512(input.token, input.keys)]"#),
    bomb("signatures_by_any_of_many_keys", Work, "[1 | some i in many; io.jwt.verify_es512(input.token, input.keys)]"),
    bomb("signatures_by_any_of_many_large_keys", Work, "[1 | some i in many; io.jwt.verify_rs256(input.token, input.keys)]"),
    bomb("signatures_of_any_salt", Work, "[1 | some i in many; io.jwt.verify_ps256(input.token, input.keys)]"),
    bomb("certificates_of_keys", Memory, r#"[1 | some i in many; io.jwt.verify_es512(input.token, input.keys)]"#),
    bomb("tokens_that_are_signed_and_kept", Memory, r#"[t | some i in many; t := io.jwt.encode_sign({"alg": "HS256"}, {"a": input.text}, {"kty": "oct", "k": "c2VjcmV0"})]"#),
    bomb("tokens_that_are_signed", Work, r#"[1 | some i in many; not io.jwt.encode_sign_raw("{\"alg\": \"ES512\"}", "{}", input.key)]"#),
    bomb("tokens_that_are_signed_by_a_long_key", Memory, r#"[1 | some i in many; not io.jwt.encode_sign_raw("{\"alg\": \"HS256\"}", "{}", input.key)]"#),
    bomb("headers_that_are_signed", Memory, r#"[1 | some i in many; not io.jwt.encode_sign_raw(input.header, "{}", "{\"kty\": \"oct\", \"k\": \"c2VjcmV0\"}")]"#),

    bomb("requests_to_long_addresses", Memory, r#"[1 | some i in many; not providers.aws.sign_req({"method": "get", "url": input.url}, aws, i)]"#),
    bomb("requests_signed_with_long_secrets", Work, r#"[1 | some i in many; not providers.aws.sign_req({"method": "get", "url": "https://a.example/"}, object.union(aws, {"aws_secret_access_key": input.text}), i)]"#),
    bomb("requests_to_long_regions", Memory, r#"[r | some i in many; r := providers.aws.sign_req({"method": "get", "url": "https://a.example/"}, object.union(aws, {"aws_region": input.text}), i)]"#),
    bomb("requests_of_long_bodies", Work, r#"[1 | some i in many; not providers.aws.sign_req({"method": "post", "url": "https://a.example/", "body": input.text}, aws, i)]"#),
    bomb("requests_of_many_headers", Work, r#"[1 | some i in many; not providers.aws.sign_req({"method": "get", "url": "https://a.example/", "headers": input.headers}, aws, i)]"#),
    bomb("requests_of_a_long_header", Memory, r#"[r | some i in many; r := providers.aws.sign_req({"method": "get", "url": "https://a.example/", "headers": {"x-a": concat("", [input.text, sprintf("%d", [i])])}}, aws, i)]"#),
];

/// What shows that the input of some is what it is meant to be.
#[rustfmt::skip]
pub(crate) const MODEST: &[Bomb] = &[
    bomb("a_few_extensions", Answers, "count(crypto.x509.parse_certificates(input.certificate)[0].Extensions) == 3"),
    bomb("a_few_policies", Answers, "count(crypto.x509.parse_certificates(input.certificate)[0].PolicyIdentifiers) == 3"),
    bomb("a_few_names", Answers, "crypto.x509.parse_certificates(input.certificate)[0].DNSNames == [\"a\", \"a\", \"a\"]"),
    bomb("a_few_certificates", Answers, "count(crypto.x509.parse_certificates(input.certificate)) == 3"),
    bomb("a_few_requested_extensions", Answers, "count(crypto.x509.parse_certificate_request(input.request).Extensions) == 3"),
    bomb("a_few_private_keys", Answers, "count(crypto.parse_private_keys(input.pem)) == 3"),
    bomb("a_few_keys", Answers, r#"io.jwt.verify_es512(input.token, input.keys) == false"#),
    bomb("a_short_payload", Answers, r#"io.jwt.decode_verify(input.token, {"secret": "secret"})[0]"#),
    bomb("a_request_that_is_signed", Answers, r#"is_string(providers.aws.sign_req({"method": "get", "url": "https://a.example/"}, aws, 1).headers.Authorization)"#),
];

pub(crate) fn module() -> String {
    let mut module = r#"package bomb

many := numbers.range(1, 100000)

aws := {"aws_access_key": "a", "aws_secret_access_key": "b", "aws_region": "c", "aws_service": "s3"}

"#
    .to_owned();
    rules(&mut module, BOMBS.iter().chain(MODEST));
    module
}
