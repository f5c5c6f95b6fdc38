//! What came of the cases of a test: those in its value passed or didn't, and those that were noted and aren't there failed.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

/// Cases by what they are called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cases(BTreeMap<String, Case>);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Case {
    fails: bool,
    cases: Cases,
}

impl Cases {
    /// Those of a value, and whether one failed.
    pub fn of(value: &Json) -> (Self, bool) {
        let mut cases = Self::default();
        let mut fails = false;
        for (name, value) in value.as_object().into_iter().flatten() {
            let case = match value {
                Json::Object(_) => {
                    let (cases, fails) = Self::of(value);
                    Case { fails, cases }
                }
                value => Case {
                    fails: *value != Json::Bool(true),
                    cases: Self::default(),
                },
            };
            fails |= case.fails;
            cases.0.insert(name.clone(), case);
        }
        (cases, fails)
    }

    /// Adds one that was noted, which failed unless it is there already. Gives whether it failed.
    pub fn note(&mut self, path: &[Json]) -> bool {
        let Some((first, rest)) = path.split_first() else {
            return true;
        };
        let name = match first {
            Json::String(text) => text.clone(),
            other => other.to_string(),
        };
        let case = self.0.entry(name).or_insert_with(|| Case {
            fails: true,
            cases: Self::default(),
        });
        if rest.is_empty() {
            return case.fails;
        }
        let fails = case.cases.note(rest);
        case.fails |= fails;
        fails
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many pass and how many fail, of those that have none of their own.
    pub fn counts(&self) -> (usize, usize) {
        let mut counts = (0, 0);
        for case in self.0.values() {
            let (passed, failed) = case.cases.counts();
            counts = (counts.0 + passed, counts.1 + failed);
            if case.cases.is_empty() {
                if case.fails {
                    counts.1 += 1;
                } else {
                    counts.0 += 1;
                }
            }
        }
        counts
    }

    /// A line for each, but for those that pass where nobody asks for them.
    pub fn lines(&self, all: bool) -> Vec<String> {
        let mut lines = Vec::new();
        for (name, case) in &self.0 {
            if case.fails || all {
                lines.push(format!("{name}: {}", word(case.fails)));
            }
            let below = case.cases.lines(all);
            lines.extend(below.into_iter().map(|line| format!("  {line}")));
        }
        lines
    }

    /// OPA's members.
    pub fn json(&self) -> Json {
        let member = |(name, case): (&String, &Case)| {
            let mut member = Map::new();
            member.insert("name".to_owned(), json!(name));
            if case.fails {
                member.insert("fail".to_owned(), json!(true));
            }
            if !case.cases.is_empty() {
                member.insert("sub_results".to_owned(), case.cases.json());
            }
            (name.clone(), Json::Object(member))
        };
        Json::Object(self.0.iter().map(member).collect())
    }
}

fn word(fails: bool) -> &'static str {
    if fails { "FAIL" } else { "PASS" }
}
