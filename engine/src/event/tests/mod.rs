//! Records built in code, and the exact lines that they become.

mod ancestors;
mod extremes;
mod legacy;
mod object;
mod page;

use super::{
    Book, DecodeError, LINE_BYTES, Places, Processes, Renderer, Rule, Rules, decode, told,
};
use expect_test::{Expect, expect};
use policy_abi::ABI_VERSION;
use policy_abi::ask::Nobody;
use policy_abi::decide::{NO_RULE, decide};
use policy_abi::event::{
    Action, FLAG_CONNECT, FLAG_FAILED, FLAG_OBJECT, FLAG_SOCKFD, FLAG_TYPED, PROCESS_EXE,
    PROCESS_PARENT, PROCESS_PARENT_EXE, PROCESS_SEEDED, Process, Record, Text,
};
use policy_abi::facts::{
    ABSTRACT_TAG, OBJECT_ABSTRACT, OBJECT_IPV4, OBJECT_IPV6, OBJECT_PATH, OBJECT_UNNAMED,
    OBJECT_UNREADABLE, SUBJECT_EXE,
};
use policy_abi::family::{CONNECT, TCP, UDP, UNIX};
use policy_abi::hooks::Hook;
use policy_abi::image::Effect;
use policy_lang::compile::{Enforcement, Host, Place, PlaceUse, compile};
use policy_lang::source::Sources;
use proptest::prelude::*;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use zerocopy::{FromZeros as _, IntoBytes as _};

/// 2026-01-02T03:04:05Z.
const BOOT_EPOCH: u64 = 1_767_323_045_000_000_000;
/// The device of `/` and of a tmpfs on `/run`.
const ROOT: u32 = 8 << 20 | 1;
const RUN: u32 = 24;
/// The id of a container.
const CONTAINER: &str = "5a02d5e1c3b89f6e7d4a0b1c2d3e4f5061728394a5b6c7d8e9f0a1b2c3d4e5f6";

struct Table {
    rules: Vec<(String, Vec<String>)>,
}

impl Table {
    fn new(rules: &[&str]) -> Self {
        let rule = |id: &&str| {
            (
                (*id).to_owned(),
                vec!["T1610".to_owned(), "a\u{9b}b".to_owned()],
            )
        };
        Self {
            rules: rules.iter().map(rule).collect(),
        }
    }
}

impl Rules for Table {
    fn rule(&self, generation: u64, index: u32) -> Option<Rule<'_>> {
        let (id, tags) = self.rules.get(usize::try_from(index).ok()?)?;
        (generation == 7).then_some(Rule {
            id,
            policy: "containers",
            file: "/etc/interdict/policies/containers.policy",
            line: 12 + index,
            because: Some("who may talk to the \"docker\" socket is root"),
            severity: Some("high"),
            tags,
            mode: "enforce",
            errno: "EPERM",
        })
    }

    /// Two terms a rule, from word 100 on.
    fn rule_of_term(&self, generation: u64, word: u32) -> Option<u32> {
        (generation == 7).then_some(word.checked_sub(100)? / 2)
    }
}

struct Mounts;

impl Places for Mounts {
    fn host_path(&self, device: u32, in_fs: &[u8]) -> Option<Vec<u8>> {
        let mount: &[u8] = match device {
            ROOT => b"/",
            RUN => b"/run/",
            _ => return None,
        };
        Some([mount, in_fs.strip_suffix(b"/")?].concat())
    }

    fn cgroup(&self, id: u64) -> Option<Vec<u8>> {
        match id {
            4242 => Some(b"/system.slice/nginx.service/x".to_vec()),
            4343 => Some(format!("/system.slice/docker-{CONTAINER}.scope").into_bytes()),
            _ => None,
        }
    }
}

fn words(name: &[u8]) -> [u64; 2] {
    let mut bytes = [0; 16];
    bytes[..name.len()].copy_from_slice(name);
    let (low, high) = bytes.split_at(8);
    [low, high].map(|half| u64::from_le_bytes(half.try_into().unwrap()))
}

