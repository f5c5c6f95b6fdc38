//! What is asked: certificates and keys of every kind, whole and damaged, tokens of every algorithm with keys in every
//! form, requests to sign.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use postern_rego::Value;

use crate::{Cases, ask};

const VECTORS: &str = include_str!("../vectors/x509.json");

fn vectors(kind: &str) -> Vec<(String, String)> {
    let vectors = Value::from_json_str(VECTORS).unwrap();
    let members = vectors
        .get(kind)
        .and_then(Value::as_object)
        .expect("vectors")
        .clone();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    members
        .iter()
        .map(|(name, value)| (text(name), text(value)))
        .collect()
}

fn vector(kind: &str, name: &str) -> String {
    let found = vectors(kind).into_iter().find(|(other, _)| other == name);
    found.expect("a vector of that name").1
}

fn texts<T: AsRef<str>>(operands: &[T]) -> Vec<Value> {
    operands
        .iter()
        .map(|operand| Value::from(operand.as_ref()))
        .collect()
}

/// The bytes between the lines of PEM.
fn der(pem: &str) -> Vec<u8> {
    let base64: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    STANDARD.decode(base64).unwrap()
}

/// A small generator (xorshift), so that every run asks the same.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap() % bound.max(1)
    }

    /// The bytes with one or two changed, or with an end elsewhere.
    fn damage(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for _ in 0..=self.below(2) {
            let at = self.below(bytes.len());
            match self.below(10) {
                0 => bytes.truncate(at + 1),
                1 => bytes[at] = 0,
                2 => bytes[at] = 0xff,
                3 => bytes[at] ^= 0x80,
                4 => bytes[at] = bytes[at].wrapping_add(1),
                5 => bytes[at] = 0x30,
                6 => bytes[at] = 0x05,
                _ => bytes[at] = u8::try_from(self.below(256)).unwrap(),
            }
        }
        bytes
    }
}

pub(crate) fn all() -> Cases {
    let mut cases = Cases::new();
    digests(&mut cases);
    certificates(&mut cases);
    chains(&mut cases);
    keys(&mut cases);
    tokens(&mut cases);
    requests(&mut cases);
    cases
}

fn digests(cases: &mut Cases) {
    let samples = ["", "a", "é", "lorem ipsum", &"x".repeat(200)];
    for name in ["crypto.md5", "crypto.sha1", "crypto.sha256"] {
        cases.insert(name, samples.iter().map(|text| texts(&[text])).collect());
    }
    for name in [
        "crypto.hmac.md5",
        "crypto.hmac.sha1",
        "crypto.hmac.sha256",
        "crypto.hmac.sha512",
        "crypto.hmac.equal",
    ] {
        let pairs = samples
            .iter()
            .flat_map(|a| samples.iter().map(move |b| texts(&[a, b])));
        let mut pairs: Vec<_> = pairs.collect();
        pairs.push(vec![Value::from("a"), Value::from(1)]);
        cases.insert(name, pairs);
    }
}

fn certificates(cases: &mut Cases) {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut parsed = Vec::new();
    for (_, pem) in vectors("certificates").into_iter().chain(vectors("chain")) {
        let bytes = der(&pem);
        parsed.push(texts(&[&pem]));
        parsed.push(texts(&[format!("text before\n{pem}text after")]));
        parsed.push(texts(&[STANDARD.encode(&pem)]));
        parsed.push(texts(&[STANDARD.encode(&bytes)]));
        for _ in 0..60 {
            parsed.push(texts(&[STANDARD.encode(random.damage(&bytes))]));
        }
    }
    parsed.extend([
        texts(&[""]),
        texts(&["YQ=="]),
        texts(&["?"]),
        vec![Value::from(1)],
    ]);
    cases.insert("crypto.x509.parse_certificates", parsed);
    let mut asked = Vec::new();
    for (_, pem) in vectors("requests") {
        let bytes = der(&pem);
        asked.extend([
            texts(&[&pem]),
            texts(&[STANDARD.encode(&pem)]),
            texts(&[STANDARD.encode(&bytes)]),
        ]);
    }
    asked.extend([
        texts(&["YQ=="]),
        texts(&["?"]),
        texts(&[vector("certificates", "ed")]),
    ]);
    cases.insert("crypto.x509.parse_certificate_request", asked);
}

