//! What is said about text that no statement takes.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "few of the grammar's many rules have a name for people"
)]

use super::advice::{
    CLAUSES, EXPECTATIONS, STATEMENTS, advise, from_elsewhere, slip, target_or_test,
};
use super::build::Builder;
use super::{Grammar, Rule};
use crate::diag::{Code, Diagnostic, show};
use pest::Parser as _;
use pest::error::{Error, ErrorVariant, InputLocation};

/// Looks a second time at the stray tokens from `first` up to `end`, as if they were `rule`.
pub(super) fn stray(builder: &Builder<'_>, first: usize, end: usize, rule: Rule) -> Diagnostic {
    let letters = builder.letters.get(first..end).unwrap_or("");
    match letters.as_bytes().first() {
        Some(b'L' | b'M') => prefix(builder, first),
        Some(b'A'..=b'K' | b'Z') => broken(builder, first, letters, rule),
        // A statement that was whole, then a clause or a target that is not.
        Some(b'N'..=b'T') if rule == Rule::one => broken(builder, first, letters, Rule::one_clause),
        Some(b'U' | b'V') => broken(builder, first, letters, Rule::one_target),
        _ => leftover(builder, first, rule),
    }
}

/// What is wrong with letters that `rule` does not take.
fn broken(builder: &Builder<'_>, first: usize, letters: &str, rule: Rule) -> Diagnostic {
    match Grammar::parse(rule, letters) {
        Ok(_) => leftover(builder, first, rule),
        Err(error) => failed(builder, &error, first),
    }
}

/// A parse error, its position counted from token `base`.
pub(super) fn failed(builder: &Builder<'_>, error: &Error<Rule>, base: usize) -> Diagnostic {
    let at = base
        + match error.location {
            InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
        };
    let expected = match &error.variant {
        ErrorVariant::ParsingError { positives, .. } => expected(builder, positives, base, at),
        ErrorVariant::CustomError { .. } => Vec::new(),
    };
    let found = found(builder, at);
    let message = match expected.as_slice() {
        [] => format!("{found} does not belong here"),
        [one] => format!("expected {one}, found {found}"),
        [all @ .., last] => format!("expected {} or {last}, found {found}", all.join(", ")),
    };
    let letter = builder.letters.as_bytes().get(at);
    let slip = slip(builder, at).filter(|_| {
        // A target that comes too early lacks what comes before it.
        let early = matches!(expected.first(), Some(&("a family" | "an operation")));
        !(early && matches!(letter, Some(b'U' | b'V')))
    });
    let help = slip.or_else(|| advise(builder, base, &expected));
    placed(builder, base, at, message).maybe_help(help)
}

/// A finding about the token at `at`. If it is the start of another sentence, on a
/// later line, it is most likely right, and the one before it is not.
fn placed(builder: &Builder<'_>, base: usize, at: usize, message: String) -> Diagnostic {
    let span = builder.tokens_span(at, at + 1);
    let found = |span| Diagnostic::new(Code::Syntax, span, message);
    let starts = matches!(builder.letters.as_bytes().get(at), Some(b'A'..=b'M'));
    let last = at.checked_sub(1).filter(|last| *last >= base && starts);
    let last = last.map(|last| builder.tokens_span(last, last + 1));
    match last {
        Some(last) if builder.file.line(last.start) < builder.file.line(span.start) => found(last)
            .label("the sentence is not complete here")
            .also(span, "found this instead"),
        _ => found(span),
    }
}

/// Stray tokens that start with nothing that a statement starts with.
fn leftover(builder: &Builder<'_>, first: usize, rule: Rule) -> Diagnostic {
    let span = builder.tokens_span(first, first + 1);
    let found = found(builder, first);
    let (wanted, help) = match (rule, first) {
        (Rule::one_expectation, _) => ("`expect`", EXPECTATIONS),
        (Rule::one_target | Rule::one_clause, _) | (_, 0) => ("a statement", STATEMENTS),
        _ => ("a clause or a statement", CLAUSES),
    };
    let help = from_elsewhere(builder, first)
        .or_else(|| slip(builder, first))
        .or_else(|| target_or_test(builder, first))
        .unwrap_or_else(|| help.to_owned());
    let message = format!("expected {wanted}, found {found}");
    Diagnostic::new(Code::Syntax, span, message).help(help)
}