fn text(device: u32, inode: u64, bytes: &[u8]) -> Text {
    let mut text = Text::new_zeroed();
    text.device = device;
    text.inode = inode;
    text.length = u32::try_from(bytes.len()).unwrap();
    // What is behind the end is not to be shown.
    text.bytes.fill(b'#');
    let kept = bytes.len().min(text.bytes.len());
    text.bytes[..kept].copy_from_slice(&bytes[..kept]);
    text
}

/// A record, and what was told of its process before.
#[derive(Clone, Copy)]
struct Case {
    record: Record,
    process: Process,
}

impl Deref for Case {
    type Target = Record;

    fn deref(&self) -> &Record {
        &self.record
    }
}

impl DerefMut for Case {
    fn deref_mut(&mut self) -> &mut Record {
        &mut self.record
    }
}

impl Case {
    /// What user space knows of processes when the record comes.
    fn processes(&self) -> Processes {
        let mut processes = Processes::default();
        let bytes = self.process.as_bytes();
        processes.enter(&told(bytes).unwrap().unwrap());
        processes
    }

    /// The process is `pid`, and began at `start`.
    fn began(&mut self, pid: u32, start: u64) {
        (self.record.pid, self.record.process_start) = (pid, start);
        (self.process.task.pid, self.process.task.start) = (pid, start);
    }
}

/// A record that rule 0 denied, of process 4711 that runs `/usr/bin/nc`.
fn record(hook: Hook) -> Case {
    let mut process = Process::new_zeroed();
    process.version = ABI_VERSION;
    process.flags = PROCESS_EXE;
    process.exe = text(ROOT, 31, b"usr/bin/nc/");
    process.program = [0xabc, u64::from(ROOT)];
    let record = Record::new_zeroed();
    let mut record = Case { record, process };
    record.version = ABI_VERSION;
    record.hook = hook as u32;
    record.action = Action::Deny as u32;
    record.flags = FLAG_SOCKFD | FLAG_CONNECT;
    record.facts.subject = SUBJECT_EXE;
    record.facts.exe = process.program;
    record.generation = 7;
    record.boottime = 86_400_000_000_001;
    record.terms = 100;
    record.rule = 0;
    record.effect = Effect::Deny as u32;
    record.errno = 1;
    (record.tid, record.ns_pid, record.ns_tid) = (4712, 11, 12);
    record.began(4711, 3_000_000_000);
    record.ruid = 1000;
    record.loginuid = u32::MAX;
    record.sockfd = 5;
    record.socket_type = 1;
    record.thread_start = 3_500_000_000;
    record.cgroup = 77;
    record.thread_comm = words(b"worker");
    record.facts.comm = words(b"nc");
    (record.facts.uid, record.facts.gid) = (1000, 100);
    record.typed.fill(b'#');
    record
}

fn unix(hook: Hook) -> Case {
    let mut record = record(hook);
    record.facts.family = UNIX;
    record.facts.operation = CONNECT;
    record.facts.object_kind = OBJECT_PATH;
    record.facts.object = [99, u64::from(RUN)];
    record.flags |= FLAG_OBJECT;
    record.object = text(RUN, 17, b"docker.sock/");
    record
}

fn typed(record: &mut Record, bytes: &[u8]) {
    record.flags |= FLAG_TYPED;
    record.typed[..bytes.len()].copy_from_slice(bytes);
    record.typed_length = u32::try_from(bytes.len()).unwrap();
}

fn line(record: &Case) -> String {
    let table = Table::new(&["docker-socket", "b/2", "a/9"]);
    let event = decode(record.as_bytes()).unwrap();
    Renderer::new(&table, &Mounts, &record.processes(), BOOT_EPOCH)
        .line(&event)
        .unwrap()
}

fn check(record: &Case, expected: &Expect) {
    expected.assert_eq(&line(record));
}

/// The member of a line that a path of names and numbers leads to.
fn member(record: &Case, path: &str) -> serde_json::Value {
    let line: serde_json::Value = serde_json::from_str(&line(record)).unwrap();
    line.pointer(path).cloned().unwrap_or_default()
}

fn check_member(record: &Case, path: &str, expected: &Expect) {
    expected.assert_eq(&member(record, path).to_string());
}