fn chains(cases: &mut Cases) {
    const NOW: i64 = 1_830_000_000_000_000_000;
    let pem = |names: &[&str]| names.iter().map(|name| vector("chain", name)).collect::<String>();
    let json = |text: &str| Value::from_json_str(text).unwrap();
    let mut chains = vec![
        pem(&["root", "int", "leaf"]),
        pem(&["root", "int", "client"]),
        pem(&["root", "leaf"]),
        pem(&["root", "int"]),
        pem(&["int", "leaf"]),
        pem(&["root", "nocalm", "bad"]),
        pem(&["leaf", "int", "root"]),
        pem(&["root", "root"]),
        pem(&["root"]),
        pem(&["root", "leaf", "int", "leaf"]),
        pem(&["root", "int", "int", "client", "leaf"]),
        String::new(),
        "?".to_owned(),
    ];
    for name in ["ca", "ec256", "ec384", "sha1", "crit", "pss", "ed", "dsa"] {
        let own = vector("certificates", name);
        chains.push(format!("{own}{own}"));
    }
    let options = [
        json("{}"),
        json(r#"{"DNSName": "leaf.example"}"#),
        json(r#"{"DNSName": "LEAF.example."}"#),
        json(r#"{"DNSName": "a.wild.example"}"#),
        json(r#"{"DNSName": "a.b.wild.example"}"#),
        json(r#"{"DNSName": "*.wild.example"}"#),
        json(r#"{"DNSName": "10.0.0.1"}"#),
        json(r#"{"DNSName": "[10.0.0.1]"}"#),
        json(r#"{"DNSName": "10.0.0.2"}"#),
        json(r#"{"DNSName": "other.example"}"#),
        json(r#"{"KeyUsages": ["KeyUsageClientAuth"]}"#),
        json(r#"{"KeyUsages": ["KeyUsageClientAuth", "KeyUsageServerAuth"]}"#),
        json(r#"{"KeyUsages": ["KeyUsageAny"]}"#),
        json(r#"{"KeyUsages": ["KeyUsageCodeSigning", 1]}"#),
        json(r#"{"KeyUsages": ["Nonsense"]}"#),
        json(r#"{"KeyUsages": "KeyUsageAny"}"#),
        json(r#"{"CurrentTime": 1}"#),
        json(r#"{"CurrentTime": 9200000000000000000}"#),
        json(r#"{"CurrentTime": "1"}"#),
        json(r#"{"CurrentTime": 1.5}"#),
        json(r#"{"MaxConstraintComparisons": 5}"#),
        json(r#"{"MaxConstraintComparisons": 5.5}"#),
        json(r#"{"Other": 5}"#),
    ];
    let mut asked = Vec::new();
    for chain in &chains {
        for options in &options {
            let mut options = options.as_object().unwrap().clone();
            if options.get_str("CurrentTime").is_none() {
                options.insert(Value::from("CurrentTime"), Value::from(NOW));
            }
            asked.push(vec![Value::from(chain.as_str()), Value::from(options)]);
        }
    }
    cases.insert("crypto.x509.parse_and_verify_certificates_with_options", asked);
    // These are held to OPA's own present; the certificates are good for a lifetime.
    cases.insert(
        "crypto.x509.parse_and_verify_certificates",
        chains
            .iter()
            .filter(|chain| chain.is_empty() || chain.len() < 3)
            .map(|chain| texts(&[chain]))
            .collect(),
    );
}

fn keys(cases: &mut Cases) {
    let keys = vectors("keys");
    let mut operands: Vec<Vec<Value>> = Vec::new();
    let everything: String = keys
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "dsa" | "ec-P-224"))
        .map(|(_, pem)| pem.as_str())
        .collect();
    for (_, pem) in &keys {
        operands.extend([texts(&[pem]), texts(&[STANDARD.encode(pem)])]);
    }
    operands.extend([
        texts(&[&everything]),
        texts(&[""]),
        texts(&["nope"]),
        texts(&["?"]),
    ]);
    cases.insert("crypto.parse_private_keys", operands.clone());
    cases.insert("crypto.x509.parse_rsa_private_key", operands);
    let mut pairs = Vec::new();
    for certificate in ["ca", "ec256", "ec384", "ec521", "nc", "ed", "dsa"] {
        let certificate = vector("certificates", certificate);
        for (_, key) in &keys {
            pairs.push(texts(&[&certificate, key]));
            pairs.push(texts(&[
                STANDARD.encode(der(&certificate)),
                STANDARD.encode(der(key)),
            ]));
        }
    }
    pairs.extend([texts(&["?", "?"]), texts(&["", ""])]);
    cases.insert("crypto.x509.parse_keypair", pairs);
}

/// The JWK of a private key, with members more.
fn jwk(name: &str, more: &str) -> String {
    let answer = ask(
        "crypto.x509.parse_rsa_private_key",
        &texts(&[vector("keys", name)]),
    );
    let jwk = answer.unwrap().expect("a key").to_json();
    format!("{}{more}}}", jwk.strip_suffix('}').unwrap())
}

/// Without what is private.
fn public(jwk: &str) -> String {
    let jwk = Value::from_json_str(jwk).unwrap();
    let members = jwk.as_object().unwrap();
    let is_public = |name: &&Value| !matches!(name.as_str(), Some("d" | "p" | "q" | "dp" | "dq" | "qi"));
    let kept = members.iter().filter(|(name, _)| is_public(name));
    Value::from(
        kept.map(|(name, value)| (name.clone(), value.clone()))
            .collect::<postern_rego::Object>(),
    )
    .to_json()
}

const SECRET_JWK: &str = r#"{"kty": "oct", "k": "c2VjcmV0", "kid": "s"}"#;

fn tokens(cases: &mut Cases) {
    let signers = [
        (
            "rsa2048",
            &["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"][..],
        ),
        ("ec-P-256", &["ES256"]),
        ("ec-P-384", &["ES384"]),
        ("ec-P-521", &["ES512"]),
        ("ed", &["EdDSA"]),
    ];
    let claims =
        r#"{"iss": "i", "aud": ["a", "b"], "exp": 2000, "nbf": 1000.5, "x": {"y": [1, 1.0, "<é>"]}}"#;
    let mut tokens = Vec::new();
    let mut sign = |alg: &str, more: &str, key: &str| {
        let header = format!(r#"{{"alg": "{alg}"{more}}}"#);
        let token = ask("io.jwt.encode_sign_raw", &texts(&[header.as_str(), claims, key]));
        tokens.push(token.unwrap().expect("a token").as_str().unwrap().to_owned());
    };
    for (name, algorithms) in signers {
        for alg in algorithms {
            sign(alg, "", &jwk(name, ""));
            sign(alg, r#", "kid": "k", "typ": "JWT""#, &jwk(name, ""));
        }
    }
    for alg in ["HS256", "HS384", "HS512"] {
        sign(alg, "", SECRET_JWK);
        sign(alg, r#", "crit": ["x"], "x": 1"#, SECRET_JWK);
    }
    for header in [
        r#"{"alg": "none"}"#,
        r#"{"enc": "x"}"#,
        "{}",
        r#"{"alg": 1}"#,
        "x",
    ] {
        let part = |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
        tokens.push(format!("{}.{}.", part(header), part(claims)));
    }
    let damaged: Vec<String> = tokens
        .iter()
        .map(|token| format!("{}AA", &token[..token.len() - 2]))
        .collect();
    tokens.extend(damaged);
    tokens.extend(["a.b", "a.b.c", "", "..", "a"].map(str::to_owned));
    let mut keys: Vec<String> = vec![
        SECRET_JWK.to_owned(),
        "{}".to_owned(),
        "[]".to_owned(),
        "x".to_owned(),
    ];
    for name in [
        "rsa2048", "ec-P-256", "ec-P-384", "ec-P-521", "ed", "x25519", "rsa1024",
    ] {
        let private = jwk(name, r#", "kid": "k""#);
        let public = public(&private);
        let with_alg = format!("{},\"alg\":\"RS256\"}}", public.strip_suffix('}').unwrap());
        keys.push(format!(r#"{{"keys": [{public}, {with_alg}]}}"#));
        keys.push(format!(r#"{{"keys": [{with_alg}, {SECRET_JWK}]}}"#));
        keys.extend([private, public, with_alg]);
    }
    for (name, pem) in vectors("certificates") {
        // Some of these are one key's.
        if ["ca", "ec256", "ec384", "ec521", "ed", "dsa", "crit"].contains(&name.as_str()) {
            keys.push(format!("{pem}\n"));
            keys.push(pem);
        }
    }
    keys.push(r#"{"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}, {"kty": "x"}]}"#.to_owned());
    keys.push(r#"{"kty": "RSA", "n": "AQAB", "e": "AQAB", "alg": "RS256"}"#.to_owned());
    keys.push(r#"{"kty": "oct", "k": "", "alg": "HS256"}"#.to_owned());
    keys.push(r#"{"kty": "oct", "k": "c2VjcmV0", "alg": "nonsense"}"#.to_owned());
    keys.push(r#"{"kty": "oct", "k": "c2VjcmV0", "use": 1}"#.to_owned());
    let chain = STANDARD.encode(der(&vector("certificates", "ec256")));
    let ec = public(&jwk("ec-P-256", ""));
    let ec = ec.strip_suffix('}').unwrap();
    for more in [
        format!(r#""x5c": ["{chain}"]"#),
        format!(r#""x5c": [" {}\n{}"]"#, &chain[..40], &chain[40..]),
        format!(r#""x5c": ["{}"]"#, &chain[..40]),
        r#""x5c": []"#.to_owned(),
        r#""x5c": "x""#.to_owned(),
        r#""x5c": null"#.to_owned(),
        r#""x5t": null, "kid": null, "use": null"#.to_owned(),
        r#""key_ops": ["verify", "sign"]"#.to_owned(),
        r#""key_ops": ["nonsense"]"#.to_owned(),
        r#""key_ops": "verify""#.to_owned(),
        r#""key_ops": [null, 1]"#.to_owned(),
        r#""key_ops": [null]"#.to_owned(),
        r#""key_ops": null"#.to_owned(),
        r#""alg": null"#.to_owned(),
        r#""alg": "RSA-OAEP""#.to_owned(),
        r#""alg": """#.to_owned(),
        r#""d": null"#.to_owned(),
        r#""d": """#.to_owned(),
        r#""d": "AA""#.to_owned(),
        r#""other": {"x": []}"#.to_owned(),
    ] {
        keys.push(format!("{ec},{more}}}"));
    }
    keys.push(r#"{"keys": null}"#.to_owned());
    keys.push(r#"{"keys": [1]}"#.to_owned());
    keys.push(r#"{"keys": []}"#.to_owned());
    for name in [
        "io.jwt.verify_rs256",
        "io.jwt.verify_rs384",
        "io.jwt.verify_rs512",
        "io.jwt.verify_ps256",
        "io.jwt.verify_ps384",
        "io.jwt.verify_ps512",
        "io.jwt.verify_es256",
        "io.jwt.verify_es384",
        "io.jwt.verify_es512",
        "io.jwt.verify_eddsa",
    ] {
        let pairs = tokens
            .iter()
            .flat_map(|token| keys.iter().map(move |key| texts(&[token, key])));
        cases.insert(name, pairs.collect());
    }
    for name in [
        "io.jwt.verify_hs256",
        "io.jwt.verify_hs384",
        "io.jwt.verify_hs512",
    ] {
        let pairs = tokens
            .iter()
            .flat_map(|token| ["secret", "other", ""].map(|key| texts(&[token.as_str(), key])));
        cases.insert(name, pairs.collect());
    }
    cases.insert(
        "io.jwt.decode",
        tokens.iter().map(|token| texts(&[token])).collect(),
    );
    let mut verified = Vec::new();
    let constraint = |name: &str, key: &str, more: &str| {
        let mut members = Value::from_json_str(&format!("{{{more}}}"))
            .unwrap()
            .as_object()
            .unwrap()
            .clone();
        members.insert(Value::from(name), Value::from(key));
        Value::from(members)
    };
    for token in &tokens {
        for key in &keys {
            let all = constraint("cert", key, r#""aud": "a", "time": 1500000000000"#);
            verified.push(vec![Value::from(token.as_str()), all]);
        }
        for more in [
            r#""aud": "a", "time": 1500000000000"#,
            r#""aud": "a", "time": 1000499999999"#,
            r#""aud": "a", "time": 1000500000000"#,
            r#""aud": "a", "time": 2000000000000"#,
            r#""aud": "a", "time": 1999999999999"#,
            r#""aud": "a", "time": 1999999999999.9"#,
            r#""aud": "a", "time": -1"#,
            r#""aud": "a", "time": "x""#,
            r#""aud": "c", "time": 1500000000000"#,
            r#""time": 1500000000000"#,
            r#""aud": "b", "iss": "i", "alg": "HS256", "time": 1.5e12"#,
            r#""aud": "b", "iss": "j", "time": 1.5e12"#,
            r#""aud": 1, "time": 1.5e12"#,
            r#""cert": "{}", "time": 1.5e12"#,
            r#""other": "x", "time": 1.5e12"#,
        ] {
            verified.push(vec![
                Value::from(token.as_str()),
                constraint("secret", "secret", more),
            ]);
        }
    }
    cases.insert("io.jwt.decode_verify", verified);
}

fn requests(cases: &mut Cases) {
    let json = |text: &str| Value::from_json_str(text).unwrap();
    let configs = [
        r#""aws_service": "s3""#,
        r#""aws_service": "execute-api", "aws_session_token": "token""#,
        r#""aws_service": "glacier", "disable_payload_signing": true"#,
        r#""aws_service": "x", "disable_payload_signing": 1"#,
        r#""aws_service": 1"#,
        "",
    ]
    .map(|more| {
        let comma = if more.is_empty() { "" } else { ", " };
        json(&format!(
            r#"{{"aws_access_key": "AKIDEXAMPLE", "aws_secret_access_key": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                "aws_region": "us-east-1"{comma}{more}}}"#
        ))
    });
    let requests = [
        r#"{"method": "get", "url": "https://example.amazonaws.com/"}"#,
        r#"{"method": "GET", "url": "https://example.amazonaws.com:8443/a b/%2F?x=y&a=b#f", "headers": {"X-A": "1", "user-agent": "u", "Authorization": "z"}}"#,
        r#"{"method": "POST", "url": "http://h/(x)*'!?", "body": {"b": 1, "a": "<é>"}, "headers": {"Host": "other", "N": 1}}"#,
        r#"{"method": "POST", "url": "http://h", "body": [1], "raw_body": "raw", "timeout": "1s"}"#,
        r#"{"method": "POST", "url": "mailto:a@b", "raw_body": 1}"#,
        r#"{"method": "POST", "url": "/only/a/path?"}"#,
        r#"{"method": "POST", "url": "http://h:x/"}"#,
        r#"{"method": "POST", "url": "http://h/%zz"}"#,
        r#"{"method": 1, "url": 2}"#,
        r#"{"method": "GET", "url": "x", "nonsense": 1}"#,
        r#"{"method": "GET", "url": "x", "headers": []}"#,
        r#"{"method": "GET"}"#,
    ]
    .map(json);
    let times = [
        "1440938160000000000",
        "0",
        "-1",
        "9223372036854775807",
        "1.5",
        "\"x\"",
    ]
    .map(json);
    let mut asked = Vec::new();
    for request in &requests {
        for config in &configs {
            for time in &times {
                asked.push(vec![request.clone(), config.clone(), time.clone()]);
            }
        }
    }
    cases.insert("providers.aws.sign_req", asked);
}
