//! The tables against the definition: whatever the policy and the request, the
//! decision code over a compiled image says what `eval` says.
//!
//! Policies go through text, so the parser and the checker are in the loop.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod policies;
mod requests;
mod selection;
mod wide;

use policy_abi::decide::{NO_RULE, Tables, decide_all, read_bytes};
use policy_abi::facts::Facts;
use policy_abi::fields::Dimension;
use policy_abi::image::Effect;
use policy_generator::pools::{GROUP_IDS, USER_IDS};
use policy_lang::compile::{Account, Enforcement, Host, Image, Place, PlaceUse};
use policy_lang::request::{Object, Request};
use policy_lang::source::Sources;
use policy_lang::words::errno::NAMES;
use policy_lang::{CheckedPolicy, Lints, Verdict, compile, eval, load_with};
use proptest::prelude::*;

/// Every path lies on one device at its own name; or, aliased, those that end
/// in `c` lie where those that end in `a` do, and `d` nowhere.
struct TestHost {
    aliased: bool,
}

const KEY: [u64; 2] = [0x1234_5678_9abc_def0, 0x0fed_cba9_8765_4321];
const DEVICE: u32 = 1;

impl TestHost {
    /// Where a path lies.
    fn place(&self, path: &[u8]) -> Option<Vec<u8>> {
        let mut place = path.to_vec();
        if self.aliased && path.ends_with(b"d") {
            return None;
        }
        if self.aliased && path.ends_with(b"c") {
            place.pop();
            place.push(b'a');
        }
        Some(place)
    }
}

impl Host for TestHost {
    fn hash_key(&self) -> [u64; 2] {
        KEY
    }

    fn account(&self, account: Account, name: &[u8]) -> Option<u32> {
        let accounts = match account {
            Account::User => USER_IDS,
            Account::Group => GROUP_IDS,
        };
        let found = accounts.iter().find(|(known, _)| known.as_bytes() == name);
        found.map(|(_, number)| *number)
    }

    fn places(&self, path: &[u8], _: PlaceUse) -> Vec<Place> {
        let place = self.place(path).map(|path| Place {
            device: DEVICE,
            path,
        });
        place.into_iter().collect()
    }
}

fn checked(text: &str) -> CheckedPolicy {
    let sources = Sources::single("p.policy", text);
    let (policy, report) = load_with(&sources, Lints::None, None);
    let said = policy_lang::diag::render_all(&report, &sources, policy_lang::diag::Style::Plain);
    policy.unwrap_or_else(|| panic!("a generated policy is refused:\n{said}\n{text}"))
}

/// The definition's answer and the tables' answer, in one form.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    denies: bool,
    rule: Option<u32>,
    effect: u32,
    errno: u32,
    hypothetical: Option<u32>,
    hypothetical_denies: bool,
    recorded: Vec<u32>,
}

fn by_definition(policy: &CheckedPolicy, request: &Request, enforcement: Enforcement) -> Answer {
    let decision = eval(policy, request);
    let audit = enforcement == Enforcement::AuditAll;
    let actual = if audit {
        policy_lang::Outcome::NONE
    } else {
        decision.actual
    };
    let rule = actual.rule.and_then(|index| policy.rule(index));
    let denies = actual.verdict != Verdict::Allow;
    let number = |name: &str| NAMES.iter().find(|(known, _)| *known == name).unwrap().1;
    let effect = match rule.map(|rule| rule.effect) {
        None => 0,
        Some(policy_lang::ast::Effect::Kill) => Effect::Kill as u32,
        Some(policy_lang::ast::Effect::Deny) => Effect::Deny as u32,
        Some(policy_lang::ast::Effect::Allow) => Effect::Allow as u32,
        Some(policy_lang::ast::Effect::DefaultDeny) => Effect::DefaultDeny as u32,
        Some(policy_lang::ast::Effect::Record) => panic!("a record rule decides"),
    };
    Answer {
        denies,
        rule: actual.rule.map(|index| index.0),
        effect,
        errno: rule
            .filter(|_| denies)
            .map_or(0, |rule| number(rule.errno.name).into()),
        hypothetical: decision.hypothetical.rule.map(|index| index.0),
        hypothetical_denies: decision.hypothetical.verdict != Verdict::Allow,
        recorded: decision.recorded.iter().map(|index| index.0).collect(),
    }
}

/// The words of an image, and the texts that the kernel has kept.
struct World<'w> {
    words: &'w [u64],
    texts: Vec<(Dimension, Vec<u8>)>,
}

impl Tables for World<'_> {
    fn word(&self, index: u32) -> Option<u64> {
        self.words.word(index)
    }

    fn read(&self, dimension: Dimension, start: u32) -> Option<u32> {
        let (_, text) = self.texts.iter().find(|(of, _)| *of == dimension)?;
        read_bytes(self, dimension, start, text)
    }
}

