//! What compiling refuses, and what the language's notes say of the tables.
//! That the tables mean what `eval` means is `tests/tables_vs_eval`.

use super::*;
use crate::load;
use crate::selection::Wish;
use crate::source::Sources;
use crate::words::family::{self, FamilySet};
use crate::words::operation::OPERATIONS;
use crate::words::shape::possible;
use policy_abi::ask::Nobody;
use policy_abi::decide::{NO_RULE, decide};
use policy_abi::facts::{self, Facts, OBJECT_IPV4, OBJECT_OPTION, OBJECT_PATH, OBJECT_UNREADABLE};
use policy_abi::hooks::Hook;
use policy_abi::image::{IMAGE_WORDS, MAGIC, PAIR_DIR};
use policy_abi::mediation;
use policy_abi::select::Event;
use policy_abi::wide::Form;
use std::fmt::Write as _;

fn image(text: &str) -> Result<Image, Vec<String>> {
    let sources = Sources::single("p.policy", text);
    let (policy, report) = load(&sources);
    let policy = policy.unwrap_or_else(|| panic!("{text}: {:?}", report.diagnostics()));
    compile(&policy, &AnyHost::default(), 9, Enforcement::AsWritten).map_err(|found| {
        found
            .iter()
            .map(|one| format!("{} {}", one.code.id(), one.message))
            .collect()
    })
}

fn refused(text: &str, code: &str) -> String {
    let found = image(text).map(|_| ()).unwrap_err();
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with(code), "{found:?}");
    found[0].clone()
}

#[test]
fn an_image_is_headed_and_names_its_pairs() {
    let image =
        image("deny unix connect to /run/x id a deny { tcp, udp } connect id b because \"x\"")
            .unwrap();
    assert_eq!(image.words[..3], [MAGIC, 9, image.words.len() as u64]);
    let pairs: Vec<String> = image
        .pairs
        .iter()
        .map(|(f, o)| format!("{f} {o}"))
        .collect();
    assert_eq!(
        pairs,
        ["unix connect", "smc connect", "tcp connect", "udp connect"]
    );
    assert_eq!(image.rules[1].because.as_deref(), Some("x"));
    assert_eq!(
        (
            image.rules[0].file.as_str(),
            image.rules[0].policy.as_str(),
            image.rules[0].line
        ),
        ("p.policy", "p", 1)
    );
    let desc = |family: u16| {
        let pair = policy_abi::family::pair(family, 0).unwrap();
        image.words[(PAIR_DIR + pair) as usize]
    };
    // SMC has the rules of TCP, and shares its descriptor.
    assert_eq!(desc(policy_abi::family::SMC), desc(policy_abi::family::TCP));
    assert_ne!(desc(policy_abi::family::UNIX), 0);
    assert_eq!(desc(policy_abi::family::RAW), 0);
}

#[test]
fn an_empty_policy_allows() {
    let image = image("").unwrap();
    assert!(image.pairs.is_empty());
    let facts = Facts {
        family: policy_abi::family::TCP,
        ..Facts::default()
    };
    let verdict = decide(&image.words[..], &facts, &Nobody).unwrap();
    assert_eq!(verdict, policy_abi::decide::Verdict::ALLOW);
}

