//! Results of tests as `JUnit` XML: a suite a file, a case a test block. Of a
//! policy that is refused no test can run: a case is one of its errors then.

use super::test::Outcome;
use policy_lang::diag::{Diagnostic, Report, Severity, Style, render, show};
use policy_lang::source::Sources;
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

/// A report of a policy that is refused. Services that count errors count what
/// was found, what is not listed included.
pub(super) fn refusal(report: &Report, sources: &Sources) -> String {
    let errors = |one: &&Diagnostic| one.severity == Severity::Error;
    let mut suites: BTreeMap<&str, Vec<&Diagnostic>> = BTreeMap::new();
    for one in report.diagnostics().iter().filter(errors) {
        let file = one.span().and_then(|span| sources.file(span.source));
        let name = file.map_or("", |file| file.name());
        suites.entry(name).or_default().push(one);
    }
    let all = report.count(Severity::Error);
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    // Writing to a string cannot fail.
    writeln!(
        out,
        "<testsuites tests=\"{all}\" failures=\"0\" errors=\"{all}\">"
    )
    .ok();
    for (name, suite) in suites {
        let (file, count) = (escaped(name), suite.len());
        writeln!(
            out,
            "  <testsuite name=\"{file}\" tests=\"{count}\" failures=\"0\" errors=\"{count}\">"
        )
        .ok();
        for one in suite {
            error(one, sources, &file, &mut out);
        }
        out += "  </testsuite>\n";
    }
    out + "</testsuites>\n"
}

/// A case for an error of a policy, with what people are told of it.
fn error(one: &Diagnostic, sources: &Sources, file: &str, out: &mut String) {
    let span = one.span();
    let source = span.and_then(|span| Some((span, sources.file(span.source)?)));
    let line = source.map_or(0, |(span, file)| file.line(span.start));
    let (code, message) = (one.code.id(), escaped(&one.message));
    let text = render(one, sources, Style::Plain);
    // Writing to a string cannot fail.
    writeln!(
        out,
        "    <testcase classname=\"{file}\" name=\"{code}: {message}\" file=\"{file}\" line=\"{line}\">\n      \
         <error type=\"{code}\" message=\"{message}\">"
    )
    .ok();
    for line in text.lines() {
        writeln!(out, "{}", escaped(line)).ok();
    }
    *out += "</error>\n    </testcase>\n";
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
