//! What a plan is said to read, held to what it does: each of OPA's cases is asked about its own input and data and about
//! random ones, once whole and once without all that the plan doesn't read. The answers may not differ. Nor may they where
//! the input comes in parts.

use postern_rego::{Array, Document, EvalError, Object, Program, Reads, Set, Value};

use crate::case::{Case, entrypoint};
use crate::export;
use crate::parted::Parted;

/// Random inputs for each case.
const VARIANTS: u64 = 12;

#[test]
fn no_case_is_answered_otherwise_when_input_and_data_hold_only_what_is_read() {
    let found = differences(&export::cases(), |read| {
        Some(read.clone()).filter(|read| !read.input.is_all() || !read.data.is_all())
    });
    assert!(
        found.wrong.is_empty(),
        "{} answers differ:\n{}",
        found.wrong.len(),
        found.wrong.join("\n")
    );
    // Else the above would show nothing.
    let [input, data] = found.cases;
    assert!(
        input > 1000 && data > 1000,
        "in {input} cases only less than all of the input is read, in {data} less than all data"
    );
    assert!(found.defined > 1000, "only {} answers are defined", found.defined);
}

/// That the test above sees mistakes: each of these says that less is read than is.
#[test]
fn leaving_out_any_part_that_is_read_shows() {
    let planted: [(&str, Claim); 4] = [
        ("the last member", |reads| {
            forget(reads, |members| members.len().saturating_sub(1))
        }),
        ("the first member", |reads| forget(reads, |_| 0)),
        ("what is read whole", |reads| shallow(reads, 0)),
        ("what is read whole, one level down", |reads| shallow(reads, 1)),
    ];
    let cases = export::cases();
    for (what, mistake) in planted {
        let of_input = differences(&cases, |read| {
            let claimed = Read {
                input: mistake(&read.input),
                data: read.data.clone(),
            };
            Some(claimed).filter(|claimed| claimed != read)
        });
        let of_data = differences(&cases, |read| {
            let claimed = Read {
                input: read.input.clone(),
                data: mistake(&read.data),
            };
            Some(claimed).filter(|claimed| claimed != read)
        });
        for (document, found) in [("input", of_input), ("data", of_data)] {
            assert!(
                found.wrong.len() > 20,
                "forgetting {what} of {document} shows in {} answers only",
                found.wrong.len()
            );
        }
    }
}

/// What is said to be read, made from what is.
type Claim = fn(&Reads) -> Reads;

/// What is said to be read of both documents.
#[derive(Clone, PartialEq)]
struct Read {
    input: Reads,
    data: Reads,
}

#[derive(Default)]
struct Found {
    wrong: Vec<String>,
    /// In which less than all was read, of the input and of data.
    cases: [usize; 2],
    /// Pairs of answers that weren't empty.
    defined: usize,
}

