//! Which functions print. OPA's evaluator remembers what a function gave for its arguments, so that one called again prints
//! nothing (`v1/topdown/eval.go`, `evalFunc.evalCache`); of others it makes no difference but to their cost.

use super::op::{Asked, Function};
use crate::plan::{Block, Kind, Plan};

/// Lets the functions with arguments that print, themselves or by what they call, be remembered by their arguments. `called`
/// are the functions that each calls.
pub(super) fn remember(plan: &Plan, called: &[Vec<u32>], functions: &mut [Function]) {
    if !plan.builtins.iter().any(|builtin| &*builtin.name == PRINT) {
        return;
    }
    let mut prints: Vec<bool> = plan
        .functions
        .iter()
        .map(|function| print(&function.blocks))
        .collect();
    // From callers to callees; no function calls itself, so that this ends.
    let mut changed = true;
    while changed {
        changed = false;
        for (at, callees) in called.iter().enumerate() {
            let calls = callees
                .iter()
                .any(|callee| prints.get(*callee as usize) == Some(&true));
            if let Some(own) = prints.get_mut(at)
                && calls
                && !*own
            {
                *own = true;
                changed = true;
            }
        }
    }
    for (function, prints) in functions.iter_mut().zip(prints) {
        let count = function.params.saturating_sub(2);
        if prints && count > 0 {
            function.asked = Some(Asked::Arguments { count, always: true });
        }
    }
}

const PRINT: &str = "internal.print";

/// Whether blocks print, or call what only running tells.
fn print(blocks: &[Block]) -> bool {
    let mut open: Vec<&Block> = blocks.iter().collect();
    while let Some(block) = open.pop() {
        for statement in &block.statements {
            match &statement.kind {
                Kind::Call { function, .. } if &**function == PRINT => return true,
                Kind::CallDynamic { .. } => return true,
                Kind::Block { blocks } => open.extend(blocks),
                Kind::Not { block } | Kind::Scan { block, .. } | Kind::With { block, .. } => open.push(block),
                _ => {}
            }
        }
    }
    false
}
