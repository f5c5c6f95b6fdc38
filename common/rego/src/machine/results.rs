//! What an evaluation has found. A query of `opa build` has one result at most, a value called `result`: no set and no
//! object is made for it unless someone asks for them.

use super::Machine;
use super::fault::Fault;
use crate::program::{Local, Operand};
use crate::value::{Object, Set, Value};

/// The results of a query.
#[derive(Default)]
pub(crate) enum Results {
    #[default]
    None,
    /// The value of the one result.
    One(Value),
    /// Objects of a query's variables.
    Many(Set),
}

impl Results {
    /// The value called `result`.
    pub(crate) fn into_value(self) -> Option<Value> {
        match self {
            Results::None => None,
            Results::One(value) => Some(value),
            Results::Many(set) => set.nth(0).and_then(|result| result.get("result")).cloned(),
        }
    }

    pub(crate) fn into_set(self) -> Set {
        match self {
            Results::None => Set::default(),
            Results::One(value) => Set::from_iter([named(value)]),
            Results::Many(set) => set,
        }
    }

    fn add(&mut self, result: Value) {
        let mut set = std::mem::take(self).into_set();
        set.insert(result);
        *self = Results::Many(set);
    }
}

fn named(value: Value) -> Value {
    Value::Object(Object::from_iter([(Value::from("result"), value)]))
}

impl Machine<'_> {
    pub(super) fn add_result(&mut self, value: Local) -> Result<bool, Fault> {
        let Some(value) = self.key(Operand::local(value))? else {
            return Ok(false);
        };
        self.results.add(value);
        Ok(true)
    }

    /// Adds `{"result": value}`.
    pub(super) fn add_result_value(&mut self, value: Operand) -> Result<bool, Fault> {
        let Some(value) = self.key(value)? else {
            return Ok(false);
        };
        match self.results {
            Results::None => self.results = Results::One(value),
            _ => self.results.add(named(value)),
        }
        Ok(true)
    }
}
