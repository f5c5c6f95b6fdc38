//! YAML configuration whose errors name file, line, key and what was expected.
