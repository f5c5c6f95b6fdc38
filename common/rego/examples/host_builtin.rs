//! A builtin of the host: the crate does no I/O, so it lacks `net.lookup_ip_addr`, and a policy that calls it is refused.
//! This host has a table of names, and answers from that.

use std::error::Error;

use postern_rego::{
    BuiltinError, BuiltinFn, Context, Env, HostBuiltins, LoadError, NoHost, Program, Set, Value, host,
};

const PLAN: &[u8] = include_bytes!("policies/address.plan.json");

/// Names and their addresses.
const TABLE: [(&str, &str); 2] = [("orders.internal", "10.4.0.7"), ("example.org", "192.0.2.7")];

#[expect(clippy::print_stdout, reason = "its output is for whoever runs it")]
fn main() -> Result<(), Box<dyn Error>> {
    println!("without the host's builtin: {}", refusal()?);
    for (name, _) in TABLE {
        println!("{name} is inside: {}", is_inside(name)?);
    }
    Ok(())
}

/// What OPA calls by this name is done by this function. Builtins that the crate has can be replaced, too.
struct Names;

impl HostBuiltins for Names {
    fn builtin(&self, name: &str) -> Option<BuiltinFn> {
        (name == "net.lookup_ip_addr").then_some(lookup)
    }
}

/// The set of a name's addresses. A wrong operand fails in OPA's words, and so does an unknown name: the call is then
/// undefined, unless errors are strict.
fn lookup(context: &mut Context<'_>, operands: &[Value]) -> Result<Option<Value>, BuiltinError> {
    let name = host::string(operands, 1)?;
    // What is looked at counts against the decision's statements, as it does in the crate's own builtins.
    context.spend(TABLE.len())?;
    let found = TABLE.iter().filter(|(known, _)| *known == name);
    let addresses: Set = found.map(|(_, address)| Value::from(*address)).collect();
    if addresses.is_empty() {
        return Err(BuiltinError::Lenient(format!("lookup {name}: no such host")));
    }
    Ok(Some(Value::Set(addresses)))
}

/// Why the plan is refused where nobody has the builtin.
pub(crate) fn refusal() -> Result<LoadError, Box<dyn Error>> {
    match Program::load(PLAN, &NoHost) {
        Err(error) => Ok(error),
        Ok(_) => Err("the plan was loaded".into()),
    }
}

/// Whether a name leads to an address in our network.
pub(crate) fn is_inside(name: &str) -> Result<bool, Box<dyn Error>> {
    let program = Program::load(PLAN, &Names)?;
    let entrypoint = program.entrypoint("address/inside").ok_or("no such entrypoint")?;
    let input = Value::object_from([("host", name)]);
    let data = Value::object_from([("inside", "10.0.0.0/8")]);
    let env = Env::new(1_700_000_000_000_000_000, [0; 32]);
    let answer = program.evaluate(entrypoint, &input, &data, &env)?;
    Ok(answer == Some(Value::Bool(true)))
}
