//! `uuid.parse`: what a UUID (RFC 4122) says, read as Go's `google/uuid` reads it.

use super::operands::string;
use super::{Answer, Context, answer};
use crate::value::{Object, Value};

/// From the start of the Gregorian calendar, where UUIDs count from, to the Unix epoch, in steps of 100 ns.
const GREGORIAN_TO_UNIX: i64 = 122_192_928_000_000_000;

/// Where the digit pairs of the canonical form stand.
const PAIRS: [usize; 16] = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];

/// Version, variant, and what versions 1 and 2 are made of; undefined for what is no UUID.
pub(super) fn parse(_: &mut Context<'_>, operands: &[Value]) -> Answer {
    let Some(uuid) = read(string(operands, 1)?.as_bytes()) else {
        return Ok(None);
    };
    answer(describe(&uuid))
}

/// The canonical form, alone, after `urn:uuid:` or between any two bytes; or 32 digits.
fn read(text: &[u8]) -> Option<[u8; 16]> {
    let text = match text.len() {
        32 => {
            let mut uuid = [0; 16];
            return hex::decode_to_slice(text, &mut uuid).ok().map(|()| uuid);
        }
        36 => text,
        38 => text.get(1..37)?,
        45 => {
            let (urn, text) = text.split_at_checked(9)?;
            if !urn.eq_ignore_ascii_case(b"urn:uuid:") {
                return None;
            }
            text
        }
        _ => return None,
    };
    if [8, 13, 18, 23].iter().any(|at| text.get(*at) != Some(&b'-')) {
        return None;
    }
    let mut uuid = [0; 16];
    for (byte, at) in uuid.iter_mut().zip(PAIRS) {
        hex::decode_to_slice(text.get(at..at + 2)?, std::slice::from_mut(byte)).ok()?;
    }
    Some(uuid)
}

fn describe(uuid: &[u8; 16]) -> Object {
    let [t0, t1, t2, t3, t4, t5, t6, t7, variant, sequence, node @ ..] = *uuid;
    let version = t6 >> 4;
    let mut members = vec![
        ("version", Value::from(i64::from(version))),
        ("variant", Value::from(variant_name(variant))),
    ];
    if matches!(version, 1 | 2) {
        let time = i64::from_be_bytes([t6 & 0x0f, t7, t4, t5, t0, t1, t2, t3]);
        let clock = i64::from(u16::from_be_bytes([variant & 0x3f, sequence]));
        let node_text: Vec<String> = node.iter().map(|byte| format!("{byte:02x}")).collect();
        let [first, ..] = node;
        members.push(("time", Value::from(unix_ns(time))));
        members.push(("nodeid", Value::from(node_text.join("-"))));
        members.push(("macvariables", Value::from(mac_name(first))));
        members.push(("clocksequence", Value::from(clock)));
    }
    if version == 2 {
        let id = u32::from_be_bytes([t0, t1, t2, t3]);
        members.push(("id", Value::from(id)));
        members.push(("domain", Value::from(domain_name(sequence))));
    }
    members
        .into_iter()
        .map(|(name, value)| (Value::from(name), value))
        .collect()
}

/// Nanoseconds since the Unix epoch; beyond 64 bits Go's arithmetic wraps.
fn unix_ns(time: i64) -> i64 {
    time.wrapping_sub(GREGORIAN_TO_UNIX).wrapping_mul(100)
}

fn variant_name(byte: u8) -> &'static str {
    match byte >> 5 {
        0b100 | 0b101 => "RFC4122",
        0b110 => "Microsoft",
        0b111 => "Future",
        _ => "Reserved",
    }
}

/// RFC 7042, section 2.1.
fn mac_name(first: u8) -> &'static str {
    match first & 0b11 {
        0b11 => "local:multicast",
        0b01 => "global:multicast",
        0b10 => "local:unicast",
        _ => "global:unicast",
    }
}

fn domain_name(byte: u8) -> String {
    match byte {
        0 => "Person".to_owned(),
        1 => "Group".to_owned(),
        2 => "Org".to_owned(),
        other => format!("Domain{other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{describe, read};
    use crate::value::Value;

    fn shown(text: &str) -> Option<String> {
        read(text.as_bytes()).map(|uuid| Value::from(describe(&uuid)).to_json())
    }

    #[test]
    fn every_form_that_go_reads_is_read() {
        let plain = shown("00000000-0000-4000-8000-000000000000");
        assert_eq!(plain.as_deref(), Some(r#"{"variant":"RFC4122","version":4}"#));
        for same in [
            "00000000000040008000000000000000",
            "urn:uuid:00000000-0000-4000-8000-000000000000",
            "URN:UUID:00000000-0000-4000-8000-000000000000",
            "{00000000-0000-4000-8000-000000000000}",
            "?00000000-0000-4000-8000-000000000000!",
        ] {
            assert_eq!(shown(same), plain, "{same}");
        }
    }

    #[test]
    fn what_go_refuses_is_refused() {
        for text in [
            "",
            "00000000-0000-4000-8000-00000000000",
            "00000000_0000-4000-8000-000000000000",
            "0000000g-0000-4000-8000-000000000000",
            "urn:oidc:00000000-0000-4000-8000-000000000000",
            "0000000000004000800000000000000g",
            "é0000000-0000-4000-8000-00000000000é",
        ] {
            assert_eq!(shown(text), None, "{text}");
        }
    }

    #[test]
    fn the_time_of_a_version_1_is_go_s() {
        let text = shown("c2fc67c2-47f2-11ee-b67a-9f3619c7493f").unwrap();
        assert!(text.contains(r#""time":1693481847404333000"#), "{text}");
        assert!(text.contains(r#""clocksequence":13946"#), "{text}");
        let text = shown("000003e8-48b9-21ee-b200-325096b39f47").unwrap();
        assert!(text.contains(r#""time":1693566990121469600"#), "{text}");
        assert!(text.contains(r#""domain":"Person","id":1000"#), "{text}");
    }
}
