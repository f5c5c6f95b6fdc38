//! Random terms: scalars, variables, references into documents and rules, calls, collections and comprehensions.

use crate::documents::{self, NAMES};
use crate::generate::{Generator, Sort};
use crate::syntax::{Expr, Kind, Term};

/// What a builtin's operand has to be, as far as OPA's compiler asks.
#[derive(Clone, Copy)]
enum Operand {
    Any,
    Text,
    Number,
    /// A number of the policy's own, since it costs what it says.
    Small,
    Array,
    Object,
    Set,
    /// Array or set.
    List,
}

use Operand::{Any, Array, List, Number, Object, Set, Small, Text};

/// Builtins whose answers are compared on the way.
const BUILTINS: &[(&str, &[Operand])] = &[
    ("count", &[List]),
    ("count", &[Any]),
    ("sum", &[List]),
    ("product", &[List]),
    ("max", &[List]),
    ("min", &[List]),
    ("sort", &[List]),
    ("abs", &[Number]),
    ("round", &[Number]),
    ("ceil", &[Number]),
    ("floor", &[Number]),
    ("numbers.range", &[Small, Small]),
    ("to_number", &[Any]),
    ("format_int", &[Number, Number]),
    ("bits.and", &[Number, Number]),
    ("bits.lsh", &[Number, Small]),
    ("startswith", &[Text, Text]),
    ("endswith", &[Text, Text]),
    ("contains", &[Text, Text]),
    ("indexof", &[Text, Text]),
    ("indexof_n", &[Text, Text]),
    ("lower", &[Text]),
    ("upper", &[Text]),
    ("split", &[Text, Text]),
    ("replace", &[Text, Text, Text]),
    ("substring", &[Text, Number, Number]),
    ("trim", &[Text, Text]),
    ("trim_prefix", &[Text, Text]),
    ("trim_space", &[Text]),
    ("strings.reverse", &[Text]),
    ("strings.count", &[Text, Text]),
    ("concat", &[Text, List]),
    ("base64.encode", &[Text]),
    ("base64.decode", &[Text]),
    ("urlquery.encode", &[Text]),
    ("hex.encode", &[Text]),
    ("json.marshal", &[Any]),
    ("json.unmarshal", &[Text]),
    ("json.remove", &[Object, List]),
    ("json.filter", &[Object, List]),
    ("type_name", &[Any]),
    ("is_number", &[Any]),
    ("is_string", &[Any]),
    ("is_set", &[Any]),
    ("is_object", &[Any]),
    ("array.concat", &[Array, Array]),
    ("array.slice", &[Array, Number, Number]),
    ("array.reverse", &[Array]),
    ("object.get", &[Object, Any, Any]),
    ("object.keys", &[Object]),
    ("object.remove", &[Object, List]),
    ("object.union", &[Object, Object]),
    ("object.subset", &[Any, Any]),
    ("union", &[Set]),
    ("intersection", &[Set]),
    ("strings.any_prefix_match", &[Text, List]),
    ("sprintf", &[Text, Array]),
];

/// Whether a term is neither a variable nor made of others.
fn is_constant(term: &Term, bound: &[String]) -> bool {
    matches!(term, Term::Plain(text) if !bound.contains(text))
}

impl Generator {
    /// Any term over what is bound.
    pub(crate) fn term(&mut self, bound: &[String], depth: usize) -> Term {
        match self.random.below(if depth == 0 { 9 } else { 17 }) {
            0..3 => Term::plain(documents::scalar(&mut self.random)),
            3..6 if !bound.is_empty() => Term::plain(self.random.pick(bound).as_str()),
            3..9 => self.reference(bound),
            9 => self.call(bound, depth - 1),
            10 | 11 => self.builtin(bound, depth - 1),
            12 => self.infix(bound, depth - 1),
            13 => self.literal(bound, depth - 1),
            14 | 15 => self.comprehension(bound, depth - 1),
            _ => Term::Template(vec![Term::plain("\"v\""), self.reference(bound)]),
        }
    }