const REMOTE: &str = "/data/2/sockaddr";

#[test]
fn a_denied_connect_to_a_path() {
    let mut record = unix(Hook::UnixStreamConnect);
    typed(&mut record, b"\x01\0/var/run/docker.sock\0garbage");
    check(
        &record,
        &expect![[
            r#"{"timestamp":"2026-01-03T03:04:05.000000001Z","id":1036,"name":"security_socket_connect","policies":{"matched":["containers"]},"workload":{"process":{"executable":{"path":"/usr/bin/nc"},"unique_id":2010982423,"host_pid":4711,"pid":11,"real_user":{"id":1000},"thread":{"start_time":"2026-01-02T03:04:08.500000000Z","name":"worker","unique_id":1043777117,"host_tid":4712,"tid":12}}},"data":[{"name":"sockfd","int32":5},{"name":"type","int32":1},{"name":"remote_addr","sockaddr":{"sa_family":"AF_UNIX","sun_path":"/var/run/docker.sock"}}],"decision":{"schema":1,"action":"deny","rule":"docker-socket","recorded":[],"policy":"containers","file":"/etc/interdict/policies/containers.policy","line":12,"because":"who may talk to the \"docker\" socket is root","severity":"high","tags":["T1610","a\u009bb"],"mode":"enforce","generation":7,"errno":"EPERM","hook":"unix_stream_connect","family":"unix","operation":"connect","object":{"path":"/run/docker.sock","device":"0:24","inode":17},"subject":{"exe":"/usr/bin/nc","exe_device":"8:1","exe_inode":31,"comm":"nc","uid":1000,"gid":100,"cgroup":null,"cgroup_id":77,"unit":null,"loginuid":null}}}"#
        ]],
    );
}

#[test]
fn a_denied_connect_to_an_address() {
    let mut record = record(Hook::SocketConnect);
    record.facts.family = TCP;
    record.facts.object_kind = OBJECT_IPV4;
    record.facts.object = [0x7f00_0001, 0];
    record.facts.port = 8080;
    record.loginuid = 1000;
    record.cgroup = 4242;
    typed(&mut record, b"\x02\0\x1f\x90\0\0\0\0\0\0\0\0\0\0\0\0");
    check(
        &record,
        &expect![[
            r#"{"timestamp":"2026-01-03T03:04:05.000000001Z","id":1036,"name":"security_socket_connect","policies":{"matched":["containers"]},"workload":{"process":{"executable":{"path":"/usr/bin/nc"},"unique_id":2010982423,"host_pid":4711,"pid":11,"real_user":{"id":1000},"thread":{"start_time":"2026-01-02T03:04:08.500000000Z","name":"worker","unique_id":1043777117,"host_tid":4712,"tid":12}}},"data":[{"name":"sockfd","int32":5},{"name":"type","int32":1},{"name":"remote_addr","sockaddr":{"sa_family":"AF_INET","sin_addr":"0.0.0.0","sin_port":8080}}],"decision":{"schema":1,"action":"deny","rule":"docker-socket","recorded":[],"policy":"containers","file":"/etc/interdict/policies/containers.policy","line":12,"because":"who may talk to the \"docker\" socket is root","severity":"high","tags":["T1610","a\u009bb"],"mode":"enforce","generation":7,"errno":"EPERM","hook":"socket_connect","family":"tcp","operation":"connect","object":{"addr":"127.0.0.1","port":8080},"subject":{"exe":"/usr/bin/nc","exe_device":"8:1","exe_inode":31,"comm":"nc","uid":1000,"gid":100,"cgroup":"/system.slice/nginx.service/x","cgroup_id":4242,"unit":"nginx.service","loginuid":1000}}}"#
        ]],
    );
}

#[test]
fn a_process_in_a_container() {
    let mut record = unix(Hook::UnixStreamConnect);
    record.cgroup = 4343;
    let id = member(&record, "/workload/container/id");
    assert_eq!(id, CONTAINER);
    record.cgroup = 4242;
    assert!(member(&record, "/workload/container").is_null());
}

