//! `application/x-www-form-urlencoded`, written as Go writes it (`url.Values.Encode`): names in order.

use std::collections::BTreeMap;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What may stay as it is.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b' ');

/// Names and their values, which may be secrets.
#[derive(Default)]
pub(super) struct Form(BTreeMap<String, Vec<String>>);

impl Form {
    /// Adds a value.
    pub(super) fn add(&mut self, name: &str, value: &str) {
        self.0.entry(name.to_owned()).or_default().push(value.to_owned());
    }

    /// Puts a value in the place of others.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.0.insert(name.to_owned(), vec![value.to_owned()]);
    }

    /// As it is sent.
    pub(super) fn encoded(&self) -> String {
        let pairs = self
            .0
            .iter()
            .flat_map(|(name, values)| values.iter().map(move |value| (name, value)));
        let pairs: Vec<String> = pairs
            .map(|(name, value)| format!("{}={}", escaped(name), escaped(value)))
            .collect();
        pairs.join("&")
    }
}

fn escaped(text: &str) -> String {
    utf8_percent_encode(text, ESCAPED).to_string().replace(' ', "+")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_order_and_what_means_something_is_escaped() {
        let mut form = Form::default();
        form.add("b", "1");
        form.add("a b", "x&y=z+ü/:~*-._");
        form.add("b", "2");
        form.set("c", "old");
        form.set("c", "");
        assert_eq!(form.encoded(), "a+b=x%26y%3Dz%2B%C3%BC%2F%3A~%2A-._&b=1&b=2&c=");
    }
}
