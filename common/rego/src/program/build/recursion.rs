//! No function may call itself.

use crate::error::LoadError;
use crate::program::op::Function;

/// Takes functions away that call none but those taken before: what is left calls itself. Dynamic calls are bounded
/// when running.
pub(super) fn refuse_recursion(called: &[Vec<u32>], functions: &[Function]) -> Result<(), LoadError> {
    let mut callers: Vec<Vec<usize>> = vec![Vec::new(); called.len()];
    let mut open: Vec<usize> = called.iter().map(Vec::len).collect();
    for (caller, callees) in called.iter().enumerate() {
        for callee in callees {
            if let Some(list) = callers.get_mut(*callee as usize) {
                list.push(caller);
            }
        }
    }
    let mut done: Vec<usize> = (0..called.len()).filter(|at| open.get(*at) == Some(&0)).collect();
    while let Some(function) = done.pop() {
        for caller in callers.get(function).into_iter().flatten() {
            if let Some(count) = open.get_mut(*caller) {
                *count -= 1;
                if *count == 0 {
                    done.push(*caller);
                }
            }
        }
    }
    match open.iter().zip(functions).find(|(count, _)| **count > 0) {
        Some((_, function)) => Err(LoadError::Recursion(function.name.to_string())),
        None => Ok(()),
    }
}
