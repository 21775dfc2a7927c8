//! Comments that silence a warning: `# allow CODE: reason`.
//!
//! Such a comment stands on the line above a statement, alone or in a run of
//! comment lines that ends there, and silences what the statement itself
//! causes: in a scope, its head and not the rules within, which have comments of
//! their own. The reason is required, and a comment that silences nothing is
//! reported, so that none outlives its cause.

use crate::ast::{File, Statement};
use crate::diag::{Code, Diagnostic, Severity, show};
use crate::source::{SourceFile, Sources, Span};
use std::collections::HashMap;

/// A comment that is meant to silence something.
struct Comment {
    span: Span,
    code: Code,
    /// The line on which the statement below starts.
    line: u32,
    used: bool,
}

/// Leaves out what comments silence, and adds what is to be said about them.
/// `ran` says of a code whether its lint was run, so that its absence means something.
pub(crate) fn apply(
    sources: &Sources,
    files: &[File],
    found: Vec<Diagnostic>,
    ran: impl Fn(Code) -> bool,
) -> Vec<Diagnostic> {
    let mut kept = found;
    for tree in files {
        let Some(file) = sources.file(tree.source) else {
            continue;
        };
        let (mut comments, malformed) = comments(tree, file);
        if !comments.is_empty() {
            let starts = Starts::of(&tree.statements);
            kept.retain(|one| !silenced(one, file, &starts, &mut comments));
        }
        kept.extend(malformed);
        let useless = comments.iter().filter(|one| ran(one.code) && !one.used);
        kept.extend(useless.map(|one| {
            let message = format!(
                "the comment silences nothing: there is no {} here",
                one.code.id()
            );
            Diagnostic::new(Code::UselessSuppression, one.span, message).help(
                "remove it, or move it to the line above the statement that the finding is about",
            )
        }));
    }
    kept
}

fn silenced(
    one: &Diagnostic,
    file: &SourceFile,
    starts: &Starts,
    comments: &mut [Comment],
) -> bool {
    let span = one.span().filter(|span| span.source == file.id());
    let Some(span) = span.filter(|_| one.severity == Severity::Warning) else {
        return false;
    };
    let Some(line) = starts.statement(span.start).map(|start| file.line(start)) else {
        return false;
    };
    let mut silenced = false;
    for comment in comments {
        if comment.line == line && comment.code == one.code {
            comment.used = true;
            silenced = true;
        }
    }
    silenced
}

/// Where statements start, those within scopes included, in order.
struct Starts(Vec<Span>);

impl Starts {
    fn of(statements: &[Statement]) -> Self {
        let mut all = Vec::new();
        let mut rest: Vec<&Statement> = statements.iter().collect();
        while let Some(one) = rest.pop() {
            all.push(one.span());
            if let Statement::Scope(scope) = one {
                rest.extend(&scope.body);
            }
        }
        all.sort_by_key(|span| span.start);
        Self(all)
    }

    /// The start of the innermost statement around an offset. A scope's last
    /// brace counts to the last statement in it: nothing is found there.
    fn statement(&self, offset: u32) -> Option<u32> {
        let after = self.0.partition_point(|span| span.start <= offset);
        let before = self.0.get(after.checked_sub(1)?)?;
        Some(before.start)
    }
}

/// The silencing comments of a file, and what is wrong with those that are not well formed.
fn comments(tree: &File, file: &SourceFile) -> (Vec<Comment>, Vec<Diagnostic>) {
    let (mut good, mut malformed) = (Vec::new(), Vec::new());
    // Comments that have a line to themselves.
    let whole: HashMap<u32, Span> = tree
        .comments
        .iter()
        .map(|span| (file.line(span.start), *span))
        .filter(|(line, _)| file.line_text(*line).trim_start().starts_with('#'))
        .collect();
    // From the last one up, so that a run of comments is gone through once.
    let mut below: HashMap<u32, u32> = HashMap::with_capacity(whole.len());
    for span in tree.comments.iter().rev() {
        let line = file.line(span.start);
        let next = below.get(&(line + 1)).copied().unwrap_or(line + 1);
        if whole.contains_key(&line) {
            below.insert(line, next);
        }
    }
    for span in &tree.comments {
        let Some(said) = Said::of(file.slice(*span)) else {
            continue;
        };
        let here = file.line(span.start);
        let alone = whole.contains_key(&here);
        let line = below.get(&here).copied().unwrap_or(here);
        match said.code(alone) {
            Ok(code) => good.push(Comment {
                span: *span,
                code,
                line,
                used: false,
            }),
            Err(why) => malformed.push(
                Diagnostic::new(Code::BadSuppression, *span, why).help(
                    "on the line above the statement, write `# allow CODE: reason`, the reason in your own words",
                ),
            ),
        }
    }
    (good, malformed)
}

/// A comment that begins as one that silences: `allow`, and what looks like a code.
struct Said<'t> {
    code: &'t str,
    reason: Option<&'t str>,
}

impl<'t> Said<'t> {
    fn of(comment: &'t str) -> Option<Self> {
        let text = comment.strip_prefix('#')?.trim_start();
        let rest = text.strip_prefix("allow")?;
        let word = rest.strip_prefix([' ', '\t'])?.trim_start();
        let end = word
            .find(|c: char| !c.is_ascii_alphanumeric())
            .unwrap_or(word.len());
        let (code, rest) = word.split_at_checked(end)?;
        let digits = code.strip_prefix('P')?;
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let reason = rest.trim_start().strip_prefix(':').map(str::trim);
        Some(Self { code, reason })
    }

