//! The plots of docs/benchmarks.md, as SVG.

use std::path::Path;

use hdrhistogram::Histogram;
use plotters::prelude::{
    BLACK, ChartBuilder, IntoDrawingArea as _, IntoLogRange as _, LineSeries, Palette as _, Palette99,
    PathElement, SVGBackend, WHITE,
};
use plotters::style::Color as _;

/// A line: its name and its points.
type Line<'a> = (&'a str, Vec<(f64, f64)>);

/// Latency over percentile, one line per histogram of nanoseconds. The x axis is logarithmic towards 100 %:
/// x = 1 / (1 − percentile), so that 10 is p90, 100 is p99, 1,000 is p99.9.
///
/// # Errors
/// Where the file can't be written.
pub fn latency_distributions(
    path: &Path,
    title: &str,
    series: &[(&str, &Histogram<u64>)],
) -> anyhow::Result<()> {
    let lines: Vec<Line<'_>> = series
        .iter()
        .map(|(name, histogram)| {
            let points = (0..=60).map(|i| 10f64.powf(f64::from(i) / 20.0));
            let at = |x: f64| histogram.value_at_quantile(1.0 - 1.0 / x) as f64 / 1000.0;
            (*name, points.map(|x| (x, at(x))).collect())
        })
        .collect();
    lines_over_log_x(
        path,
        title,
        "1 / (1 − percentile): 10 is p90, 100 is p99, 1000 is p99.9",
        "µs",
        &lines,
    )
}

/// A cost over the number of requests in flight.
///
/// # Errors
/// Where the file can't be written.
pub fn cost_over_load(
    path: &Path,
    title: &str,
    unit: &str,
    lines: &[(&str, Vec<(f64, f64)>)],
) -> anyhow::Result<()> {
    lines_over_log_x(path, title, "requests in flight", unit, lines)
}

fn lines_over_log_x(path: &Path, title: &str, x: &str, y: &str, lines: &[Line<'_>]) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let points = || lines.iter().flat_map(|(_, points)| points);
    let right = points().map(|point| point.0).fold(1.0, f64::max);
    let top = points().map(|point| point.1).fold(0.0, f64::max) * 1.1;
    let area = SVGBackend::new(path, (860, 480)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption(title, ("sans-serif", 20))
        .margin(12)
        .x_label_area_size(42)
        .y_label_area_size(62)
        .build_cartesian_2d((1f64..right * 1.05).log_scale(), 0f64..top.max(1.0))?;
    chart
        .configure_mesh()
        .x_desc(x)
        .y_desc(y)
        .light_line_style(BLACK.mix(0.05))
        .draw()?;
    for (i, (name, points)) in lines.iter().enumerate() {
        let colour = Palette99::pick(i).mix(1.0);
        chart
            .draw_series(LineSeries::new(points.iter().copied(), colour.stroke_width(2)))?
            .label(*name)
            .legend(move |(x, y)| PathElement::new(vec![(x, y), (x + 18, y)], colour.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK.mix(0.3))
        .draw()?;
    area.present()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plot_names_its_lines_and_is_an_svg() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cost.svg");
        cost_over_load(&path, "cost", "µs", &[("ours", vec![(1.0, 30.0), (16.0, 12.0)])]).unwrap();
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.starts_with("<svg") && text.contains("ours"));
    }
}
