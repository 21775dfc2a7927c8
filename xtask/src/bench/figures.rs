//! What the guests measured: lines, and what the rounds of a cell come to.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};

use super::plan::{OPERATIONS, Row};
use crate::kernels::Kernel;

/// A cell of the table.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    /// Instructions of one operation, over some rounds.
    Measured(Sum),
    /// There is nothing to measure, for this reason.
    None(String),
}

/// Instructions of one operation, over some rounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sum {
    pub(super) min: f64,
    pub(super) median: f64,
    /// Distance of the quartiles.
    pub(super) spread: f64,
}

/// A kernel, as the user names it, a row and an operation's name.
type Key = (String, Row, &'static str);

/// All cells by now.
#[derive(Default)]
pub(super) struct Figures(BTreeMap<Key, Cell>);

impl Figures {
    /// Takes in a guest's lines, about these rows and operations.
    ///
    /// # Errors
    /// When a line cannot be read, or a cell has another number of rounds; a cell that
    /// is not there is none here.
    pub(super) fn read(
        &mut self,
        kernel: Kernel,
        lines: &str,
        rows: &[Row],
        rounds: u32,
    ) -> Result<()> {
        let kernel = kernel.to_string();
        let mut measured: BTreeMap<Key, Vec<f64>> = BTreeMap::new();
        for line in lines.lines() {
            let said = Said::read(line).with_context(|| format!("cannot read `{line}`"))?;
            let row = rows.iter().find(|row| row.setup.to_string() == said.setup);
            let row = *row.with_context(|| format!("`{line}` is about another row"))?;
            let names = OPERATIONS.iter().map(|operation| operation.name);
            for name in names.filter(|name| said.operation == "*" || said.operation == *name) {
                let key = (kernel.clone(), row, name);
                match &said.what {
                    What::Round(instructions) => {
                        measured.entry(key).or_default().push(*instructions);
                    }
                    // What is said of one operation stands before what is said of all.
                    What::None(why) if said.operation == "*" => {
                        let cell = self.0.entry(key);
                        cell.or_insert_with(|| Cell::None(why.clone()));
                    }
                    What::None(why) => {
                        self.0.insert(key, Cell::None(why.clone()));
                    }
                }
            }
        }
        for (key, numbers) in measured {
            let count = numbers.len();
            let (_, row, name) = &key;
            ensure!(
                u32::try_from(count) == Ok(rounds),
                "{name} with {row} has {count} rounds, not {rounds}"
            );
            let sum = sum(numbers).context("no round")?;
            self.0.insert(key, Cell::Measured(sum));
        }
        Ok(())
    }

    /// A cell, if it is there.
    pub(super) fn cell(&self, kernel: Kernel, row: Row, operation: &'static str) -> Option<&Cell> {
        self.0.get(&(kernel.to_string(), row, operation))
    }

    /// What was measured in a cell.
    pub(super) fn sum(&self, kernel: Kernel, row: Row, operation: &'static str) -> Option<Sum> {
        match self.cell(kernel, row, operation)? {
            Cell::Measured(sum) => Some(*sum),
            Cell::None(_) => None,
        }
    }

    /// How much more the smallest count of a row is than that of another.
    pub(super) fn over(
        &self,
        kernel: Kernel,
        row: Row,
        other: Row,
        operation: &'static str,
    ) -> Option<f64> {
        let [row, other] = [row, other].map(|row| self.sum(kernel, row, operation));
        Some(row?.min - other?.min)
    }

    /// That every one of these cells is there.
    ///
    /// # Errors
    /// Names the first that is not.
    pub(super) fn whole(
        &self,
        kernel: Kernel,
        rows: &[Row],
        operations: &[&'static str],
    ) -> Result<()> {
        for row in rows {
            for operation in operations {
                if self.cell(kernel, *row, operation).is_none() {
                    bail!("Linux {kernel}: no figure of {operation} with {row}");
                }
            }
        }
        Ok(())
    }
}

/// A line of the guest's.
struct Said<'l> {
    setup: &'l str,
    operation: &'l str,
    what: What,
}

enum What {
    /// Instructions of one operation.
    Round(f64),
    /// Why there is nothing to measure.
    None(String),
}

impl<'l> Said<'l> {
    fn read(line: &'l str) -> Option<Self> {
        let fields: Vec<&str> = line.split('\t').collect();
        let (setup, operation, what) = match *fields.as_slice() {
            ["round", setup, operation, nanoseconds, count] => {
                let nanoseconds: u32 = nanoseconds.parse().ok()?;
                let count: u32 = count.parse().ok().filter(|count| *count > 0)?;
                let each = f64::from(nanoseconds) / f64::from(count);
                (setup, operation, What::Round(each))
            }
            ["none", setup, operation, why] => (setup, operation, What::None(why.to_owned())),
            _ => return None,
        };
        let known = operation == "*" || OPERATIONS.iter().any(|known| known.name == operation);
        known.then_some(Self {
            setup,
            operation,
            what,
        })
    }
}

fn sum(mut numbers: Vec<f64>) -> Option<Sum> {
    numbers.sort_by(f64::total_cmp);
    let last = numbers.len().checked_sub(1)?;
    let at = |quarter: usize| numbers.get(last * quarter / 4).copied();
    Some(Sum {
        min: at(0)?,
        median: at(2)?,
        spread: at(3)? - at(1)?,
    })
}

#[cfg(test)]
mod tests {
    use super::{Cell, Figures};
    use crate::bench::plan::{EMPTY, NOTHING, mixed};
    use crate::kernels::Kernel;

    const KERNEL: Kernel = Kernel::V6_12;

    #[test]
    fn rounds_come_to_figures() {
        let lines = "round\tnothing\tthread\t1000\t10\nround\tnothing\tthread\t1200\t10\n\
                     round\tempty\tthread\t2000\t10\nround\tempty\tthread\t2010\t10\n\
                     none\tmixed:10:allow\t*\ttoo many\n";
        let rows = [NOTHING, EMPTY, mixed(10)];
        let mut figures = Figures::default();
        figures.read(KERNEL, lines, &rows, 2).unwrap();
        let sum = figures.sum(KERNEL, NOTHING, "thread").unwrap();
        let all = [sum.min, sum.median, sum.spread].map(|number| number.to_string());
        assert_eq!(all, ["100", "100", "0"]);
        assert_eq!(figures.over(KERNEL, EMPTY, NOTHING, "thread"), Some(100.0));
        let none = figures.cell(KERNEL, mixed(10), "open-close");
        assert_eq!(none, Some(&Cell::None("too many".to_owned())));
        figures.whole(KERNEL, &rows, &["thread"]).unwrap();
        assert!(
            figures
                .whole(KERNEL, &rows, &["thread", "setsockopt"])
                .is_err()
        );
    }

    #[test]
    fn what_cannot_be_read_is_an_error() {
        for lines in [
            "round\tnothing\tthread\t1000\t10\n",
            "round\tempty\tthread\t1000\t10\nround\tempty\tthread\t1000\t10\n",
            "round nothing thread 1000 10\n",
            "round\tnothing\tno such\t1000\t10\n",
            "round\tnothing\tthread\t1000\t0\n",
        ] {
            let read = Figures::default().read(KERNEL, lines, &[NOTHING], 2);
            assert!(read.is_err(), "{lines}");
        }
    }
}
