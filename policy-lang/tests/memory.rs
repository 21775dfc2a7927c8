//! How much memory a large policy takes. Alone in its program, since the mark
//! that is read is the whole process's.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod generate;

use policy_lang::load;

/// Bytes that a policy of 10,000 rules may take, all in all.
const MOST: u64 = 100_000_000;

/// The most memory that this process had at any moment, in bytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let number = line.unwrap().split_whitespace().nth(1).unwrap();
    number.parse::<u64>().unwrap() * 1024
}

#[test]
fn ten_thousand_rules_fit_into_a_hundred_megabytes() {
    let sources = generate::policy(10_000);
    let before = peak();
    let (policy, report) = load(&sources);
    let policy = policy.unwrap_or_else(|| panic!("{:?}", report.diagnostics()));
    assert_eq!(policy.rules().len(), 10_000);
    let peak = peak();
    assert!(peak > before, "the mark does not move: {before}, {peak}");
    assert!(peak < MOST, "{peak} bytes");
}
