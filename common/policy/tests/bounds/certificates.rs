//! Certificates, requests and keys in DER and PEM, with as much in them as is asked for. Nobody has signed them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OID: u8 = 0x06;
const OCTET_STRING: u8 = 0x04;
const UTC_TIME: u8 = 0x17;
const UTF8: u8 = 0x0c;
/// sha256WithRSAEncryption, and nothing.
const ALGORITHM: &[u8] = &[
    0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b, 0x05, 0x00,
];

/// The lowest eight bits.
fn byte(number: usize) -> u8 {
    number.to_le_bytes()[0]
}

fn der(tag: u8, contents: &[u8]) -> Vec<u8> {
    let length = contents.len();
    let mut der = vec![tag];
    match length {
        0..0x80 => der.push(byte(length)),
        0x80..0x100 => der.extend([0x81, byte(length)]),
        0x100..0x1_0000 => der.extend([0x82, byte(length >> 8), byte(length)]),
        _ => der.extend([0x83, byte(length >> 16), byte(length >> 8), byte(length)]),
    }
    der.extend_from_slice(contents);
    der
}

fn joined(parts: impl IntoIterator<Item = Vec<u8>>) -> Vec<u8> {
    parts.into_iter().flatten().collect()
}

/// An identifier for each number below two million.
fn identifier(n: usize) -> Vec<u8> {
    der(
        OID,
        &[
            0x2a,
            0x80 | byte(n >> 14) | 1 << 6,
            0x80 | byte(n >> 7),
            byte(n) & 0x7f,
        ],
    )
}

fn extension(id: &[u8], value: &[u8]) -> Vec<u8> {
    der(SEQUENCE, &[id, &der(OCTET_STRING, value)].concat())
}

/// As many that nobody knows.
pub(crate) fn extensions(count: usize) -> Vec<u8> {
    joined((0..count).map(|n| extension(&identifier(n), &[])))
}

/// One, of as many policies.
pub(crate) fn policies(count: usize) -> Vec<u8> {
    let policies = joined((0..count).map(|n| der(SEQUENCE, &identifier(n))));
    extension(&[0x06, 3, 0x55, 0x1d, 32], &der(SEQUENCE, &policies))
}

/// One, of as many hosts named `a`.
pub(crate) fn hosts(count: usize) -> Vec<u8> {
    let hosts = joined((0..count).map(|_| vec![0x82, 1, b'a']));
    extension(&[0x06, 3, 0x55, 0x1d, 17], &der(SEQUENCE, &hosts))
}

/// As many countries.
pub(crate) fn countries(count: usize) -> Vec<u8> {
    let attribute = [vec![0x06, 3, 0x55, 4, 6], der(UTF8, b"a")].concat();
    der(
        SEQUENCE,
        &der(SET, &joined((0..count).map(|_| der(SEQUENCE, &attribute)))),
    )
}

/// A key that nobody knows.
pub(crate) fn no_key() -> Vec<u8> {
    der(SEQUENCE, &[der(SEQUENCE, &identifier(1)), vec![3, 1, 0]].concat())
}

/// The public half of an RSA key, of as many bytes.
pub(crate) fn rsa(bytes: usize) -> Vec<u8> {
    let modulus = [&[0][..], &vec![0xff; bytes]].concat();
    let key = der(SEQUENCE, &[der(2, &modulus), vec![2, 3, 1, 0, 1]].concat());
    let algorithm = [
        0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
    ];
    der(
        SEQUENCE,
        &[&algorithm[..], &der(3, &[&[0][..], &key].concat())].concat(),
    )
}

/// A certificate good from 2020 to 2049, with a serial number of its own.
pub(crate) fn certificate(serial: usize, subject: &[u8], key: &[u8], extensions: &[u8]) -> Vec<u8> {
    let serial = [1, byte(serial >> 8), byte(serial)];
    let times = [der(UTC_TIME, b"200101000000Z"), der(UTC_TIME, b"491231235959Z")].concat();
    let extensions = match extensions {
        [] => Vec::new(),
        some => der(0xa3, &der(SEQUENCE, some)),
    };
    let signed = [
        vec![0xa0, 3, 2, 1, 2],
        der(2, &serial),
        ALGORITHM.to_vec(),
        subject.to_vec(),
        der(SEQUENCE, &times),
        subject.to_vec(),
        key.to_vec(),
        extensions,
    ];
    let signature = [3, 2, 0, 0];
    der(
        SEQUENCE,
        &[&der(SEQUENCE, &signed.concat()), ALGORITHM, &signature].concat(),
    )
}

/// A request for a certificate of these extensions.
pub(crate) fn request(extensions: &[u8]) -> Vec<u8> {
    let id = [0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 14];
    let attribute = der(
        SEQUENCE,
        &[&id[..], &der(SET, &der(SEQUENCE, extensions))].concat(),
    );
    let signed = [vec![2, 1, 0], countries(1), no_key(), der(0xa0, &attribute)].concat();
    der(
        SEQUENCE,
        &[&der(SEQUENCE, &signed), ALGORITHM, &[3, 2, 0, 0]].concat(),
    )
}

/// As many keys on P-521, in PEM.
pub(crate) fn private_keys(count: usize) -> String {
    let curve = [0xa0, 7, 0x06, 5, 0x2b, 0x81, 0x04, 0x00, 0x23];
    let key = |n: usize| {
        let number = der(OCTET_STRING, &[byte(n >> 8) | 1, byte(n)]);
        let key = [&[2, 1, 1][..], &number, &curve].concat();
        pem("EC PRIVATE KEY", &der(SEQUENCE, &key))
    };
    (0..count).map(key).collect()
}

/// A key whose numbers are of as many bytes, all but the modulus; nothing fits.
pub(crate) fn large_numbers(bytes: usize) -> String {
    let number = |bytes: usize| der(2, &[&[0x7f][..], &vec![0xff; bytes]].concat());
    let large = || number(bytes);
    let key = [
        vec![2, 1, 0],
        number(255),
        vec![2, 3, 1, 0, 1],
        large(),
        large(),
        large(),
        large(),
        large(),
        large(),
    ];
    pem("RSA PRIVATE KEY", &der(SEQUENCE, &key.concat()))
}

pub(crate) fn pem(label: &str, bytes: &[u8]) -> String {
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        STANDARD.encode(bytes)
    )
}
