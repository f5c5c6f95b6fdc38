//! Compiled patterns, kept in a cache that is bounded by memory, and Go's ways of going over all matches.

use std::sync::{Arc, LazyLock};

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use regex_automata::Input;
use regex_automata::meta::{self, Regex};
use regex_automata::util::captures::Captures;
use regex_syntax::hir::{Hir, HirKind};

use super::syntax::{self, Parsed, Refusal};
use crate::builtins::{BuiltinError, Context, fail};

/// How much the compiled patterns may take together, in bytes, but for what matching grows.
const CACHE_BYTES: u64 = 4 << 20;
/// How much one compiled pattern may take, in bytes.
const MAX_COMPILED_BYTES: usize = 1 << 20;
/// How much matching may grow beside a compiled pattern, in bytes for each thread.
const MAX_GROWN_BYTES: usize = 1 << 17;

static COMPILED: LazyLock<Cache<String, Arc<Compiled>, ByMemory>> =
    LazyLock::new(|| Cache::with_weighter(128, CACHE_BYTES, ByMemory));

/// A pattern ready to match.
pub(super) struct Compiled {
    regex: Regex,
    /// The names of the groups, by their numbers.
    names: Vec<Option<String>>,
    /// Instructions, as Go counts them.
    size: usize,
    /// Whether looking for a match never reads on far beyond the match that it finds.
    stops_early: bool,
}

#[derive(Clone)]
struct ByMemory;

impl Weighter<String, Arc<Compiled>> for ByMemory {
    fn weight(&self, pattern: &String, compiled: &Arc<Compiled>) -> u64 {
        (pattern.len() + compiled.regex.memory_usage()) as u64 + 4096
    }
}

/// The compiled pattern, from the cache if it was used before.
pub(super) fn compiled(context: &mut Context<'_>, pattern: &str) -> Result<Arc<Compiled>, BuiltinError> {
    // What looking it up costs.
    context.spend(pattern.len())?;
    if let Some(compiled) = COMPILED.get(pattern) {
        return Ok(compiled);
    }
    context.spend(pattern.len().saturating_mul(16))?;
    let parsed = parse(pattern)?;
    // What compiling costs, which is some hundred times what a look at the pattern does.
    context.spend(parsed.size.saturating_mul(256))?;
    let compiled = Arc::new(Compiled::new(parsed)?);
    COMPILED.insert(pattern.to_owned(), Arc::clone(&compiled));
    Ok(compiled)
}

/// Reads a pattern, without compiling it.
pub(super) fn parse(pattern: &str) -> Result<Parsed, BuiltinError> {
    syntax::parse(pattern).or_else(|refusal| match refusal {
        Refusal::Syntax(message) => fail(message),
        Refusal::Bound(bound) => refused(bound),
    })
}

fn refused<T>(bound: &str) -> Result<T, BuiltinError> {
    Err(BuiltinError::Halt(format!(
        "a regular expression that is {bound} is refused"
    )))
}

impl Compiled {
    fn new(parsed: Parsed) -> Result<Self, BuiltinError> {
        if parsed.has_surrogates {
            return refused("about surrogates");
        }
        let config = meta::Config::new()
            .nfa_size_limit(Some(MAX_COMPILED_BYTES))
            .onepass_size_limit(Some(MAX_GROWN_BYTES))
            .hybrid_cache_capacity(MAX_GROWN_BYTES);
        let built = meta::Builder::new().configure(config).build_from_hir(&parsed.hir);
        let Ok(regex) = built else {
            return refused("too large once it is compiled");
        };
        Ok(Self {
            regex,
            names: parsed.names,
            size: parsed.size,
            stops_early: stops_early(&parsed.hir),
        })
    }

    pub(super) fn is_match(&self, context: &mut Context<'_>, text: &str) -> Result<bool, BuiltinError> {
        context.spend(self.cost(text.len()))?;
        Ok(self.regex.is_match(text))
    }

    /// How many groups there are, the whole match included.
    pub(super) fn groups(&self) -> usize {
        self.names.len()
    }

    /// The number of the first group of that name.
    pub(super) fn group_named<'n>(&'n self, name: &'n str) -> impl Iterator<Item = usize> + 'n {
        let named = self.names.iter().enumerate();
        named.filter_map(move |(index, other)| (other.as_deref() == Some(name)).then_some(index))
    }

    /// What looking through so many bytes costs.
    fn cost(&self, bytes: usize) -> usize {
        bytes.saturating_add(1).saturating_mul(1 + self.size / 4)
    }

    /// Hands out the matches from left to right, `limit` at most, as Go finds them: after an empty match at the place
    /// where it looked the search goes on one character further, and none is empty right where the last one ended.
    pub(super) fn for_each(
        &self,
        context: &mut Context<'_>,
        text: &str,
        limit: usize,
        mut take: impl FnMut(&mut Context<'_>, &Captures) -> Result<(), BuiltinError>,
    ) -> Result<(), BuiltinError> {
        context.spend(self.cost(text.len()))?;
        let mut captures = self.regex.create_captures();
        let (mut at, mut taken, mut last_end) = (0, 0, None);
        while taken < limit && at <= text.len() {
            self.regex
                .search_captures(&Input::new(text).range(at..), &mut captures);
            let Some(found) = captures.get_match() else {
                break;
            };
            let again = if self.stops_early { 64 } else { text.len() - at };
            context.spend(self.cost(again))?;
            let mut accepted = true;
            if found.end() == at {
                accepted = last_end != Some(found.start());
                let width = text.get(at..).and_then(|rest| rest.chars().next());
                at += width.map_or(1, char::len_utf8);
            } else {
                at = found.end();
            }
            last_end = Some(found.end());
            if accepted {
                taken += 1;
                take(context, &captures)?;
            }
        }
        Ok(())
    }
}

/// Whether a search reads no more than a bounded part of the text beyond the end of what it finds: where a match is
/// bounded, or only its last part isn't, and that is one bounded thing again and again.
fn stops_early(hir: &Hir) -> bool {
    if hir.properties().maximum_len().is_some() {
        return true;
    }
    match hir.kind() {
        HirKind::Repetition(repetition) => repetition.sub.properties().maximum_len().is_some(),
        HirKind::Capture(capture) => stops_early(&capture.sub),
        HirKind::Concat(parts) => parts.split_last().is_some_and(|(last, before)| {
            stops_early(last)
                && before
                    .iter()
                    .all(|part| part.properties().maximum_len().is_some())
        }),
        HirKind::Empty
        | HirKind::Literal(_)
        | HirKind::Class(_)
        | HirKind::Look(_)
        | HirKind::Alternation(_) => false,
    }
}
