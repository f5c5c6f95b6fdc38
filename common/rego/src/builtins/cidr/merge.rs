//! `net.cidr_merge`: networks that touch become one, or as few as cover the same.

use super::address::{is_v4, mask, network_text, parse_ip};
use super::{Network, read};
use crate::builtins::operands::{self};
use crate::builtins::{Answer, BuiltinError, Context, answer, fail};
use crate::value::{Set, Value};

/// From one address to another.
struct Range {
    first: u128,
    last: u128,
    /// The network's text, for what was merged with nothing.
    text: Option<String>,
}

pub(in crate::builtins) fn merge(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let items: Vec<&Value> = match operands::any(operands, 1)? {
        Value::Array(array) => array.iter().collect(),
        Value::Set(set) => set.iter().collect(),
        _ => return fail("operand must be an array"),
    };
    context.spend(items.len().saturating_mul(64))?;
    context.build(items.len().saturating_mul(256))?;
    let mut ranges = items
        .iter()
        .map(|item| range(item))
        .collect::<Result<Vec<_>, _>>()?;
    // OPA gets lost among more bytes than an address has.
    if ranges.len() > 1 && items.iter().any(|item| is_mapped(item)) {
        return not_supported("networks of IPv4 written inside IPv6");
    }
    ranges.sort_by_key(|range| (range.last, range.first));
    let mut merged: Vec<Range> = Vec::with_capacity(ranges.len());
    // From the highest down, each is merged with the one below if they touch.
    while let Some(upper) = ranges.pop() {
        match ranges.last_mut() {
            Some(lower) if before(upper.first) <= lower.last => {
                lower.first = lower.first.min(upper.first);
                lower.last = upper.last;
                lower.text = None;
            }
            _ => merged.push(upper),
        }
    }
    let mut texts = Vec::new();
    for range in merged {
        match range.text {
            Some(text) => texts.push(Value::from(text)),
            None => cover(context, (range.first, range.last), &mut texts)?,
        }
    }
    answer(texts.into_iter().collect::<Set>())
}

fn is_mapped(item: &Value) -> bool {
    let network = item.as_str().and_then(Network::parse);
    network.is_some_and(|network| !network.written_v4 && is_v4(network.first))
}

fn range(item: &Value) -> Result<Range, BuiltinError> {
    let Value::String(text) = item else {
        return fail("element must be string");
    };
    let (address, prefix) = match parse_ip(text) {
        // The prefix of its class, from when addresses had classes.
        Some((address, _)) if is_v4(address) => {
            let class = match address >> 24 & 0xff {
                0..0x80 => 8,
                0x80..0xc0 => 16,
                _ => 24,
            };
            (address, 96 + class)
        }
        Some(_) => return fail("IPv6 invalid: needs prefix length"),
        None => {
            let network = read(text)?;
            (network.first, network.prefix)
        }
    };
    Ok(Range {
        first: address & mask(prefix),
        last: address | !mask(prefix),
        text: Some(network_text(address, prefix)),
    })
}

/// The address before; the first of each family has none.
fn before(address: u128) -> u128 {
    if is_v4(address) && address & 0xffff_ffff == 0 {
        address
    } else {
        address.saturating_sub(1)
    }
}

/// The fewest networks that are all of the range.
fn cover(
    context: &mut Context<'_>,
    (first, last): (u128, u128),
    texts: &mut Vec<Value>,
) -> Result<(), BuiltinError> {
    if is_v4(first) != is_v4(last) {
        return not_supported("a range from IPv4 to IPv6");
    }
    let family = if is_v4(first) { 32 } else { 128 };
    // The network around it. Where that starts with zeros, OPA drops them and gets lost.
    let common = (first ^ last).leading_zeros();
    let around = first & mask(common);
    let starts_with_zero = around != 0 && around >> 120 == 0;
    let beside_v4 = is_v4(first.wrapping_sub(1)) || is_v4(last.wrapping_add(1));
    if family == 128 && (starts_with_zero || beside_v4) {
        return not_supported("a range of IPv6 that starts with zeros");
    }
    let mut at = first;
    loop {
        // As large as the start allows, and no larger than what is left.
        let mut bits = at.trailing_zeros().min(family);
        while bits > 0 && at | !mask(128 - bits) > last {
            bits -= 1;
        }
        context.spend(64)?;
        context.build(160)?;
        texts.push(Value::from(network_text(at, 128 - bits)));
        let end = at | !mask(128 - bits);
        if end >= last {
            return Ok(());
        }
        at = end + 1;
    }
}

fn not_supported<T>(what: &str) -> Result<T, BuiltinError> {
    Err(BuiltinError::Halt(format!("merging {what} is not supported")))
}
