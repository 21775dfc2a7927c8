//! Random policies over a world so small that all of it can be asked about.

use proptest::prelude::*;
use proptest::sample::select;

/// One statement a rule, so that a rule can be left out.
#[derive(Clone, Debug)]
pub(crate) struct Policy(pub(crate) Vec<String>);

impl Policy {
    /// Its text without some rules.
    pub(crate) fn without(&self, left_out: &[usize]) -> String {
        let rules = self.0.iter().enumerate();
        let kept = rules.filter(|(at, _)| !left_out.contains(at));
        let lines: Vec<&str> = kept.map(|(_, rule)| rule.as_str()).collect();
        lines.join("\n")
    }
}

const UIDS: &[&str] = &["0", "1", "0-1", "1-4294967294", "0-4294967294"];
const EXES: &[&str] = &["/a", "/b", "/a/b", "/a/*", "/**", "/[ab]", "/**/b", "/?"];
const GROUPS: &[&str] = &["x", "y"];
const ADDRESSES: &[&str] = &["10.0.0.1", "10.0.0.0/8", "0.0.0.0/0", "fd00::/8", "0.0.0.0"];
const PORTS: &[&str] = &["80", "443", "1-100", "0-65535"];
const OBJECTS: &[&str] = &["/a", "/a/*", "/**", "@x", "@*", "unnamed"];

fn one_of(attribute: &'static str, values: &'static [&'static str]) -> BoxedStrategy<String> {
    let many = prop::collection::vec(select(values), 1..3);
    prop_oneof![
        (select(&["=", "!="][..]), select(values))
            .prop_map(move |(sign, value)| format!("{attribute} {sign} {value}")),
        (select(&["in", "not in"][..]), many)
            .prop_map(move |(sign, all)| format!("{attribute} {sign} {{ {} }}", all.join(", "))),
    ]
    .boxed()
}

fn condition(unix: bool) -> BoxedStrategy<String> {
    let mut tests = vec![
        one_of("uid", UIDS),
        one_of("exe", EXES),
        one_of("group", GROUPS),
    ];
    if unix {
        tests.push(one_of("path", &["/a", "/a/*"]));
    } else {
        tests.push(one_of("port", PORTS));
    }
    let test = prop::strategy::Union::new(tests);
    test.prop_recursive(2, 4, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a} and {b}")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} or {b})")),
            inner.prop_map(|a| format!("not ({a})")),
        ]
    })
    .boxed()
}

fn target(unix: bool) -> BoxedStrategy<String> {
    if unix {
        let many = prop::collection::vec(select(OBJECTS), 1..3);
        return prop_oneof![
            Just(String::new()),
            many.prop_map(|all| format!(" to {{ {} }}", all.join(", "))),
        ]
        .boxed();
    }
    let addresses = || prop::collection::vec(select(ADDRESSES), 1..3);
    prop_oneof![
        2 => Just(String::new()),
        2 => addresses().prop_map(|all| format!(" to {{ {} }}", all.join(", "))),
        1 => select(PORTS).prop_map(|port| format!(" to port {port}")),
        1 => (addresses(), select(PORTS))
            .prop_map(|(all, port)| format!(" to {{ {} }} port {port}", all.join(", "))),
    ]
    .boxed()
}

/// A rule: how it begins, what it is about, how it ends; without an id.
#[derive(Clone, Debug)]
struct Rule {
    prefix: &'static str,
    effect: &'static str,
    about: String,
    errno: &'static str,
}

impl Rule {
    fn text(&self) -> String {
        let errno = if self.effect == "allow" {
            ""
        } else {
            self.errno
        };
        format!("{}{} {}{errno}", self.prefix, self.effect, self.about)
    }
}

/// What a rule is about.
fn about() -> BoxedStrategy<String> {
    select(&["tcp", "udp", "{ tcp, udp }", "unix"][..])
        .prop_flat_map(|families| {
            let unix = families == "unix";
            (
                Just(families),
                select(&["connect", "connect", "bind", "{ connect, bind }"][..]),
                target(unix),
                prop::option::weighted(0.6, condition(unix)),
                prop::option::weighted(0.3, condition(unix)),
            )
        })
        .prop_map(|(families, operations, target, when, unless)| {
            let when = when.map(|one| format!(" if {one}")).unwrap_or_default();
            let unless = unless
                .map(|one| format!(" unless {one}"))
                .unwrap_or_default();
            format!("{families} {operations}{target}{when}{unless}")
        })
        .boxed()
}

/// `errnos` are what a rule that denies can end with.
fn rule(errnos: &'static [&'static str]) -> BoxedStrategy<Rule> {
    let effects = &["kill", "deny", "deny", "allow", "default deny"][..];
    let parts = (
        select(&["", "", "audit "][..]),
        select(effects),
        about(),
        select(errnos),
    );
    parts
        .prop_map(|(prefix, effect, about, errno)| Rule {
            prefix,
            effect,
            about,
            errno,
        })
        .boxed()
}

/// Rules with ids in no order of place. Some are about what the one before them
/// is about, or about a part of it.
pub(crate) fn policy(
    rules: std::ops::Range<usize>,
    errnos: &'static [&'static str],
) -> BoxedStrategy<Policy> {
    prop::collection::vec((rule(errnos), any::<u8>(), 0..6_u8), rules)
        .prop_map(|drawn| {
            let mut rules: Vec<String> = Vec::new();
            let mut before: Option<String> = None;
            for (at, (mut rule, id, alike)) in drawn.into_iter().enumerate() {
                match before.filter(|_| alike < 3) {
                    Some(about) if alike == 0 && !about.contains(" unless ") => {
                        rule.about = format!("{about} unless uid = 0");
                    }
                    Some(about) => rule.about = about,
                    None => {}
                }
                rules.push(format!("{} id r{id}-{at}", rule.text()));
                before = Some(rule.about);
            }
            Policy(rules)
        })
        .boxed()
}
