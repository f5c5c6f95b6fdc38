//! The variants of functions: of a partial set or object that which is asked for keys, of a function with arguments that which
//! is asked for a result.

use super::Builder;
use crate::error::LoadError;
use crate::program::body::{self, MOST_KEYS};
use crate::program::index::{self, Rules, Virtual};
use crate::program::op::{Asked, Function, Op};

/// Lets a function and its variant that is asked for a result remember the same.
pub(super) fn share_results(functions: &mut [Function]) {
    let shared: Vec<(u32, u32)> = functions
        .iter()
        .filter_map(|function| match function.asked {
            Some(Asked::Result { count, of }) => Some((of, count)),
            _ => None,
        })
        .collect();
    for (of, count) in shared {
        if let Some(function) = functions.get_mut(of as usize) {
            function.asked = Some(Asked::Arguments { count, always: true });
        }
    }
}

impl<'p> Builder<'p> {
    /// The function of the plan that an index stands for, itself or by a variant.
    pub(super) fn base(&self, function: u32, variants: &[(u32, Function)]) -> u32 {
        let variant = function.checked_sub(self.first_entrypoint());
        let variant = variant.and_then(|at| variants.get(at as usize));
        variant.map_or(function, |(base, _)| *base)
    }

    /// The variant of a partial set or object that gives the keys asked for, if some are somewhere; of a function with arguments
    /// that of the result asked for.
    pub(super) fn make_variant(
        &mut self,
        known: &Virtual,
        (function, name): (&'p crate::plan::Function, u32),
        rules: &Rules<'p>,
        memo: Option<u32>,
        variants: usize,
    ) -> Result<Option<Function>, LoadError> {
        let Ok(number) = u32::try_from(self.plan.functions.len() + variants) else {
            return Ok(None);
        };
        let of_keys = self.asked.contains(&function.name);
        let keys = index::keys(rules).filter(|_| of_keys && !self.planted.no_asked_key);
        let of_results = self.asked_results.contains(&function.name);
        let values = index::values(function, rules).filter(|_| of_results && !self.planted.no_asked_key);
        let (keys, asked, own_params) = match (keys, values) {
            (Some((keys, most)), _) => {
                let most = most.min(MOST_KEYS);
                self.variants.insert(function.name.clone(), (number, most));
                let count = u32::try_from(most).unwrap_or(0);
                (keys, Asked::Keys { count, whole: memo }, most)
            }
            (None, Some(values)) => {
                self.result_variants.insert(function.name.clone(), number);
                let count = u32::try_from(function.params.len().saturating_sub(2)).unwrap_or(0);
                (values, Asked::Result { count, of: name }, 1)
            }
            (None, None) => return Ok(None),
        };
        let mut search = self.search(known, function, rules);
        search.keys = keys;
        let params: Vec<i64> = function
            .params
            .iter()
            .copied()
            .chain(body::params(own_params))
            .collect();
        let body = self.body(
            name,
            &params,
            &function.blocks,
            Some((rules, search)),
            Op::ReturnUndefined,
        )?;
        Ok(Some(Function {
            name: function.name.clone(),
            entry: body.entry,
            params: u32::try_from(params.len()).unwrap_or(u32::MAX),
            locals: body.locals,
            memo: None,
            asked: Some(asked),
        }))
    }

    /// The variant of a function with arguments that gives the result asked for.
    pub(in crate::program) fn result_variant(&self, name: &str) -> Option<u32> {
        self.result_variants.get(name).copied()
    }

    /// The variant of a function that gives some keys, and how many it takes.
    pub(in crate::program) fn variant(&self, name: &str) -> Option<(u32, usize)> {
        self.variants.get(name).copied()
    }
}
