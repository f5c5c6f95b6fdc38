//! The program's constants, each made once.

use std::sync::Arc;

use super::op::Operand;
use crate::hash::HashMap;
use crate::number::Number;
use crate::value::Value;

/// Constants while a program is built: `false`, `true`, null, the plan's strings, then numbers as they come.
#[derive(Default)]
pub(super) struct Constants {
    values: Vec<Value>,
    strings: u32,
    ints: HashMap<i64, u32>,
    texts: HashMap<Arc<str>, u32>,
}

const NULL: u32 = 2;
const FIRST_STRING: u32 = 3;

impl Constants {
    /// `None` when there are too many.
    pub(super) fn new(strings: &[Arc<str>]) -> Option<Self> {
        let mut values = vec![Value::Bool(false), Value::Bool(true), Value::Null];
        values.extend(strings.iter().cloned().map(Value::String));
        let fits = values.len() < Operand::BOUND / 2;
        let strings = u32::try_from(strings.len()).ok().filter(|_| fits)?;
        Some(Constants {
            values,
            strings,
            ..Constants::default()
        })
    }

    pub(super) fn bool(flag: bool) -> u32 {
        u32::from(flag)
    }

    pub(super) fn null() -> u32 {
        NULL
    }

    /// The constant of one of the plan's strings.
    pub(super) fn string(&self, index: i64) -> Option<u32> {
        let index = u32::try_from(index).ok().filter(|index| *index < self.strings)?;
        Some(FIRST_STRING + index)
    }

    /// One of the plan's strings.
    pub(super) fn text(&self, index: i64) -> Option<&str> {
        self.values.get(self.string(index)? as usize)?.as_str()
    }

    pub(super) fn string_count(&self) -> usize {
        self.strings as usize
    }

    pub(super) fn int(&mut self, int: i64) -> Option<u32> {
        if let Some(known) = self.ints.get(&int) {
            return Some(*known);
        }
        let index = self.push(Value::from(int))?;
        self.ints.insert(int, index);
        Some(index)
    }

    /// A number written as one of the plan's strings. `Ok(None)` when there are too many constants, `Err` with the
    /// text when it isn't a number.
    pub(super) fn number(&mut self, string: u32) -> Result<Option<u32>, Arc<str>> {
        let Some(Value::String(text)) = self.values.get(string as usize).cloned() else {
            return Ok(None);
        };
        if let Some(known) = self.texts.get(&text) {
            return Ok(Some(*known));
        }
        let Some(number) = Number::from_literal(&text) else {
            return Err(text);
        };
        let index = self.push(Value::Number(number));
        if let Some(index) = index {
            self.texts.insert(text, index);
        }
        Ok(index)
    }

    /// What reads a constant.
    pub(super) fn operand(&self, index: u32) -> Operand {
        let value = self.values.get(index as usize);
        Operand::constant(index, value.is_some_and(Value::is_light))
    }

    fn push(&mut self, value: Value) -> Option<u32> {
        let index = u32::try_from(self.values.len())
            .ok()
            .filter(|index| (*index as usize) < Operand::BOUND)?;
        self.values.push(value);
        Some(index)
    }

    pub(super) fn finish(self) -> Vec<Value> {
        self.values
    }
}