    /// A member's name.
    pub(crate) fn name(&mut self) -> Term {
        Term::Plain(format!("{:?}", self.random.pick(&NAMES)))
    }

    /// A reference into a document or to a rule; functions are called.
    pub(crate) fn reference(&mut self, bound: &[String]) -> Term {
        let keys = if self.random.once_in(4) {
            vec![self.key_of(bound)]
        } else {
            Vec::new()
        };
        match self.random.below(5) {
            0 | 1 => {
                let name = self.name();
                Term::Ref("input".to_owned(), [vec![name], keys].concat())
            }
            2 => {
                let base = *self.random.pick(&["data.d", "data.m", "data.e"]);
                let key = if base == "data.e" {
                    Term::plain("0")
                } else {
                    self.name()
                };
                // A path of OPA's storage: a text may be an index there.
                let more = self.random.once_in(4).then(|| self.key_of(bound));
                Term::Ref(
                    base.to_owned(),
                    [vec![key], keys, more.into_iter().collect()].concat(),
                )
            }
            _ => match self.known.get(self.random.below(self.known.len())).cloned() {
                None => Term::Ref("input".to_owned(), vec![self.name()]),
                Some(known) => match known.sort {
                    Sort::Function(_) => self.call(bound, 0),
                    Sort::Complete => Term::Ref(known.path(), keys),
                    // Asked for one key more often than whole.
                    _ if self.random.once_in(3) => Term::Ref(known.path(), Vec::new()),
                    _ => Term::Ref(known.path(), [vec![self.key_of(bound)], keys].concat()),
                },
            },
        }
    }

    fn key_of(&mut self, bound: &[String]) -> Term {
        match self.random.below(5) {
            4 => self.collected(bound, 1),
            0 if !bound.is_empty() => Term::plain(self.random.pick(bound).as_str()),
            1 => Term::plain(*self.random.pick(&["0", "1", "1.0", "\"1\""])),
            2 => Term::Ref("input".to_owned(), vec![self.name()]),
            _ => self.name(),
        }
    }

    /// A call of a function of the policy, if there is one.
    pub(crate) fn call(&mut self, bound: &[String], depth: usize) -> Term {
        let arity = |sort| match sort {
            Sort::Function(arity) => Some(arity),
            _ => None,
        };
        let functions: Vec<_> = self
            .known
            .iter()
            .filter_map(|known| Some((known.path(), arity(known.sort)?)))
            .collect();
        if functions.is_empty() {
            return self.builtin(bound, depth);
        }
        let (path, arity) = self.random.pick(&functions).clone();
        Term::Call(path, (0..arity).map(|_| self.term(bound, depth.min(1))).collect())
    }

    fn builtin(&mut self, bound: &[String], depth: usize) -> Term {
        let (name, operands) = *self.random.pick(BUILTINS);
        Term::Call(
            name.to_owned(),
            operands
                .iter()
                .map(|kind| self.operand(*kind, bound, depth))
                .collect(),
        )
    }

    fn operand(&mut self, kind: Operand, bound: &[String], depth: usize) -> Term {
        // What comes from a document may be of any kind as far as the compiler knows.
        if !matches!(kind, Small) && self.random.once_in(2) {
            let base = *self.random.pick(&["input", "data.d"]);
            let name = match kind {
                Array | List => Term::plain("\"l\""),
                Object => Term::plain("\"o\""),
                _ => self.name(),
            };
            return Term::Ref(base.to_owned(), vec![name]);
        }
        match kind {
            Any => self.term(bound, depth),
            Text => Term::plain(*self.random.pick(&[
                "\"\"",
                "\"a\"",
                "\"ab\"",
                "\"a/b\"",
                "\"é\"",
                "\"%v %d\"",
                "\"1e1\"",
                "\" a \"",
                "\"YQ==\"",
                "\"[1.0]\"",
            ])),
            Number | Small => Term::plain(
                *self
                    .random
                    .pick(&["0", "1", "2", "1.0", "-1", "0.5", "10", "1e1"]),
            ),
            Object => self.object(bound, depth),
            Set => {
                let sets = (0..2).map(|_| Term::Set(self.terms(bound, depth))).collect();
                Term::Set(sets)
            }
            List if self.random.once_in(2) => Term::Set(self.terms(bound, depth)),
            Array | List => Term::Array(self.terms(bound, depth)),
        }
    }

