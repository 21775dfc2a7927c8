//! Random policies and real processes: what the kernel does is what `eval` says.
//!
//! The facts of a process are read from /proc, which the engine does not use for
//! them. Each operation's errno, and the action, rule and recorded rules of its
//! event, must be the definition's; where that is silent, no event may come.

mod operations;
mod people;

use std::collections::BTreeSet;

use interdict_tests::case::{Case, merge_or_full};
use interdict_tests::event::Event;
use interdict_tests::protocol::Request as Call;
use policy_generator::model::{Condition, Element, File, Item, Operand, Scope};
use policy_generator::{Choices, Style, World, files, policy, random_bytes};
use policy_lang::compile::{AnyHost, Enforcement};
use policy_lang::source::Sources;
use policy_lang::words::attribute::Attribute;
use policy_lang::{CheckedPolicy, Decision, Verdict, compile, eval, load};

use operations::{Operation, Services};
use people::{Accounts, Person};

/// Operations under each policy that are judged, of which a process carries out
/// two or three in turn.
const OPERATIONS: usize = 100;
/// Of the policies of the merge suite; another one has others.
const SEED: u64 = 20_261_123;
/// This process's program, as the guest has it.
const OWN: &str = "/usr/lib/interdict-tests/kernel";
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
    let mut made = policy(&mut Choices::new(&bytes), World::Kernel);
    made.files.iter_mut().for_each(spare_this_process);
    let texts = files(&made, &Style::default());
    let text: String = texts.into_iter().map(|(_, text)| text).collect();
    let checked = load(&Sources::single("random.policy", text.as_str()))
        .0
        .unwrap();
    let fits = compile(&checked, &AnyHost::default(), 1, Enforcement::AsWritten).is_ok();
    fits.then_some((text, checked))
}

/// Puts a file's rules into a scope that this process is not in: it serves, and
/// what it does is not counted.
fn spare_this_process(file: &mut File) {
    let is_ruled = |item: &Item| matches!(item, Item::Rule(_) | Item::Scope(_));
    let (items, rest) = std::mem::take(&mut file.items)
        .into_iter()
        .partition(is_ruled);
    file.items = rest;
    file.items.push(Item::Scope(Scope {
        prefix: None,
        condition: Condition::Test {
            attribute: Attribute::Exe,
            operator: "!=",
            operand: Operand::One(Element::Value(OWN)),
        },
        items,
    }));
}

/// Carries out one operation. Gives what its events must be, each with what is
/// said when it is not, and how many operations the definition was asked about.
#[track_caller]
fn try_one(
    people: &mut [Person],
    choices: &mut Choices<'_>,
    policy: &CheckedPolicy,
    context: &str,
) -> Vec<(Option<Seen>, String)> {
    let at = choices.below(people.len());
    let person = people.get_mut(at).unwrap();
    let operation = Operation::random(choices, &person.facts);
    let steps = operation.steps(person.file, &person.facts);
    let mut told = Vec::new();
    // What each call must come to, where that is the policy's.
    let mut errnos = Vec::new();
    let mut denied = None;
    let mut dies = false;
    for step in &steps {
        let before = denied.take();
        let asks = match &step.otherwise {
            Some(otherwise) if before.is_some() => otherwise,
            _ => &step.asks,
        };
        for request in asks {
            let decision = eval(policy, request);
            let line = format!("{operation:?}\n{request:?}: {decision:?}\n{context}");
            told.push((Seen::of(&decision, policy), line));
            if decision.actual.verdict != Verdict::Allow {
                let rule = decision.actual.rule.and_then(|index| policy.rule(index));
                denied = Some(rule.map(|rule| i32::from(rule.errno.number)));
                dies = decision.actual.verdict == Verdict::Kill;
                break;
            }
        }
        errnos.push(denied);
        if dies || (step.makes && denied.is_some()) {
            break;
        }
    }
    let calls = steps.into_iter().map(|step| step.call).collect();
    let call = Call::Each(calls);
    let about = told.last().map_or("", |(_, line)| line);
    if dies {
        person.dies_of(&call, about);
    } else {
        let results = person.actor.ask(&call).results;
        for (result, errno) in results.iter().zip(&errnos) {
            if let Some(errno) = errno {
                let errno = errno.map(|errno| -i64::from(errno));
                assert_eq!(Some(*result), errno, "{about}");
            }
        }
    }
    told
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
        let mut judged = 0;
        for bytes in bytes.chunks(OPERATION_BYTES) {
            if judged >= OPERATIONS {
                break;
            }
            let mut choices = Choices::new(bytes);
            for (seen, told) in try_one(&mut people, &mut choices, &policy, &text) {
                judged += 1;
                counts[seen.as_ref().map_or(0, |seen| kind(&seen.action))] += 1;
                expected.extend(seen.map(|seen| (seen, told)));
            }
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