/// Compares the answers under what is claimed to be read; `None` claims nothing worth a look.
fn differences(cases: &[Value], claimed: impl Fn(&Read) -> Option<Read>) -> Found {
    let mut found = Found::default();
    for case in cases {
        let case = Case::new(case);
        let Some(program) = case.program() else { continue };
        let entrypoint = entrypoint(&program);
        let read = Read {
            input: program.reads(entrypoint).clone(),
            data: program.data_reads(entrypoint).clone(),
        };
        let Some(read) = claimed(&read) else { continue };
        found.cases[0] += usize::from(!read.input.is_all());
        found.cases[1] += usize::from(!read.data.is_all());
        let names = case.strings();
        for variant in 0..=VARIANTS {
            let mut random = Random(variant.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
            let input = match (variant, case.input()) {
                (0, Some(input)) => input,
                (_, Some(input)) if variant % 2 == 0 => random.graft(&input, &names),
                _ => random.object(&names, 3),
            };
            let data = match variant {
                0 | 1 => case.data(),
                _ => random.graft(&case.data(), &names),
            };
            compare(&case, &program, &read, (&input, &data), &mut found);
        }
    }
    found
}

fn compare(
    case: &Case<'_>,
    program: &Program,
    read: &Read,
    (input, data): (&Value, &Value),
    found: &mut Found,
) {
    let kept = read.data.prune(data);
    let whole = case.evaluate_over(program, Some(input), data);
    let pruned = case.evaluate_over(program, Some(&read.input.prune(input)), &kept);
    let parted = Parted::of(input).map(|parted| case.evaluate_over(program, &parted as &dyn Document, &kept));
    let text = |set: &Set| Value::from(set.clone()).to_json();
    let same_as_whole = |other: &Result<Set, EvalError>| match (&whole, other) {
        (Ok(whole), Ok(other)) => text(whole) == text(other),
        (whole, other) => whole == other,
    };
    let same = same_as_whole(&pruned) && parted.as_ref().is_none_or(same_as_whole);
    found.defined += usize::from(whole.as_ref().is_ok_and(|set| !set.is_empty()));
    if !same {
        let (input, data) = (input.to_json(), data.to_json());
        let [of_input, of_data] = [read.input.paths("input"), read.data.paths("data")];
        found.wrong.push(format!(
            "{} ({})\n    reads  {of_input:?} {of_data:?}\n    input  {input}\n    data   {data}\n    whole  {whole:?}\n    pruned {pruned:?}\n    parted {parted:?}",
            case.note, case.file
        ));
    }
}

/// `reads` without one member of each object.
fn forget(reads: &Reads, which: fn(&[&std::sync::Arc<str>]) -> usize) -> Reads {
    let Reads::Members(members) = reads else {
        return Reads::All;
    };
    let names: Vec<_> = members.keys().collect();
    let gone = names.get(which(&names)).copied();
    let kept = members.iter().filter(|(name, _)| Some(*name) != gone);
    Reads::Members(
        kept.map(|(name, reads)| (name.clone(), forget(reads, which)))
            .collect(),
    )
}

/// `reads`, where nothing but its kind is said to be seen of what is read whole, from this level on.
fn shallow(reads: &Reads, level: usize) -> Reads {
    match (reads, level) {
        (Reads::All, 0) => Reads::nothing(),
        (Reads::All, _) => Reads::All,
        (Reads::Members(members), level) => Reads::Members(
            members
                .iter()
                .map(|(name, reads)| (name.clone(), shallow(reads, level.saturating_sub(1))))
                .collect(),
        ),
    }
}

/// A small generator (xorshift), so that every run sees the same inputs.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).expect("64 bits") % bound.max(1)
    }

    fn value(&mut self, names: &[&str], depth: usize) -> Value {
        match self.below(if depth == 0 { 6 } else { 10 }) {
            0 => Value::Bool(self.below(2) == 0),
            1 | 2 => Value::from(u64::try_from(self.below(4)).expect("small")),
            3 => Value::Null,
            4 | 5 => Value::from(self.name(names)),
            6 => (0..self.below(4))
                .map(|_| self.value(names, depth - 1))
                .collect::<Array>()
                .into(),
            _ => self.object(names, depth - 1),
        }
    }

    fn name<'n>(&mut self, names: &[&'n str]) -> &'n str {
        names.get(self.below(names.len() + 1)).copied().unwrap_or("other")
    }

    fn object(&mut self, names: &[&str], depth: usize) -> Value {
        let members =
            (0..2 + self.below(6)).map(|_| (Value::from(self.name(names)), self.value(names, depth)));
        Value::from(members.collect::<Object>())
    }

    /// The value with members more in each of its objects.
    fn graft(&mut self, value: &Value, names: &[&str]) -> Value {
        match value {
            Value::Object(object) => {
                let mut grafted: Object = object
                    .iter()
                    .map(|(key, value)| (key.clone(), self.graft(value, names)))
                    .collect();
                for _ in 0..self.below(4) {
                    let name = Value::from(self.name(names));
                    if !grafted.contains_key(&name) {
                        grafted.insert(name, self.value(names, 2));
                    }
                }
                Value::from(grafted)
            }
            Value::Array(array) => array
                .iter()
                .map(|item| self.graft(item, names))
                .collect::<Array>()
                .into(),
            other => other.clone(),
        }
    }
}
