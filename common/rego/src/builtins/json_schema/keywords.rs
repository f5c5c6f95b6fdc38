//! The keywords of a schema but those that combine schemas, in gojsonschema's order.

use super::compile::{Compiler, Dependency, Part, Rest, invalid_type, list, text};
use super::numbers::{by_floats, is_integer, is_positive};
use super::references::{DRAFT_4, DRAFT_6, HYBRID};
use super::{Fault, is_pattern, wrong};
use crate::number::Number;
use crate::value::{Object, Value};

const TYPES: [&str; 7] = [
    "array", "boolean", "integer", "number", "null", "object", "string",
];

type Read = Result<(), Fault>;

impl<'a> Compiler<'a, '_> {
    pub(super) fn types(&mut self, part: &mut Part, object: &'a Object) -> Read {
        let types = match object.get_str("type") {
            None => return Ok(()),
            Some(one @ Value::String(_)) => std::slice::from_ref(one),
            Some(Value::Array(types)) => types.as_slice(),
            Some(_) => return invalid_type("type", "string/Array Of Strings"),
        };
        for of in types {
            let Value::String(of) = of else {
                return invalid_type("type", "string/Array Of Strings");
            };
            if !TYPES.contains(&of.as_ref()) {
                return wrong(format!(
                    "has a primitive type that is NOT VALID -- given: /{of}/ Expected valid values are:[{}]",
                    TYPES.join(" ")
                ));
            }
            if part.types.iter().any(|known| **known == **of) {
                return wrong(format!("{of} type is duplicated"));
            }
            part.types.push(of.as_ref().to_owned());
        }
        Ok(())
    }

    pub(super) fn properties(&mut self, part: &mut Part, object: &'a Object) -> Read {
        match object.get_str("properties") {
            None => {}
            Some(Value::Object(properties)) => {
                for (name, schema) in properties {
                    part.properties
                        .push(self.part(schema, name.as_str().unwrap_or_default())?);
                }
            }
            Some(_) => return wrong("Properties must be of type object"),
        }
        part.additional_properties = self.rest(object, "additionalProperties")?;
        match object.get_str("patternProperties") {
            None => {}
            Some(Value::Object(patterns)) => {
                for (pattern, schema) in patterns {
                    let pattern = pattern.as_str().unwrap_or_default();
                    if !is_pattern(self.context, pattern)? {
                        return wrong(format!("Invalid regex pattern '{pattern}'"));
                    }
                    let id = self.part(schema, pattern)?;
                    part.pattern_properties.push((pattern.to_owned(), id));
                }
            }
            Some(_) => return invalid_type("Valid Schema", "patternProperties"),
        }
        if let Some(names) = object
            .get_str("propertyNames")
            .filter(|_| self.is_at_least(DRAFT_6))
        {
            if !matches!(names, Value::Bool(_) | Value::Object(_)) {
                return invalid_type("Valid Schema", "patternProperties");
            }
            part.property_names = Some(self.part(names, "propertyNames")?);
        }
        self.dependencies(part, object)
    }

    fn rest(&mut self, object: &'a Object, key: &str) -> Result<Rest, Fault> {
        match object.get_str(key) {
            None => Ok(Rest::Anything),
            Some(Value::Bool(flag)) => Ok(Rest::Flag(*flag)),
            Some(schema @ Value::Object(_)) => Ok(Rest::Part(self.part(schema, key)?)),
            Some(_) => invalid_type("boolean/Valid Schema", key),
        }
    }

    fn dependencies(&mut self, part: &mut Part, object: &'a Object) -> Read {
        let dependencies = match object.get_str("dependencies") {
            None => return Ok(()),
            Some(Value::Object(dependencies)) => dependencies,
            Some(_) => return wrong("dependencies must be of type object"),
        };
        let odd = || wrong("Dependency must be of type Schema Or Array Of Strings");
        for (name, dependency) in dependencies {
            let name = name.as_str().unwrap_or_default();
            let dependency = match dependency {
                Value::Array(keys) => {
                    let keys = keys.iter().map(|key| key.as_str().map(str::to_owned));
                    match keys.collect::<Option<Vec<String>>>() {
                        Some(keys) => Dependency::Keys(keys),
                        None => return odd(),
                    }
                }
                schema @ (Value::Bool(_) | Value::Object(_)) => Dependency::Part(self.part(schema, name)?),
                _ => return odd(),
            };
            part.dependencies.insert(name.to_owned(), dependency);
        }
        Ok(())
    }

    pub(super) fn items(&mut self, part: &mut Part, object: &'a Object) -> Read {
        let odd = || invalid_type("Valid Schema/Array Of Schemas", "items");
        match object.get_str("items") {
            None => {}
            Some(Value::Array(items)) => {
                for item in items {
                    if !matches!(item, Value::Bool(_) | Value::Object(_)) {
                        return odd();
                    }
                    part.items.push(self.part(item, "items")?);
                }
            }
            Some(item @ (Value::Bool(_) | Value::Object(_))) => {
                part.items.push(self.part(item, "items")?);
                part.items_are_alike = true;
            }
            Some(_) => return odd(),
        }
        part.additional_items = self.rest(object, "additionalItems")?;
        Ok(())
    }

    pub(super) fn numbers(&mut self, part: &mut Part, object: &'a Object) -> Read {
        match object.get_str("multipleOf") {
            None => {}
            Some(Value::Number(number)) => {
                if !is_positive(number)? {
                    return wrong("multipleOf must be strictly greater than 0");
                }
                part.multiple_of = Some(number.clone());
            }
            Some(_) => return invalid_type("Number", "multipleOf"),
        }
        part.minimum = number(object, "minimum")?;
        self.exclusive(
            object,
            "minimum",
            "exclusiveMinimum",
            [&mut part.minimum, &mut part.exclusive_minimum],
        )?;
        part.maximum = number(object, "maximum")?;
        self.exclusive(
            object,
            "maximum",
            "exclusiveMaximum",
            [&mut part.maximum, &mut part.exclusive_maximum],
        )
    }

    /// In draft 4 a flag beside the bound, later a bound of its own; both where the draft isn't known.
    fn exclusive(
        &mut self,
        object: &'a Object,
        bound: &str,
        key: &str,
        [plain, exclusive]: [&mut Option<Number>; 2],
    ) -> Read {
        match (self.draft, object.get_str(key)) {
            (_, None) => Ok(()),
            (DRAFT_4 | HYBRID, Some(Value::Bool(flag))) => {
                if plain.is_none() {
                    return wrong(format!("{key} cannot be used without {bound}"));
                }
                if *flag {
                    *exclusive = plain.take();
                }
                Ok(())
            }
            (DRAFT_4, Some(_)) => invalid_type("boolean", key),
            (_, Some(Value::Number(number))) => {
                *exclusive = Some(number.clone());
                Ok(())
            }
            (HYBRID, Some(_)) => invalid_type("boolean/number", key),
            (_, Some(_)) => invalid_type("number", key),
        }
    }

    pub(super) fn strings(&mut self, part: &mut Part, object: &'a Object) -> Read {
        part.min_length = count(object, "minLength")?;
        part.max_length = count(object, "maxLength")?;
        if part
            .min_length
            .zip(part.max_length)
            .is_some_and(|(min, max)| min > max)
        {
            return wrong("minLength cannot be greater than maxLength");
        }
        if let Some(pattern) = text(object, "pattern")? {
            if !is_pattern(self.context, pattern)? {
                return wrong("pattern must be a valid regex");
            }
            part.pattern = Some(pattern.to_owned());
        }
        part.format = text(object, "format")?.unwrap_or_default().to_owned();
        Ok(())
    }

    pub(super) fn objects(&mut self, part: &mut Part, object: &'a Object) -> Read {
        part.min_properties = count(object, "minProperties")?;
        part.max_properties = count(object, "maxProperties")?;
        if part
            .min_properties
            .zip(part.max_properties)
            .is_some_and(|(min, max)| min > max)
        {
            return wrong("minProperties cannot be greater than maxProperties");
        }
        for required in list(object, "required")?.unwrap_or_default() {
            self.context.spend(part.required.len())?;
            match required {
                Value::String(name) if part.required.iter().any(|known| **known == **name) => {
                    return wrong("required items must be unique");
                }
                Value::String(name) => part.required.push(name.as_ref().to_owned()),
                _ => return invalid_type("string", "required"),
            }
        }
        Ok(())
    }

    pub(super) fn arrays(&mut self, part: &mut Part, object: &'a Object) -> Read {
        part.min_items = count(object, "minItems")?;
        part.max_items = count(object, "maxItems")?;
        match object.get_str("uniqueItems") {
            None => {}
            Some(Value::Bool(unique)) => part.unique_items = *unique,
            Some(_) => return wrong("uniqueItems must be of a boolean"),
        }
        if let Some(contains) = object.get_str("contains").filter(|_| self.is_at_least(DRAFT_6)) {
            part.contains = Some(self.part(contains, "contains")?);
        }
        Ok(())
    }

    pub(super) fn values(&mut self, part: &mut Part, object: &'a Object) -> Read {
        if let Some(constant) = object.get_str("const").filter(|_| self.is_at_least(DRAFT_6)) {
            part.constant = Some(by_floats(constant)?);
        }
        let Some(any) = list(object, "enum")? else {
            return Ok(());
        };
        let mut known: Vec<String> = Vec::with_capacity(any.len());
        for value in any {
            self.context.spend(known.len().saturating_mul(4))?;
            let value = by_floats(value)?;
            if known.contains(&value) {
                return wrong("enum items must be unique");
            }
            known.push(value);
        }
        part.any = Some(known);
        Ok(())
    }
}

fn number(object: &Object, key: &str) -> Result<Option<Number>, Fault> {
    match object.get_str(key) {
        None => Ok(None),
        Some(Value::Number(number)) => Ok(Some(number.clone())),
        Some(_) => wrong(format!("{key} must be of a Number")),
    }
}

/// An integer from 0, written as one.
fn count(object: &Object, key: &str) -> Result<Option<i64>, Fault> {
    let Some(value) = object.get_str(key) else {
        return Ok(None);
    };
    let count = match value {
        Value::Number(number) if is_integer(number)? => number.as_str().parse::<i64>().ok(),
        _ => None,
    };
    match count {
        None => wrong(format!("{key} must be of an integer")),
        Some(count) if count < 0 => wrong(format!("{key} must be greater than or equal to 0")),
        count => Ok(count),
    }
}
