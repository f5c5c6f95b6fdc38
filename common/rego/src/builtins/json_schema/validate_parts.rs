//! What a schema says of values, arrays, objects, numbers and text.

use std::collections::BTreeMap;

use super::compile::{Part, Rest};
use super::formats::is_format;
use super::numbers::{by_floats, is_multiple, shown};
use super::validate::{Checked, Found, Validator, field};
use super::{BuiltinError, matches_pattern};
use crate::number::Number;
use crate::value::{Object, Value};

/// Whether there are fewer than at least so many, or more than at most so many.
fn is_few(count: usize, min: Option<i64>) -> Option<i64> {
    min.filter(|min| i64::try_from(count).unwrap_or(i64::MAX) < *min)
}

fn is_much(count: usize, max: Option<i64>) -> Option<i64> {
    max.filter(|max| i64::try_from(count).unwrap_or(i64::MAX) > *max)
}

impl<'a> Validator<'a, '_> {
    pub(super) fn common(&mut self, part: &'a Part, value: &Value, found: &mut Found, at: &str) -> Checked {
        if part.constant.is_some() || part.any.is_some() {
            self.context.spend_on_all(value)?;
        }
        if let Some(constant) = &part.constant
            && by_floats(value)? != *constant
        {
            found.add("const", at, format!("{} does not match: {constant}", field(at)));
        }
        if let Some(any) = &part.any {
            self.context.spend(any.len().saturating_mul(4))?;
            if !any.contains(&by_floats(value)?) {
                let any = any.join(", ");
                let text = format!("{} must be one of the following: {any}", field(at));
                found.add("enum", at, text);
            }
        }
        if let Value::String(text) = value
            && !is_format(self.context, &part.format, text)?
        {
            found.add("format", at, format!("Does not match format '{}'", part.format));
        }
        found.score += 1;
        Ok(())
    }

    pub(super) fn array(&mut self, part: &'a Part, items: &[Value], found: &mut Found, at: &str) -> Checked {
        if let (true, Some(alike)) = (part.items_are_alike, part.items.first()) {
            for (index, item) in items.iter().enumerate() {
                let one = self.found(*alike, item, &format!("{at}.{index}"))?;
                found.merge(one);
            }
        } else if !part.items.is_empty() {
            for (index, (item, id)) in items.iter().zip(&part.items).enumerate() {
                let one = self.found(*id, item, &format!("{at}.{index}"))?;
                found.merge(one);
            }
            if part.items.len() < items.len() {
                match part.additional_items {
                    Rest::Flag(false) => {
                        let text = "No additional items allowed on array";
                        found.add("array_no_additional_items", at, text);
                    }
                    Rest::Part(id) => {
                        for (index, item) in items.iter().enumerate().skip(part.items.len()) {
                            let one = self.found(id, item, &format!("{at}.{index}"))?;
                            found.merge(one);
                        }
                    }
                    Rest::Anything | Rest::Flag(true) => {}
                }
            }
        }
        if let Some(min) = is_few(items.len(), part.min_items) {
            found.add(
                "array_min_items",
                at,
                format!("Array must have at least {min} items"),
            );
        }
        if let Some(max) = is_much(items.len(), part.max_items) {
            found.add(
                "array_max_items",
                at,
                format!("Array must have at most {max} items"),
            );
        }
        if part.unique_items {
            let mut seen: BTreeMap<String, usize> = BTreeMap::new();
            for (index, item) in items.iter().enumerate() {
                self.context.spend_on_all(item)?;
                if let Some(first) = seen.insert(by_floats(item)?, index) {
                    found.add(
                        "unique",
                        at,
                        format!("array items[{first},{index}] must be unique"),
                    );
                }
            }
        }
        self.contains(part, items, found, at)?;
        found.score += 1;
        Ok(())
    }

    fn contains(&mut self, part: &'a Part, items: &[Value], found: &mut Found, at: &str) -> Checked {
        let Some(contains) = part.contains else {
            return Ok(());
        };
        let mut best: Option<Found> = None;
        for (index, item) in items.iter().enumerate() {
            let one = self.found(contains, item, &format!("{at}.{index}"))?;
            if one.is_valid() {
                return Ok(());
            }
            if best.as_ref().is_none_or(|best| one.score > best.score) {
                best = Some(one);
            }
        }
        found.add("contains", at, "At least one of the items must match");
        best.into_iter().for_each(|best| found.merge(best));
        Ok(())
    }

    pub(super) fn object(&mut self, part: &'a Part, object: &Object, found: &mut Found, at: &str) -> Checked {
        if let Some(min) = is_few(object.len(), part.min_properties) {
            found.add(
                "array_min_properties",
                at,
                format!("Must have at least {min} properties"),
            );
        }
        if let Some(max) = is_much(object.len(), part.max_properties) {
            found.add(
                "array_max_properties",
                at,
                format!("Must have at most {max} properties"),
            );
        }
        for required in &part.required {
            if object.get_str(required).is_some() {
                found.score += 1;
            } else {
                found.add("required", at, format!("{required} is required"));
            }
        }
        for (key, value) in object {
            let key = key.as_str().unwrap_or_default();
            self.property(part, (key, value), found, at)?;
        }
        if let Some(names) = part.property_names {
            for key in object.keys() {
                let one = self.found(names, key, at)?;
                if !one.is_valid() {
                    let key = key.as_str().unwrap_or_default();
                    let text = format!("Property name of \"{key}\" does not match");
                    found.add("invalid_property_name", at, text);
                    found.merge(one);
                }
            }
        }
        found.score += 1;
        Ok(())
    }

    fn property(
        &mut self,
        part: &'a Part,
        (key, value): (&str, &Value),
        found: &mut Found,
        at: &str,
    ) -> Checked {
        self.context.spend(part.properties.len().saturating_mul(4))?;
        let is_named = |id: &usize| self.part(*id).is_some_and(|named| named.property == key);
        let mut is_known = part.properties.iter().any(is_named);
        let mut matched = false;
        for (pattern, id) in &part.pattern_properties {
            if matches_pattern(self.context, pattern, key)? {
                matched = true;
                let one = self.found(*id, value, &format!("{at}.{key}"))?;
                found.merge(one);
            }
        }
        if matched {
            found.score += 1;
            is_known = true;
        }
        if is_known {
            return Ok(());
        }
        match part.additional_properties {
            Rest::Flag(false) => {
                let text = format!("Additional property {key} is not allowed");
                found.add("additional_property_not_allowed", at, text);
            }
            Rest::Part(id) => {
                let one = self.found(id, value, &format!("{at}.{key}"))?;
                found.merge(one);
            }
            Rest::Anything | Rest::Flag(true) => {}
        }
        Ok(())
    }

    pub(super) fn string(&mut self, part: &'a Part, text: &str, found: &mut Found, at: &str) -> Checked {
        self.context.spend(text.len() / 8)?;
        let length = text.chars().count();
        if let Some(min) = is_few(length, part.min_length) {
            let text = format!("String length must be greater than or equal to {min}");
            found.add("string_gte", at, text);
        }
        if let Some(max) = is_much(length, part.max_length) {
            let text = format!("String length must be less than or equal to {max}");
            found.add("string_lte", at, text);
        }
        if let Some(pattern) = &part.pattern
            && !matches_pattern(self.context, pattern, text)?
        {
            found.add("pattern", at, format!("Does not match pattern '{pattern}'"));
        }
        found.score += 1;
        Ok(())
    }

    pub(super) fn number(&mut self, part: &'a Part, number: &Number, found: &mut Found, at: &str) -> Checked {
        let mut add = |kind, text: &str, bound: &Number| -> Result<(), BuiltinError> {
            found.add(kind, at, format!("{text} {}", shown(bound)?));
            Ok(())
        };
        if let Some(of) = &part.multiple_of
            && !is_multiple(number, of)?
        {
            add("multiple_of", "Must be a multiple of", of)?;
        }
        if let Some(max) = part.maximum.as_ref().filter(|max| number > *max) {
            add("number_lte", "Must be less than or equal to", max)?;
        }
        if let Some(max) = part.exclusive_maximum.as_ref().filter(|max| number >= *max) {
            add("number_lt", "Must be less than", max)?;
        }
        if let Some(min) = part.minimum.as_ref().filter(|min| number < *min) {
            add("number_gte", "Must be greater than or equal to", min)?;
        }
        if let Some(min) = part.exclusive_minimum.as_ref().filter(|min| number <= *min) {
            add("number_gt", "Must be greater than", min)?;
        }
        found.score += 1;
        Ok(())
    }
}
