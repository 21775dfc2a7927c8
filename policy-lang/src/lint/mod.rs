//! Warnings about the use of rules: a policy that has them loads (notes 17).
//!
//! One file a lint. A lint sees rules that are valid, names written out.

mod context;
mod contradiction;
mod covers;
mod faked;
mod moot;
mod negated;
mod opened;
mod order;
mod shadow;
mod twins;
mod values;

use crate::checked::{CheckedPolicy, Rule};
use crate::diag::Diagnostic;
use crate::lifelines;
use crate::source::Span;
use context::Context;

/// How much a policy is looked at beyond its errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lints {
    /// For errors alone.
    None,
    /// For what one rule says, and what it does to one other.
    Pairs,
    /// Also for what several rules together do to one.
    All,
}

/// **The** table of lints: from which on they run, and what they do.
const LINTS: &[(Lints, Lint)] = &[
    (Lints::Pairs, Lint::Rule(faked::lint)),
    (Lints::Pairs, Lint::Rule(negated::lint)),
    (Lints::Pairs, Lint::Rule(moot::implicit_id)),
    (Lints::Pairs, Lint::Rule(moot::unspecified)),
    (Lints::Pairs, Lint::Rule(values::long_comm)),
    (Lints::Pairs, Lint::Rule(values::interpreter)),
    (Lints::Pairs, Lint::Rule(values::accepted_address)),
    (Lints::Pairs, Lint::Policy(contradiction::lint)),
    (Lints::Pairs, Lint::Policy(moot::idle)),
    (Lints::Pairs, Lint::Policy(shadow::pairs)),
    (Lints::Pairs, Lint::Policy(opened::lint)),
    (Lints::Pairs, Lint::Policy(twins::lint)),
    (Lints::Pairs, Lint::Policy(twins::siblings)),
    (Lints::Pairs, Lint::Policy(lockouts)),
    (Lints::All, Lint::Policy(shadow::union)),
];

/// A lint, by what it has to know.
enum Lint {
    /// One rule.
    Rule(fn(&Rule) -> Option<Diagnostic>),
    /// Everything; later ones know what earlier ones found useless.
    Policy(fn(&mut Context<'_>, &mut Vec<Diagnostic>)),
}

/// Everything that is to be said about a valid policy.
pub(crate) fn lint(policy: &CheckedPolicy, lints: Lints) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    if lints == Lints::None {
        return found;
    }
    let asked = LINTS.iter().filter(|(from, _)| *from <= lints);
    let (mut of_rules, mut of_policies) = (Vec::new(), Vec::new());
    for (_, lint) in asked {
        match lint {
            Lint::Rule(lint) => of_rules.push(lint),
            Lint::Policy(lint) => of_policies.push(lint),
        }
    }
    // A rule is looked at by all of them at once: thousands do not stay at hand.
    for rule in policy.rules() {
        found.extend(of_rules.iter().filter_map(|lint| lint(rule)));
    }
    let mut context = Context::new(policy);
    for lint in of_policies {
        lint(&mut context, &mut found);
    }
    found
}

fn lockouts(context: &mut Context<'_>, found: &mut Vec<Diagnostic>) {
    let policy = context.policy;
    let all = lifelines::lockouts(policy);
    found.extend(all.iter().filter_map(|one| one.finding(policy)));
}

/// Whether a place is in a rule, and not in a definition or a scope's head.
fn within(span: Span, rule: &Rule) -> bool {
    span.source == rule.span.source && (rule.span.start..rule.span.end).contains(&span.start)
}

#[cfg(test)]
mod tests {
    use crate::load;
    use crate::source::Sources;

    fn codes(text: &str) -> Vec<&'static str> {
        let (_, report) = load(&Sources::single("p.policy", text));
        let all = report.diagnostics().iter().map(|one| one.code.id());
        // Tested beside its table: many rules that are short are lockouts.
        all.filter(|id| *id != "P0519").collect()
    }