#[test]
fn what_a_selection_has_judged_beside_the_rules() {
    let sources = Sources::single("p.policy", "deny udp connect id a");
    let policy = load(&sources).0.unwrap();
    let image = |plain, word: &str| {
        let family::Named::Families(families) = family::named(word) else {
            panic!("{word} is no family");
        };
        let wish = Wish {
            plain,
            families,
            subject: None,
        };
        let event = Event::named("security_socket_connect").unwrap();
        let mut selection = Selection::default();
        selection.choose(event, vec![wish]).unwrap();
        let host = AnyHost::default();
        compile_with(&policy, &selection, &host, 1, Enforcement::AsWritten).unwrap()
    };
    let judged = |image: &Image, family: u16| {
        let pair = policy_abi::family::pair(family, policy_abi::family::CONNECT).unwrap();
        image.words[(PAIR_DIR + pair) as usize] != 0
    };
    // Rules alone, and what they decide is all that is counted for them.
    let all = image(false, "any");
    assert_eq!(all.hooks, []);
    assert!(!judged(&all, policy_abi::family::TCP) && judged(&all, policy_abi::family::UDP));
    let all = image(true, "tcp");
    assert_eq!(all.hooks, [Hook::SocketConnect]);
    assert_eq!(all.pairs, [(Family::UDP, Operation::Connect)]);
    assert!(judged(&all, policy_abi::family::TCP) && judged(&all, policy_abi::family::SMC));
    assert!(!judged(&all, policy_abi::family::UNIX));
    let unix = [Hook::UnixStreamConnect, Hook::UnixMaySend];
    assert_eq!(image(true, "unix").hooks, unix);
    let facts = Facts {
        family: policy_abi::family::TCP,
        ..Facts::default()
    };
    let verdict = decide(&all.words[..], &facts, &Nobody).unwrap();
    assert!(!verdict.actual.denies() && verdict.recorded == 0);
}

#[test]
fn every_family_and_operation_is_decided() {
    for family in FamilySet::ANY.iter() {
        for operation in OPERATIONS {
            let seen = mediation::row(family.number(), operation.number()).is_some();
            assert!(
                seen || !possible(family, *operation),
                "{family} {operation}"
            );
        }
    }
    assert!(!image("deny any any").unwrap().pairs.is_empty());
}

#[test]
fn notes_113_rules_for_tcp_are_put_under_smc_too() {
    let image = image("deny tcp connect").unwrap();
    for family in [policy_abi::family::TCP, policy_abi::family::SMC] {
        let facts = Facts {
            family,
            ..Facts::default()
        };
        assert!(
            decide(&image.words[..], &facts, &Nobody)
                .unwrap()
                .actual
                .denies()
        );
    }
}

#[test]
fn notes_118_an_object_that_could_not_be_read() {
    let verdict = |text: &str| {
        let image = image(text).unwrap();
        let facts = Facts {
            family: policy_abi::family::UNIX,
            object_kind: OBJECT_UNREADABLE,
            ..Facts::default()
        };
        let verdict = decide(&image.words[..], &facts, &Nobody).unwrap();
        (verdict.actual.denies(), verdict.recorded)
    };
    assert_eq!(verdict("deny unix connect to /run/x"), (true, 0));
    assert_eq!(verdict("deny unix connect unless path = /run/x"), (true, 0));
    assert_eq!(
        verdict("deny unix connect if path != /run/x and path = /run/x"),
        (true, 0)
    );
    assert_eq!(
        verdict("deny unix connect unless path != /run/x"),
        (true, 0)
    );
    assert_eq!(
        verdict("default deny unix connect allow unix connect to /run/x"),
        (true, 0)
    );
    assert_eq!(
        verdict("default deny unix connect allow unix connect unless path = /run/x"),
        (true, 0)
    );
    assert_eq!(
        verdict("default deny unix connect allow unix connect to any"),
        (false, 0)
    );
    assert_eq!(verdict("record unix connect to /run/x"), (false, 1));
}

/// What a path on device 1 that is too long to be read meets. A `[u64]` has no texts.
#[test]
fn an_object_too_long_to_be_read() {
    let verdict = |text: &str| {
        let image = image(text).unwrap();
        let facts = Facts {
            family: policy_abi::family::UNIX,
            object_kind: OBJECT_PATH,
            object: [77, 1],
            ..Facts::default()
        };
        let verdict = decide(&image.words[..], &facts, &Nobody).unwrap();
        (verdict.actual.denies(), verdict.recorded)
    };
    // It is none of those that are known whole, but whatever a pattern needs.
    assert_eq!(verdict("deny unix connect to /run/x"), (false, 0));
    assert_eq!(verdict("deny unix connect to /run/*"), (true, 0));
    assert_eq!(
        verdict("deny unix connect to { /run/*, /run/x }"),
        (true, 0)
    );
    assert_eq!(verdict("deny unix connect unless path = /run/*"), (true, 0));
    assert_eq!(
        verdict("deny unix connect if path = /x unless path = /run/*"),
        (false, 0)
    );
    assert_eq!(
        verdict("default deny unix connect allow unix connect to /run/*"),
        (true, 0)
    );
    assert_eq!(
        verdict("default deny unix connect allow unix connect if path != /run/*"),
        (true, 0)
    );
    assert_eq!(
        verdict("default deny unix connect allow unix connect if path != /run/x"),
        (false, 0)
    );
    assert_eq!(verdict("record unix connect to /run/*"), (false, 1));
    assert_eq!(verdict("deny unix connect to @*"), (false, 0));
}

