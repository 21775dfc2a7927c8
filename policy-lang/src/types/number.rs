//! Numbers and ranges of them (notes 50, 51).

use super::Fault;
use crate::diag::{Code, show};

/// A set of numbers, as inclusive ranges in the order in which they were written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct NumberSet {
    /// The ranges; may overlap.
    pub ranges: Vec<(u32, u32)>,
}

impl NumberSet {
    /// Whether a number is in the set.
    #[must_use]
    pub fn holds(&self, number: u32) -> bool {
        self.ranges
            .iter()
            .any(|(first, last)| *first <= number && number <= *last)
    }
}

/// A number without a leading zero, or `None`; `u64::MAX` when it is larger still.
#[must_use]
pub fn plain(word: &str) -> Option<u64> {
    let digits = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    if !digits || (word.len() > 1 && word.starts_with('0')) {
        return None;
    }
    Some(word.parse().unwrap_or(u64::MAX))
}

/// Whether a word is a range as this module takes it.
#[must_use]
pub fn is_range(word: &str) -> bool {
    word.split_once('-')
        .is_some_and(|(first, last)| plain(first).is_some() && plain(last).is_some())
}

/// A number or a range.
///
/// # Errors
/// When it is neither, larger than `largest`, or ends before it starts.
pub fn parse(word: &str, largest: u32) -> Result<(u32, u32), Fault> {
    let Some((first, last)) = word.split_once('-') else {
        let number = one(word, word, largest)?;
        return Ok((number, number));
    };
    let (first, last) = (one(first, word, largest)?, one(last, word, largest)?);
    if first > last {
        let message = format!("the range `{}` ends before it starts", show(word));
        return Err(
            Fault::new(Code::InvertedRange, message).help(format!("write `{last}-{first}`"))
        );
    }
    Ok((first, last))
}

fn one(part: &str, word: &str, largest: u32) -> Result<u32, Fault> {
    let Some(number) = plain(part) else {
        let fault = Fault::new(
            Code::WrongValue,
            format!("`{}` is not a number", show(word)),
        );
        let zeros = part.len() > 1 && part.bytes().all(|byte| byte.is_ascii_digit());
        return Err(if zeros {
            fault.help("numbers are decimal, without a leading zero")
        } else {
            fault.help("a number is written in decimal digits, a range as `1-1023`")
        });
    };
    u32::try_from(number)
        .ok()
        .filter(|number| *number <= largest)
        .ok_or_else(|| {
            Fault::new(Code::WrongValue, format!("`{}` is too large", show(word)))
                .help(format!("the largest number here is {largest}"))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_50_51_97_numbers_and_ranges() {
        assert_eq!(parse("0", 10), Ok((0, 0)));
        assert_eq!(parse("1-1023", 65_535), Ok((1, 1023)));
        assert_eq!(parse("65535", 65_535), Ok((65_535, 65_535)));
        for bad in [
            "0x50", "0080", "1_000", "+1", "-1", "1-", "65536", "1-65536", "a", "", "1-2-3",
        ] {
            assert_eq!(
                parse(bad, 65_535).map_err(|f| f.code),
                Err(Code::WrongValue),
                "{bad}"
            );
        }
        assert_eq!(
            parse("2-1", 10).map_err(|f| f.code),
            Err(Code::InvertedRange)
        );
        assert_eq!(
            parse("4294967294", u32::MAX - 1),
            Ok((u32::MAX - 1, u32::MAX - 1))
        );
        assert!(parse("4294967295", u32::MAX - 1).is_err());
    }
}
