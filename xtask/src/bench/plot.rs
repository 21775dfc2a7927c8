//! The plots of docs/performance.md, as SVG.

use anyhow::{Result, anyhow};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::figures::Figures;
use super::plan::{
    ADDRESSES, APPARMOR, EMPTY, LINEAR, NOTHING, OPERATIONS, PROFILE, Row, SELINUX, SIZES, Setup,
    addresses, grouped, mixed, plain,
};
use crate::kernels::Kernel;

/// Of one kernel's plot.
const WIDTH: u32 = 960;
const HEIGHT: u32 = 420;
const FONT: &str = "sans-serif";
/// Letters, in what the library calls pixels: an SVG has four fifths of it.
const TITLE: u32 = 22;
const LETTERS: u32 = 15;

/// One kernel's part of a plot.
type Panel<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// What a udp connect costs by the number of rules.
pub(super) fn rules(figures: &Figures, kernels: &[Kernel]) -> Result<String> {
    draw(kernels, |panel, kernel| {
        let over = |row, operation| figures.over(kernel, row, NOTHING, operation);
        let line = |counts: &[u32], row: &dyn Fn(u32) -> Row, operation| -> Vec<(f64, f64)> {
            let points = counts
                .iter()
                .filter_map(|count| Some((f64::from(*count), over(row(*count), operation)?)));
            points.collect()
        };
        let linear = |count| plain(Setup::Linear(count));
        let lines = [
            ("linear program", line(&LINEAR, &linear, "udp-connect")),
            (
                "interdict, address never seen",
                line(&ADDRESSES, &addresses, "udp-connect-new"),
            ),
            (
                "interdict, allowed before",
                line(&SIZES, &mixed, "udp-connect"),
            ),
            ("empty program", line(&SIZES, &|_| EMPTY, "udp-connect")),
        ];
        curves(
            panel,
            &format!("udp connect on Linux {kernel}: instructions over nothing, by rules"),
            &lines,
        )
    })
}

/// What operations cost beside other security modules.
pub(super) fn peers(figures: &Figures, kernels: &[Kernel]) -> Result<String> {
    let rows = [
        EMPTY,
        mixed(10),
        plain(Setup::Linear(100)),
        plain(Setup::Landlock),
        APPARMOR,
        PROFILE,
        SELINUX,
    ];
    let operations: Vec<_> = OPERATIONS
        .iter()
        // Of another size than the others.
        .filter(|operation| !["fork-exec", "thread"].contains(&operation.name))
        .collect();
    draw(kernels, |panel, kernel| {
        let bars = rows.map(|row| {
            let over = operations
                .iter()
                .map(|operation| figures.over(kernel, row, NOTHING, operation.name));
            (row.to_string(), over.collect::<Vec<_>>())
        });
        let words: Vec<&str> = operations.iter().map(|operation| operation.words).collect();
        grouped_bars(
            panel,
            &format!("Instructions over nothing on Linux {kernel}"),
            &words,
            &bars,
        )
    })
}

/// One panel for each kernel, below each other.
fn draw(kernels: &[Kernel], panel: impl Fn(&Panel<'_>, Kernel) -> Result<()>) -> Result<String> {
    let mut svg = String::new();
    {
        let count = kernels.len();
        let height = HEIGHT * u32::try_from(count)?;
        let area = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
        area.fill(&WHITE).map_err(failed)?;
        for (part, kernel) in area.split_evenly((count, 1)).iter().zip(kernels) {
            panel(part, *kernel)?;
        }
        area.present().map_err(failed)?;
    }
    Ok(svg)
}

/// Curves over a number of rules, both axes by powers of ten.
fn curves(panel: &Panel<'_>, title: &str, lines: &[(&str, Vec<(f64, f64)>)]) -> Result<()> {
    let mut chart = ChartBuilder::on(panel)
        .caption(title, (FONT, TITLE))
        .margin(12)
        .margin_right(32)
        .x_label_area_size(36)
        .y_label_area_size(64)
        .build_cartesian_2d((1.0..10_000.0).log_scale(), (100.0..20_000.0).log_scale())
        .map_err(failed)?;
    chart
        .configure_mesh()
        .label_style((FONT, LETTERS))
        .x_desc("rules")
        .x_label_formatter(&|rules: &f64| grouped(*rules))
        .y_label_formatter(&|instructions: &f64| grouped(*instructions))
        .light_line_style(WHITE)
        .draw()
        .map_err(failed)?;
    for (index, (name, points)) in lines.iter().enumerate() {
        let color = Palette99::pick(index).to_rgba();
        let line = LineSeries::new(points.iter().copied(), color.stroke_width(2));
        chart
            .draw_series(line)
            .map_err(failed)?
            .label(*name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], color.stroke_width(2)));
        let dots = points
            .iter()
            .map(|point| Circle::new(*point, 3, color.filled()));
        chart.draw_series(dots).map_err(failed)?;
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE.mix(0.9))
        .border_style(BLACK.mix(0.3))
        .label_font((FONT, LETTERS))
        .draw()
        .map_err(failed)
}

