//! The part of docs/performance.md that the command writes, and the pages beside it.

use std::fmt::Write as _;
use std::fs;

use anyhow::{Context, Result};

use super::figures::{Cell, Figures};
use super::goals::{self, goals};
use super::plan::{
    APPARMOR, EMPTY, NOTHING, OPERATIONS, Operation, PROFILE, SELINUX, Setup, grouped, mixed,
    plain, rows,
};
use super::plot;
use super::stamp::Stamp;
use crate::kernels::Kernel;
use crate::paths;

/// The page, and the marks of the part that is written.
const PAGE: &str = "docs/performance.md";
const BEGIN: &str = "<!-- generated: instructions -->\n";
const END: &str = "<!-- end -->\n";
/// The list of every figure, and the folder that it and the plots lie in.
const FOLDER: &str = "docs/performance";
const LIST: &str = "instructions.md";

/// Where an operation is in one table, and where in the next.
const PER_TABLE: usize = 6;

/// Writes the pages and the plots.
///
/// # Errors
/// When one cannot be written, or the page has no marks.
pub(super) fn write(figures: &Figures, kernels: &[Kernel], stamps: &[Stamp]) -> Result<()> {
    let root = paths::workspace();
    let page = root.join(PAGE);
    let text = fs::read_to_string(&page).with_context(|| format!("cannot read `{PAGE}`"))?;
    let written = put(&text, &part(figures, kernels, stamps)?)?;
    let folder = root.join(FOLDER);
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("rules.svg"), plot::rules(figures, kernels)?)?;
    fs::write(folder.join("peers.svg"), plot::peers(figures, kernels)?)?;
    fs::write(folder.join(LIST), list(figures, kernels, stamps)?)?;
    fs::write(&page, written).with_context(|| format!("cannot write `{PAGE}`"))
}

/// The page with its part anew.
fn put(page: &str, part: &str) -> Result<String> {
    let marks = || format!("`{PAGE}` has no `{}` and `{}`", BEGIN.trim(), END.trim());
    let (before, rest) = page.split_once(BEGIN).with_context(marks)?;
    let (_, after) = rest.split_once(END).with_context(marks)?;
    Ok(format!("{before}{BEGIN}\n{part}\n{END}{after}"))
}

/// All that stands between the marks.
fn part(figures: &Figures, kernels: &[Kernel], stamps: &[Stamp]) -> Result<String> {
    let mut text = format!("`cargo xtask bench --write`{}.\n\n", said(kernels, stamps));
    text.push_str("![Instructions by the number of rules](performance/rules.svg)\n\n");
    text.push_str("![Instructions beside what else there is](performance/peers.svg)\n\n");
    asked(&mut text, figures)?;
    for kernel in kernels {
        for operations in OPERATIONS.chunks(PER_TABLE) {
            matrix(&mut text, figures, *kernel, operations)?;
        }
        cheaper(&mut text, figures, *kernel)?;
    }
    writeln!(
        text,
        "Every figure, with its smallest count, its median and its spread: [instructions.md](performance/{LIST})."
    )?;
    Ok(text)
}

/// When and where each kernel's figures were taken.
fn said(kernels: &[Kernel], stamps: &[Stamp]) -> String {
    let each = kernels.iter().zip(stamps);
    let each: Vec<String> = each
        .map(|(kernel, stamp)| format!("; Linux {kernel}: {stamp}"))
        .collect();
    each.concat()
}

/// What is asked, and what is there.
fn asked(text: &mut String, figures: &Figures) -> Result<()> {
    writeln!(text, "### What is asked, on {}\n", goals::KERNEL)?;
    writeln!(
        text,
        "| figure | required | aim | measured | |\n|---|---:|---:|---:|---|"
    )?;
    for goal in goals(figures) {
        let verdict = match goal.met {
            Some(true) => "met",
            Some(false) => "**missed**",
            None => "**none**",
        };
        writeln!(
            text,
            "| {} | {} | {} | {} | {verdict} |",
            goal.words, goal.required, goal.aim, goal.measured
        )?;
    }
    text.push('\n');
    Ok(())
}

