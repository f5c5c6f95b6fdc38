//! `net.cidr_*`, as Go's net package has addresses: one of IPv4 and its form inside IPv6 are the same.

mod address;
mod merge;

use address::{Network, parse_ip};

use super::operands::{self, string};
use super::{Answer, BuiltinError, Context, answer, fail};
use crate::number::Number;
use crate::value::{Set, Value};

/// The most addresses that `net.cidr_expand` lists.
const MAX_ADDRESSES: u128 = 1 << 16;

pub(super) use merge::merge;

pub(super) fn contains(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let (network, inner) = (operands::any(operands, 1)?, operands::any(operands, 2)?);
    context.spend(64)?;
    answer(contains_one(&network_of(network)?, &Inner::of(inner)?))
}

pub(super) fn intersects(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let (a, b) = (
        network_of(operands::any(operands, 1)?)?,
        network_of(operands::any(operands, 2)?)?,
    );
    context.spend(64)?;
    answer(a.contains(b.first) || b.contains(a.first))
}

pub(super) fn is_valid(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    context.spend_on_all(operands::any(operands, 1)?)?;
    answer(
        operands::any(operands, 1)?
            .as_str()
            .is_some_and(|text| Network::parse(text).is_some()),
    )
}

/// All addresses of a network.
pub(super) fn expand(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let network = read(string(operands, 1)?)?;
    let count = network.last() - network.first;
    if count >= MAX_ADDRESSES {
        return Err(BuiltinError::Halt(format!(
            "a network of more than {MAX_ADDRESSES} addresses is refused"
        )));
    }
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    context.spend(count.saturating_mul(16))?;
    context.make(count)?;
    context.build(count.saturating_mul(64))?;
    let addresses = network.first..=network.last();
    answer(
        addresses
            .map(|address| Value::from(address::text(address)))
            .collect::<Set>(),
    )
}

/// The pairs of positions whose networks contain the other's.
pub(super) fn contains_matches(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    for operand in operands {
        context.make(operand.length().unwrap_or(0))?;
    }
    let (left, right) = (
        Listed::of(operands::any(operands, 1)?),
        Listed::of(operands::any(operands, 2)?),
    );
    let mut pairs = Vec::new();
    let mut inners: Vec<Inner> = Vec::new();
    for (outer, outer_index) in &left {
        let outer = element(1, outer)?;
        // Both sides are read when they first meet, so that nothing is wrong with what meets nothing.
        let mut network = None;
        for (at, (inner, inner_index)) in right.iter().enumerate() {
            context.spend(32)?;
            let inner = element(2, inner)?;
            if network.is_none() {
                network = Some(network_of(outer)?);
            }
            if inners.len() <= at {
                inners.push(Inner::of(inner)?);
            }
            if let (Some(network), Some(inner)) = (&network, inners.get(at))
                && contains_one(network, inner)
            {
                context.build(256)?;
                pairs.push(Value::from(vec![outer_index.clone(), inner_index.clone()]));
            }
        }
    }
    answer(pairs.into_iter().collect::<Set>())
}

/// An operand's parts and what each is known by.
struct Listed;

impl Listed {
    fn of(value: &Value) -> Vec<(&Value, Value)> {
        match value {
            Value::String(_) => vec![(value, value.clone())],
            Value::Array(array) => {
                let index = |at| Value::from(Number::from_usize(at));
                array
                    .iter()
                    .enumerate()
                    .map(|(at, item)| (item, index(at)))
                    .collect()
            }
            Value::Set(set) => set.iter().map(|item| (item, item.clone())).collect(),
            Value::Object(object) => object.iter().map(|(key, item)| (item, key.clone())).collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
        }
    }
}

/// The network of a part: the part, or the first of an array.
fn element(position: usize, value: &Value) -> Result<&Value, BuiltinError> {
    let wrong = || {
        BuiltinError::Lenient(format!(
            "operand {position}: element must be string or non-empty array"
        ))
    };
    match value {
        Value::String(_) => Ok(value),
        Value::Array(array) => array.get(0).ok_or_else(wrong),
        _ => Err(wrong()),
    }
}

fn network_of(value: &Value) -> Result<Network, BuiltinError> {
    match value {
        Value::String(text) => read(text),
        other => operands::wrong_type(1, other, &["string"]),
    }
}

fn read(text: &str) -> Result<Network, BuiltinError> {
    Network::parse(text).ok_or_else(|| BuiltinError::Lenient(format!("invalid CIDR address: {text}")))
}

/// What may be contained.
enum Inner {
    Address(u128),
    Network(Network),
}

impl Inner {
    fn of(value: &Value) -> Result<Self, BuiltinError> {
        let Value::String(text) = value else {
            return operands::wrong_type(1, value, &["string"]);
        };
        if let Some((address, _)) = parse_ip(text) {
            return Ok(Inner::Address(address));
        }
        match Network::parse(text) {
            Some(network) => Ok(Inner::Network(network)),
            None => fail(format!(
                "not a valid textual representation of an IP address or CIDR: {text}"
            )),
        }
    }
}

fn contains_one(network: &Network, inner: &Inner) -> bool {
    match inner {
        Inner::Address(address) => network.contains(*address),
        Inner::Network(inner) if network.is_plain_v6() && inner.is_plain_v6() => {
            network.prefix <= inner.prefix && network.first == inner.first & network.mask()
        }
        Inner::Network(inner) => network.contains(inner.first) && network.contains(inner.last()),
    }
}
