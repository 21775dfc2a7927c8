//! `cargo xtask bench`: what interdict costs, in instructions.
//!
//! QEMU counts instructions for time, one a nanosecond, so the numbers repeat
//! from run to run and from machine to machine, where times do not. They
//! compare one commit with another; they say nothing of caches and are no
//! nanoseconds.

mod figures;
mod gate;
mod goals;
mod guest;
mod page;
mod plan;
mod plot;
mod real;
mod stamp;
mod table;

use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use clap::{Args, ValueEnum};

use crate::kernels::Kernel;
use crate::paths;
use crate::process::say;
use figures::Figures;
pub(crate) use gate::check;
use plan::{Boot, EMPTY, NOTHING, OPERATIONS, Row};
use stamp::Stamp;

/// Count the instructions of operations with nothing, interdict and others attached
#[derive(Args)]
#[command(long_about = LONG_ABOUT, args_conflicts_with_subcommands = true)]
pub(crate) struct BenchArgs {
    /// Without one, instructions are counted
    #[command(subcommand)]
    part: Option<real::Part>,
    /// A kernel to count on; may be repeated
    #[arg(long = "kernel", value_enum, default_values = ["6.1", "6.12"])]
    kernels: Vec<Kernel>,
    /// Rounds of each operation, after one that warms up
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,
    /// Only this operation; may be repeated
    #[arg(long = "operation", value_name = "NAME", value_parser = plan::operation_names())]
    operations: Vec<String>,
    /// Only rows whose name contains this, such as `linear` or `10 rules`, beside
    /// nothing and the empty program; may be repeated
    #[arg(long = "row", value_name = "WORDS")]
    rows: Vec<String>,
    /// Write docs/performance.md and its plots; with every row and operation alone
    #[arg(long, conflicts_with_all = ["operations", "rows"])]
    write: bool,
    /// Measure what the suite holds to its record alone, and hold it or record it
    #[arg(long, value_enum, conflicts_with_all = ["operations", "rows", "write", "again"])]
    gate: Option<Gate>,
    /// Measure nothing: take what the guests said last
    #[arg(long)]
    again: bool,
}

/// What becomes of the figures that the suite holds to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Gate {
    /// Fail where one is past its record, as the suite does
    Check,
    /// Make them the record
    Record,
}

/// The kernels of the page.
const PAGE: [Kernel; 2] = [Kernel::V6_1, Kernel::V6_12];

const LONG_ABOUT: &str = "\
Count the instructions of operations with nothing, interdict and others attached.

Boots each kernel on one emulated CPU that counts instructions for time, and
measures connects, sends and more over loopback: with nothing on the LSM hooks,
with a program that does nothing on each deciding hook, with one that refuses,
with a simple one that goes through its rules one by one, under `interdict run` with policies of
1 to 10,000 rules that allow or refuse, in a Landlock domain, and on a kernel with
AppArmor or SELinux. Prints, for each, the minimum of the rounds, their median
and the distance of their quartiles, and what is more than with nothing and with
the empty program. What cannot be measured is there with the reason. Compare a
commit with the one before it; instructions are not nanoseconds.

All of it takes some minutes a kernel. What was measured last is kept in the
target directory.";

/// Builds, boots, counts and prints.
///
/// # Errors
/// When something cannot be built or a guest fails; what was measured is printed
/// before.
pub(crate) fn main(args: &BenchArgs) -> Result<()> {
    if let Some(part) = &args.part {
        return real::main(part);
    }
    match args.gate {
        Some(Gate::Check) => return gate::check(),
        Some(Gate::Record) => return gate::record(),
        None => {}
    }
    ensure!(
        !args.write || PAGE.iter().all(|kernel| args.kernels.contains(kernel)),
        "the page has figures of both kernels: leave out `--kernel`"
    );
    let rows = chosen_rows(&args.rows)?;
    let operations = chosen_operations(&args.operations);
    let ask = Ask {
        rows: &rows,
        operations: &operations,
        rounds: args.rounds,
        // Of some rows no page can be made.
        keep: args.rows.is_empty() && args.operations.is_empty(),
    };
    let built = if args.again {
        None
    } else {
        Some(guest::build(&args.kernels, &rows, guest::Half::Optimised)?)
    };
    let mut figures = Figures::default();
    let mut stamps = Vec::new();
    let mut failures = Vec::new();
    for kernel in &args.kernels {
        let measured = match &built {
            Some(built) => anew(built, *kernel, &ask, &mut figures, &mut stamps),
            None => again(*kernel, &ask, &mut figures, &mut stamps),
        };
        if let Err(error) = measured {
            failures.push(format!("{error:#}"));
        }
        let table = table::render(&figures, *kernel, &rows, &operations)?;
        writeln!(
            io::stdout(),
            "Linux {kernel}, instructions an operation\n{table}"
        )?;
    }
    if args.write {
        for kernel in &args.kernels {
            figures.whole(*kernel, &rows, &operations)?;
        }
        page::write(&figures, &args.kernels, &stamps)?;
    }
    ensure!(failures.is_empty(), "{}", failures.join("; "));
    Ok(())
}

