//! What is no event, what is longer than a line may be, and bytes of any kind.

use super::*;
use crate::event::Shape;
use policy_abi::event::BRIEF_BYTES;

#[test]
fn what_is_no_event() {
    let good = unix(Hook::UnixStreamConnect);
    let refused = |change: fn(&mut Record)| {
        let mut record = good.record;
        change(&mut record);
        decode(record.as_bytes()).map(|_| ()).unwrap_err()
    };
    let unknown = |member, found| DecodeError::Unknown { member, found };
    assert_eq!(
        refused(|r| r.version += 1),
        DecodeError::Version {
            found: ABI_VERSION + 1
        }
    );
    assert_eq!(refused(|r| r.hook = 200), unknown("hook", 200));
    assert_eq!(
        refused(|r| r.hook = Hook::TaskAlloc as u32),
        unknown("hook", 5)
    );
    assert_eq!(refused(|r| r.action = 5), unknown("action", 5));
    assert_eq!(refused(|r| r.effect = 6), unknown("effect", 6));
    assert_eq!(
        refused(|r| r.flags |= 1 << 31),
        unknown("flags", good.flags | 1 << 31)
    );
    assert_eq!(refused(|r| r.facts.family = 262), unknown("family", 262));
    assert_eq!(refused(|r| r.facts.operation = 6), unknown("operation", 6));
    assert_eq!(
        refused(|r| r.facts.object_kind = 8),
        unknown("object_kind", 8)
    );
    assert_eq!(
        refused(|r| r.typed_length = 129),
        unknown("typed_length", 129)
    );
    let bytes = good.as_bytes();
    let short = decode(&bytes[1..]).map(|_| ()).unwrap_err();
    assert_eq!(
        short,
        DecodeError::Length {
            found: bytes.len() - 1
        }
    );
    expect![[r"
        an event has 655 bytes, not 264 or 656
        an event's `action` is 5, which is not known"]]
    .assert_eq(&format!("{short}\n{}", refused(|r| r.action = 5)));
}

/// The longest rules and the longest paths that there can be.
struct Longest;

impl Rules for Longest {
    fn rule(&self, _: u64, index: u32) -> Option<Rule<'_>> {
        static LONG: std::sync::LazyLock<(Vec<String>, Vec<String>, String)> =
            std::sync::LazyLock::new(|| {
                let stem = "s".repeat(240);
                let numbered = (0..200).map(|n| format!("{stem}{n}/16384")).collect();
                (
                    numbered,
                    vec!["\u{9b}".repeat(127); 100],
                    "\u{202e}".repeat(85),
                )
            });
        let (ids, tags, because) = &*LONG;
        let id = ids.get(usize::try_from(index % 200).ok()?)?;
        Some(Rule {
            id,
            policy: id.split('/').next()?,
            file: because,
            line: u32::MAX,
            because: Some(because),
            severity: Some("critical"),
            tags,
            mode: "enforce",
            errno: "EPERM",
        })
    }

    fn rule_of_term(&self, _: u64, word: u32) -> Option<u32> {
        Some(word)
    }
}

impl Places for Longest {
    fn host_path(&self, _: u32, _: &[u8]) -> Option<Vec<u8>> {
        Some(vec![0x1b; 4096])
    }

    fn cgroup(&self, _: u64) -> Option<Vec<u8>> {
        Some(vec![0x1b; 4096])
    }
}

#[test]
fn a_line_that_would_be_too_long_says_what_it_lacks() {
    let mut record = unix(Hook::UnixStreamConnect);
    record.recorded = u64::MAX;
    record.thread_comm = [0x1b1b_1b1b_1b1b_1b1b; 2];
    record.facts.comm = record.thread_comm;
    typed(&mut record, &[&[1, 0][..], &[0x1b; 126]].concat());
    record.process.exe = text(ROOT, 31, &[0x1b; 256]);
    let processes = ancestors::told_of(&record.process, 20);
    let event = decode(record.as_bytes()).unwrap();
    let line = Renderer::new(&Longest, &Longest, &processes, u64::MAX)
        .line(&event)
        .unwrap();
    assert!(line.len() < LINE_BYTES, "{} bytes", line.len());
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    expect![[r#"["policies.matched","workload.process.executable.path","workload.process.executable.path_hex","workload.process.ancestors","decision.object.path","decision.subject.exe","decision.subject.cgroup","decision.recorded","decision.file","decision.because","decision.tags"]"#]].assert_eq(&line["decision"]["cut"].to_string());
    // The shortest line still says what was denied, to whom and by what.
    assert!(
        line["decision"]["rule"]
            .as_str()
            .unwrap()
            .ends_with("/16384")
    );
    assert!(line["decision"]["object"]["path"].as_str().unwrap().len() > 100);
}

/// A line holds together whatever the record says.
fn holds(record: &Record) {
    let Ok(event) = decode(record.as_bytes()) else {
        return;
    };
    let table = Table::new(&["docker-socket", "b/2", "a/9"]);
    let mut process = unix(Hook::UnixStreamConnect).process;
    (process.task.pid, process.task.start) = (record.pid, record.process_start);
    process.program = record.facts.exe;
    process.task.comm = record.facts.comm;
    process.exe = record.object;
    let processes = ancestors::told_of(&process, 20);
    for (rules, places) in [
        (&table as &dyn Rules, &Mounts as &dyn Places),
        (&Longest, &Longest),
    ] {
        let renderer = Renderer::new(rules, places, &processes, BOOT_EPOCH);
        for shape in [Shape::Tracee, Shape::TraceeLegacy] {
            let line = renderer.shaped(shape).line(&event).unwrap();
            assert!(line.len() < LINE_BYTES, "{} bytes: {line}", line.len());
            assert!(!line.chars().any(char::is_control), "{line:?}");
            let json: serde_json::Value = serde_json::from_str(&line).unwrap();
            assert!(json["decision"]["action"].is_string());
        }
    }
}

/// Bytes that are hostile more often than chance makes them.
fn hostile(length: usize) -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        any::<u8>(),
        Just(0),
        Just(0x1b),
        Just(b'/'),
        Just(0xe2),
        Just(b'"')
    ];
    proptest::collection::vec(byte, length)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_are_an_event_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..1200)) {
        if let Ok(Some(process)) = told(&bytes) {
            Processes::default().enter(&process);
        }
        if let Ok(event) = decode(&bytes) {
            holds(event.record());
        }
    }

    #[test]
    fn any_record_becomes_one_line(
        noise in hostile(size_of::<Record>()),
        hook in 0_u32..4, action in 0_u32..5, effect in 0_u32..6, flags in prop_oneof![Just(0_u32), Just(7), Just(39), Just(103), Just(71)],
        family in 0_u16..262, kind in 0_u32..7, typed in 0_u32..129,
        length in 0_u32..260, device in prop_oneof![Just(ROOT), Just(RUN), any::<u32>()],
        address in prop_oneof![Just(1_u8), Just(2), Just(10), any::<u8>()],
        generation in 6_u64..8, rule in prop_oneof![0_u32..4, Just(NO_RULE)],
    ) {
        let mut record = Record::new_zeroed();
        record.as_mut_bytes().copy_from_slice(&noise);
        record.version = ABI_VERSION;
        (record.hook, record.action, record.effect, record.flags) = (hook, action, effect, flags);
        (record.facts.family, record.facts.operation, record.facts.object_kind) = (family, 0, kind);
        record.object.length = length;
        record.object.device = device;
        (record.typed_length, record.typed[0], record.typed[1]) = (typed, address, 0);
        (record.generation, record.rule, record.terms) = (generation, rule, 100);
        prop_assert!(decode(record.as_bytes()).is_ok());
        holds(&record);
    }
}

