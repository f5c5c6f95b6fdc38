//! JSON over several lines, its numbers and texts untouched: a parser that makes floats of numbers would change them.

/// Lays out well-formed JSON as `opa` does, by two spaces.
pub fn pretty(json: &str) -> String {
    let mut laid = String::with_capacity(json.len().saturating_mul(2));
    let mut depth = 0_usize;
    let mut chars = json.chars().peekable();
    let break_line = |laid: &mut String, depth: usize| {
        laid.push('\n');
        laid.extend(std::iter::repeat_n("  ", depth));
    };
    while let Some(next) = chars.next() {
        match next {
            '"' => {
                laid.push('"');
                let mut escaped = false;
                for inner in chars.by_ref() {
                    laid.push(inner);
                    match inner {
                        '"' if !escaped => break,
                        '\\' => escaped = !escaped,
                        _ => escaped = false,
                    }
                }
            }
            '{' | '[' => {
                laid.push(next);
                while chars.next_if(char::is_ascii_whitespace).is_some() {}
                if let Some(close) = chars.next_if(|c| matches!(c, '}' | ']')) {
                    laid.push(close);
                } else {
                    depth += 1;
                    break_line(&mut laid, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                break_line(&mut laid, depth);
                laid.push(next);
            }
            ',' => {
                laid.push(next);
                break_line(&mut laid, depth);
            }
            ':' => laid.push_str(": "),
            c if c.is_ascii_whitespace() => {}
            other => laid.push(other),
        }
    }
    laid
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_laid_out_as_others_do_and_reads_the_same() {
        let json = r#"{"a":[1,{"b":"x: {\"y\\\": ["}],"c":{},"d":[ ],"e":null}"#;
        let value: serde_json::Value = serde_json::from_str(json).unwrap();
        assert_eq!(pretty(json), serde_json::to_string_pretty(&value).unwrap());
        assert_eq!(pretty(&pretty(json)), pretty(json));
    }

    #[test]
    fn numbers_keep_their_text() {
        assert_eq!(pretty("[1.0,1e2]"), "[\n  1.0,\n  1e2\n]");
    }
}