/// Rows by their names; all without any.
fn chosen_rows(words: &[String]) -> Result<Vec<Row>> {
    let all = plan::rows();
    for word in words {
        ensure!(
            all.iter().any(|row| row.to_string().contains(word)),
            "no row has `{word}` in its name"
        );
    }
    let chosen = |row: &Row| {
        let name = row.to_string();
        words.is_empty()
            || [NOTHING, EMPTY].contains(row)
            || words.iter().any(|word| name.contains(word))
    };
    Ok(all.into_iter().filter(chosen).collect())
}

/// Operations by their names; all without any.
fn chosen_operations(names: &[String]) -> Vec<&'static str> {
    let all = OPERATIONS.iter().map(|operation| operation.name);
    all.filter(|name| names.is_empty() || names.iter().any(|chosen| chosen == name))
        .collect()
}

/// What is measured.
struct Ask<'a> {
    rows: &'a [Row],
    operations: &'a [&'static str],
    /// Rounds of each cell.
    rounds: u32,
    /// Whether what the guests say is kept for `--again`.
    keep: bool,
}

/// Measures rows on a kernel, each in the boot that it asks for.
fn boots(built: &guest::Built, kernel: Kernel, ask: &Ask<'_>, figures: &mut Figures) -> Result<()> {
    let mut failures = Vec::new();
    for boot in Boot::ALL {
        let rows = of_boot(ask.rows, boot);
        if rows.is_empty() {
            continue;
        }
        say(&format!("counting on Linux {kernel}{}", boot.words()));
        let (lines, ended) = guest::count(built, kernel, boot, &rows, ask)?;
        if ask.keep {
            fs::write(kept(&lines_of(kernel, boot))?, &lines)?;
        }
        let read = figures.read(kernel, &lines, &rows, ask.rounds);
        let failed = [ended, read].into_iter().filter_map(Result::err);
        failures.extend(failed.map(|error| format!("{error:#}")));
    }
    if failures.is_empty() {
        figures.whole(kernel, ask.rows, ask.operations)
    } else {
        bail!("{}", failures.join("; "))
    }
}

fn of_boot(rows: &[Row], boot: Boot) -> Vec<Row> {
    let of = rows.iter().filter(|row| row.boot == boot);
    of.copied().collect()
}

/// Measures, and notes when and where.
fn anew(
    built: &guest::Built,
    kernel: Kernel,
    ask: &Ask<'_>,
    figures: &mut Figures,
    stamps: &mut Vec<Stamp>,
) -> Result<()> {
    let stamp = Stamp::now()?;
    if ask.keep {
        let file = kept(&format!("{kernel}.stamp"))?;
        fs::create_dir_all(file.with_file_name(""))?;
        fs::write(file, stamp.to_string())?;
    }
    stamps.push(stamp);
    boots(built, kernel, ask, figures)
}

/// Reads what was measured on a kernel last.
fn again(
    kernel: Kernel,
    ask: &Ask<'_>,
    figures: &mut Figures,
    stamps: &mut Vec<Stamp>,
) -> Result<()> {
    let unknown = || format!("Linux {kernel} was not measured yet");
    let stamp = fs::read_to_string(kept(&format!("{kernel}.stamp"))?);
    stamps.push(Stamp::kept(&stamp.with_context(unknown)?));
    for boot in Boot::ALL {
        let rows = of_boot(ask.rows, boot);
        let lines = fs::read_to_string(kept(&lines_of(kernel, boot))?);
        figures.read(kernel, &lines.with_context(unknown)?, &rows, ask.rounds)?;
    }
    Ok(())
}

fn lines_of(kernel: Kernel, boot: Boot) -> String {
    format!("{kernel}{}.tsv", boot.words().replace(' ', "-"))
}

/// A file of what was measured last.
fn kept(name: &str) -> Result<PathBuf> {
    Ok(paths::target()?.join("bench-lines").join(name))
}
