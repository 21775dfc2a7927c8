//! Random policies and real processes: what the kernel does is what `eval` says.
//!
//! The facts of a process are read from /proc, which the engine does not use for
//! them. Each operation's errno, and the action, rule and recorded rules of its
//! event, must be the definition's; where that is silent, no event may come.

mod operations;
mod people;

use std::collections::BTreeSet;

use interdict_tests::actor::outcome;
use interdict_tests::case::{Case, merge_or_full};
use interdict_tests::event::Event;
use policy_generator::{Choices, Style, World, files, policy, random_bytes};
use policy_lang::compile::{AnyHost, Enforcement};
use policy_lang::request::Namespace;
use policy_lang::source::Sources;
use policy_lang::{CheckedPolicy, Decision, Verdict, compile, eval, load};
use rustix::io::Errno;

use operations::{Operation, Services};
use people::{Accounts, Person};

/// Operations under each policy.
const OPERATIONS: usize = 100;
/// Of the policies of the merge suite; another one has others.
const SEED: u64 = 20_261_123;
/// Bytes that make a policy's choices, and an operation's.
const POLICY_BYTES: usize = 480;
const OPERATION_BYTES: usize = 32;

/// What must be seen of an operation.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    action: String,
    rule: Option<String>,
    recorded: BTreeSet<String>,
}

impl Seen {
    /// What the definition's decision looks like; `None` where there is no event.
    fn of(decision: &Decision, policy: &CheckedPolicy) -> Option<Self> {
        let id = |index| policy.rule(index).map(|rule| rule.id.to_string());
        let (action, rule) = match (decision.actual.verdict, decision.hypothetical.verdict) {
            (Verdict::Kill, _) => ("kill", decision.actual.rule),
            (Verdict::Deny, _) => ("deny", decision.actual.rule),
            (Verdict::Allow, Verdict::Allow) if decision.recorded.is_empty() => return None,
            (Verdict::Allow, Verdict::Allow) => ("record", decision.actual.rule),
            (Verdict::Allow, _) => ("would-deny", decision.hypothetical.rule),
        };
        Some(Self {
            action: action.to_owned(),
            rule: rule.and_then(id),
            recorded: decision.recorded.iter().copied().filter_map(id).collect(),
        })
    }

    fn in_event(event: &Event) -> Self {
        let recorded = event.at("/decision/recorded").as_array();
        let recorded = recorded.into_iter().flatten();
        Self {
            action: event.text("/decision/action").to_owned(),
            rule: event.at("/decision/rule").as_str().map(str::to_owned),
            recorded: recorded
                .map(|id| id.as_str().unwrap_or_default().to_owned())
                .collect(),
        }
    }
}

/// The `number`-th policy, as text and checked; `None` for one that is too large
/// for the kernel's tables.
fn made(number: u64) -> Option<(String, CheckedPolicy)> {
    let bytes = random_bytes(SEED.wrapping_add(number), POLICY_BYTES);
    let made = policy(&mut Choices::new(&bytes), World::Kernel);
    let texts = files(&made, &Style::default());
    let text: String = texts.into_iter().map(|(_, text)| text).collect();
    let checked = load(&Sources::single("random.policy", text.as_str()))
        .0
        .unwrap();
    let fits = compile(&checked, &AnyHost::default(), 1, Enforcement::AsWritten).is_ok();
    fits.then_some((text, checked))
}

/// Carries out one operation and says what its event must be.
#[track_caller]
fn try_one(
    people: &mut [Person],
    choices: &mut Choices<'_>,
    policy: &CheckedPolicy,
    context: &str,
) -> (Option<Seen>, String) {
    let at = choices.below(people.len());
    let person = people.get_mut(at).unwrap();
    let mut operation = Operation::random(choices);
    // Abstract names are a network namespace's own: nothing listens there.
    while operation.is_named() && person.facts.netns == Some(Namespace::Other) {
        operation = Operation::random(choices);
    }
    let mut request = operation.request();
    request.subject = person.facts.clone();
    let decision = eval(policy, &request);
    let told = format!("{request:?}: {decision:?}\n{context}");
    let call = operation.call(person.socket);
    if decision.actual.verdict == Verdict::Kill {
        person.dies_of(&call, &told);
    } else {
        let result = outcome(&person.actor.ask(&call));
        let rule = decision.actual.rule.and_then(|index| policy.rule(index));
        let denied = rule.filter(|_| decision.actual.verdict == Verdict::Deny);
        if let Some(rule) = denied {
            let number = result.err().map(Errno::raw_os_error);
            assert_eq!(number, Some(i32::from(rule.errno.number)), "{told}");
        }
    }
    (Seen::of(&decision, policy), told)
}

#[test]
fn what_the_kernel_does_is_what_the_definition_says() {
    // The people must know the engine, so it starts first.
    drop(Case::under(&[(
        "random",
        "deny tcp connect to 10.255.255.1\n",
    )]));
    let _accounts = Accounts::known();
    let _services = Services::new();
    let mut people = people::all();
    let mut counts = [0_usize; 5];
    let wanted = merge_or_full(100, 1000);
    let all = (0..).filter_map(|number| Some((number, made(number)?)));
    for (number, (text, policy)) in all.take(wanted) {
        let mut case = Case::under(&[("random", &text)]);
        let bytes = random_bytes(SEED ^ number, OPERATIONS * OPERATION_BYTES);
        let mut expected = Vec::new();
        for bytes in bytes.chunks(OPERATION_BYTES) {
            let mut choices = Choices::new(bytes);
            let (seen, told) = try_one(&mut people, &mut choices, &policy, &text);
            counts[seen.as_ref().map_or(0, |seen| kind(&seen.action))] += 1;
            expected.extend(seen.map(|seen| (seen, told)));
        }
        let events = case.rest();
        for ((seen, told), event) in expected.iter().zip(&events) {
            assert_eq!(&Seen::in_event(event), seen, "{event:?}\n{told}");
        }
        assert_eq!(events.len(), expected.len(), "{text}");
    }
    assert!(
        counts.iter().all(|count| *count * 200 >= wanted),
        "too few of a kind: {counts:?}"
    );
}

fn kind(action: &str) -> usize {
    let all = ["", "record", "would-deny", "deny", "kill"];
    all.iter().position(|one| *one == action).unwrap()
}