    fn terms(&mut self, bound: &[String], depth: usize) -> Vec<Term> {
        let count = self.random.below(4);
        (0..count).map(|_| self.term(bound, depth)).collect()
    }

    /// With one member where its key is no constant: where two keys are equal in the end, OPA finds either value, depending on how
    /// it is looked for (docs/rego.md).
    fn object(&mut self, bound: &[String], depth: usize) -> Term {
        let count = self.random.below(3);
        let mut members: Vec<(Term, Term)> = (0..count)
            .map(|_| (self.key_of(bound), self.term(bound, depth)))
            .collect();
        if !members.iter().all(|(key, _)| is_constant(key, bound)) {
            members.truncate(1);
        }
        Term::Object(members)
    }

    fn infix(&mut self, bound: &[String], depth: usize) -> Term {
        let sets = self.random.once_in(3);
        let operators: &[&str] = if sets {
            &["&", "|", "-"]
        } else {
            &["+", "-", "*", "/", "%"]
        };
        let operator = *self.random.pick(operators);
        let kind = if sets { Set } else { Number };
        let mut side = || match kind {
            Set => Term::Set(self.terms(bound, depth)),
            _ => self.operand(kind, bound, depth),
        };
        let (a, b) = (side(), side());
        Term::Infix(operator, Box::new(a), Box::new(b))
    }

    fn literal(&mut self, bound: &[String], depth: usize) -> Term {
        match self.random.below(3) {
            0 => Term::Array(self.terms(bound, depth)),
            1 => {
                // Over two elements that are equal in the end OPA goes twice (docs/rego.md).
                let mut elements = self.terms(bound, depth);
                if !elements.iter().all(|element| is_constant(element, bound)) {
                    elements.truncate(1);
                }
                Term::Set(elements)
            }
            _ => self.object(bound, depth),
        }
    }

    fn comprehension(&mut self, bound: &[String], depth: usize) -> Term {
        let mut inner = bound.to_vec();
        let mut body = Vec::new();
        if self.random.once_in(2) {
            let collection = self.collection(bound, depth.min(1));
            body.push(Expr::of(Kind::Some(
                None,
                Term::Plain(self.fresh(&mut inner)),
                collection,
            )));
        }
        body.extend(self.body(&mut inner, depth.min(1)));
        let head = Box::new(self.term(&inner, depth.min(1)));
        match self.random.below(4) {
            0 => Term::ArrayOf(head, body),
            1 | 2 => Term::SetOf(head, body),
            _ => Term::ObjectOf(Box::new(self.key_of(&inner)), head, body),
        }
    }

    /// What can be looped over.
    pub(crate) fn collection(&mut self, bound: &[String], depth: usize) -> Term {
        let rules: Vec<_> = self
            .known
            .iter()
            .filter(|known| !matches!(known.sort, Sort::Function(_)))
            .collect();
        match self.random.below(8) {
            0 | 1 if !rules.is_empty() => Term::Ref(self.random.pick(&rules).path(), Vec::new()),
            2 => Term::Ref("data.e".to_owned(), Vec::new()),
            3 => Term::Ref(
                "data.d".to_owned(),
                vec![Term::plain(*self.random.pick(&["\"l\"", "\"o\""]))],
            ),
            4 if depth > 0 => self.literal(bound, depth - 1),
            5 if depth > 0 => self.comprehension(bound, depth - 1),
            6 => Term::Ref("input".to_owned(), Vec::new()),
            _ => Term::Ref(
                "input".to_owned(),
                vec![Term::plain(*self.random.pick(&["\"l\"", "\"o\""]))],
            ),
        }
    }
}
