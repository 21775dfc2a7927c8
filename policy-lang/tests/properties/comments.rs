//! What is said of a policy is said of its canonical form too, and a comment that
//! silences it there silences it here.

use super::{formatted, looked_at};
use policy_lang::ast::Statement;
use policy_lang::diag::{Code, Diagnostic, Report, Severity};
use policy_lang::fmt::reworded;
use policy_lang::source::Sources;
use std::collections::{BTreeMap, BTreeSet};

/// How often each code is found. A comment that silences nothing is one or the
/// other; a comma that `fmt` leaves out can make it the other.
fn codes(report: &Report) -> BTreeMap<&'static str, usize> {
    let mut codes = BTreeMap::new();
    for one in report.diagnostics() {
        let useless = [Code::BadSuppression, Code::UselessSuppression].contains(&one.code);
        let code = if useless {
            "P0507 or P0508"
        } else {
            one.code.id()
        };
        *codes.entry(code).or_default() += 1;
    }
    codes
}

/// The same is found in files and in their canonical form, less what `fmt` tells of.
pub(crate) fn same_findings(odd: (&Sources, &Report), neat: (&Sources, &Report)) {
    let mut wanted = codes(odd.1);
    if let Some(count) = wanted.get_mut("P0513") {
        *count -= reworded(odd.0).len();
        assert!(reworded(neat.0).is_empty());
    }
    wanted.retain(|_, count| *count > 0);
    let texts = |all: &Sources| {
        all.files()
            .iter()
            .map(|file| file.text().to_string())
            .collect::<Vec<_>>()
            .join("\n==\n")
    };
    assert_eq!(
        codes(neat.1),
        wanted,
        "{}\n-- canonical\n{}",
        texts(odd.0),
        texts(neat.0)
    );
}

/// Whether a comment can silence a finding.
fn can_be_silenced(one: &Diagnostic) -> bool {
    one.severity == Severity::Warning
        && !matches!(one.code, Code::BadSuppression | Code::UselessSuppression)
}

/// Writes a comment above each statement that something is found in: nothing is
/// found any more, nor in the canonical form.
pub(crate) fn silence(odd: &Sources, report: &Report) {
    let mut quiet = Sources::new();
    for file in odd.files() {
        let (tree, _) = policy_lang::parse(file);
        let mut starts = BTreeSet::new();
        let mut rest: Vec<&Statement> = tree.statements.iter().collect();
        while let Some(one) = rest.pop() {
            starts.insert(one.span().start);
            if let Statement::Scope(scope) = one {
                rest.extend(&scope.body);
            }
        }
        let mut comments: BTreeMap<u32, BTreeSet<&str>> = BTreeMap::new();
        for one in report
            .diagnostics()
            .iter()
            .filter(|one| can_be_silenced(one))
        {
            let span = one.span().unwrap();
            if span.source == file.id() {
                let start = starts.range(..=span.start).next_back().unwrap();
                comments.entry(*start).or_default().insert(one.code.id());
            }
        }
        let mut text = file.text().to_string();
        for (start, codes) in comments.iter().rev() {
            let start = *start as usize;
            let before = text.get(..start).unwrap().trim_end_matches([' ', '\t']);
            let begins = before.is_empty() || before.ends_with('\n');
            for code in codes {
                text.insert_str(start, &format!("# allow {code}: a reason\n"));
            }
            // A comment above it already stays there, in one run with these.
            if !begins {
                text.insert(start, '\n');
            }
        }
        quiet.add(file.name(), text);
    }
    let (_, said) = looked_at(&quiet);
    let left = said.diagnostics().iter().find(|one| can_be_silenced(one));
    assert_eq!(left, None);
    // No comment is idle that was not before.
    let idle = |report: &Report| codes(report).get("P0507 or P0508").copied();
    assert!(idle(&said) <= idle(report));
    let neat = formatted(&quiet);
    let (_, said_then) = looked_at(&neat);
    same_findings((&quiet, &said), (&neat, &said_then));
}
