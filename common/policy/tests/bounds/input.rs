//! What they are given, as input and as data.

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use postern_rego::{Object, Value};

use super::certificates::{
    certificate, countries, extensions, hosts, large_numbers, no_key, policies, private_keys, request, rsa,
};

const MIB: usize = 1024 * 1024;
/// What is read of certificates, before base64 makes more of it.
const MOST_DER: usize = 380 * 1024;

/// What `name` needs.
pub(crate) fn make(name: &str) -> Value {
    let few = |many: usize| if name.starts_with("a_few") { 3 } else { many };
    let text = |text: String| Value::from(text);
    let one = |extensions: Vec<u8>| STANDARD.encode(certificate(1, &countries(1), &no_key(), &extensions));
    let many = |count: usize, key: &[u8]| {
        let all = (0..count).flat_map(|n| certificate(n, &countries(1), key, &[]));
        STANDARD.encode(all.collect::<Vec<u8>>())
    };
    let members: Vec<(&str, Value)> = match name {
        "a_certificate_of_many_extensions" | "a_few_extensions" => {
            vec![("certificate", text(one(extensions(few(MOST_DER / 10)))))]
        }
        "a_certificate_of_many_policies" | "a_few_policies" => {
            vec![("certificate", text(one(policies(few(MOST_DER / 8)))))]
        }
        "a_certificate_of_many_names" | "a_few_names" => {
            vec![("certificate", text(one(hosts(few(MOST_DER / 3)))))]
        }
        "certificates_of_long_subjects_that_are_kept" => {
            let subject = countries(MOST_DER / 11 / 2);
            vec![(
                "certificate",
                text(STANDARD.encode(certificate(1, &subject, &no_key(), &[]))),
            )]
        }
        "many_certificates_of_one_name" | "many_certificates_that_are_kept" | "a_few_certificates" => {
            vec![("certificate", text(many(few(3000), &no_key())))]
        }
        "a_long_host_among_many_names" => {
            let leaf = certificate(2, &countries(1), &no_key(), &hosts(MOST_DER / 4));
            let all = [certificate(1, &countries(1), &no_key(), &[]), leaf].concat();
            let host = "a.".repeat(MIB / 2) + "b";
            vec![("certificate", text(STANDARD.encode(all))), ("host", text(host))]
        }
        "signatures_by_large_keys" => vec![("certificate", text(many(200, &rsa(1024))))],
        "a_request_for_many_extensions" | "a_few_requested_extensions" => {
            vec![(
                "request",
                text(STANDARD.encode(request(&extensions(few(MOST_DER / 11))))),
            )]
        }
        "blocks_of_nothing_but_headers" => {
            let block = "-----BEGIN A:-----\n-----END A:-----\n";
            vec![("pem", text(block.repeat(MIB / 2 / block.len() - 1) + "end"))]
        }
        "many_private_keys" | "a_few_private_keys" => vec![("pem", text(private_keys(few(5000))))],
        "a_private_key_of_large_numbers" => vec![("pem", text(large_numbers(MOST_DER / 7)))],
        "tokens_of_nothing_but_points" => vec![("text", text(".".repeat(MIB)))],
        "tokens_of_nothing_but_points_and_keys" => {
            vec![("text", text(".".repeat(MIB))), ("keys", text(keys(1, ec)))]
        }
        "long_secrets" | "long_secrets_of_one_token" => {
            vec![
                ("text", text("a".repeat(MIB))),
                ("token", text(token("{}", "{}"))),
            ]
        }
        "long_audiences" => vec![("text", text("a".repeat(MIB))), ("token", text(signed("{}")))],
        "a_short_payload" => vec![("token", text(signed("{}")))],
        "tokens_of_a_long_payload" | "tokens_of_a_long_payload_under_constraints" => {
            vec![(
                "token",
                text(signed(&format!("{{\"a\": \"{}\"}}", "a".repeat(MIB)))),
            )]
        }
        "headers_of_many_critical_names" | "headers_of_many_critical_names_under_constraints" => {
            let names: Vec<String> = (0..20_000).map(|n| format!("\"x{n}\": 1")).collect();
            let critical: Vec<String> = (0..20_000).map(|n| format!("\"y{n}\"")).collect();
            let header = format!("\"crit\": [{}], {}", critical.join(","), names.join(","));
            let header = format!("{{\"alg\": \"HS256\", {header}}}");
            vec![("token", text(token(&header, "{}"))), ("keys", text(keys(1, ec)))]
        }
        "tokens_within_tokens" => vec![("token", text(nested(40)))],
        "sets_of_many_keys" | "signatures_by_any_of_many_keys" | "a_few_keys" => {
            let header = "{\"alg\": \"ES512\"}";
            vec![
                ("token", text(token(header, "{}"))),
                ("keys", text(keys(few(1000), ec))),
            ]
        }
        "sets_of_more_keys_than_are_read" => {
            vec![("token", text(token("{}", "{}"))), ("keys", text(keys(5000, ec)))]
        }
        "signatures_by_any_of_many_large_keys" | "signatures_of_any_salt" => {
            vec![
                ("token", text(token("{}", "{}"))),
                ("keys", text(keys(200, large))),
            ]
        }
        "certificates_of_keys" => {
            vec![
                ("token", text(token("{}", "{}"))),
                ("keys", text(keys(1, with_certificate))),
            ]
        }
        "tokens_that_are_signed" => vec![("key", text(private()))],
        "tokens_that_are_signed_by_a_long_key" => {
            let key = URL_SAFE_NO_PAD.encode("a".repeat(MIB));
            vec![("key", text(format!("{{\"kty\": \"oct\", \"k\": \"{key}\"}}")))]
        }
        "headers_that_are_signed" => {
            let header = format!("{{\"alg\": \"HS256\", \"a\": \"{}\"}}", "a".repeat(MIB));
            vec![("header", text(header))]
        }
        "requests_to_long_addresses" => {
            vec![("url", text("https://a.example/".to_owned() + &"(".repeat(MIB)))]
        }
        "requests_of_many_headers" => {
            let header = |n: usize| (Value::from(format!("x-{n}")), Value::from("a"));
            vec![(
                "headers",
                Value::Object((0..3000).map(header).collect::<Object>()),
            )]
        }
        _ => vec![("text", text("a".repeat(MIB)))],
    };
    Value::object_from(members)
}