#[test]
fn a_program_too_long_to_be_read_is_none() {
    let denies = |text: &str| {
        let image = image(text).unwrap();
        let facts = Facts {
            family: policy_abi::family::TCP,
            subject: policy_abi::facts::SUBJECT_EXE,
            exe: [77, 1],
            ..Facts::default()
        };
        decide(&image.words[..], &facts, &Nobody)
            .unwrap()
            .actual
            .denies()
    };
    assert!(denies("deny tcp connect unless exe = /opt/*"));
    assert!(!denies("deny tcp connect if exe = /opt/*"));
    assert!(denies("deny tcp connect if exe != /opt/*"));
    assert!(denies(
        "default deny tcp connect allow tcp connect if exe = /opt/*"
    ));
}

#[test]
fn patterns_that_need_too_many_states_are_refused() {
    let tail = |count: usize| format!("deny unix connect to /*a{}", "?".repeat(count));
    assert!(image(&tail(8)).is_ok());
    let said = refused(&tail(20), "P0605");
    assert!(said.contains("16384 states"), "{said}");
    // As many plain patterns as the language takes.
    let all: Vec<String> = (0..1024)
        .map(|n| format!("/usr/lib/some{n}/*.so"))
        .collect();
    let text = format!("deny unix connect unless exe in {{ {} }}", all.join(", "));
    image(&text).unwrap();
}

#[test]
fn rows_have_as_many_words_as_alternatives_need() {
    let rules = |count: usize| {
        let mut text = String::new();
        for index in 0..count {
            let [high, low] = [index / 256, index % 256];
            writeln!(text, "deny tcp connect to 10.0.{high}.{low} id r{index:03}").unwrap();
        }
        text
    };
    for (count, words) in [(64, 0), (65, 2), (512, 8), (513, 9)] {
        let made = image(&rules(count)).unwrap();
        let pair = policy_abi::family::pair(policy_abi::family::TCP, policy_abi::family::CONNECT);
        let form = Form(made.words[(PAIR_DIR + pair.unwrap()) as usize]);
        assert_eq!(form.words(), words, "{count}");
        for at in 0..=count {
            let facts = Facts {
                family: policy_abi::family::TCP,
                object_kind: OBJECT_IPV4,
                object: [0x0a00_0000 + at as u64, 0],
                ..Facts::default()
            };
            let verdict = decide(&made.words[..], &facts, &Nobody).unwrap();
            let wanted = u32::try_from(at).ok().filter(|_| at < count);
            assert_eq!(verdict.actual.rule, wanted.unwrap_or(NO_RULE), "{count}");
        }
    }
}

#[test]
fn an_image_too_large_is_refused_and_never_cut() {
    let set = |count: u32| {
        let all: Vec<String> = (0..count)
            .map(|n| format!("10.{}.{}.{}", n >> 15 & 255, n >> 7 & 255, n << 1 & 255))
            .collect();
        format!("deny tcp connect to {{ {} }}", all.join(", "))
    };
    let most = image(&set(16_000)).unwrap();
    assert!(most.words.len() <= IMAGE_WORDS as usize);
}

/// A host on which every name is somebody's.
struct Named(std::cell::Cell<u32>);

impl Host for Named {
    fn hash_key(&self) -> [u64; 2] {
        [1, 2]
    }

    fn places(&self, _: &[u8], _: PlaceUse) -> Vec<Place> {
        Vec::new()
    }

    fn account(&self, _: Account, _: &[u8]) -> Option<u32> {
        self.0.set(self.0.get() + 1);
        Some(self.0.get())
    }
}

