//! Results of tests as `JUnit` XML: a suite a file, a case a test block.

use super::test::Outcome;
use policy_lang::diag::show;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// A report of one run.
pub(super) fn report(outcomes: &[Outcome<'_>]) -> String {
    let mut suites: BTreeMap<&str, Vec<&Outcome<'_>>> = BTreeMap::new();
    for one in outcomes {
        suites.entry(one.file).or_default().push(one);
    }
    let failed = |all: &mut dyn Iterator<Item = &&Outcome<'_>>| {
        all.filter(|one| !one.failures.is_empty()).count()
    };
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    // Writing to a string cannot fail.
    let all: Vec<&Outcome<'_>> = outcomes.iter().collect();
    writeln!(
        out,
        "<testsuites tests=\"{}\" failures=\"{}\">",
        all.len(),
        failed(&mut all.iter())
    )
    .ok();
    for (file, suite) in suites {
        writeln!(
            out,
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\">",
            escaped(file),
            suite.len(),
            failed(&mut suite.iter())
        )
        .ok();
        for one in suite {
            case(one, &mut out);
        }
        out += "  </testsuite>\n";
    }
    out + "</testsuites>\n"
}

fn case(one: &Outcome<'_>, out: &mut String) {
    let (name, file) = (escaped(one.name), escaped(one.file));
    let begin = format!(
        "    <testcase classname=\"{file}\" name=\"{name}\" file=\"{file}\" line=\"{}\"",
        one.line
    );
    let Some(first) = one.failures.first() else {
        // Writing to a string cannot fail.
        writeln!(out, "{begin}/>").ok();
        return;
    };
    let message = escaped(&first.reasons.join("; "));
    writeln!(out, "{begin}>\n      <failure message=\"{message}\">").ok();
    for failure in &one.failures {
        let reasons = failure.reasons.join("; ");
        let text = format!("{}: {}: {reasons}", failure.line, failure.text);
        writeln!(out, "{}", escaped(&text)).ok();
    }
    *out += "</failure>\n    </testcase>\n";
}

/// Text as XML takes it: what XML cannot hold at all is shown as elsewhere.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in show(text).chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            // No characters of XML.
            '\u{fffe}' | '\u{ffff}' => out += "\u{fffd}",
            _ => out.push(c),
        }
    }
    out
}