/// A token with a signature that is none.
fn token(header: &str, payload: &str) -> String {
    let signature = URL_SAFE_NO_PAD.encode([1; 132]);
    let [header, payload] = [header, payload].map(|part| URL_SAFE_NO_PAD.encode(part));
    format!("{header}.{payload}.{signature}")
}

/// Signed with the secret `secret`.
fn with_secret(header: &str, payload: &str) -> String {
    let [header, payload] = [header, payload].map(|part| URL_SAFE_NO_PAD.encode(part));
    let signed = format!("{header}.{payload}");
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"secret");
    let signature = URL_SAFE_NO_PAD.encode(hmac::sign(&key, signed.as_bytes()));
    format!("{signed}.{signature}")
}

fn signed(payload: &str) -> String {
    with_secret("{\"alg\": \"HS256\"}", payload)
}

/// As deep as that, each the payload of the next.
fn nested(depth: usize) -> String {
    let within = |token: String, _| with_secret("{\"alg\": \"HS256\", \"cty\": \"JWT\"}", &token);
    (0..depth).fold(signed("{}"), within)
}

fn keys(count: usize, key: fn(usize) -> String) -> String {
    let keys: Vec<String> = (0..count).map(key).collect();
    format!("{{\"keys\": [{}]}}", keys.join(","))
}

fn point() -> Vec<u8> {
    use std::sync::LazyLock;
    static PAIR: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let pair = EcdsaKeyPair::generate(&ECDSA_P521_SHA512_FIXED_SIGNING).expect("a key");
        pair.public_key().as_ref().to_vec()
    });
    PAIR.clone()
}

fn coordinates(point: &[u8]) -> [String; 2] {
    let (x, y) = point[1..].split_at(66);
    [x, y].map(|number| URL_SAFE_NO_PAD.encode(number))
}

fn ec(_: usize) -> String {
    let [x, y] = coordinates(&point());
    format!("{{\"kty\": \"EC\", \"crv\": \"P-521\", \"x\": \"{x}\", \"y\": \"{y}\"}}")
}

fn large(_: usize) -> String {
    let modulus = URL_SAFE_NO_PAD.encode([0xff; 1024]);
    format!("{{\"kty\": \"RSA\", \"n\": \"{modulus}\", \"e\": \"f////w\"}}")
}

fn with_certificate(n: usize) -> String {
    let certificate = certificate(1, &countries(1), &no_key(), &policies(60_000));
    let certificate = STANDARD.encode(certificate);
    ec(n).replace('}', &format!(", \"x5c\": [\"{certificate}\"]}}"))
}

fn private() -> String {
    let pair = EcdsaKeyPair::generate(&ECDSA_P521_SHA512_FIXED_SIGNING).expect("a key");
    let [x, y] = coordinates(pair.public_key().as_ref());
    let number = pair.private_key();
    let number: aws_lc_rs::encoding::EcPrivateKeyBin<'_> =
        aws_lc_rs::encoding::AsBigEndian::as_be_bytes(&number).expect("its number");
    let d = URL_SAFE_NO_PAD.encode(number.as_ref());
    format!("{{\"kty\": \"EC\", \"crv\": \"P-521\", \"x\": \"{x}\", \"y\": \"{y}\", \"d\": \"{d}\"}}")
}