#[test]
fn a_brief_record_says_the_same() {
    let mut record = record(Hook::SocketConnect);
    record.facts.family = TCP;
    record.facts.object_kind = OBJECT_IPV4;
    record.facts.object = [0x7f00_0001, 0];
    typed(&mut record, b"\x02\0\x1f\x90\x7f\0\0\x01\0\0\0\0\0\0\0\0");
    let whole = line(&record);
    let table = Table::new(&["docker-socket", "b/2", "a/9"]);
    let brief = record.as_bytes().get(..BRIEF_BYTES).unwrap().to_vec();
    let event = decode(&brief).unwrap();
    let processes = record.processes();
    let renderer = Renderer::new(&table, &Mounts, &processes, BOOT_EPOCH);
    assert_eq!(renderer.line(&event).unwrap(), whole);
    // What it has no room for it cannot have.
    record.flags |= FLAG_OBJECT;
    assert!(decode(record.as_bytes().get(..BRIEF_BYTES).unwrap()).is_err());
    record.flags &= !FLAG_OBJECT;
    record.typed_length = 33;
    assert!(decode(record.as_bytes().get(..BRIEF_BYTES).unwrap()).is_err());
    assert!(decode(record.as_bytes().get(..BRIEF_BYTES + 8).unwrap()).is_err());
}
