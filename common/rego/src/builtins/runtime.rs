//! `opa.runtime`: what the host says of itself, without its secrets.

use super::{Answer, Context, answer, fail};
use crate::value::{Object, Value};

/// What the host put into [`Env::runtime`](crate::Env::runtime), or an empty object. As in OPA, credentials of
/// services and private parts of keys are left out of its `config`.
pub(super) fn runtime(context: &mut Context<'_>, _: &[Value]) -> Answer {
    let Some(runtime) = context.runtime().cloned() else {
        return answer(Object::default());
    };
    let Value::Object(mut members) = runtime else {
        return answer(runtime);
    };
    if let Some(Value::Object(config)) = members.get_str("config") {
        let config = without_secrets(config.clone())?;
        members.insert(Value::from("config"), Value::from(config));
    }
    answer(members)
}

fn without_secrets(mut config: Object) -> Result<Object, super::BuiltinError> {
    let services = config.get_str("services").cloned();
    match services {
        None | Some(Value::Null) => {}
        Some(Value::Object(services)) => {
            let services = each(&services, &["credentials"])?;
            config.insert(Value::from("services"), Value::from(services));
        }
        Some(Value::Array(services)) => {
            let services = services.iter().map(|service| without(service, &["credentials"]));
            let services = services.collect::<Result<Vec<_>, _>>()?;
            config.insert(Value::from("services"), Value::from(services));
        }
        Some(_) => return fail("illegal service config type"),
    }
    let keys = config.get_str("keys").cloned();
    match keys {
        None | Some(Value::Null) => {}
        Some(Value::Object(keys)) => {
            let keys = each(&keys, &["key", "private_key"])?;
            config.insert(Value::from("keys"), Value::from(keys));
        }
        Some(_) => return fail("illegal keys config type"),
    }
    Ok(config)
}

fn each(objects: &Object, secrets: &[&str]) -> Result<Object, super::BuiltinError> {
    objects
        .iter()
        .map(|(name, object)| Ok((name.clone(), without(object, secrets)?)))
        .collect()
}

fn without(value: &Value, secrets: &[&str]) -> Result<Value, super::BuiltinError> {
    let Value::Object(members) = value else {
        return fail("type assertion error");
    };
    let kept = members
        .iter()
        .filter(|(name, _)| !name.as_str().is_some_and(|name| secrets.contains(&name)));
    Ok(Value::from(
        kept.map(|(name, value)| (name.clone(), value.clone()))
            .collect::<Object>(),
    ))
}
