//! Random policies: a few names in two packages, each with rules of one kind that overlap, conflict and share keys. Rules
//! refer to names that come before theirs, so that none is recursive. What OPA refuses is taken out afterwards.

use crate::documents;
use crate::random::Random;
use crate::syntax::{Policy, Rule, Shape, Term};

/// What the rules of a name make together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    Complete,
    Set,
    Object,
    /// An object of objects under variables, or of sets, or now and then of both.
    Deep(bool),
    Function(usize),
}

/// A name that rules define.
#[derive(Clone, Debug)]
pub(crate) struct Name {
    pub(crate) package: &'static str,
    pub(crate) name: &'static str,
    pub(crate) sort: Sort,
}

impl Name {
    pub(crate) fn path(&self) -> String {
        format!("data.{}.{}", self.package, self.name)
    }
}

/// Makes one policy.
pub(crate) struct Generator {
    pub(crate) random: Random,
    /// The names that may be referred to.
    pub(crate) known: Vec<Name>,
    /// How many variables the rule has.
    pub(crate) variables: usize,
    /// Whether its rules make a set or an object together, of which a key may be asked for.
    pub(crate) partial: bool,
}

/// A policy of this seed, asked about so many inputs.
pub(crate) fn policy(seed: u64, inputs: usize) -> Policy {
    let mut generator = Generator {
        random: Random::new(seed),
        known: Vec::new(),
        variables: 0,
        partial: false,
    };
    let mut rules = Vec::new();
    let names = ["p", "q", "r", "s", "u", "v", "w", "z"];
    for name in &names[..3 + generator.random.below(6)] {
        let package = *generator.random.pick(&["t", "t", "t", "n"]);
        let sort = generator.sort();
        let name = Name { package, name, sort };
        rules.extend(generator.rules(&name));
        generator.known.push(name);
    }
    let random = &mut generator.random;
    let asked = generator
        .known
        .iter()
        .filter(|name| !matches!(name.sort, Sort::Function(_)));
    let mut entrypoints: Vec<String> = asked
        .map(|name| format!("{}/{}", name.package, name.name))
        .collect();
    while entrypoints.len() > 4 {
        entrypoints.remove(random.below(entrypoints.len()));
    }
    if random.once_in(2) {
        entrypoints.push("t".to_owned());
    }
    let mut inner = generator
        .known
        .iter()
        .filter(|name| matches!(name.sort, Sort::Object | Sort::Deep(_)));
    if let Some(name) = inner.next_back() {
        entrypoints.push(format!(
            "{}/{}/{}",
            name.package,
            name.name,
            random.pick(&["a", "b"])
        ));
    }
    Policy {
        rules,
        data: documents::data(random),
        inputs: (0..inputs).map(|_| documents::input(random)).collect(),
        entrypoints,
    }
}

impl Generator {
    fn sort(&mut self) -> Sort {
        match self.random.below(12) {
            0..4 => Sort::Complete,
            4 | 5 => Sort::Set,
            6 | 7 => Sort::Object,
            8 => Sort::Deep(self.random.once_in(2)),
            9 | 10 => Sort::Function(1),
            _ => Sort::Function(2),
        }
    }

    fn rules(&mut self, name: &Name) -> Vec<Rule> {
        let count = 1 + self.random.below(4);
        let mut rules: Vec<Rule> = (0..count).map(|_| self.rule(name)).collect();
        let one_value = matches!(name.sort, Sort::Complete | Sort::Function(_));
        if one_value && self.random.once_in(3) {
            let value = Term::plain(documents::scalar(&mut self.random));
            let shape = match name.sort {
                Sort::Function(arity) => Shape::Function(vec![Term::plain("_"); arity], value),
                _ => Shape::Complete(value),
            };
            rules.insert(
                0,
                Rule {
                    default: true,
                    ..bare(name, shape)
                },
            );
        }
        rules
    }

