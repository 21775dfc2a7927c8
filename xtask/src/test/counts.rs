//! How many tests passed, failed and were skipped, read from what libtest
//! prints at the end of each test program.

use std::fmt;
use std::ops::AddAssign;

use anyhow::{Context, Result};

/// What a test says that finds out that it cannot run, followed by its name
/// and what is missing (`interdict_tests::skip`).
const SKIPPED: &str = "skipped: ";

/// Numbers of tests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) passed: u32,
    pub(super) failed: u32,
    pub(super) skipped: u32,
}

impl Counts {
    /// Adds up the closing lines of all test programs in an output. Libtest
    /// takes a test that found out that it cannot run for one that passed.
    ///
    /// # Errors
    /// When there is none, or one that cannot be read.
    pub(super) fn read(output: &[u8]) -> Result<Self> {
        let output = String::from_utf8_lossy(output);
        let skipped = output.lines().filter(|line| line.starts_with(SKIPPED));
        let skipped = u32::try_from(skipped.count())?;
        let mut total = None;
        for line in output
            .lines()
            .filter_map(|line| line.strip_prefix("test result: "))
        {
            let counts = of_line(line).with_context(|| format!("cannot count in `{line}`"))?;
            *total.get_or_insert_with(Self::default) += counts;
        }
        let mut total = total.context("it counted no test")?;
        let passed = total.passed.checked_sub(skipped);
        total.passed = passed.context("more tests say that they were skipped than passed")?;
        total.skipped += skipped;
        Ok(total)
    }

    /// How many tests ran.
    pub(super) fn ran(self) -> u32 {
        self.passed + self.failed
    }
}

/// `ok. 3 passed; 0 failed; 1 ignored; 0 measured; ...`
fn of_line(line: &str) -> Option<Counts> {
    let (_, numbers) = line.split_once(". ")?;
    let number = |word: &str| {
        let part = numbers.split("; ").find_map(|part| part.strip_suffix(word));
        part?.trim_end().parse().ok()
    };
    Some(Counts {
        passed: number("passed")?,
        failed: number("failed")?,
        skipped: number("ignored")?,
    })
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} passed, {} failed, {} skipped",
            self.passed, self.failed, self.skipped
        )
    }
}

#[cfg(test)]
mod tests {
    use super::Counts;

    const OK: &str = "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 9 filtered out; \
                      finished in 0.00s\n";
    const FAILED: &str = "test result: FAILED. 2 passed; 4 failed; 0 ignored; 0 measured; \
                          0 filtered out\n";

    #[test]
    fn closing_lines_add_up() {
        let output = format!("running 3 tests\n{OK}\n   Doc-tests x\n{FAILED}");
        let counts = Counts::read(output.as_bytes()).unwrap();
        assert_eq!(
            counts,
            Counts {
                passed: 5,
                failed: 4,
                skipped: 1
            }
        );
        assert_eq!(counts.to_string(), "5 passed, 4 failed, 1 skipped");
        assert_eq!(counts.ran(), 9);
    }

    #[test]
    fn a_test_that_could_not_run_did_not_pass() {
        let said = "skipped: families::vsock: no vsock\n";
        let counts = Counts::read(format!("{said}{OK}").as_bytes()).unwrap();
        assert_eq!((counts.passed, counts.skipped), (2, 2));
        assert!(Counts::read(format!("{}{OK}", said.repeat(4)).as_bytes()).is_err());
    }

    #[test]
    fn no_closing_line_is_an_error() {
        assert!(Counts::read(b"running 3 tests\n").is_err());
        assert!(Counts::read(b"test result: ok. some passed\n").is_err());
    }
}
