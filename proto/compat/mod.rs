//! Whether clients and servers of released contracts can go on with the present ones: on the wire, in JSON, and in the
//! code generated from them. It compares descriptors; it knows nothing of text, and never says that a change is wise.

mod shape;

use std::collections::BTreeMap;
use std::fmt;

use prost_types::FileDescriptorSet;

use shape::{Entry, Shape};

/// A change that breaks somebody.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Break {
    /// What changed, by its full name: `postern.token.v1.GetJwksResponse.etag`.
    pub(crate) at: String,
    /// How.
    pub(crate) why: String,
}

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.why)
    }
}

/// Everything in `current` that breaks users of `released`, in the order of names. Additions never do.
pub(crate) fn breaks(released: &FileDescriptorSet, current: &FileDescriptorSet) -> Vec<Break> {
    let (released, current) = (Shape::of(released), Shape::of(current));
    let mut breaks = Vec::new();
    for (name, before) in &released.entries {
        match current.entries.get(name) {
            None => breaks.push(Break {
                at: name.clone(),
                why: format!("{} was removed", before.kind),
            }),
            Some(now) => breaks.extend(changes(name, before, now)),
        }
    }
    for (owner, name) in released.reserved_names.difference(&current.reserved_names) {
        breaks.push(Break {
            at: owner.clone(),
            why: format!("the name `{name}` is no longer reserved"),
        });
    }
    for (owner, ranges) in &released.reserved_ranges {
        breaks.extend(
            ranges
                .iter()
                .filter(|range| !current.reserves(owner, **range))
                .map(|(first, last)| Break {
                    at: owner.clone(),
                    why: format!("the numbers {first} to {last} are no longer reserved"),
                }),
        );
    }
    breaks.extend(renumbered(&released.entries, &current.entries));
    breaks.sort();
    breaks.dedup();
    breaks
}

/// The facts about one entry that are no longer what they were.
fn changes(name: &str, before: &Entry, now: &Entry) -> Vec<Break> {
    let facts = before.facts.iter().filter_map(|(fact, old)| {
        let new = now.facts.get(fact).map_or("nothing", String::as_str);
        (new != old).then(|| Break {
            at: name.to_owned(),
            why: format!("{fact} was {old} and is {new} now"),
        })
    });
    let kind = (before.kind != now.kind).then(|| Break {
        at: name.to_owned(),
        why: format!("was a {} and is a {} now", before.kind, now.kind),
    });
    facts.chain(kind).collect()
}

/// Numbers of released fields and enum values that belong to another name now: old bytes would be read as something else.
fn renumbered(released: &BTreeMap<String, Entry>, current: &BTreeMap<String, Entry>) -> Vec<Break> {
    let owners = |entries: &BTreeMap<String, Entry>| -> BTreeMap<(String, String), Vec<String>> {
        let mut owners: BTreeMap<_, Vec<String>> = BTreeMap::new();
        for (name, entry) in entries {
            if let (Some((owner, _)), Some(number)) = (name.rsplit_once('.'), entry.facts.get("number")) {
                owners
                    .entry((owner.to_owned(), number.clone()))
                    .or_default()
                    .push(name.clone());
            }
        }
        owners
    };
    let before = owners(released);
    let mut reused = Vec::new();
    for (place, names) in owners(current) {
        let Some(old_names) = before.get(&place) else {
            continue;
        };
        if !old_names.iter().any(|old| names.contains(old)) {
            reused.extend(names.into_iter().map(|at| Break {
                at,
                why: format!("uses the number {} of {}", place.1, old_names.join(", ")),
            }));
        }
    }
    reused
}
