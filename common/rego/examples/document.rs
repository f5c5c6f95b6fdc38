//! An input that is made as the policy looks at it: a request whose headers become values when they are asked for.

use std::cell::OnceCell;
use std::error::Error;

use postern_rego::{Document, Env, Member, NoHost, Part, Program, Value};

const PLAN: &[u8] = include_bytes!("policies/request.plan.json");

#[expect(clippy::print_stdout, reason = "its output is for whoever runs it")]
fn main() -> Result<(), Box<dyn Error>> {
    for path in ["/health", "/orders"] {
        let (allowed, made) = ask(path)?;
        println!("{path}: {allowed}, {made} of 3 headers were made");
    }
    Ok(())
}

/// A request as its host has it.
struct Request {
    path: Value,
    headers: Vec<Header>,
    /// All headers, and the whole document: for a policy that iterates over them or keeps them.
    all_headers: OnceCell<Value>,
    whole: OnceCell<Value>,
}

struct Header {
    name: &'static str,
    text: &'static str,
    value: OnceCell<Value>,
}

impl Header {
    fn value(&self) -> &Value {
        self.value.get_or_init(|| Value::from(self.text))
    }
}

/// The part of the document that the headers are.
const HEADERS: Part = Part(1);

/// `{"path": …, "headers": {…}}`: what `member` gives in parts is what `value` gives in one piece.
impl Document for Request {
    fn member(&self, part: Part, name: &str) -> Option<Member<'_>> {
        match (part, name) {
            (Part::WHOLE, "path") => Some(Member::Value(&self.path)),
            (Part::WHOLE, "headers") => Some(Member::Part(HEADERS)),
            (HEADERS, name) => {
                let header = self.headers.iter().find(|header| header.name == name)?;
                Some(Member::Value(header.value()))
            }
            _ => None,
        }
    }

    fn value(&self, part: Part) -> &Value {
        let headers = self.all_headers.get_or_init(|| {
            let headers = self.headers.iter();
            Value::object_from(headers.map(|header| (header.name, header.value().clone())))
        });
        if part == HEADERS {
            return headers;
        }
        self.whole
            .get_or_init(|| Value::object_from([("path", self.path.clone()), ("headers", headers.clone())]))
    }
}

/// Whether a request for `path` is allowed, and how many of its headers became values for that.
pub(crate) fn ask(path: &str) -> Result<(bool, usize), Box<dyn Error>> {
    let header = |name, text| Header {
        name,
        text,
        value: OnceCell::new(),
    };
    let request = Request {
        path: path.into(),
        headers: vec![
            header("accept", "application/json"),
            header("user-agent", "curl/8.14.1"),
            header("x-tenant", "acme"),
        ],
        all_headers: OnceCell::new(),
        whole: OnceCell::new(),
    };

    let program = Program::load(PLAN, &NoHost)?;
    let entrypoint = program.entrypoint("request/allow").ok_or("no such entrypoint")?;
    let data = Value::object_from([("tenant", "acme")]);
    let env = Env::new(1_700_000_000_000_000_000, [0; 32]);
    let answer = program.evaluate(entrypoint, &request as &dyn Document, &data, &env)?;

    let made = request
        .headers
        .iter()
        .filter(|header| header.value.get().is_some());
    Ok((answer == Some(Value::Bool(true)), made.count()))
}