#[test]
fn groups_and_sets_have_limits() {
    let compiled = |text: &str| {
        let sources = Sources::single("p.policy", text);
        let policy = load(&sources).0.unwrap();
        let host = Named(std::cell::Cell::new(0));
        let image = compile(&policy, &host, 1, Enforcement::AsWritten);
        image.map(|_| ()).map_err(|found| {
            let said = found
                .iter()
                .map(|one| format!("{} {}", one.code.id(), one.message));
            said.collect::<Vec<_>>()
        })
    };
    let groups = |count: u32| {
        let names: Vec<String> = (0..count).map(|at| format!("g{at}")).collect();
        format!("deny tcp connect if group in {{ {} }}", names.join(", "))
    };
    compiled(&groups(64)).unwrap();
    let said = compiled(&groups(65)).unwrap_err();
    assert!(
        said[0].starts_with("P0603") && said[0].contains("65 groups"),
        "{said:?}"
    );
    // Sets that differ, several a term: as many as a list holds, and one more.
    let sets = |count: usize| {
        let words = crate::words::capability::WORDS;
        let tests: Vec<String> = (0..count)
            .map(|at| {
                let (one, other) = (at / words.len() + 1, at % words.len());
                let pair = [words[other], words[(other + one) % words.len()]];
                format!("cap in {{ {}, {} }}", pair[0], pair[1])
            })
            .collect();
        format!("deny tcp connect if {}", tests.join(" and "))
    };
    compiled(&sets(256)).unwrap();
    let said = compiled(&sets(257)).unwrap_err();
    assert!(
        said[0].starts_with("P0603") && said[0].contains("257 different sets"),
        "{said:?}"
    );
}

/// What is no unit's name and no cgroup's path is nobody's, whatever the kernel
/// side would make of it.
#[test]
fn notes_9_only_a_units_name_is_a_unit() {
    let of = |text: &str| image(text).unwrap().words;
    let nobody = of("deny tcp connect unless unit in { a.service, b.service }").len();
    for not_a_unit in [
        "b",
        "b.slice",
        "\"b c.service\"",
        "\"b/c.service\"",
        "@b.service",
    ] {
        let text = format!("deny tcp connect unless unit in {{ a.service, {not_a_unit} }}");
        assert!(of(&text).len() < nobody, "{not_a_unit}");
    }
}

#[test]
fn a_path_without_a_place_names_nothing() {
    struct Nowhere;
    impl Host for Nowhere {
        fn hash_key(&self) -> [u64; 2] {
            [1, 2]
        }
        fn places(&self, _: &[u8], _: PlaceUse) -> Vec<Place> {
            Vec::new()
        }
    }
    let sources = Sources::single("p.policy", "deny tcp connect unless exe = /usr/bin/good");
    let policy = load(&sources).0.unwrap();
    let image = compile(&policy, &Nowhere, 1, Enforcement::AsWritten).unwrap();
    let facts = Facts {
        family: policy_abi::family::TCP,
        subject: policy_abi::facts::SUBJECT_EXE,
        exe: [policy_abi::hash::path([1, 2], b"/usr/bin/good"), 1],
        ..Facts::default()
    };
    assert!(
        decide(&image.words[..], &facts, &Nobody)
            .unwrap()
            .actual
            .denies()
    );
}

