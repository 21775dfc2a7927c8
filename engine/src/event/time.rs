//! Nanoseconds since 1970 as RFC 3339, in UTC.

const NANOS: u64 = 1_000_000_000;
const DAY: u64 = 86_400;

/// `nanos` since the start of 1970, with nine digits of a second.
pub(super) fn rfc3339(nanos: u64) -> String {
    let (seconds, nano) = (nanos / NANOS, nanos % NANOS);
    let (year, month, day) = date(seconds / DAY);
    let rest = seconds % DAY;
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{nano:09}Z")
}

/// The Gregorian date of a day counted from 1970.
fn date(day: u64) -> (u64, u64, u64) {
    let mut left = day;
    let mut year = 1970;
    // 64 bits of nanoseconds end in the year 2554.
    while left >= days_in_year(year) {
        left -= days_in_year(year);
        year += 1;
    }
    let mut month = 1;
    for days in months(year) {
        if left < days {
            break;
        }
        left -= days;
        month += 1;
    }
    (year, month, left + 1)
}

const fn leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

const fn days_in_year(year: u64) -> u64 {
    if leap(year) { 366 } else { 365 }
}

const fn months(year: u64) -> [u64; 12] {
    let february = if leap(year) { 29 } else { 28 };
    [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
}

#[cfg(test)]
mod tests {
    use super::{NANOS, rfc3339};

    #[test]
    fn dates() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00.000000007Z"),
            (951_782_400, "2000-02-29T00:00:00.000000007Z"),
            (951_868_800, "2000-03-01T00:00:00.000000007Z"),
            (1_735_689_599, "2024-12-31T23:59:59.000000007Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000000007Z"),
        ] {
            assert_eq!(rfc3339(seconds * NANOS + 7), text);
        }
        assert_eq!(rfc3339(u64::MAX), "2554-07-21T23:34:33.709551615Z");
    }
}
