//! Text as OPA reads it around policies, not in them: YAML data, and the patterns of file names in a bundle's manifest.
//! The same readers as the builtins have.

use crate::builtins;
use crate::value::Value;

impl Value {
    /// Reads the first document of a YAML text, as OPA reads a data file: what isn't read here is refused, never guessed
    /// at. A million bytes at most.
    ///
    /// # Errors
    /// What is wrong with the text, or what of YAML isn't supported.
    pub fn from_yaml_str(text: &str) -> Result<Value, String> {
        builtins::yaml_document(text)
    }
}

/// Whether a pattern of gobwas/glob matches the whole of a text, where nothing separates: `*` and `?` match anything.
///
/// # Errors
/// When it isn't a pattern.
#[cfg(feature = "glob")]
pub fn glob_match(pattern: &str, text: &str) -> Result<bool, String> {
    builtins::glob_match(pattern, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yaml_is_read_as_data() {
        let value = Value::from_yaml_str("a:\n  - 1\n  - x: true\n").unwrap();
        assert_eq!(value.to_json(), r#"{"a":[1,{"x":true}]}"#);
        assert!(Value::from_yaml_str("a: [").is_err());
        assert!(Value::from_yaml_str(&"#".repeat(1 << 21)).is_err());
    }

    #[cfg(feature = "glob")]
    #[test]
    fn patterns_match_across_slashes() {
        assert_eq!(glob_match("/q/*.rego", "/q/x/y.rego"), Ok(true));
        assert_eq!(glob_match("/q/*.rego", "/p/y.rego"), Ok(false));
        assert!(glob_match("[", "x").is_err());
    }
}
