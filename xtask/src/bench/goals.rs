//! What is asked of the figures, and whether they have it.

use super::figures::{Cell, Figures};
use super::plan::{NOTHING, Row, Setup, addresses, grouped, mixed, paths, plain};
use crate::kernels::Kernel;

/// The kernel that the goals are about.
pub(super) const KERNEL: Kernel = Kernel::V6_12;

/// A figure that is asked for.
pub(super) struct Goal {
    pub(super) words: String,
    pub(super) required: String,
    pub(super) aim: String,
    pub(super) measured: String,
    /// Whether it is met; `None` when it could not be measured.
    pub(super) met: Option<bool>,
}

/// How a figure is made of two cells, by their smallest counts.
#[derive(Clone, Copy)]
enum Figure {
    /// What a row costs over nothing.
    Over(Row),
    /// What one costs over nothing, against what the other does; the larger the worse.
    Against(Row, Row),
    /// The same; the larger the better.
    Cheaper(Row, Row),
    /// All that an operation takes, against all that it takes with nothing.
    Whole(Row),
}

/// What is asked: the figure, its words, what is required, what is aimed at.
struct Asked(Figure, &'static str, &'static str, f64, f64);

/// Every goal. Add one HERE.
const ASKED: &[Asked] = &[
    Asked(
        Figure::Over(mixed(10)),
        "udp connect, allowed before",
        "udp-connect",
        600.0,
        420.0,
    ),
    Asked(
        Figure::Over(mixed(10)),
        "tcp connect, allowed before",
        "tcp-connect",
        600.0,
        420.0,
    ),
    Asked(
        Figure::Over(paths(10)),
        "unix stream connect, allowed before, rules about unix paths",
        "unix-connect",
        500.0,
        380.0,
    ),
    Asked(
        Figure::Over(mixed(10)),
        "the same with rules about addresses beside: two hooks",
        "unix-connect",
        500.0,
        380.0,
    ),
    Asked(
        Figure::Against(mixed(10_000), mixed(10)),
        "10,000 rules against 10, udp connect",
        "udp-connect",
        1.05,
        1.0,
    ),
    Asked(
        Figure::Against(mixed(10_000), mixed(10)),
        "10,000 rules against 10, tcp connect",
        "tcp-connect",
        1.05,
        1.0,
    ),
    Asked(
        Figure::Against(mixed(10_000), mixed(10)),
        "10,000 rules against 10, unix stream connect",
        "unix-connect",
        1.05,
        1.0,
    ),
    Asked(
        Figure::Over(addresses(10_000)),
        "first sight of a pair, 10,000 terms, udp connect",
        "udp-connect-new",
        1800.0,
        1000.0,
    ),
    Asked(
        Figure::Cheaper(plain(Setup::Linear(100)), addresses(100)),
        "cheaper than the linear program, 100 rules, udp connect",
        "udp-connect",
        2.4,
        3.0,
    ),
    Asked(
        Figure::Cheaper(plain(Setup::Linear(1000)), addresses(1000)),
        "cheaper than the linear program, 1,000 rules, udp connect",
        "udp-connect",
        20.0,
        26.0,
    ),
    Asked(
        Figure::Over(mixed(10)),
        "send on a connected tcp socket, with tcp connect rules",
        "tcp-send",
        230.0,
        200.0,
    ),
    Asked(
        Figure::Whole(mixed(10)),
        "fork + exec",
        "fork-exec",
        1.02,
        1.0,
    ),
    Asked(
        Figure::Whole(mixed(10)),
        "thread create",
        "thread",
        1.0,
        1.0,
    ),
];

/// Every goal, with what was measured.
pub(super) fn goals(figures: &Figures) -> Vec<Goal> {
    ASKED.iter().map(|asked| asked.hold(figures)).collect()
}

impl Asked {
    fn hold(&self, figures: &Figures) -> Goal {
        let Self(figure, words, operation, required, aim) = *self;
        let measured = figure.value(figures, operation);
        let met = measured.map(|value| match figure {
            // What is shown is what counts.
            Figure::Cheaper(..) => (value * 10.0).round() / 10.0 >= required,
            Figure::Against(..) | Figure::Whole(_) => (value * 100.0).round() / 100.0 <= required,
            Figure::Over(_) => value.round() <= required,
        });
        Goal {
            words: words.to_owned(),
            required: figure.show(required),
            aim: figure.show(aim),
            measured: measured.map_or_else(
                || figure.why_not(figures, operation),
                |value| figure.show(value),
            ),
            met,
        }
    }
}

impl Figure {
    fn value(self, figures: &Figures, operation: &'static str) -> Option<f64> {
        let over = |row| figures.over(KERNEL, row, NOTHING, operation);
        let whole = |row| figures.sum(KERNEL, row, operation).map(|sum| sum.min);
        match self {
            Self::Over(row) => over(row),
            Self::Against(row, other) | Self::Cheaper(row, other) => {
                Some(over(row)? / over(other)?)
            }
            Self::Whole(row) => Some(whole(row)? / whole(NOTHING)?),
        }
    }

    fn show(self, value: f64) -> String {
        match self {
            Self::Over(_) => grouped(value),
            Self::Against(..) | Self::Whole(_) => format!("{value:.2} times"),
            Self::Cheaper(..) => format!("{value:.1} times"),
        }
    }

    /// Why there is no value.
    fn why_not(self, figures: &Figures, operation: &'static str) -> String {
        let rows = match self {
            Self::Over(row) | Self::Whole(row) => vec![row],
            Self::Against(row, other) | Self::Cheaper(row, other) => vec![row, other],
        };
        let cells = rows
            .iter()
            .filter_map(|row| figures.cell(KERNEL, *row, operation));
        let mut reasons = cells.filter_map(|cell| match cell {
            Cell::None(why) => Some(why.clone()),
            Cell::Measured(_) => None,
        });
        reasons.next().unwrap_or_else(|| "not measured".to_owned())
    }
}