/// Asks what the kernel side would have of a request.
fn asked<A>(
    image: &Image,
    host: &TestHost,
    request: &Request,
    ask: impl FnOnce(&World<'_>, &Facts, &requests::Known<'_>) -> A,
) -> A {
    let nowhere = || b"/nowhere/at/all".to_vec();
    let place = |path: &[u8]| host.place(path).unwrap_or_else(nowhere);
    let key = |path: &[u8]| [policy_abi::hash::path(KEY, &place(path)), u64::from(DEVICE)];
    let facts = requests::facts(request, key);
    let text = |path: &[u8]| place(path)[1..].to_vec();
    let subject = &request.subject;
    let path = |path: &Option<Vec<u8>>| path.as_deref().map(text).unwrap_or_default();
    let inside = |path: &[u8]| path[1..].to_vec();
    let object = if let Object::Path(path) = &request.object {
        text(path)
    } else if let Object::Abstract(name) = &request.object {
        name.clone()
    } else {
        Vec::new()
    };
    let world = World {
        words: &image.words,
        texts: vec![
            (Dimension::Exe, path(&subject.exe)),
            (Dimension::Comm, subject.comm.clone().unwrap_or_default()),
            (Dimension::Unix, object),
            (Dimension::ParentExe, path(&subject.parent_exe)),
            (
                Dimension::ParentComm,
                subject.parent_comm.clone().unwrap_or_default(),
            ),
            (Dimension::Unit, subject.unit.clone().unwrap_or_default()),
            (
                Dimension::Cgroup,
                subject.cgroup.as_deref().map(inside).unwrap_or_default(),
            ),
        ],
    };
    let known = requests::Known {
        request,
        place: &key,
    };
    ask(&world, &facts, &known)
}

fn by_tables(image: &Image, host: &TestHost, request: &Request) -> Answer {
    let mut recorded: Vec<u32> = Vec::new();
    let verdict = asked(image, host, request, |world, facts, known| {
        decide_all(world, facts, known, &mut |terms, bits| {
            recorded.extend(image.recorded(terms, bits).iter().map(|index| index.0));
        })
    });
    let verdict = verdict.expect("the image is whole");
    // One rule's terms can lie in two words.
    recorded.dedup();
    let rule =
        |outcome: policy_abi::decide::Outcome| (outcome.rule != NO_RULE).then_some(outcome.rule);
    Answer {
        denies: verdict.actual.denies(),
        rule: rule(verdict.actual),
        effect: verdict.actual.effect,
        errno: verdict.actual.errno,
        hypothetical: rule(verdict.hypothetical),
        hypothetical_denies: verdict.hypothetical.denies(),
        recorded,
    }
}

fn compare(
    text: &str,
    all: &[Request],
    aliased: bool,
    enforcement: Enforcement,
) -> Result<(), TestCaseError> {
    let policy = checked(text);
    let host = TestHost { aliased };
    let image = match compile(&policy, &host, 7, enforcement) {
        Ok(image) => image,
        Err(found) => return Err(TestCaseError::fail(format!("{found:?}\n{text}"))),
    };
    let defined = aliased_policy(text, aliased);
    for request in all {
        let mut seen = request.clone();
        if aliased {
            // The kernel sees places; the definition is asked about the path
            // that the policy's author would write for the place.
            requests::at_places(&mut seen, |path| host.place(path));
        }
        let wanted = by_definition(&defined, &seen, enforcement);
        let got = by_tables(&image, &host, request);
        prop_assert_eq!(got, wanted, "{:?}\n{}", request, text);
    }
    Ok(())
}

/// The policy with each path replaced by its place, which is what anchoring means.
fn aliased_policy(text: &str, aliased: bool) -> CheckedPolicy {
    if !aliased {
        return checked(text);
    }
    checked(&policies::at_places(text))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn tables_say_what_the_definition_says(
        text in policies::text(),
        all in policies::requests(24),
        audit in any::<bool>(),
    ) {
        let enforcement = if audit { Enforcement::AuditAll } else { Enforcement::AsWritten };
        compare(&text, &all, false, enforcement)?;
    }

    #[test]
    fn two_paths_of_a_policy_can_be_one_place(
        text in policies::text(),
        all in policies::requests(24),
    ) {
        compare(&text, &all, true, Enforcement::AsWritten)?;
    }
}

/// That the generators reach what they are meant to reach: every effect decides somewhere.
#[test]
fn generated_policies_decide() {
    use proptest::strategy::ValueTree as _;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut seen = [0_usize; 5];
    let mut recorded = 0;
    for _ in 0..1200 {
        let text = policies::text().new_tree(&mut runner).unwrap().current();
        let policy = checked(&text);
        let requests = policies::requests(10).new_tree(&mut runner).unwrap();
        for request in requests.current() {
            let answer = by_definition(&policy, &request, Enforcement::AsWritten);
            seen[answer.effect as usize] += 1;
            recorded += usize::from(!answer.recorded.is_empty());
        }
    }
    assert!(seen.iter().all(|count| *count > 50), "{seen:?}");
    assert!(recorded > 50, "{recorded}");
}
