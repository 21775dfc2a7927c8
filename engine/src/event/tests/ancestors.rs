//! What is told of processes once, and the processes above one.

use super::*;
use policy_abi::event::Task;

/// A book that was told of `process` and of `depth` processes above it, each of
/// which created the one below and runs the same program.
pub(super) fn told_of(process: &Process, depth: u32) -> Processes {
    let mut processes = Processes::default();
    let mut below = *process;
    for level in 1..=depth {
        below.flags |= PROCESS_PARENT | PROCESS_PARENT_EXE;
        below.parent = Task {
            pid: below.task.pid.wrapping_add(1),
            start: below.task.start.wrapping_sub(1),
            ..below.task
        };
        below.parent_exe = process.exe;
        processes.enter(&below);
        let mut above = *process;
        above.task = below.parent;
        above.flags = PROCESS_EXE;
        if level == depth {
            processes.enter(&above);
        }
        below = above;
    }
    processes
}

const ABOVE: &str = "/workload/process/ancestors";

fn parent(record: &mut Case, pid: u32) {
    record.process.flags |= PROCESS_PARENT;
    record.process.parent = Task {
        start: 2_000_000_000,
        comm: words(b"bash"),
        pid,
        ns_pid: 3,
        ruid: 1000,
        reserved: 0,
    };
}

#[test]
fn a_creator_that_ended_is_named_as_it_was() {
    let mut record = unix(Hook::UnixStreamConnect);
    assert!(member(&record, ABOVE).is_null());
    parent(&mut record, 4000);
    let numbers = r#"[{"host_pid":4000,"pid":3,"real_user":{"id":1000},"thread":{"host_tid":4000,"name":"bash","start_time":"2026-01-02T03:04:07.000000000Z","tid":3,"unique_id":2262579337},"unique_id":2262579337}]"#;
    assert_eq!(member(&record, ABOVE).to_string(), numbers);
    record.process.flags |= PROCESS_PARENT_EXE;
    record.process.parent_exe = text(ROOT, 8, b"usr/bin/bash/");
    check_member(
        &record,
        &format!("{ABOVE}/0/executable"),
        &expect![[r#"{"path":"/usr/bin/bash"}"#]],
    );
    check_member(&record, "/decision/cut", &expect!["null"]);
    record.process.parent_exe.length = 257;
    check_member(
        &record,
        "/decision/cut",
        &expect![[r#"["workload.process.ancestors"]"#]],
    );
}

#[test]
fn what_is_kept_of_those_above_is_true_now() {
    let mut record = unix(Hook::UnixStreamConnect);
    parent(&mut record, 4000);
    record.process.flags |= PROCESS_PARENT_EXE;
    record.process.parent_exe = text(RUN, 8, b"bash/");
    let mut processes = record.processes();
    let event = decode(record.as_bytes()).unwrap();
    let table = Table::new(&["docker-socket"]);
    let above = |processes: &Processes, places: &dyn Places| {
        let renderer = Renderer::new(&table, places, processes, BOOT_EPOCH);
        let line: serde_json::Value =
            serde_json::from_str(&renderer.line(&event).unwrap()).unwrap();
        let first = line.pointer(ABOVE).unwrap().get(0).unwrap().clone();
        format!("{} {}", first["host_pid"], first["executable"]["path"])
    };
    assert_eq!(above(&processes, &Mounts), r#"4000 "/run/bash""#);
    assert_eq!(above(&processes, &Mounts), r#"4000 "/run/bash""#);
    let moved = |_: u32, _: &[u8]| Some(b"/moved/bash".to_vec());
    processes.forget_shown();
    assert_eq!(above(&processes, &moved), r#"4000 "/moved/bash""#);
    record.process.parent.pid = 5000;
    processes.enter(&told(record.process.as_bytes()).unwrap().unwrap());
    assert_eq!(above(&processes, &moved), r#"5000 "/moved/bash""#);
}

#[test]
fn the_list_goes_on_through_whoever_was_told_of() {
    let record = unix(Hook::UnixStreamConnect);
    let processes = told_of(&record.process, 3);
    let event = decode(record.as_bytes()).unwrap();
    let line = Renderer::new(&Table::new(&["a"]), &Mounts, &processes, BOOT_EPOCH)
        .line(&event)
        .unwrap();
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    let above = line.pointer(ABOVE).unwrap().as_array().unwrap();
    let pids: Vec<_> = above.iter().map(|one| one["host_pid"].clone()).collect();
    assert_eq!(pids, [4712, 4713, 4714]);
    assert!(
        above
            .iter()
            .all(|one| one["executable"]["path"] == "/usr/bin/nc")
    );
}

#[test]
fn a_process_that_is_its_own_creator_ends() {
    let mut record = unix(Hook::UnixStreamConnect);
    parent(&mut record, 4711);
    record.process.parent.start = record.process_start;
    assert_eq!(member(&record, ABOVE).as_array().unwrap().len(), 16);
}

#[test]
fn another_program_than_was_told_is_not_named() {
    let mut record = unix(Hook::UnixStreamConnect);
    record.facts.exe = [0xdef, u64::from(RUN)];
    check_member(&record, "/decision/subject/exe", &expect!["null"]);
    check_member(
        &record,
        "/decision/subject/exe_device",
        &expect![[r#""0:24""#]],
    );
    check_member(&record, "/decision/subject/exe_inode", &expect!["null"]);
    check_member(
        &record,
        "/decision/cut",
        &expect![[r#"["decision.subject.exe"]"#]],
    );
    // Nor is anything, when nobody told.
    record.record.pid += 1;
    check_member(
        &record,
        "/decision/cut",
        &expect![[r#"["decision.subject.exe"]"#]],
    );
}

#[test]
fn a_full_book_begins_an_epoch_and_keeps_the_former() {
    let mut process = unix(Hook::UnixStreamConnect).process;
    let mut processes = Processes::default();
    let first = processes.epoch();
    let mut tell = |processes: &mut Processes| {
        process.task.pid += 1;
        processes.enter(&process);
        process.task.pid
    };
    let oldest = tell(&mut processes);
    while processes.epoch() == first {
        tell(&mut processes);
    }
    let start = process_start();
    assert!(processes.of(oldest, start).is_some());
    while processes.epoch() == first + 1 {
        tell(&mut processes);
    }
    assert!(processes.of(oldest, start).is_none());
}

fn process_start() -> u64 {
    unix(Hook::UnixStreamConnect).process_start
}

#[test]
fn what_is_not_told_by_this_version_is_refused() {
    let good = unix(Hook::UnixStreamConnect).process;
    let refused = |change: fn(&mut Process)| {
        let mut process = good;
        change(&mut process);
        told(process.as_bytes()).map(|_| ()).unwrap_err()
    };
    let version = DecodeError::Version {
        found: ABI_VERSION + 1,
    };
    assert_eq!(refused(|process| process.version += 1), version);
    let unknown = DecodeError::Unknown {
        member: "process.flags",
        found: 1 << 9,
    };
    assert_eq!(refused(|process| process.flags = 1 << 9), unknown);
    let record = unix(Hook::UnixStreamConnect);
    assert!(told(record.as_bytes()).unwrap().is_none());
}
