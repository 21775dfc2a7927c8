//! Nanoseconds since 1970 as RFC 3339, in UTC.

const NANOS: u64 = 1_000_000_000;
const DAY: u64 = 86_400;

/// `nanos` since the start of 1970, with nine digits of a second.
pub(super) fn rfc3339(nanos: u64) -> String {
    let (seconds, nano) = (nanos / NANOS, nanos % NANOS);
    let (year, month, day) = date(seconds / DAY);
    let rest = seconds % DAY;
    let mut text = String::with_capacity("1970-01-01T00:00:00.000000000Z".len());
    for (number, digits, after) in [
        (year, 4, '-'),
        (month, 2, '-'),
        (day, 2, 'T'),
        (rest / 3600, 2, ':'),
        (rest / 60 % 60, 2, ':'),
        (rest % 60, 2, '.'),
        (nano, 9, 'Z'),
    ] {
        padded(&mut text, number, digits);
        text.push(after);
    }
    text
}

/// A number with zeros before it, in so many digits, at most nine.
fn padded(text: &mut String, number: u64, digits: u32) {
    let mut unit = 10_u64.pow(digits - 1);
    while unit != 0 {
        let digit = (number / unit % 10) as u8;
        text.push(char::from(b'0' + digit));
        unit /= 10;
    }
}

/// Days of 400 years, after which the calendar is the same again.
const ERA: u64 = 146_097;
/// From the first of March of the year 0, an era's first day, to 1970.
const EPOCH: u64 = 719_468;

/// The Gregorian date of a day counted from 1970.
///
/// Years are counted from March, so that the day that not all have is the last.
fn date(day: u64) -> (u64, u64, u64) {
    let of_era = (day + EPOCH) % ERA;
    // Without the leap days so far, all years are of one length.
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / (ERA - 1)) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    // 153 days are five months, wherever one begins.
    let month = (5 * of_year + 2) / 153;
    let day_of_month = of_year - (153 * month + 2) / 5 + 1;
    let (month, later) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    (
        (day + EPOCH) / ERA * 400 + year + later,
        month,
        day_of_month,
    )
}

#[cfg(test)]
mod tests {
    use super::{DAY, NANOS, rfc3339};

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

    #[test]
    fn each_day_follows_the_one_before() {
        let leap = |year: u64| {
            year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
        };
        let mut day = 0;
        for year in 1970..2554 {
            let february = if leap(year) { 29 } else { 28 };
            let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
            for (month, days) in (1..).zip(months) {
                for date in 1..=days {
                    let text = rfc3339(day * DAY * NANOS);
                    let expected = format!("{year:04}-{month:02}-{date:02}T");
                    assert_eq!(text.get(..11), Some(expected.as_str()));
                    day += 1;
                }
            }
        }
    }
}