    /// The code, or why the comment silences nothing whatever stands below it.
    fn code(&self, alone: bool) -> Result<Code, String> {
        let shown = show(self.code);
        let Some(code) = Code::from_id(self.code) else {
            return Err(format!("`{shown}` is not the code of a finding"));
        };
        if code.severity() == Severity::Error {
            return Err(format!(
                "`{shown}` is an error, which no comment can silence"
            ));
        }
        if matches!(code, Code::BadSuppression | Code::UselessSuppression) {
            return Err(format!(
                "`{shown}` is about such comments, and none silences it"
            ));
        }
        if self.reason.is_none_or(str::is_empty) {
            return Err(format!(
                "the comment does not say why `{shown}` may be there"
            ));
        }
        if !alone {
            return Err("the comment stands behind a sentence, not on a line above one".to_owned());
        }
        Ok(code)
    }
}

#[cfg(test)]
mod tests {
    use crate::load;
    use crate::source::Sources;

    fn codes(text: &str) -> Vec<&'static str> {
        let sources = Sources::single("p.policy", text);
        let (_, report) = load(&sources);
        report
            .diagnostics()
            .iter()
            .map(|one| one.code.id())
            .collect()
    }

    const RULE: &str = "deny tcp connect unless comm = x";

    #[test]
    fn a_comment_silences_the_statement_below_it_alone() {
        assert_eq!(codes(RULE), ["P0506"]);
        assert!(codes(&format!("# allow P0506: a trial\n{RULE}")).is_empty());
        assert!(codes(&format!("#allow P0506 : a trial\r\n\t{RULE}")).is_empty());
        // A run of comments, each for one code.
        let two = "# allow P0503: a trial\n# allow P0506: a trial\n# more\n";
        assert!(codes(&format!("{two}{RULE} with EAGAIN id a")).is_empty());
        // The statement after it is not silenced, nor one past an empty line.
        assert_eq!(
            codes(&format!(
                "# allow P0506: x\n{RULE}\ndeny sctp connect unless comm = x"
            )),
            ["P0506"]
        );
        assert_eq!(
            codes(&format!("# allow P0506: x\n\n{RULE}")),
            ["P0508", "P0506"]
        );
        // Nor by a comment for another code.
        assert_eq!(
            codes(&format!("# allow P0503: x\n{RULE}")),
            ["P0508", "P0506"]
        );
    }

    #[test]
    fn a_scope_is_silenced_apart_from_what_is_in_it() {
        let scope = |above: &str, within: &str| {
            codes(&format!("{above}for uid = 0 {{\n{within}{RULE}\n}}"))
        };
        assert!(scope("", "# allow P0506: x\n").is_empty());
        assert_eq!(scope("# allow P0506: x\n", ""), ["P0508", "P0506"]);
        assert!(codes("# allow P0504: later\nfor uid = 0 {\n}").is_empty());
    }

    #[test]
    fn a_comment_that_cannot_silence_is_reported() {
        for bad in [
            "# allow P0506",
            "# allow P0506:  ",
            "# allow P0506 since I say so",
            "# allow P9999: x",
            "# allow P5: x",
            "# allow P0301: x",
            "# allow P0508: x",
        ] {
            assert_eq!(
                codes(&format!("{bad}\n{RULE}")),
                ["P0507", "P0506"],
                "{bad}"
            );
        }
        assert_eq!(
            codes(&format!("{RULE} # allow P0506: x")),
            ["P0506", "P0507"]
        );
        // Ordinary comments.
        for comment in [
            "# allow nginx: x",
            "# allow Postfix: x",
            "# allowed P0506: x",
            "# allow",
        ] {
            assert_eq!(codes(&format!("{comment}\n{RULE}")), ["P0506"], "{comment}");
        }
    }

    #[test]
    fn errors_do_not_make_a_comment_useless() {
        assert_eq!(
            codes(&format!("# allow P0506: x\n{RULE}\ndeny tcp conect")),
            ["P0202"]
        );
    }

    #[test]
    fn exemptions_by_what_a_process_chooses() {
        let warned = |text: &str| codes(text).contains(&"P0506");
        for text in [
            "deny tcp connect unless comm = x",
            "kill tcp connect unless parent.exe = /x",
            "default deny tcp connect unless parent.uid = 0 or exe = /a",
            "deny tcp connect unless not comm != x",
            "deny tcp connect unless not (comm != x or port = 80)",
            "deny tcp connect unless comm = x and port = 80",
            "deny tcp connect unless comm = x and uid != 1000",
            "deny tcp connect unless comm = x and parent.comm = y",
            "deny tcp connect if uid = 0 unless comm = x",
            "let c = comm = x deny tcp connect unless c",
            "allow tcp connect if comm = x",
            "for comm = x { allow tcp connect }",
            "for uid != 0 { allow tcp connect if comm = x }",
        ] {
            assert!(warned(text), "{text}");
        }
        for text in [
            "deny tcp connect unless comm = x and exe = /a",
            "deny tcp connect unless exe = /a or uid = 0",
            "deny tcp connect unless comm != x",
            "deny tcp connect if comm = x",
            "for comm = x { deny tcp connect }",
            "for uid = 0 { allow tcp connect if comm = x }",
            "record tcp connect unless comm = x",
            "allow tcp connect unless comm = x",
            "deny tcp connect unless (comm = x or port = 80) and uid = 0",
        ] {
            assert!(!warned(text), "{text}");
        }
    }
}
