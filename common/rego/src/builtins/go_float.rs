//! Floats as Go's strconv formats them: `%e`, `%f`, and `%g`, which chooses between the two.

/// No float has more digits than this, before or after its point: what comes after are zeros.
const MAX_DIGITS: usize = 1_100;

/// A float that isn't negative, under one of the verbs `e E f F g G v`.
pub(super) fn format(float: f64, verb: char, precision: Option<usize>) -> String {
    let digits = precision.unwrap_or(6);
    let zeros = "0".repeat(digits.saturating_sub(MAX_DIGITS));
    let digits = digits.min(MAX_DIGITS);
    match verb {
        'f' | 'F' => format!("{float:.digits$}{zeros}"),
        'e' | 'E' => scientific(
            &format!("{float:.digits$e}").replace('e', &format!("{zeros}e")),
            verb,
        ),
        _ => general(float, verb, precision),
    }
}

/// `%g`: `%e` for exponents below -4 or beyond the precision (beyond 6, where the digits are the shortest).
fn general(float: f64, verb: char, precision: Option<usize>) -> String {
    let precision = precision.map(|precision| precision.max(1));
    let shown = match precision {
        Some(precision) => format!("{float:.*e}", (precision - 1).min(MAX_DIGITS)),
        None => format!("{float:e}"),
    };
    let (mantissa, exponent) = shown.split_once('e').unwrap_or((&shown, "0"));
    let exponent: i64 = exponent.parse().unwrap_or(0);
    let mantissa = if mantissa.contains('.') {
        mantissa.trim_end_matches('0').trim_end_matches('.')
    } else {
        mantissa
    };
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let count = if float == 0.0 {
        0
    } else {
        i64::try_from(digits.len()).unwrap_or(i64::MAX)
    };
    let limit = match precision.and_then(|precision| i64::try_from(precision).ok()) {
        // The point's position is one more than the exponent; zero's is 0.
        Some(precision) if precision > count && count > exponent => {
            count.max(if float == 0.0 { 0 } else { 1 })
        }
        Some(precision) => precision,
        None => 6,
    };
    if float != 0.0 && (exponent < -4 || exponent >= limit) {
        return scientific(
            &format!("{mantissa}e{exponent}"),
            if verb == 'G' { 'E' } else { 'e' },
        );
    }
    let fraction = usize::try_from((count - 1 - exponent).max(0)).unwrap_or(0);
    if float == 0.0 {
        return "0".to_owned();
    }
    match usize::try_from(exponent) {
        Ok(whole) if fraction == 0 => {
            format!("{digits}{}", "0".repeat((whole + 1).saturating_sub(digits.len())))
        }
        Ok(whole) => {
            let (whole, fraction) = digits.split_at_checked(whole + 1).unwrap_or((&digits, ""));
            format!("{whole}.{fraction}")
        }
        Err(_) => {
            let zeros = usize::try_from(exponent.unsigned_abs())
                .unwrap_or(0)
                .saturating_sub(1);
            format!("0.{}{digits}", "0".repeat(zeros))
        }
    }
}

/// Rust's `1.5e-7` as Go's `1.5e-07`.
fn scientific(shown: &str, verb: char) -> String {
    let (mantissa, exponent) = shown.split_once('e').unwrap_or((shown, "0"));
    let (sign, exponent) = exponent
        .strip_prefix('-')
        .map_or(('+', exponent), |exponent| ('-', exponent));
    format!("{mantissa}{verb}{sign}{exponent:0>2}")
}

/// With the point, and for `%g` the zeros, that the sharp flag asks for.
pub(super) fn with_point(shown: &str, verb: char, precision: Option<usize>) -> String {
    let (mantissa, exponent) = shown
        .find(['e', 'E'])
        .map_or((shown, ""), |at| shown.split_at(at));
    let mut mantissa = mantissa.to_owned();
    let significant = mantissa
        .chars()
        .filter(char::is_ascii_digit)
        .skip_while(|&digit| digit == '0')
        .count();
    let mut missing = match verb {
        'v' | 'g' | 'G' => precision.unwrap_or(6).saturating_sub(significant),
        _ => 0,
    };
    if !mantissa.contains('.') {
        if mantissa == "0" {
            missing = missing.saturating_sub(1);
        }
        mantissa.push('.');
    }
    format!("{mantissa}{}{exponent}", "0".repeat(missing))
}
