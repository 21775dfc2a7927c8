//! The figures of a kernel as lines for a terminal.

use std::fmt::Write as _;

use anyhow::Result;

use super::figures::{Cell, Figures};
use super::plan::{EMPTY, NOTHING, OPERATIONS, Row, grouped};
use crate::kernels::Kernel;

/// The table of these rows and operations.
pub(super) fn render(
    figures: &Figures,
    kernel: Kernel,
    rows: &[Row],
    operations: &[&'static str],
) -> Result<String> {
    let mut table = String::new();
    let chosen = OPERATIONS
        .iter()
        .filter(|operation| operations.contains(&operation.name));
    for operation in chosen {
        writeln!(
            table,
            "{:<52} {:>10} {:>10} {:>8} {:>13} {:>11}",
            operation.words, "min", "median", "spread", "over nothing", "over empty"
        )?;
        for row in rows {
            let name = row.to_string();
            match figures.cell(kernel, *row, operation.name) {
                Some(Cell::Measured(sum)) => {
                    let [nothing, empty] = [NOTHING, EMPTY].map(|other| {
                        let over = figures.over(kernel, *row, other, operation.name);
                        over.filter(|_| *row != other).map(grouped)
                    });
                    let line = format!(
                        "  {name:<50} {:>10} {:>10} {:>8} {:>13} {:>11}",
                        grouped(sum.min),
                        grouped(sum.median),
                        grouped(sum.spread),
                        nothing.unwrap_or_default(),
                        empty.unwrap_or_default()
                    );
                    writeln!(table, "{}", line.trim_end())?;
                }
                Some(Cell::None(why)) => writeln!(table, "  {name:<50} {why}")?,
                None => writeln!(table, "  {name:<50} not measured")?,
            }
        }
    }
    Ok(table)
}
