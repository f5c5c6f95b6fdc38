//! `glob.*`: the patterns of the Go module gobwas/glob (v1.0.0), matched in time that goes with the text times the
//! pattern. Go's matcher backtracks; what it finds is the same.

mod lexer;
mod program;
#[cfg(test)]
mod tests;

use std::sync::{Arc, LazyLock};

use quick_cache::Weighter;
use quick_cache::sync::Cache;

use program::Program;

use super::operands::{self, string, wrong_type};
use super::{Answer, BuiltinError, Context, answer, fail};
use crate::value::Value;

/// How much the compiled patterns may take together, in bytes.
const CACHE_BYTES: u64 = 1 << 20;

static COMPILED: LazyLock<Cache<(String, String), Arc<Program>, ByMemory>> =
    LazyLock::new(|| Cache::with_weighter(256, CACHE_BYTES, ByMemory));

#[derive(Clone)]
struct ByMemory;

impl Weighter<(String, String), Arc<Program>> for ByMemory {
    fn weight(&self, (pattern, delimiters): &(String, String), program: &Arc<Program>) -> u64 {
        (pattern.len() + delimiters.len() + program.memory()) as u64 + 128
    }
}

#[derive(Hash)]
struct Key<'k>(&'k str, &'k str);

impl quick_cache::Equivalent<(String, String)> for Key<'_> {
    fn equivalent(&self, key: &(String, String)) -> bool {
        self.0 == key.0 && self.1 == key.1
    }
}

/// Whether a pattern without separators matches, outside of any evaluation.
pub(crate) fn matches(pattern: &str, text: &str) -> Result<bool, String> {
    Ok(Program::compile(pattern, "")?.is_match(text))
}

pub(super) fn is_match(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let pattern = string(operands, 1)?;
    let delimiters = delimiters(context, operands)?;
    let text = string(operands, 3)?;
    let program = compiled(context, pattern, delimiters)?;
    context.spend(program.cost(text.len()))?;
    answer(program.is_match(text))
}

pub(super) fn quote_meta(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let text = string(operands, 1)?;
    context.spend(text.len())?;
    context.room(text.len().saturating_mul(2))?;
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        if r"*?\[]{}".contains(char) {
            out.push('\\');
        }
        out.push(char);
    }
    answer(out)
}

fn compiled(
    context: &mut Context<'_>,
    pattern: &str,
    delimiters: String,
) -> Result<Arc<Program>, BuiltinError> {
    // What looking it up costs.
    context.spend(pattern.len().saturating_add(delimiters.len()))?;
    if let Some(program) = COMPILED.get(&Key(pattern, &delimiters)) {
        return Ok(program);
    }
    context.spend(pattern.len().saturating_mul(16))?;
    // Steps, and tokens before them.
    context.room(pattern.len().saturating_mul(160))?;
    let program = match Program::compile(pattern, &delimiters) {
        Ok(program) => Arc::new(program),
        Err(error) => return fail(error),
    };
    COMPILED.insert((pattern.to_owned(), delimiters), Arc::clone(&program));
    Ok(program)
}

/// What `*` and `?` stop at: nothing for null, points for an empty array.
fn delimiters(context: &mut Context<'_>, operands: &[Value]) -> Result<String, BuiltinError> {
    let array = match operands::any(operands, 2)? {
        Value::Null => return Ok(String::new()),
        Value::Array(array) => array,
        other => return wrong_type(2, other, &["array", "null"]),
    };
    context.spend(array.len())?;
    let mut delimiters = String::new();
    for element in array {
        let Value::String(text) = element else {
            return operands::wrong_element(2, "array", element, "string");
        };
        let mut chars = text.chars();
        match (chars.next(), chars.next()) {
            (Some(char), None) => delimiters.push(char),
            _ => return operands::wrong_element(2, "array", element, "rune"),
        }
    }
    if array.is_empty() {
        delimiters.push('.');
    }
    Ok(delimiters)
}