    #[test]
    fn negated_tests_of_exemptions() {
        for text in [
            "deny tcp connect unless uid != 0",
            "kill tcp connect unless not exe = /a",
            "default deny tcp connect unless exe = /a or unit not in { a.service }",
            "let c = uid != 0 deny tcp connect unless c",
            "default deny tcp connect allow tcp connect if not (uid = 0 or gid = 0)",
            "default deny tcp connect for uid != 0 { allow tcp connect }",
        ] {
            assert_eq!(codes(text), ["P0509"], "{text}");
        }
        for text in [
            "deny tcp connect unless uid = 0",
            "deny tcp connect if uid != 0",
            "deny tcp connect unless not uid != 0",
            "deny tcp connect unless port != 80",
            "for uid != 0 { deny tcp connect }",
            "default deny tcp connect allow tcp connect unless uid != 0",
            "record tcp connect unless uid != 0",
        ] {
            assert!(codes(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn ids_that_move() {
        assert_eq!(codes("deny tcp connect with EACCES"), ["P0510"]);
        assert!(codes("deny tcp connect with EACCES id a").is_empty());
        assert!(codes("deny tcp connect with EPERM").is_empty());
    }

    #[test]
    fn connects_to_an_unspecified_address() {
        for text in [
            "deny tcp connect to unspecified",
            "deny tcp connect to 0.0.0.0 port 80",
            "deny ip connect to { ::, ::ffff:0.0.0.0 }",
        ] {
            assert_eq!(codes(text), ["P0512"], "{text}");
        }
        for text in [
            "deny tcp bind on unspecified",
            "deny tcp { bind, connect } to unspecified",
            "deny tcp connect to { 0.0.0.0, 10.0.0.1 }",
            "deny tcp connect to { 0.0.0.0/0, ::/0 }",
            "deny tcp connect to ::1",
        ] {
            assert!(codes(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn accept_is_on_the_local_address() {
        assert_eq!(codes("deny tcp accept to 10.0.0.1"), ["P0513"]);
        assert_eq!(codes("deny tcp { listen, accept } to port 80"), ["P0513"]);
        assert!(codes("deny tcp accept on 10.0.0.1").is_empty());
        assert!(codes("deny tcp any to 10.0.0.1").is_empty());
        assert!(codes("deny tcp bind to 10.0.0.1").is_empty());
    }

    #[test]
    fn allows_that_open_nothing() {
        assert_eq!(codes("allow tcp connect"), ["P0511"]);
        assert_eq!(
            codes("default deny udp connect allow tcp connect"),
            ["P0511"]
        );
        assert_eq!(codes("default deny tcp bind allow tcp connect"), ["P0511"]);
        assert_eq!(
            codes("deny tcp connect if uid = 0 allow tcp connect"),
            ["P0511"]
        );
        assert_eq!(
            codes("default deny tcp connect to port 80 allow tcp connect to port 81"),
            ["P0511"]
        );
        assert!(codes("default deny ip connect allow tcp connect").is_empty());
        assert!(
            codes("for uid = 0 { default deny tcp connect allow any any if gid = 0 }").is_empty()
        );
    }

    #[test]
    fn what_useless_rules_depend_on() {
        let useless = |text: &str| {
            let found = codes(text);
            let shadow = ["P0515", "P0516", "P0517"];
            found.iter().any(|id| shadow.contains(id))
        };
        // No connect is to an unspecified address; a bind can be.
        let addresses = |operation: &str| {
            format!(
                "deny tcp {operation} to 10.0.0.1 id a
                 deny tcp {operation} to {{ 10.0.0.1, 0.0.0.0 }} id b"
            )
        };
        // What matches no object that can be read may come between all the same.
        let between = |id: &str| {
            format!(
                "kill tcp connect with ENOENT id c
                 audit kill tcp connect with ENOENT id a
                 kill tcp connect to port 0-65535 if port != 0-65535 id {id}"
            )
        };
        assert!(!useless(&between("b")));
        assert!(useless(&between("d")));
        assert!(useless(&addresses("connect")));
        assert!(useless(&addresses("bind")), "the smaller is in the larger");
        let larger = |operation: &str| {
            format!(
                "deny tcp {operation} to 10.0.0.1 id a
                 deny tcp {operation} to {{ 10.0.0.1, 0.0.0.0 }} with EACCES id b"
            )
        };
        assert!(useless(&larger("connect")));
        assert!(!useless(&larger("bind")));
        // An object that cannot be read is in every default, and in no target of an allow.
        assert!(!useless(
            "default deny tcp connect to 10.0.0.0/8 allow tcp connect to 10.0.0.0/8"
        ));
        assert!(useless("default deny tcp connect allow tcp connect"));
        // What is in audit mode takes nothing from what is enforced.
        assert!(!useless(
            "audit deny tcp connect id a deny tcp connect to 10.0.0.1 id b"
        ));
        assert!(useless(
            "deny tcp connect id a audit deny tcp connect to 10.0.0.1 id b"
        ));
        // A missing value is in no set, and in every complement.
        assert!(!useless(
            "deny tcp connect if uid in 0-4294967294 id a deny tcp connect id b with EACCES"
        ));
        assert!(useless(
            "deny tcp connect if uid = 0 or uid != 0 id b deny tcp connect if gid = 1 id c"
        ));
    }
}