#[test]
fn hostile_bytes_everywhere() {
    let mut record = unix(Hook::UnixStreamConnect);
    record.thread_comm = words(b"\x1b]0;x\x07");
    record.facts.comm = words(b"a\nb\xff\"");
    record.process.exe = text(ROOT, 31, "tmp/\u{202e}cod/".as_bytes());
    record.object = text(RUN, 17, b"\xf0\x9f\x92\xa9/\xf0\x9f\x92/");
    typed(&mut record, b"\x01\0/run/\x1b[31m");
    check(
        &record,
        &expect![[
            r#"{"timestamp":"2026-01-03T03:04:05.000000001Z","id":1036,"name":"security_socket_connect","policies":{"matched":["containers"]},"workload":{"process":{"executable":{"path":"/tmp/\\xe2\\x80\\xaecod","path_hex":"2f746d702fe280ae636f64"},"unique_id":2010982423,"host_pid":4711,"pid":11,"real_user":{"id":1000},"thread":{"start_time":"2026-01-02T03:04:08.500000000Z","name":"\\x1b]0;x\\x07","name_hex":"1b5d303b7807","unique_id":1043777117,"host_tid":4712,"tid":12}}},"data":[{"name":"sockfd","int32":5},{"name":"type","int32":1},{"name":"remote_addr","sockaddr":{"sa_family":"AF_UNIX","sun_path":"/run/\\x1b[31m","sun_path_hex":"2f72756e2f1b5b33316d"}}],"decision":{"schema":1,"action":"deny","rule":"docker-socket","recorded":[],"policy":"containers","file":"/etc/interdict/policies/containers.policy","line":12,"because":"who may talk to the \"docker\" socket is root","severity":"high","tags":["T1610","a\u009bb"],"mode":"enforce","generation":7,"errno":"EPERM","hook":"unix_stream_connect","family":"unix","operation":"connect","object":{"path":"/run/💩/\\xf0\\x9f\\x92","path_hex":"2f72756e2ff09f92a92ff09f92","device":"0:24","inode":17},"subject":{"exe":"/tmp/\\xe2\\x80\\xaecod","exe_hex":"2f746d702fe280ae636f64","exe_device":"8:1","exe_inode":31,"comm":"a\\x0ab\\xff\"","comm_hex":"610a62ff22","uid":1000,"gid":100,"cgroup":null,"cgroup_id":77,"unit":null,"loginuid":null}}}"#
        ]],
    );
}

