//! Patterns of paths as Go's `filepath.Match` matches them: the names that `--ignore` leaves out, the files that need no
//! signature. In time that goes with the path times the pattern.

/// Go's `filepath.Match`: `*` and `?` (which stop at slashes), `[a-z]`, `[^a]`, `\` before what is meant as it is.
///
/// # Errors
/// When the pattern is none, in Go's words.
pub fn matches(pattern: &str, path: &str) -> Result<bool, &'static str> {
    let pattern: Vec<char> = pattern.chars().collect();
    // Which positions of the pattern the path so far leads to.
    let mut at = vec![false; pattern.len() + 1];
    let steps = steps(&pattern)?;
    let close = |at: &mut Vec<bool>| {
        for step in &steps {
            if let (Step::Any, Some(true)) = (&step.kind, at.get(step.from).copied())
                && let Some(next) = at.get_mut(step.to)
            {
                *next = true;
            }
        }
    };
    if let Some(first) = at.first_mut() {
        *first = true;
    }
    close(&mut at);
    for char in path.chars() {
        let mut next = vec![false; at.len()];
        for step in steps.iter().filter(|step| at.get(step.from) == Some(&true)) {
            let to = match &step.kind {
                Step::Any => (char != '/').then_some(step.from),
                Step::One => (char != '/').then_some(step.to),
                Step::Char(own) => (*own == char).then_some(step.to),
                Step::Class(negated, ranges) => {
                    (ranges.iter().any(|(low, high)| (*low..=*high).contains(&char)) != *negated)
                        .then_some(step.to)
                }
            };
            if let Some(place) = to.and_then(|to| next.get_mut(to)) {
                *place = true;
            }
        }
        at = next;
        close(&mut at);
    }
    Ok(at.last() == Some(&true))
}

enum Step {
    Any,
    One,
    Char(char),
    Class(bool, Vec<(char, char)>),
}

struct Placed {
    kind: Step,
    from: usize,
    to: usize,
}

fn steps(pattern: &[char]) -> Result<Vec<Placed>, &'static str> {
    const BAD: &str = "syntax error in pattern";
    let mut steps = Vec::new();
    let mut at = 0;
    let literal = |at: &mut usize| -> Result<char, &'static str> {
        let mut char = *pattern.get(*at).ok_or(BAD)?;
        if char == '\\' {
            *at += 1;
            char = *pattern.get(*at).ok_or(BAD)?;
        }
        *at += 1;
        Ok(char)
    };
    while let Some(char) = pattern.get(at) {
        let from = at;
        let kind = match char {
            '*' => {
                at += 1;
                Step::Any
            }
            '?' => {
                at += 1;
                Step::One
            }
            '[' => {
                at += 1;
                let negated = pattern.get(at) == Some(&'^');
                at += usize::from(negated);
                let mut ranges = Vec::new();
                while pattern.get(at) != Some(&']') || ranges.is_empty() {
                    if matches!(pattern.get(at), Some('-' | ']')) {
                        return Err(BAD);
                    }
                    let low = literal(&mut at)?;
                    let mut high = low;
                    if pattern.get(at) == Some(&'-') {
                        at += 1;
                        high = literal(&mut at)?;
                    }
                    ranges.push((low, high));
                }
                at += 1;
                Step::Class(negated, ranges)
            }
            _ => Step::Char(literal(&mut at)?),
        };
        steps.push(Placed { kind, from, to: at });
    }
    // The last step leads to the end, wherever in the pattern that is.
    if let Some(last) = steps.last_mut() {
        last.to = pattern.len();
    }
    Ok(steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_matched_as_go_matches_them() {
        for (pattern, name, expected) in [
            (".*", ".git", true),
            (".*", "git", false),
            ("..*", "..data", true),
            ("..*", ".data", false),
            ("*.md", "a.md", true),
            ("*_test.rego", "a_test.rego", true),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "axxbyy", false),
            ("?[a-c][^x]", "zby", true),
            ("?[a-c][^x]", "zbx", false),
            ("\\*", "*", true),
            ("\\*", "a", false),
            ("", "", true),
            ("*", "", true),
            ("*", "a/b", false),
            ("a?b", "a/b", false),
            ("a/*.json", "a/data.json", true),
            ("[^x]", "/", true),
        ] {
            assert_eq!(matches(pattern, name), Ok(expected), "{pattern} {name}");
        }
        for pattern in ["[", "[a", "\\", "[-]", "[]"] {
            assert!(matches(pattern, "a").is_err(), "{pattern}");
        }
    }
}
