//! From the guest's lines to a table.

use std::fmt::Write as _;

use anyhow::{Context, Result, ensure};

/// One round: what was attached, the operation, instructions an operation.
struct Round<'l> {
    attached: &'l str,
    operation: &'l str,
    instructions: f64,
}

/// What the rounds of one row and operation come to.
struct Sum {
    min: f64,
    median: f64,
    /// Distance of the quartiles.
    spread: f64,
}

/// The table. Operations stand in the order in which they first come.
///
/// # Errors
/// When a line cannot be read, or a row has another number of rounds.
pub(super) fn render(lines: &str, rows: &[&str], rounds: u32) -> Result<String> {
    let all: Vec<Round<'_>> = lines
        .lines()
        .map(|line| read(line).with_context(|| format!("cannot read `{line}`")))
        .collect::<Result<_>>()?;
    let mut operations: Vec<&str> = Vec::new();
    for round in &all {
        if !operations.contains(&round.operation) {
            operations.push(round.operation);
        }
    }
    ensure!(!operations.is_empty(), "the guest measured nothing");
    let mut table = format!(
        "{:<20} {:<10} {:>9} {:>9} {:>7} {:>11}\n",
        "operation", "attached", "min", "median", "spread", "over empty"
    );
    for operation in operations {
        let mut empty = None;
        for attached in rows {
            let numbers: Vec<f64> = all
                .iter()
                .filter(|round| round.operation == operation && round.attached == *attached)
                .map(|round| round.instructions)
                .collect();
            ensure!(
                u32::try_from(numbers.len()) == Ok(rounds),
                "{operation} with {attached} has {} rounds, not {rounds}",
                numbers.len()
            );
            let sum = sum(numbers).context("no round")?;
            if *attached == "empty" {
                empty = Some(sum.min);
            }
            let over = empty
                .filter(|_| *attached != "empty")
                .map_or_else(String::new, |empty| format!("{:+.0}", sum.min - empty));
            let line = format!(
                "{operation:<20} {attached:<10} {:>9.0} {:>9.0} {:>7.0} {over:>11}",
                sum.min, sum.median, sum.spread
            );
            writeln!(table, "{}", line.trim_end())?;
        }
    }
    Ok(table)
}

/// `attached`, `operation`, nanoseconds, number of operations, tabs between.
fn read(line: &str) -> Option<Round<'_>> {
    let mut fields = line.split('\t');
    let (attached, operation) = (fields.next()?, fields.next()?);
    let nanoseconds: u32 = fields.next()?.parse().ok()?;
    let count: u32 = fields.next()?.parse().ok().filter(|count| *count > 0)?;
    Some(Round {
        attached,
        operation,
        instructions: f64::from(nanoseconds) / f64::from(count),
    })
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
    use super::render;

    #[test]
    fn rounds_come_to_a_table() {
        let lines = "nothing\tudp\t1000\t10\nnothing\tudp\t1200\t10\n\
                     empty\tudp\t2000\t10\nempty\tudp\t2010\t10\n\
                     interdict\tudp\t5000\t10\ninterdict\tudp\t5100\t10\n";
        let table = render(lines, &["nothing", "empty", "interdict"], 2).unwrap();
        let expected = "\
operation            attached         min    median  spread  over empty
udp                  nothing          100       100       0
udp                  empty            200       200       0
udp                  interdict        500       500       0        +300
";
        assert_eq!(table, expected);
    }

    #[test]
    fn a_row_that_is_missing_is_an_error() {
        let lines = "nothing\tudp\t1000\t10\n";
        assert!(render(lines, &["nothing", "empty"], 1).is_err());
        assert!(render("", &["nothing"], 1).is_err());
        assert!(render("nothing udp\n", &["nothing"], 1).is_err());
    }
}
