//! Why a policy answers as it does, in words.

use crate::ast::Effect;
use crate::checked::{CheckedPolicy, Condition, Rule, RuleIndex};
use crate::decision::Decision;
use crate::eval::{Asked, condition_holds, eval, favours, matches, target_covers};
use crate::request::Request;
use crate::source::Sources;
use std::fmt::Write as _;

/// Why one rule matches, or does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The rule.
    pub rule: RuleIndex,
    /// Whether it matches.
    pub matches: bool,
    /// One line a step, in words.
    pub lines: Vec<String>,
}

/// A decision and its reasons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// What the policy answers.
    pub decision: Decision,
    /// Every rule for the request's family and operation, in byte order of id.
    pub reasons: Vec<Reason>,
}

/// Explains one request. `sources` are those that the policy was made of.
#[must_use]
pub fn explain(policy: &CheckedPolicy, sources: &Sources, request: &Request) -> Explanation {
    let asked = Asked::new(request);
    let in_reach = policy.by_id().iter().filter_map(|index| {
        let rule = policy.rule(*index)?;
        rule.covers(request.family, request.operation)
            .then_some((*index, rule))
    });
    Explanation {
        decision: eval(policy, request),
        reasons: in_reach
            .map(|(index, rule)| reason(index, rule, sources, &asked))
            .collect(),
    }
}

fn reason(index: RuleIndex, rule: &Rule, sources: &Sources, asked: &Asked<'_>) -> Reason {
    let mut lines = Vec::new();
    if !target_covers(rule, asked) {
        lines.push("its target does not cover the object".to_owned());
    } else if rule.target.is_some() {
        lines.push("its target covers the object".to_owned());
    }
    for condition in &rule.when {
        say(&mut lines, "if", condition, sources, asked, favours(rule));
    }
    if let Some(condition) = &rule.unless {
        say(
            &mut lines,
            "unless",
            condition,
            sources,
            asked,
            !favours(rule),
        );
    }
    if lines.is_empty() {
        lines.push("it has no target and no condition".to_owned());
    }
    Reason {
        rule: index,
        matches: matches(rule, asked),
        lines,
    }
}

/// What a condition comes to, and each test that it is made of.
fn say(
    lines: &mut Vec<String>,
    word: &str,
    condition: &Condition,
    sources: &Sources,
    asked: &Asked<'_>,
    unread: bool,
) {
    let holds = condition_holds(condition, asked, unread);
    lines.push(format!("its `{word}` {}", holding(holds)));
    tests(lines, condition, sources, asked, unread);
}

fn tests(
    lines: &mut Vec<String>,
    condition: &Condition,
    sources: &Sources,
    asked: &Asked<'_>,
    unread: bool,
) {
    match condition {
        Condition::All(all) | Condition::Any(all) => {
            for one in all {
                tests(lines, one, sources, asked, unread);
            }
        }
        Condition::Not(inner) => tests(lines, inner, sources, asked, !unread),
        Condition::Test(test) => {
            let written = crate::diag::show(sources.slice(test.span));
            let holds = condition_holds(condition, asked, unread);
            lines.push(format!("  `{written}` {}", holding(holds)));
        }
    }
}

const fn holding(holds: bool) -> &'static str {
    if holds { "holds" } else { "does not hold" }
}

impl Explanation {
    /// The whole in words: the verdict, the determining rule, then rule by rule.
    #[must_use]
    pub fn to_text(&self, policy: &CheckedPolicy) -> String {
        let mut out = String::new();
        let actual = &self.decision.actual;
        line(
            &mut out,
            &format!(
                "verdict: {}",
                said(policy, actual.verdict.word(), actual.rule)
            ),
        );
        if let Some(errno) = self.decision.errno(policy) {
            line(&mut out, &format!("the caller gets {errno}"));
        }
        let all = &self.decision.hypothetical;
        if all != actual {
            let said = said(policy, all.verdict.word(), all.rule);
            line(&mut out, &format!("were every rule enforced: {said}"));
        }
        for index in &self.decision.recorded {
            if let Some(rule) = policy.rule(*index) {
                line(&mut out, &format!("recorded by `{}`", rule.id));
            }
        }
        if self.reasons.is_empty() {
            line(&mut out, "no rule is about this family and operation");
        }
        for reason in &self.reasons {
            let Some(rule) = policy.rule(reason.rule) else {
                continue;
            };
            let audit = match (rule.enforced, rule.effect) {
                (true, _) | (_, Effect::Record) => "",
                (false, _) => " (audit)",
            };
            let matches = if reason.matches {
                "matches"
            } else {
                "does not match"
            };
            line(
                &mut out,
                &format!(
                    "\n{} `{}`{audit} at {}:{} {matches}:",
                    rule.effect.word(),
                    rule.id,
                    crate::diag::show(policy.file_name(rule.source)),
                    rule.line
                ),
            );
            for one in &reason.lines {
                line(&mut out, &format!("  {one}"));
            }
        }
        out
    }
}

fn said(policy: &CheckedPolicy, verdict: &str, rule: Option<RuleIndex>) -> String {
    let Some(rule) = rule.and_then(|index| policy.rule(index)) else {
        return format!("{verdict}, since nothing decides");
    };
    let mut text = format!("{verdict}, by {} `{}`", rule.effect.word(), rule.id);
    if let Some(because) = &rule.because {
        // Writing to a string cannot fail.
        write!(text, ": {}", crate::diag::show(because)).ok();
    }
    text
}

fn line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}
