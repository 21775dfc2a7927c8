//! Two texts, line by line: what `diff -u` would say (Myers, "An O(ND) difference
//! algorithm", 1986).

use std::fmt::Write as _;
use std::ops::Range;

/// Lines of context around a difference.
const CONTEXT: usize = 3;
/// Differences past which everything between the first and the last is one: the
/// work grows with the square of their number.
const MOST: usize = 1_000;

/// A run of lines that were taken out and of lines that stand there now.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Change {
    old: Range<usize>,
    new: Range<usize>,
}

/// The difference in unified format, empty if there is none.
pub(super) fn unified(name: &str, old: &str, new: &str) -> String {
    let (a, b): (Vec<&str>, Vec<&str>) = (lines(old), lines(new));
    let changes = changes(&a, &b);
    let mut out = String::new();
    if changes.is_empty() {
        return out;
    }
    // Writing to a string does not fail.
    write!(out, "--- {name}\n+++ {name} (formatted)\n").ok();
    for hunk in changes.chunk_by(|one, next| next.old.start - one.old.end <= 2 * CONTEXT) {
        let (Some(first), Some(last)) = (hunk.first(), hunk.last()) else {
            continue;
        };
        let before = first.old.start.min(CONTEXT);
        let after = (a.len() - last.old.end).min(CONTEXT);
        let range = |start: usize, end: usize| {
            let (start, count) = (start - before, end + after - (start - before));
            // An empty range is named by the line before it.
            let line = if count == 0 { start } else { start + 1 };
            format!("{line},{count}")
        };
        let olds = range(first.old.start, last.old.end);
        let news = range(first.new.start, last.new.end);
        writeln!(out, "@@ -{olds} +{news} @@").ok();
        let mut at = first.old.start - before;
        for change in hunk {
            put(&mut out, ' ', &a, at..change.old.start);
            put(&mut out, '-', &a, change.old.clone());
            put(&mut out, '+', &b, change.new.clone());
            at = change.old.end;
        }
        put(&mut out, ' ', &a, at..last.old.end + after);
    }
    out
}

/// Lines with their ends, so that a missing one is a difference.
fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

fn put(out: &mut String, sign: char, all: &[&str], range: Range<usize>) {
    for line in all.get(range).unwrap_or(&[]) {
        out.push(sign);
        out.push_str(line);
        if !line.ends_with('\n') {
            out.push_str("\n\\ No newline at end of file\n");
        }
    }
}

fn changes(a: &[&str], b: &[&str]) -> Vec<Change> {
    let same = |pair: &(&&str, &&str)| pair.0 == pair.1;
    let front = a.iter().zip(b).take_while(same).count();
    let shorter = a.len().min(b.len()) - front;
    let back = a.iter().rev().zip(b.iter().rev());
    let back = back.take(shorter).take_while(same).count();
    let a = a.get(front..a.len() - back).unwrap_or(&[]);
    let b = b.get(front..b.len() - back).unwrap_or(&[]);
    let whole = Change {
        old: 0..a.len(),
        new: 0..b.len(),
    };
    let all = match shortest(a, b) {
        Some(kept) => between(&kept, a.len(), b.len()),
        None => vec![whole],
    };
    let shift = |range: Range<usize>| range.start + front..range.end + front;
    all.into_iter()
        .map(|one| Change {
            old: shift(one.old),
            new: shift(one.new),
        })
        .collect()
}

/// What lies between the pairs of lines that are kept.
fn between(kept: &[(usize, usize)], old: usize, new: usize) -> Vec<Change> {
    let (mut x, mut y) = (0, 0);
    let mut all = Vec::new();
    for (a, b) in kept.iter().copied().chain([(old, new)]) {
        if a > x || b > y {
            all.push(Change {
                old: x..a,
                new: y..b,
            });
        }
        (x, y) = (a + 1, b + 1);
    }
    all
}

