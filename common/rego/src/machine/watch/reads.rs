//! Which parts of `input` and `data` an evaluation looks up: the values of both are known by where they are in memory, and
//! a lookup in one that is known gives another that is.

use std::collections::HashMap;
use std::sync::Arc;

use super::super::Machine;
use super::super::slot::Slot;
use super::text::shown;
use crate::program::{Local, Op, Operand, Source};
use crate::reads::push_name;
use crate::value::Value;

/// So many parts are known at once; beyond that none are added.
const MAX_PARTS: usize = 8192;
/// The longest path, in bytes.
const MAX_PATH: usize = 512;

/// A part of a document: the address of its value, or its number among the parts of a document that is made on the way.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    Value(usize),
    Part(u16),
}

/// The parts that are known.
#[derive(Default)]
pub(super) struct Parts {
    paths: HashMap<Key, Arc<str>>,
    /// The collections that iterations go over, by frame and slot.
    scans: HashMap<(usize, u32), Arc<str>>,
    pub(super) is_full: bool,
}

/// A lookup that is about to happen.
pub(super) struct Lookup {
    pub(super) path: Arc<str>,
    /// Where what it finds goes.
    target: Option<Local>,
    /// Whether it is told, not only followed.
    pub(super) is_told: bool,
}

impl Parts {
    /// The documents that the evaluation begins with.
    pub(super) fn begin(&mut self, machine: &Machine<'_>) {
        for (local, name) in [(0, "input"), (1, "data")] {
            if let Some(key) = machine.slot(local).and_then(key) {
                self.paths.insert(key, Arc::from(name));
            }
        }
    }

    fn path_of(&self, machine: &Machine<'_>, local: Local) -> Option<Arc<str>> {
        self.paths.get(&key(machine.slot(local)?)?).cloned()
    }

    /// What an operation is about to look up in a part that is known.
    pub(super) fn lookup(&mut self, machine: &Machine<'_>, op: &Op) -> Option<Lookup> {
        let told = |path, target| Lookup {
            path,
            target,
            is_told: true,
        };
        match *op {
            Op::Dot {
                source, key, target, ..
            }
            | Op::DotBase {
                source, key, target, ..
            } => {
                let path = self.member(machine, source, machine.read(key)?)?;
                Some(told(path, Some(target)))
            }
            Op::DotCompare { source, key, .. } => {
                let path = self.member(machine, source, machine.read(key)?)?;
                Some(told(path, None))
            }
            Op::Follow {
                path, target, once, ..
            } => {
                if once && machine.slot(target).is_some_and(Slot::is_defined) {
                    return None;
                }
                let walk = machine.program.walks.get(path as usize)?;
                let mut path = self.path_of(machine, walk.source)?.to_string();
                for key in &walk.keys {
                    add_key(&mut path, machine.program.constants.get(*key as usize)?);
                }
                Some(told(path.into(), Some(target)))
            }
            Op::ScanStart { source, slot } => {
                let place = (machine.frame.base, slot);
                self.scans.remove(&place);
                let mut path = self.path_of(machine, source)?.to_string();
                path.push_str("[_]");
                let path: Arc<str> = path.into();
                if self.scans.len() < MAX_PARTS {
                    self.scans.insert(place, Arc::clone(&path));
                }
                Some(told(path, None))
            }
            Op::ScanNext { slot, value, .. } | Op::ScanSeek { slot, value, .. } => {
                let path = self.scans.get(&(machine.frame.base, slot)).cloned()?;
                Some(Lookup {
                    path,
                    target: Some(value),
                    is_told: false,
                })
            }
            _ => None,
        }
    }

    /// The path of what the index looks at.
    pub(super) fn at(&self, machine: &Machine<'_>, source: Local, keys: &[Value]) -> Option<String> {
        let mut path = self.path_of(machine, source)?.to_string();
        for key in keys {
            add_key(&mut path, key);
        }
        Some(path)
    }

    fn member(&self, machine: &Machine<'_>, source: Operand, key: &Value) -> Option<Arc<str>> {
        let Source::Local(local) = source.source() else {
            return None;
        };
        let mut path = self.path_of(machine, local)?.to_string();
        add_key(&mut path, key);
        Some(path.into())
    }

    /// Takes in what a lookup found.
    pub(super) fn found(&mut self, machine: &Machine<'_>, lookup: &Lookup) {
        let slot = lookup.target.and_then(|target| machine.slot(target));
        let Some(key) = slot.and_then(key) else { return };
        if self.paths.len() < MAX_PARTS {
            self.paths.insert(key, Arc::clone(&lookup.path));
        } else if !self.paths.contains_key(&key) {
            self.is_full = true;
        }
    }
}

fn add_key(path: &mut String, key: &Value) {
    if path.len() >= MAX_PATH {
        return;
    }
    match key.as_str() {
        Some(name) if name.len() <= MAX_PATH => push_name(path, name),
        _ => {
            path.push('[');
            path.push_str(&shown(key));
            path.push(']');
        }
    }
}

fn key(slot: &Slot<'_>) -> Option<Key> {
    match slot {
        Slot::Borrowed(value) => Some(Key::Value(std::ptr::from_ref::<Value>(value).addr())),
        Slot::Part(_, part) => Some(Key::Part(part.0)),
        Slot::Owned(_) | Slot::Undefined => None,
    }
}
