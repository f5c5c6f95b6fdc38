//! Which references name documents of the policy: OPA's tree of rules (`v1/ast/compile.go`, `TreeNode.isVirtual`). Of those
//! the index knows nothing, and for it what isn't in the tree is data.

use std::collections::BTreeMap;

use super::terms::{Head, Ref, Step};
use crate::plan::Plan;
use crate::program::tree::Heads;
use crate::value::Value;

/// A place in the tree.
#[derive(Default)]
pub(in crate::program) struct Virtual {
    /// Whether rules stand here.
    rules: bool,
    below: BTreeMap<Value, Virtual>,
}

impl Virtual {
    /// The tree of a plan's rules. Those of a function stand below its path, at the constants that their heads begin with;
    /// at its path where no heads are known.
    pub(in crate::program) fn of(plan: &Plan, heads: &[Heads]) -> Self {
        let mut root = Virtual::default();
        let functions = plan.functions.iter().enumerate();
        for (at, function) in functions.filter(|(_, function)| !function.path.is_empty()) {
            let mut node = &mut root;
            for name in function.path.iter().skip(1) {
                node = node.below.entry(Value::String(name.clone())).or_default();
            }
            match heads.get(at) {
                Some(Heads { constants, .. }) if !constants.is_empty() => {
                    constants.iter().for_each(|keys| node.add(keys));
                }
                _ => node.rules = true,
            }
        }
        root
    }

    fn add(&mut self, keys: &[Value]) {
        let mut node = self;
        for key in keys {
            node = node.below.entry(key.clone()).or_default();
        }
        node.rules = true;
    }

    /// Whether rules are at this place, on the way to it or below it.
    pub(super) fn has(&self, reference: &Ref) -> bool {
        if reference.head != Head::Data {
            return false;
        }
        let mut node = self;
        for step in &reference.steps {
            let Step::Const(key) = step else { break };
            match node.below.get(key) {
                None => return false,
                Some(below) if below.rules => return true,
                Some(below) => node = below,
            }
        }
        true
    }
}