/// Pairs of equal lines of a shortest edit, in order; `None` past [`MOST`].
fn shortest(a: &[&str], b: &[&str]) -> Option<Vec<(usize, usize)>> {
    // For each number of edits, how far into `a` each diagonal came; the
    // diagonal k, which is x - y, stands at MOST + k.
    let mut steps: Vec<Vec<usize>> = Vec::new();
    let mut reach = vec![0_usize; 2 * MOST + 3];
    let get = |reach: &[usize], k: usize| reach.get(k).copied().unwrap_or(0);
    for edits in 0..=MOST {
        let (low, high) = (MOST + 1 - edits, MOST + 1 + edits);
        for k in (low..=high).step_by(2) {
            let down = k == low || (k != high && get(&reach, k - 1) < get(&reach, k + 1));
            let mut x = if edits == 0 {
                0
            } else if down {
                get(&reach, k + 1)
            } else {
                get(&reach, k - 1) + 1
            };
            // y = x - k; off the upper edge there is nothing to hold it against.
            let Some(mut y) = (x + MOST + 1).checked_sub(k) else {
                continue;
            };
            while let (Some(one), Some(other)) = (a.get(x), b.get(y))
                && one == other
            {
                (x, y) = (x + 1, y + 1);
            }
            if let Some(place) = reach.get_mut(k) {
                *place = x;
            }
            if x >= a.len() && y >= b.len() {
                return Some(back(&steps, a.len(), b.len()));
            }
        }
        steps.push(reach.get(low..=high).unwrap_or(&[]).to_vec());
    }
    None
}

/// The way back through the steps.
fn back(steps: &[Vec<usize>], mut x: usize, mut y: usize) -> Vec<(usize, usize)> {
    let mut kept = Vec::new();
    for (index, reach) in steps.iter().enumerate().rev() {
        // `reach` holds the diagonals -index ..= index.
        let get = |k: isize| -> Option<usize> {
            let at = k.checked_add_unsigned(index)?;
            reach.get(usize::try_from(at).ok()?).copied()
        };
        let k = x.cast_signed() - y.cast_signed();
        let edits = isize::try_from(index + 1).unwrap_or(isize::MAX);
        let down = k == -edits || (k != edits && get(k - 1) < get(k + 1));
        let from = if down { k + 1 } else { k - 1 };
        let before_x = get(from).unwrap_or(0);
        let before_y = before_x.saturating_add_signed(-from);
        let (start_x, start_y) = if down {
            (before_x, before_y + 1)
        } else {
            (before_x + 1, before_y)
        };
        while x > start_x && y > start_y {
            (x, y) = (x - 1, y - 1);
            kept.push((x, y));
        }
        (x, y) = (before_x, before_y);
    }
    while x > 0 && y > 0 {
        (x, y) = (x - 1, y - 1);
        kept.push((x, y));
    }
    kept.reverse();
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn numbers(end: usize) -> String {
        let lines: Vec<String> = (0..end).map(|line| line.to_string()).collect();
        lines.join("\n") + "\n"
    }

    #[test]
    fn a_difference_has_context_and_hunks() {
        let old: String = numbers(20);
        let new = old.replace("3\n", "three\n").replace("19\n", "19");
        let new = new.replacen("1three", "13", 1);
        expect_test::expect![[r"
            --- a
            +++ a (formatted)
            @@ -1,7 +1,7 @@
             0
             1
             2
            -3
            +three
             4
             5
             6
            @@ -17,4 +17,4 @@
             16
             17
             18
            -19
            +19
            \ No newline at end of file
        "]]
        .assert_eq(&unified("a", &old, &new));
        assert_eq!(unified("a", "x\n", "x\n"), "");
        assert_eq!(
            unified("a", "", "x\n"),
            "--- a\n+++ a (formatted)\n@@ -0,0 +1,1 @@\n+x\n"
        );
    }

    #[test]
    fn many_differences_are_one() {
        let old: String = numbers(3_000);
        let new = old.replace('\n', "!\n");
        let said = unified("a", &old, &new);
        assert_eq!(said.lines().count(), 6_003);
    }

    /// The new text, from the old one and the changes.
    fn applied<'t>(a: &[&'t str], b: &[&'t str], all: &[Change]) -> Vec<&'t str> {
        let mut out = Vec::new();
        let mut at = 0;
        for one in all {
            out.extend(a.get(at..one.old.start).unwrap());
            out.extend(b.get(one.new.clone()).unwrap());
            at = one.old.end;
        }
        out.extend(a.get(at..).unwrap());
        out
    }

    proptest! {
        #[test]
        fn changes_make_the_new_text_of_the_old_one(
            a in prop::collection::vec(prop::sample::select(&["a", "b", "c"][..]), 0..12),
            b in prop::collection::vec(prop::sample::select(&["a", "b", "c"][..]), 0..12),
        ) {
            let all = changes(&a, &b);
            prop_assert_eq!(applied(&a, &b, &all), b.clone());
            prop_assert!(all.iter().all(|one| !one.old.is_empty() || !one.new.is_empty()));
            prop_assert_eq!(all.is_empty(), a == b);
        }
    }
}
