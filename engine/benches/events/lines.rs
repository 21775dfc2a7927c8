//! What the reader takes of a processor's time for a record, whatever else runs:
//! without a ring, from the bytes of records that were read of one.

use crate::program::Outcome;
use crate::reader::Reader;
use interdict::kernel::Kernel;

/// Records of a round, and rounds.
const RECORDS: u64 = 200_000;
const ROUNDS: usize = 9;

/// Prints nanoseconds a record: the least of the rounds and their median.
pub(crate) fn measure(kernel: &mut Kernel, name: &str, sink: Option<&str>) -> Outcome<()> {
    let mut reader = Reader::new(kernel, sink, true)?;
    let records = reader.records()?;
    let event = records.last().ok_or("no event was written")?;
    for record in &records {
        reader.take(record);
    }
    let mut rounds = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let before = processor()?;
        for _ in 0..RECORDS {
            reader.take(event);
        }
        rounds.push((processor()? - before) as f64 / RECORDS as f64);
    }
    rounds.sort_unstable_by(f64::total_cmp);
    let at = |place: usize| rounds.get(place).copied().unwrap_or_default();
    println!(
        "{name:>4}, of the processor's time: least {:.0} ns a record, median {:.0}; {} bytes a line",
        at(0),
        at(ROUNDS / 2),
        reader.line_bytes(event)?
    );
    Ok(())
}

/// Nanoseconds that this thread has had a processor.
fn processor() -> Outcome<u64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let first = text.split_whitespace().next().ok_or("no schedstat")?;
    Ok(first.parse()?)
}