/// Rules about options are in the tables, as the definition has it; that no
/// hook sees setsockopt yet is `support`'s to say.
#[test]
fn options_are_decided_by_their_numbers() {
    let words = [
        "SOL_SOCKET/SO_MARK",
        "1/37",
        "SOL_TCP/TCP_ULP",
        "41/1",
        "0/0",
        "SOL_ALG/ALG_SET_KEY",
    ];
    let text = "let some = { 1/36, IPPROTO_TCP/31 }
        default deny any setsockopt id a
        allow tcp setsockopt on option 41/1 id b
        deny { tcp, alg } setsockopt on option some id c
        kill alg setsockopt on option { 279/1, 279/5 } if uid = 0 id d
        record any setsockopt on option SOL_SOCKET/SO_TIMESTAMPING id e";
    let policy = load(&Sources::single("p.policy", text)).0.unwrap();
    let image = compile(&policy, &AnyHost::default(), 1, Enforcement::AsWritten).unwrap();
    let mut deciders = std::collections::BTreeSet::new();
    for family in ["tcp", "alg", "unix"] {
        for (uid, word) in words
            .iter()
            .flat_map(|word| [0, 1].map(|uid| (uid, *word)))
            .chain([(0, "")])
        {
            let on = if word.is_empty() { "" } else { " on option " };
            let line = format!("{family} setsockopt{on}{word} as uid = {uid}");
            let sources = Sources::single("request", line.clone());
            let (request, found) = crate::request::parse_request(&sources.files()[0]);
            let request = request.unwrap_or_else(|| panic!("{line}: {found:?}"));
            let (object_kind, object) =
                if let crate::request::Object::Option(option) = request.object {
                    (OBJECT_OPTION, facts::option(option.level, option.name))
                } else {
                    (facts::OBJECT_NONE, [0; 2])
                };
            let facts = Facts {
                family: request.family.number(),
                operation: request.operation.number(),
                object_kind,
                object,
                uid,
                ..Facts::default()
            };
            let verdict = decide(&image.words[..], &facts, &Nobody).unwrap();
            let decision = crate::eval(&policy, &request);
            let wanted = decision.actual.rule.map(|index| index.0);
            assert_eq!(Some(verdict.actual.rule), wanted, "{line}");
            let recorded = image.recorded(verdict.terms, verdict.recorded);
            assert_eq!(recorded, decision.recorded, "{line}");
            deciders.extend(wanted);
        }
    }
    assert_eq!(deciders.len(), 4, "{deciders:?}");
}

/// A host on which everything below /far is another's: an exemption finds no place there.
struct Far;

impl Host for Far {
    fn hash_key(&self) -> [u64; 2] {
        [1, 2]
    }

    fn places(&self, path: &[u8], place_use: PlaceUse) -> Vec<Place> {
        let serves = !path.starts_with(b"/far") || place_use == PlaceUse::Named;
        let place = Place {
            device: 1,
            path: path.to_vec(),
        };
        serves.then_some(place).into_iter().collect()
    }
}

#[test]
fn an_exemption_cannot_rest_on_every_place() {
    let denies = |text: &str, path: &str| {
        let policy = load(&Sources::single("p.policy", text)).0.unwrap();
        let image = compile(&policy, &Far, 1, Enforcement::AsWritten).unwrap();
        let facts = Facts {
            family: policy_abi::family::UNIX,
            subject: policy_abi::facts::SUBJECT_EXE,
            exe: [policy_abi::hash::path([1, 2], path.as_bytes()), 1],
            ..Facts::default()
        };
        decide(&image.words[..], &facts, &Nobody)
            .unwrap()
            .actual
            .denies()
    };
    for (path, denied) in [("/near/a", false), ("/far/a", true)] {
        for text in [
            "deny unix connect unless exe in { /near/a, /far/a }",
            "deny unix connect if exe not in { /near/a, /far/a }",
            "default deny unix connect\nallow unix connect if exe in { /near/a, /far/a }",
        ] {
            assert_eq!(denies(text, path), denied, "{text}: {path}");
        }
        assert!(denies(
            "deny unix connect if exe in { /near/a, /far/a }",
            path
        ));
    }
}

#[test]
fn each_rule_says_where_its_paths_lie() {
    let text = "deny unix connect to /far/s unless exe in { /far/a, /near/b* } id one\n\
                deny tcp connect to 10.0.0.1 id two";
    let policy = load(&Sources::single("p.policy", text)).0.unwrap();
    let image = compile(&policy, &Far, 1, Enforcement::AsWritten).unwrap();
    let said = |rule: &RuleMeta| -> Vec<String> {
        let all = rule.anchors.iter().flat_map(|of| of.iter());
        all.map(|one| format!("{} {:?} {}", one.path, one.place_use, one.places.len()))
            .collect()
    };
    let mut one = said(&image.rules[0]);
    one.sort();
    assert_eq!(
        one,
        ["/far/a Ground 0", "/far/s Named 1", "/near/b* Ground 1"]
    );
    assert_eq!(said(&image.rules[1]), [""; 0]);
}
