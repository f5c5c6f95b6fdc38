//! One policy, put to both: every decision that differs. Here it is asked once more over the parts of input and data that
//! it is said to read.

use std::collections::BTreeMap;
use std::fmt;

use postern_rego::{NoHost, Program, Value};

use crate::answer::{Answer, Mistake, STOPPED, ours};
use crate::oracle::{Asked, Build, Oracle, Reply};
use crate::syntax::Policy;

/// The levels of `opa build -O` that plans are compared at.
pub(crate) const LEVELS: [i64; 2] = [0, 1];

/// What was compared.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) policies: usize,
    /// Policies that OPA refuses whatever is taken out of them.
    pub(crate) unusable: usize,
    /// Builds that OPA's optimizer or planner refuses, by its words.
    pub(crate) unbuilt: BTreeMap<String, usize>,
    pub(crate) decisions: usize,
    /// Of these, how many have a value, and how many are errors.
    pub(crate) defined: usize,
    pub(crate) errors: usize,
    pub(crate) printed: usize,
    /// Decisions in which this machine came to the same in another order.
    pub(crate) ordered_otherwise: usize,
    /// Decisions in which a number is written in another way, of a plan whose rules the optimizer took their places: the order of
    /// rules that give equal values is gone with those.
    pub(crate) spelled_otherwise: usize,
    /// Conflicts that are told in other words: of other rules, or with other values.
    pub(crate) worded_otherwise: usize,
    /// Decisions in which OPA made an object with a key twice, says itself that it made a mistake, or answers as here where its
    /// store keeps data in its other form or comprehensions have no index.
    pub(crate) broken: usize,
    /// Decisions that this machine stopped with an error of its own, by its words.
    pub(crate) stopped: BTreeMap<String, usize>,
}

impl Tally {
    pub(crate) fn add(&mut self, other: Tally) {
        self.policies += other.policies;
        self.unusable += other.unusable;
        self.decisions += other.decisions;
        self.defined += other.defined;
        self.errors += other.errors;
        self.printed += other.printed;
        self.ordered_otherwise += other.ordered_otherwise;
        self.spelled_otherwise += other.spelled_otherwise;
        self.worded_otherwise += other.worded_otherwise;
        self.broken += other.broken;
        for (from, to) in [
            (other.unbuilt, &mut self.unbuilt),
            (other.stopped, &mut self.stopped),
        ] {
            for (why, count) in from {
                *to.entry(why).or_default() += count;
            }
        }
    }
}

/// A decision that differs.
#[derive(Clone, Debug)]
pub(crate) struct Difference {
    pub(crate) level: i64,
    pub(crate) entrypoint: String,
    /// Which of the policy's inputs.
    pub(crate) input: usize,
    pub(crate) strict: bool,
    pub(crate) theirs: String,
    pub(crate) ours: String,
}

impl Difference {
    /// Whether both are about the same decision.
    pub(crate) fn is_of(&self, other: &Difference) -> bool {
        (self.level, &self.entrypoint, self.input, self.strict)
            == (other.level, &other.entrypoint, other.input, other.strict)
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let errors = if self.strict { "strict" } else { "lenient" };
        let Self {
            level,
            entrypoint,
            theirs,
            ours,
            ..
        } = self;
        write!(
            f,
            "at -O={level}, {entrypoint}, {errors}: OPA says {theirs}; here it is {ours}"
        )
    }
}

/// Takes out of a policy what OPA refuses. `None` where nothing is left to ask.
pub(crate) fn usable(oracle: &mut Oracle, mut policy: Policy) -> Option<(Policy, Vec<Build>)> {
    for _ in 0..12 {
        match oracle.ask(&Asked::from(&policy), &LEVELS) {
            Reply::Built(builds) => return Some((policy, builds)),
            Reply::Refused { error, places } => {
                let before = (policy.rules.len(), policy.entrypoints.len());
                let mut gone: Vec<usize> = places
                    .iter()
                    .filter_map(|(file, row)| policy.rule_at(file, *row))
                    .collect();
                gone.sort_unstable();
                gone.dedup();
                for at in gone.into_iter().rev() {
                    policy.rules.remove(at);
                }
                policy
                    .entrypoints
                    .retain(|name| !error.contains(&format!("{name:?}")));
                if before == (policy.rules.len(), policy.entrypoints.len()) || policy.entrypoints.is_empty() {
                    return None;
                }
            }
        }
    }
    None
}