/// A table: what is attached down, operations across; medians with their spread.
fn matrix(
    text: &mut String,
    figures: &Figures,
    kernel: Kernel,
    operations: &[Operation],
) -> Result<()> {
    let words: Vec<&str> = operations.iter().map(|operation| operation.words).collect();
    writeln!(text, "| Linux {kernel} | {} |", words.join(" | "))?;
    writeln!(text, "|---|{}", "---:|".repeat(operations.len()))?;
    let mut notes: Vec<String> = Vec::new();
    for row in rows() {
        write!(text, "| {row} |")?;
        for operation in operations {
            match figures.cell(kernel, row, operation.name) {
                Some(Cell::Measured(sum)) => {
                    write!(text, " {} ±{} |", grouped(sum.median), grouped(sum.spread))?;
                }
                Some(Cell::None(why)) => {
                    let known = notes.iter().position(|note| note == why);
                    let number = known.unwrap_or_else(|| {
                        notes.push(why.clone());
                        notes.len() - 1
                    });
                    write!(text, " – ({}) |", number + 1)?;
                }
                None => text.push_str(" not measured |"),
            }
        }
        text.push('\n');
    }
    text.push('\n');
    for (number, note) in (1..).zip(&notes) {
        writeln!(
            text,
            "({number}) {note}{}",
            if number == notes.len() { "" } else { "  " }
        )?;
    }
    if !notes.is_empty() {
        text.push('\n');
    }
    Ok(())
}

/// Where something else costs less than interdict with ten rules.
fn cheaper(text: &mut String, figures: &Figures, kernel: Kernel) -> Result<()> {
    let others = [
        plain(Setup::Linear(10)),
        plain(Setup::Linear(100)),
        plain(Setup::Linear(1000)),
        plain(Setup::Landlock),
        APPARMOR,
        PROFILE,
        SELINUX,
    ];
    writeln!(
        text,
        "Cheaper than interdict with ten rules on {kernel}, in instructions over nothing:\n"
    )?;
    for operation in OPERATIONS {
        let over = |row| figures.over(kernel, row, NOTHING, operation.name);
        // What no rule of interdict's is about has nothing to compare.
        let Some(own) = over(mixed(10)).filter(|own| *own > 20.0) else {
            continue;
        };
        let less: Vec<String> = others
            .iter()
            .filter_map(|row| Some((row, over(*row)?)))
            .filter(|(_, over)| *over < own)
            .map(|(row, over)| format!("{row} ({})", grouped(over)))
            .collect();
        let less = if less.is_empty() {
            "nothing of the above".to_owned()
        } else {
            less.join(", ")
        };
        writeln!(text, "- {} ({}): {less}", operation.words, grouped(own))?;
    }
    text.push('\n');
    Ok(())
}

/// Every figure.
fn list(figures: &Figures, kernels: &[Kernel], stamps: &[Stamp]) -> Result<String> {
    let mut text = format!(
        "# Instructions of an operation\n\nWritten by `cargo xtask bench --write`{}.\n\
         [Performance](../performance.md) says how they are counted. The spread is the distance of the quartiles; what is\n\
         over nothing and over the empty program compares smallest counts.\n",
        said(kernels, stamps)
    );
    for kernel in kernels {
        writeln!(text, "\n## Linux {kernel}\n")?;
        writeln!(
            text,
            "| operation | attached | smallest | median | spread | over nothing | over empty |"
        )?;
        writeln!(text, "|---|---|---:|---:|---:|---:|---:|")?;
        for operation in OPERATIONS {
            for row in rows() {
                let line = match figures.cell(*kernel, row, operation.name) {
                    Some(Cell::Measured(sum)) => {
                        let [nothing, empty] = [NOTHING, EMPTY].map(|other| {
                            let over = figures.over(*kernel, row, other, operation.name);
                            over.filter(|_| row != other)
                                .map(grouped)
                                .unwrap_or_default()
                        });
                        format!(
                            "{} | {} | {} | {nothing} | {empty}",
                            grouped(sum.min),
                            grouped(sum.median),
                            grouped(sum.spread)
                        )
                    }
                    Some(Cell::None(_)) | None => continue,
                };
                writeln!(text, "| {} | {row} | {line} |", operation.words)?;
            }
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::{BEGIN, END, put};

    #[test]
    fn only_what_stands_between_the_marks_changes() {
        let page = format!("a\n{BEGIN}old\n{END}b\n");
        let new = put(&page, "new\n").unwrap();
        assert_eq!(new, format!("a\n{BEGIN}\nnew\n\n{END}b\n"));
        assert_eq!(put(&new, "new\n").unwrap(), new);
        assert!(put("a\n", "new\n").is_err());
        assert!(put(BEGIN, "new\n").is_err());
    }
}
