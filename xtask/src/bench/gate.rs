//! The regression gate: what a few operations cost over the empty program of the
//! same run, held against what was recorded.
//!
//! Of the operations only those are here whose counts repeat within a few
//! instructions from run to run: those of a tcp connect differ by sixty, since
//! timers of the handshake run beside it. Medians are compared; the smallest of a
//! few rounds of unix connects is now and then a dozen below them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use anyhow::{Context, Result, ensure};

use super::figures::Figures;
use super::plan::{EMPTY, Row, mixed};
use super::{Ask, boots, guest};
use crate::kernels::Kernel;
use crate::paths;
use crate::process::say;

/// Where the record lies.
const RECORD: &str = "tests/bench/instructions.toml";
/// The operations. `open-close` is none of interdict's, and must not change.
pub(super) const OPERATIONS: [&str; 6] = [
    "udp-connect",
    "udp-connect-new",
    "unix-connect",
    "unix-datagram",
    "setsockopt",
    "open-close",
];
/// The kernels: one, since what grows on one grows on all, and it takes half a minute.
const KERNELS: [Kernel; 1] = [Kernel::V6_12];
/// The policy.
const POLICY: Row = mixed(10);
/// Rounds, of which the median counts.
const ROUNDS: u32 = 7;
/// What a figure may grow by: the larger of these.
const SHARE: f64 = 0.02;
const INSTRUCTIONS: f64 = 12.0;

/// Instructions over the empty program, by kernel and operation.
type Record = BTreeMap<String, BTreeMap<String, f64>>;

/// The stage of the suite.
///
/// # Errors
/// When a figure is past its record by more than it may be, or one is missing.
pub(crate) fn check() -> Result<()> {
    let path = paths::workspace().join(RECORD);
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read `{RECORD}`"))?;
    let record: Record = toml::from_str(&text).with_context(|| format!("`{RECORD}`"))?;
    let measured = measure()?;
    let mut past = Vec::new();
    for verdict in compare(&record, &measured)? {
        say(&verdict.line);
        if verdict.past {
            past.push(verdict.line);
        }
    }
    ensure!(
        past.is_empty(),
        "{}; if that is meant, `cargo xtask bench --gate record` records it",
        past.join("; ")
    );
    Ok(())
}

/// Measures, and writes the record.
///
/// # Errors
/// When a guest fails or the file cannot be written.
pub(super) fn record() -> Result<()> {
    let measured = measure()?;
    let path = paths::workspace().join(RECORD);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(&path, written(&measured)?).with_context(|| format!("cannot write `{RECORD}`"))?;
    say(&format!("`{RECORD}` is written"));
    Ok(())
}

/// The figures of now.
fn measure() -> Result<Record> {
    let rows = [EMPTY, POLICY];
    // What a build for tests costs more outside of the kernel, it costs with the empty
    // program too.
    let built = guest::build(&KERNELS, &rows, guest::Half::AsTests)?;
    let ask = Ask {
        rows: &rows,
        operations: &OPERATIONS,
        rounds: ROUNDS,
        keep: false,
    };
    let mut figures = Figures::default();
    let mut measured = Record::new();
    for kernel in KERNELS {
        boots(&built, kernel, &ask, &mut figures)?;
        let over = OPERATIONS.map(|operation| {
            let medians = [POLICY, EMPTY].map(|row| {
                let sum = figures.sum(kernel, row, operation);
                sum.with_context(|| format!("no figure of {operation} with {row}"))
            });
            let [policy, empty] = medians;
            let over = policy?.median - empty?.median;
            // A tenth is the clock's; and there is no `-0`.
            anyhow::Ok((operation.to_owned(), over.round() + 0.0))
        });
        let over = over.into_iter().collect::<Result<_>>()?;
        measured.insert(kernel.to_string(), over);
    }
    Ok(measured)
}

/// What is said of a figure.
struct Verdict {
    line: String,
    past: bool,
}

/// Holds what was measured against the record.
///
/// # Errors
/// When the two are not about the same: a figure that is not recorded would never fail.
fn compare(record: &Record, measured: &Record) -> Result<Vec<Verdict>> {
    let keys = |all: &Record| -> Vec<String> {
        all.iter()
            .flat_map(|(kernel, of)| of.keys().map(move |name| format!("{name} on {kernel}")))
            .collect()
    };
    ensure!(
        keys(record) == keys(measured),
        "`{RECORD}` is about other figures: `cargo xtask bench --gate record` writes it anew"
    );
    let pairs = record
        .iter()
        .flat_map(|(kernel, of)| of.iter().map(move |(name, before)| (kernel, name, *before)));
    pairs
        .map(|(kernel, name, before)| {
            let now = measured.get(kernel).and_then(|of| of.get(name));
            let now = *now.context("no figure")?;
            let allowed = before + (before * SHARE).max(INSTRUCTIONS);
            let past = now > allowed;
            let verdict = if past { "past" } else { "within" };
            let line = format!(
                "Linux {kernel}, {name}: {now:.0} instructions over the empty program, {verdict} the {allowed:.0} \
                 that {before:.0} of the record allow"
            );
            Ok(Verdict { line, past })
        })
        .collect()
}

/// The record as a file.
fn written(measured: &Record) -> Result<String> {
    let mut text = String::from(
        "# Instructions that an operation takes under a policy of ten rules beyond what it takes with a program\n\
         # that does nothing, by kernel: medians of some rounds. `cargo xtask test` fails when one grows by more\n\
         # than the larger of 2 % and 12; `cargo xtask bench --gate record` writes this file.\n",
    );
    for (kernel, of) in measured {
        writeln!(text, "\n[\"{kernel}\"]")?;
        for (name, over) in of {
            writeln!(text, "{name} = {over:.1}")?;
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::{Record, compare, written};

    fn record(udp: f64, open: f64) -> Record {
        let of = [("udp-connect", udp), ("open-close", open)];
        let of = of.map(|(name, over)| (name.to_owned(), over));
        Record::from([("6.12".to_owned(), of.into())])
    }

    /// Which figures are past their record.
    fn past(now: &Record) -> Vec<String> {
        let verdicts = compare(&record(1000.0, 0.0), now).unwrap();
        let past = verdicts.into_iter().filter(|verdict| verdict.past);
        past.map(|verdict| verdict.line).collect()
    }

    #[test]
    fn what_grows_past_its_record_fails() {
        assert!(past(&record(1000.0, 0.0)).is_empty());
        // The larger of two in a hundred and twelve instructions.
        assert!(past(&record(1020.0, 12.0)).is_empty());
        assert!(past(&record(10.0, -3.0)).is_empty());
        let [udp] = <[String; 1]>::try_from(past(&record(1021.0, 12.0))).unwrap();
        assert!(udp.starts_with("Linux 6.12, udp-connect: 1021 "), "{udp}");
        let [open] = <[String; 1]>::try_from(past(&record(1020.0, 13.0))).unwrap();
        assert!(open.starts_with("Linux 6.12, open-close: 13 "), "{open}");
    }

    #[test]
    fn what_is_not_recorded_is_an_error() {
        let whole = record(1000.0, 0.0);
        let mut less = whole.clone();
        less.get_mut("6.12").unwrap().remove("open-close");
        assert!(compare(&less, &whole).is_err());
        assert!(compare(&whole, &less).is_err());
        assert!(compare(&Record::new(), &whole).is_err());
    }

    #[test]
    fn a_record_reads_as_it_was_written() {
        let whole = record(1000.0, -1.0);
        let read: Record = toml::from_str(&written(&whole).unwrap()).unwrap();
        assert_eq!(read, whole);
    }
}