/// `audit` or `enforce` before something that it cannot change (notes 114, 117).
fn prefix(builder: &Builder<'_>, first: usize) -> Diagnostic {
    let span = builder.tokens_span(first, first + 1);
    let word = builder.file.slice(span);
    let next = builder.letters.as_bytes().get(first + 1).copied();
    let (message, help) = match next {
        Some(b'L' | b'M') => (
            format!("`{word}` stands before another prefix"),
            "a statement has one prefix at most".to_owned(),
        ),
        Some(b'A'..=b'F') => {
            return stray_after_prefix(builder, first);
        }
        Some(b'G'..=b'K') => (
            format!("`{word}` stands before a statement that has no mode"),
            format!("write `{word}` directly before an effect, `default deny` or `for`"),
        ),
        Some(b'N'..=b'z' | b'{') if word == "audit" => (
            "`audit` is not an effect".to_owned(),
            "to write an event and block nothing, use `record`; to try a rule out, write `audit deny …`"
                .to_owned(),
        ),
        _ => (
            format!("`{word}` stands before nothing that it could change"),
            format!("write `{word}` directly before an effect, `default deny` or `for`"),
        ),
    };
    Diagnostic::new(Code::BadPrefix, span, message).help(help)
}

/// A broken statement after a prefix: the prefix is not what is wrong.
fn stray_after_prefix(builder: &Builder<'_>, first: usize) -> Diagnostic {
    let letters = builder.letters.get(first + 1..).unwrap_or("");
    // The statement ends where the next one starts.
    let length = letters
        .char_indices()
        .skip(1)
        .find(|(_, letter)| letter.is_ascii_uppercase() && *letter <= 'M')
        .map_or(letters.len(), |(at, _)| at);
    let length = if letters.starts_with('E') {
        length.max(2)
    } else {
        length
    };
    stray(
        builder,
        first + 1,
        first + 1 + length.min(letters.len()),
        Rule::one,
    )
}

/// What stands at a token, for people.
fn found(builder: &Builder<'_>, at: usize) -> String {
    if at >= builder.tokens.len() {
        return "the end of the file".to_owned();
    }
    let text = builder.file.slice(builder.tokens_span(at, at + 1));
    let short: String = text.chars().take(40).collect();
    let dots = if short.len() < text.len() { "…" } else { "" };
    format!("`{}{dots}`", show(&short))
}

/// What would have been right, for people.
fn expected(builder: &Builder<'_>, rules: &[Rule], base: usize, at: usize) -> Vec<&'static str> {
    let mut words: Vec<&'static str> = Vec::new();
    for rule in rules {
        let word = phrase(builder, *rule, base, at);
        if !word.is_empty() && !words.contains(&word) {
            words.push(word);
        }
    }
    // A name and a text are values.
    if words.contains(&"a value") {
        words.retain(|word| !matches!(*word, "a name" | "a text in quotes"));
    }
    words
}

/// A grammar rule's name for people; empty for what is not worth a mention.
fn phrase(builder: &Builder<'_>, rule: Rule, base: usize, at: usize) -> &'static str {
    match rule {
        Rule::words | Rule::list_name if at == families(builder, base) => "a family",
        Rule::words | Rule::list_name => "an operation",
        Rule::condition
        | Rule::conjunct
        | Rule::negation
        | Rule::comparison
        | Rule::subject_name
        | Rule::group => "a condition",
        Rule::operator => "an operator such as `=`",
        Rule::operand | Rule::set => "a value",
        Rule::object | Rule::object_name | Rule::target => "a target",
        Rule::options | Rule::ports => "`port`",
        Rule::string => "a text in quotes",
        Rule::comma => "`,`",
        Rule::open => "`{`",
        Rule::end => "`}`",
        Rule::end_group => "`)`",
        Rule::equals => "`=`",
        Rule::kw_and => "`and`",
        Rule::kw_or => "`or`",
        Rule::word | Rule::name => "a name",
        Rule::effect | Rule::default_effect => "an effect",
        Rule::when
        | Rule::unless
        | Rule::with
        | Rule::id
        | Rule::because
        | Rule::severity
        | Rule::tag => "a clause",
        Rule::rule_statement
        | Rule::scope
        | Rule::definition
        | Rule::mode
        | Rule::language
        | Rule::test => "a statement",
        Rule::expectation => "`expect`",
        Rule::question => "a family",
        Rule::given => "`as`",
        Rule::fact => "an attribute",
        Rule::EOI => "the end",
        _ => "",
    }
}

/// The token at which a rule's families are, if the statement at `base` is a rule.
fn families(builder: &Builder<'_>, base: usize) -> usize {
    let letter = |at: usize| builder.letters.as_bytes().get(at).copied().unwrap_or(0);
    let effect = base + usize::from(matches!(letter(base), b'L' | b'M'));
    match letter(effect) {
        b'A'..=b'D' => effect + 1,
        b'E' => effect + 2,
        // A question has no effect before its family.
        _ => usize::MAX,
    }
}