/// Groups of bars, of which some may be missing.
fn grouped_bars(
    panel: &Panel<'_>,
    title: &str,
    groups: &[&str],
    bars: &[(String, Vec<Option<f64>>)],
) -> Result<()> {
    let count = f64::from(u32::try_from(groups.len())?);
    let all = bars.iter().flat_map(|(_, values)| values.iter().flatten());
    let highest = all.copied().fold(100.0, f64::max) * 1.05;
    let mut chart = ChartBuilder::on(panel)
        .caption(title, (FONT, TITLE))
        .margin(12)
        .x_label_area_size(64)
        .y_label_area_size(64)
        .build_cartesian_2d(0.0..count, 0.0..highest)
        .map_err(failed)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .label_style((FONT, LETTERS))
        .x_labels(0)
        .y_label_formatter(&|instructions: &f64| grouped(*instructions))
        .light_line_style(WHITE)
        .draw()
        .map_err(failed)?;
    // A group takes four fifths of its room.
    let width = 0.8 / f64::from(u32::try_from(bars.len())?);
    for (index, (name, values)) in bars.iter().enumerate() {
        let color = Palette99::pick(index).to_rgba();
        let from = 0.1 + width * f64::from(u32::try_from(index)?);
        let rectangles = (0_u32..).zip(values).filter_map(|(group, value)| {
            let left = f64::from(group) + from;
            // Less than nothing is what the counts differ by from run to run.
            let value = value.as_ref()?.max(0.0);
            Some(Rectangle::new(
                [(left, 0.0), (left + width, value)],
                color.filled(),
            ))
        });
        chart
            .draw_series(rectangles)
            .map_err(failed)?
            .label(name)
            .legend(move |(x, y)| Rectangle::new([(x, y - 5), (x + 12, y + 5)], color.filled()));
    }
    for (group, words) in (0_u32..).zip(groups) {
        for (line, text) in (0_i32..).zip(lines(words)) {
            // Below the axis, by pixels.
            let style = (FONT, LETTERS)
                .into_text_style(panel)
                .pos(Pos::new(HPos::Center, VPos::Top));
            let text = Text::new(text, (0, 8 + 15 * line), style);
            let middle = (f64::from(group) + 0.5, 0.0);
            chart
                .plotting_area()
                .draw(&(EmptyElement::at(middle) + text))
                .map_err(failed)?;
        }
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .background_style(WHITE.mix(0.9))
        .border_style(BLACK.mix(0.3))
        .label_font((FONT, LETTERS))
        .draw()
        .map_err(failed)
}

/// Words in lines that fit below a group.
fn lines(words: &str) -> Vec<String> {
    const LETTERS: usize = 13;
    let mut lines: Vec<String> = Vec::new();
    for word in words.split(' ') {
        match lines.last_mut() {
            Some(line) if line.len() + word.len() < LETTERS => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// An error of the drawing's, whose type is not one that can be kept.
#[expect(clippy::needless_pass_by_value, reason = "as `map_err` hands it over")]
fn failed<E: std::error::Error + Send + Sync>(error: DrawingAreaErrorKind<E>) -> anyhow::Error {
    anyhow!("cannot draw: {error}")
}

#[cfg(test)]
mod tests {
    use super::{lines, peers, rules};
    use crate::bench::figures::Figures;
    use crate::bench::plan::{EMPTY, NOTHING};
    use crate::kernels::Kernel;

    #[test]
    fn words_are_broken_between_them() {
        assert_eq!(
            lines("unix stream connect, other socket"),
            ["unix stream", "connect,", "other socket"]
        );
    }

    #[test]
    fn what_was_measured_is_drawn_and_what_was_not_is_left_out() {
        let said = "round\tnothing\tudp-connect\t100\t1\nround\tempty\tudp-connect\t300\t1\n";
        let mut figures = Figures::default();
        let rows = [NOTHING, EMPTY];
        figures.read(Kernel::V6_12, said, &rows, 1).unwrap();
        let kernels = [Kernel::V6_1, Kernel::V6_12];
        for svg in [rules(&figures, &kernels), peers(&figures, &kernels)] {
            let svg = svg.unwrap();
            assert!(
                svg.starts_with("<svg") && svg.contains("on Linux 6.12"),
                "{svg}"
            );
        }
    }
}