    fn rule(&mut self, name: &Name) -> Rule {
        self.variables = 0;
        self.partial = !matches!(name.sort, Sort::Complete | Sort::Function(_));
        let mut bound = Vec::new();
        let arguments = match name.sort {
            Sort::Function(arity) => (0..arity).map(|_| self.argument(&mut bound)).collect(),
            _ => Vec::new(),
        };
        let parameters = bound.clone();
        // A rule that opens with an equality on input is what OPA's index is about.
        let body = self.body(&mut bound, 2);
        // Few values, so that rules agree often, and conflict often.
        let value = if self.random.once_in(2) {
            Term::plain(*self.random.pick(&["true", "1", "1.0", "\"a\"", "2"]))
        } else {
            self.term(&bound, 1)
        };
        let sort = match name.sort {
            // Another kind than the others, which conflicts where they meet.
            Sort::Deep(sets) if self.random.once_in(8) => Sort::Deep(!sets),
            sort => sort,
        };
        let shape = match sort {
            Sort::Complete => Shape::Complete(value),
            Sort::Set => Shape::Set(Vec::new(), self.element(&bound)),
            Sort::Object => Shape::Object(vec![self.key(&bound)], value),
            Sort::Deep(false) => Shape::Object(vec![self.key(&bound), self.key(&bound)], value),
            Sort::Deep(true) => Shape::Set(vec![self.key(&bound)], value),
            Sort::Function(_) => Shape::Function(arguments, value),
        };
        let mut rule = Rule {
            body,
            ..bare(name, shape)
        };
        if matches!(name.sort, Sort::Complete | Sort::Function(_)) && self.random.once_in(4) {
            let count = 1 + self.random.below(2);
            for _ in 0..count {
                let mut bound = parameters.clone();
                let body = self.body(&mut bound, 2);
                rule.otherwise.push((self.term(&bound, 1), body));
            }
        }
        rule
    }

    /// What an element of a set is: now and then a collection of its own, or a function's result.
    fn element(&mut self, bound: &[String]) -> Term {
        match self.random.below(6) {
            0 => self.collected(bound, 2),
            1 => self.call(bound, 0),
            _ => self.term(bound, 1),
        }
    }

    /// A collection of what is bound, of constants, or of nothing.
    pub(crate) fn collected(&mut self, bound: &[String], depth: usize) -> Term {
        let first = if depth > 0 && self.random.once_in(5) {
            self.collected(bound, depth - 1)
        } else {
            self.simple(bound)
        };
        match self.random.below(8) {
            0 => Term::Array(Vec::new()),
            1 => Term::Object(Vec::new()),
            2 => Term::Set(vec![first]),
            3 => Term::Object(vec![(Term::plain("\"a\""), first)]),
            4 => Term::Array(vec![first]),
            _ => Term::Array(vec![first, self.simple(bound)]),
        }
    }

    fn simple(&mut self, bound: &[String]) -> Term {
        if bound.is_empty() || self.random.once_in(2) {
            Term::plain(*self.random.pick(&["1", "2", "\"a\"", "true"]))
        } else {
            Term::plain(self.random.pick(bound).as_str())
        }
    }

    fn argument(&mut self, bound: &mut Vec<String>) -> Term {
        match self.random.below(8) {
            0 => Term::plain(documents::scalar(&mut self.random)),
            1 => Term::Array(vec![
                Term::Plain(self.fresh(bound)),
                Term::Plain(self.fresh(bound)),
            ]),
            2 => Term::Object(vec![(Term::plain("\"a\""), Term::Plain(self.fresh(bound)))]),
            _ => Term::Plain(self.fresh(bound)),
        }
    }

    /// What stands in a head's brackets. Of the numbers only those that documents write in one way: OPA finds `p[1]` under
    /// `1` and not under `1.0` (docs/rego.md).
    fn key(&mut self, bound: &[String]) -> Term {
        if self.random.once_in(6) {
            Term::plain(*self.random.pick(&["2", "10", "true", "null"]))
        } else if self.random.once_in(12) {
            self.collected(bound, 2)
        } else if bound.is_empty() || self.random.once_in(3) {
            Term::plain(*self.random.pick(&["\"a\"", "\"b\"", "\"c\""]))
        } else {
            Term::plain(self.random.pick(bound).as_str())
        }
    }

    /// A variable that is bound from here on.
    pub(crate) fn fresh(&mut self, bound: &mut Vec<String>) -> String {
        let name = format!("x{}", self.variables);
        self.variables += 1;
        bound.push(name.clone());
        name
    }
}

fn bare(name: &Name, shape: Shape) -> Rule {
    Rule {
        package: name.package,
        default: false,
        head: name.name.to_owned(),
        shape,
        body: Vec::new(),
        otherwise: Vec::new(),
    }
}