#[test]
fn a_path_that_the_host_does_not_have() {
    let mut record = unix(Hook::UnixStreamConnect);
    record.object.device = 4095 << 20 | 7;
    record.facts.object[1] = u64::from(record.object.device);
    check_member(
        &record,
        "/decision/object",
        &expect![[r#"{"device":"4095:7","inode":17,"path":"/docker.sock","path_in_fs":true}"#]],
    );
    check_member(
        &record,
        REMOTE,
        &expect![[r#"{"sa_family":"AF_UNIX","sun_path":"/docker.sock"}"#]],
    );
    // A user's own mount may have the number of one of the host's.
    record.object.device = RUN;
    record.facts.object = [0, u64::MAX];
    check_member(
        &record,
        "/decision/object",
        &expect![[r#"{"device":"0:24","inode":17,"path":"/docker.sock","path_in_fs":true}"#]],
    );
}

#[test]
fn a_path_that_no_record_holds() {
    let mut record = unix(Hook::UnixStreamConnect);
    record.object.length = 257;
    record.process.exe.length = u32::MAX;
    check_member(
        &record,
        "/decision/object",
        &expect![[r#"{"device":"0:24","inode":17}"#]],
    );
    check_member(
        &record,
        "/decision/subject",
        &expect![[
            r#"{"cgroup":null,"cgroup_id":77,"comm":"nc","exe":null,"exe_device":"8:1","exe_inode":31,"gid":100,"loginuid":null,"uid":1000,"unit":null}"#
        ]],
    );
    check_member(
        &record,
        "/decision/cut",
        &expect![[r#"["decision.object.path","decision.subject.exe"]"#]],
    );
    check_member(&record, "/workload/process/executable", &expect!["null"]);
}

#[test]
fn a_program_that_is_not_known() {
    let mut record = unix(Hook::UnixStreamConnect);
    record.facts.subject = 0;
    check_member(
        &record,
        "/decision/subject",
        &expect![[
            r#"{"cgroup":null,"cgroup_id":77,"comm":"nc","exe":null,"exe_device":null,"exe_inode":null,"gid":100,"loginuid":null,"uid":1000,"unit":null}"#
        ]],
    );
    check_member(&record, "/workload/process/executable", &expect!["null"]);
    record.facts.subject = SUBJECT_EXE;
    record.process.flags |= PROCESS_SEEDED;
    check_member(
        &record,
        "/decision/subject",
        &expect![[
            r#"{"cgroup":null,"cgroup_id":77,"comm":"nc","exe":"/usr/bin/nc","exe_device":"8:1","exe_inode":31,"exe_seeded":true,"gid":100,"loginuid":null,"uid":1000,"unit":null}"#
        ]],
    );
}

#[test]
fn names_follow_the_call_and_then_the_hook() {
    let name = |hook: Hook, flags: u32| {
        let mut record = unix(hook);
        record.flags = flags;
        let part = |path| member(&record, path).to_string();
        format!(
            "{} {} {}",
            part("/id"),
            part("/name"),
            part("/decision/hook")
        )
    };
    let names = [
        name(Hook::SocketConnect, FLAG_CONNECT),
        name(Hook::SocketConnect, 0),
        name(Hook::UnixStreamConnect, FLAG_CONNECT),
        name(Hook::UnixStreamConnect, 0),
        name(Hook::UnixMaySend, FLAG_CONNECT),
        name(Hook::UnixMaySend, FLAG_SOCKFD),
        name(Hook::SocketSendmsg, FLAG_SOCKFD),
    ]
    .join("\n");
    expect![[r#"
        1036 "security_socket_connect" "socket_connect"
        1036 "security_socket_connect" "socket_connect"
        1036 "security_socket_connect" "unix_stream_connect"
        1036 "security_socket_connect" "unix_stream_connect"
        1036 "security_socket_connect" "unix_may_send"
        100002 "security_unix_may_send" "unix_may_send"
        100001 "security_socket_sendmsg" "socket_sendmsg""#]]
    .assert_eq(&names);
}

#[test]
fn the_other_actions() {
    let mut record = unix(Hook::UnixStreamConnect);
    let decided = |record: &Case| {
        let parts = [
            "action", "rule", "errno", "recorded", "policy", "line", "mode",
        ];
        let part = |name| member(record, &format!("/decision/{name}")).to_string();
        let matched = member(record, "/policies").to_string();
        format!("{} {matched}", parts.map(part).join(" "))
    };
    record.action = Action::Kill as u32;
    record.errno = 13;
    expect![[
        r#""kill" "docker-socket" "EACCES" [] "containers" 12 "enforce" {"matched":["containers"]}"#
    ]]
    .assert_eq(&decided(&record));
    record.action = Action::WouldDeny as u32;
    record.errno = 0;
    expect![[r#""would-deny" "docker-socket" null [] "containers" 12 "enforce" {"matched":["containers"]}"#]].assert_eq(&decided(&record));
    // Bits 2 and 3 are terms of rule 1, bit 5 is one of rule 2, bit 63 of none.
    record.action = Action::Record as u32;
    (record.rule, record.effect) = (NO_RULE, 0);
    record.recorded = 1 << 2 | 1 << 3 | 1 << 5 | 1 << 63;
    expect![[r#""record" null null ["a/9","b/2"] null null null {"matched":["containers"]}"#]]
        .assert_eq(&decided(&record));
    check_member(&record, "/decision/recorded_unknown", &expect!["1"]);
    record.action = Action::Allow as u32;
    record.recorded = 0;
    expect![[r#""allow" null null [] null null null null"#]].assert_eq(&decided(&record));
}

struct NoPlaces;

impl Host for NoPlaces {
    fn hash_key(&self) -> [u64; 2] {
        [1, 2]
    }

    fn places(&self, _: &[u8], _: PlaceUse) -> Vec<Place> {
        Vec::new()
    }
}

#[test]
fn a_decision_of_the_tables_is_named_by_the_book() {
    let text = "record udp connect id other\n\
                deny tcp connect to 127.0.0.0/8 port 8080 unless uid = 0 id web with EACCES\n\
                audit record tcp connect if uid >= 1000 or gid = 5 id seen\n";
    let sources = Sources::single("d/net.policy", text);
    let policy = policy_lang::load(&sources).0.unwrap();
    let image = compile(&policy, &NoPlaces, 3, Enforcement::AsWritten).unwrap();
    let mut record = record(Hook::SocketConnect);
    record.facts.family = TCP;
    record.facts.object_kind = OBJECT_IPV4;
    record.facts.object = [0x7f00_0001, 0];
    record.facts.port = 8080;
    let verdict = decide(image.words.as_slice(), &record.facts, &Nobody).unwrap();
    record.generation = 3;
    (record.rule, record.effect) = (verdict.actual.rule, verdict.actual.effect);
    record.errno = verdict.actual.errno;
    (record.recorded, record.terms) = (verdict.recorded, verdict.terms);
    let mut book = Book::new();
    let image = Arc::new(image);
    let processes = record.processes();
    let says = |book: &Book| {
        let event = decode(record.as_bytes()).unwrap();
        let renderer = Renderer::new(book, &Mounts, &processes, BOOT_EPOCH);
        let line: serde_json::Value =
            serde_json::from_str(&renderer.line(&event).unwrap()).unwrap();
        let parts = [
            "rule", "errno", "recorded", "policy", "file", "line", "mode",
        ];
        parts
            .map(|part| line["decision"][part].to_string())
            .join(" ")
    };
    book.enter(3, Arc::clone(&image));
    let first = says(&book);
    expect![[r#""web" "EACCES" ["seen"] "net" "d/net.policy" 2 "enforce""#]].assert_eq(&first);
    for generation in 4..11 {
        book.enter(generation, Arc::clone(&image));
        assert_eq!(says(&book), first);
    }
    book.enter(11, image);
    expect![[r#"null "EACCES" [] null null null null"#]].assert_eq(&says(&book));
}

#[test]
fn a_generation_that_is_gone() {
    let mut record = unix(Hook::UnixStreamConnect);
    record.generation = 6;
    record.recorded = 1;
    check_member(
        &record,
        "/decision",
        &expect![[
            r#"{"action":"deny","because":null,"errno":"EPERM","family":"unix","file":null,"generation":6,"hook":"unix_stream_connect","line":null,"mode":null,"object":{"device":"0:24","inode":17,"path":"/run/docker.sock"},"operation":"connect","policy":null,"recorded":[],"recorded_unknown":1,"rule":null,"rule_index":0,"schema":1,"severity":null,"subject":{"cgroup":null,"cgroup_id":77,"comm":"nc","exe":"/usr/bin/nc","exe_device":"8:1","exe_inode":31,"gid":100,"loginuid":null,"uid":1000,"unit":null},"tags":[]}"#
        ]],
    );
}

#[test]
fn tables_that_could_not_be_read() {
    let mut record = unix(Hook::UnixStreamConnect);
    record.flags |= FLAG_FAILED;
    (record.generation, record.rule) = (0, NO_RULE);
    check_member(&record, "/decision/failed", &expect!["true"]);
    check_member(&record, "/decision/rule", &expect!["null"]);
    check_member(&record, "/decision/errno", &expect![[r#""EPERM""#]]);
}

#[test]
fn an_id_is_stable_and_the_main_thread_has_its_process_s() {
    let mut record = unix(Hook::UnixStreamConnect);
    record.tid = record.pid;
    record.thread_start = record.process_start;
    let of = |record: &Case, path| member(record, &format!("/workload/process{path}/unique_id"));
    assert_eq!(of(&record, ""), of(&record, "/thread"));
    let before = of(&record, "");
    record.boottime += 5;
    record.process.exe = text(ROOT, 1, b"other/");
    assert_eq!(of(&record, ""), before);
    record.began(4711, 3_000_000_001);
    assert_ne!(of(&record, ""), before);
    record.began(4712, 3_000_000_000);
    assert_ne!(of(&record, ""), before);
}
