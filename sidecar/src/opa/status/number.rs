//! Numbers as Go's Prometheus client writes them (`strconv.FormatFloat(x, 'g', -1, 64)`), so that a label `le="1e-06"` is that.

/// A number's shortest form: with an exponent below 1e-4, and where there would be 21 digits or more.
pub(super) fn written(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if number == 0.0 || (-4..6).contains(&exponent) {
        return format!("{number}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_in_the_plugins_metrics() {
        for (number, want) in [
            (0.0, "0"),
            (1.0, "1"),
            (1e-6, "1e-06"),
            (5e-5, "5e-05"),
            (0.0001, "0.0001"),
            (0.1, "0.1"),
            (512_000.0, "512000"),
            (1_024_000.0, "1.024e+06"),
            (524_288_000.0, "5.24288e+08"),
            (563_840_982.0, "5.63840982e+08"),
            (1_796_094_211_010_020_600.0, "1.7960942110100206e+18"),
            (0.000_852_922, "0.000852922"),
            (f64::INFINITY, "+Inf"),
        ] {
            assert_eq!(written(number), want);
        }
    }
}