/// Compares all decisions of what OPA built.
pub(crate) fn compare(
    asked: &Asked,
    builds: &[Build],
    mistake: Mistake,
    tally: &mut Tally,
) -> Vec<Difference> {
    let read = |document: &String| Value::from_json_str(&mistake.plant(document)).expect("JSON");
    let data = read(&asked.data);
    let inputs: Vec<Value> = asked.inputs.iter().map(read).collect();
    let mut differences = Vec::new();
    tally.policies += 1;
    for build in builds {
        let plan = match &build.plan {
            Ok(plan) => plan,
            Err(why) => {
                *tally.unbuilt.entry(kind(why)).or_default() += 1;
                continue;
            }
        };
        let loaded = Program::load_with(mistake.plant(plan).as_bytes(), &NoHost, mistake.machine());
        let questions = build.entrypoints.iter().flat_map(|entrypoint| {
            let inputs = &inputs;
            [false, true].into_iter().flat_map(move |strict| {
                inputs
                    .iter()
                    .enumerate()
                    .map(move |(at, input)| (entrypoint, strict, at, input))
            })
        });
        for ((entrypoint, strict, at, input), theirs) in questions.zip(&build.answers) {
            if theirs.code.as_deref() == Some("eval_cancel_error") {
                continue;
            }
            if theirs.is_broken() || theirs.code.as_deref() == Some("eval_internal_error") {
                tally.broken += 1;
                continue;
            }
            let ours = match &loaded {
                Ok(program) => ours(program, entrypoint, input, &data, strict, mistake),
                Err(error) => Answer {
                    value: None,
                    code: Some("refused".to_owned()),
                    message: error.to_string(),
                    prints: Vec::new(),
                    otherwise: Vec::new(),
                },
            };
            let pruned = loaded.as_ref().ok().and_then(|program| {
                let id = program.entrypoint(entrypoint)?;
                let (input, data) = (
                    program.reads(id).prune(input),
                    program.data_reads(id).prune(&data),
                );
                Some(self::ours(program, entrypoint, &input, &data, strict, mistake))
            });
            let differs = |ours| Difference {
                level: build.level,
                entrypoint: entrypoint.clone(),
                input: at,
                strict,
                theirs: theirs.to_string(),
                ours,
            };
            tally.decisions += 1;
            tally.defined += usize::from(theirs.value.is_some());
            tally.errors += usize::from(theirs.code.is_some());
            tally.printed += usize::from(!theirs.prints.is_empty());
            if ours.code.as_deref() == Some(STOPPED) {
                *tally.stopped.entry(kind(&ours.message)).or_default() += 1;
            } else if !ours.is(theirs) && theirs.otherwise.iter().any(|other| ours.is(other)) {
                tally.broken += 1;
            } else if !ours.is(theirs) && ours.is_ordered_otherwise(theirs) {
                tally.ordered_otherwise += 1;
            } else if build.level > 0 && !ours.is(theirs) && ours.is_spelled_otherwise(theirs) {
                tally.spelled_otherwise += 1;
            } else if ours.is(theirs) && ours.is_worded_otherwise(theirs) {
                tally.worded_otherwise += 1;
            } else if !ours.is(theirs) {
                differences.push(differs(ours.to_string()));
            } else if let Some(pruned) = pruned.filter(|pruned| pruned.to_string() != ours.to_string()) {
                differences.push(differs(format!("{pruned} over what is said to be read only")));
            }
        }
    }
    differences
}

/// An error without its places, names and values: what is left tells kinds apart.
fn kind(error: &str) -> String {
    let words = error.split_whitespace().filter(|word| {
        word.chars()
            .all(|c| c.is_ascii_alphabetic() || c == '_' || c == '-')
    });
    words.take(12).collect::<Vec<_>>().join(" ")
}
