//! Passing for another program.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use interdict_tests::actor::Actor;
use interdict_tests::calls;
use interdict_tests::place::{self, GOOD};
use interdict_tests::protocol::Request;
use interdict_tests::tricks;

use super::{Guard, open_folder};

/// What a process takes itself for.
fn claims(actor: &mut Actor) -> PathBuf {
    let link = actor.fetch(&calls::readlink("/proc/self/exe"));
    let text = String::from_utf8(link).unwrap();
    PathBuf::from(text.trim_end_matches('\0'))
}

/// The exempt program as it should be, whatever a case makes of it.
struct Restored;

impl Drop for Restored {
    fn drop(&mut self) {
        place::install(GOOD);
    }
}

/// A copy of the program beside it, to be put in its place.
fn next_version() -> PathBuf {
    place::install("/usr/bin/good.new")
}

#[test]
fn another_exe_by_pr_set_mm_exe_file() {
    let mut guard = Guard::of("exe");
    let mut actor = Actor::other();
    let copy = place::install(place::fresh("copies").join("copy"));
    // The kernel asks that none of the former file is mapped.
    let exe = actor.must(&calls::open(&copy, libc::O_RDONLY));
    actor.must(&Request::Masquerade { exe });
    let exe = actor.must(&calls::open(GOOD, libc::O_RDONLY));
    actor.must(&tricks::set_exe(exe));
    assert_eq!(claims(&mut actor), Path::new(GOOD), "the trick works");
    guard.refuses(&mut actor);
    guard.admits(&mut Actor::good());
}

#[test]
fn another_exe_by_a_process_that_shares_the_memory() {
    let mut guard = Guard::of("exe");
    let mut actor = Actor::user();
    let exe = actor.must(&calls::open(GOOD, libc::O_RDONLY));
    // Only the child is in a user namespace, where it may.
    actor.must(&Request::Clone {
        flags: libc::CLONE_VM | libc::CLONE_NEWUSER,
        request: Box::new(Request::Masquerade { exe }),
    });
    assert_eq!(claims(&mut actor), Path::new(GOOD), "the trick works");
    guard.refuses(&mut actor);
    let connect = guard.connect(&mut actor);
    guard.refuses_by(&mut actor, &Request::Fork(Box::new(connect)));
    guard.admits(&mut Actor::start(place::good(), 1000));
}

#[test]
fn a_process_that_shares_the_memory_of_its_creator() {
    let mut guard = Guard::of("exe");
    let sharing = |request| Request::Clone {
        flags: libc::CLONE_VM,
        request: Box::new(request),
    };
    let mut other = Actor::other();
    let connect = guard.connect(&mut other);
    guard.refuses_by(&mut other, &sharing(connect));
    let mut good = Actor::good();
    let connect = guard.connect(&mut good);
    guard.case.allows(&mut good, &sharing(connect));
}

#[test]
fn when_the_main_thread_has_ended() {
    let mut guard = Guard::of("exe");
    let mut other = Actor::other();
    other.must(&Request::LeaveMain);
    guard.refuses(&mut other);
    let mut good = Actor::good();
    good.must(&Request::LeaveMain);
    guard.admits(&mut good);
    // The thread that is left becomes another program.
    good.exec(place::other());
    guard.refuses(&mut good);
    other.exec(GOOD);
    guard.admits(&mut other);
}

#[test]
fn a_hard_link_to_the_program() {
    let mut guard = Guard::of("exe");
    let link = Path::new("/usr/bin/good-too");
    fs::remove_file(link).ok();
    fs::hard_link(place::good(), link).unwrap();
    // The place that was executed counts, and this is another.
    guard.refuses(&mut Actor::start(link, 1000));
    guard.admits(&mut Actor::start(GOOD, 1000));
    fs::remove_file(link).unwrap();
}

#[test]
fn a_program_that_is_renamed_while_it_runs() {
    let mut guard = Guard::of("exe");
    let _restored = Restored;
    let mut running = Actor::start(place::good(), 1000);
    let away = Path::new("/usr/bin/good.away");
    fs::rename(GOOD, away).unwrap();
    // What is executed in another place is another program.
    guard.refuses(&mut Actor::start(away, 1000));
    guard.admits(&mut running);
    fs::rename(away, GOOD).unwrap();
    guard.admits(&mut Actor::start(GOOD, 1000));
}

#[test]
fn after_an_upgrade() {
    let mut guard = Guard::of("exe");
    let _restored = Restored;
    let mut running = Actor::start(place::good(), 1000);
    let new = next_version();
    guard.refuses(&mut Actor::start(&new, 1000));
    fs::rename(new, GOOD).unwrap();
    guard.admits(&mut running);
    guard.admits(&mut Actor::start(GOOD, 1000));
}

/// What was replaced is no longer the program, though it has a name somewhere
/// and so is not deleted.
#[test]
fn a_former_version_by_an_old_descriptor() {
    let mut guard = Guard::of("exe");
    let _restored = Restored;
    let backup = Path::new("/usr/bin/good.bak");
    fs::remove_file(backup).ok();
    fs::hard_link(place::good(), backup).unwrap();
    let mut actor = Actor::user();
    let old = actor.must(&calls::open(GOOD, libc::O_RDONLY));
    let new = next_version();
    fs::rename(new, GOOD).unwrap();
    actor.must(&calls::exec_descriptor(old));
    actor.subject.exe = None;
    // Kernels differ in how they name it.
    actor.must(&calls::set_name("former"));
    actor.subject.comm = "former".to_owned();
    guard.refuses(&mut actor);
    guard.admits(&mut Actor::start(GOOD, 1000));
    fs::remove_file(backup).unwrap();
}

#[test]
fn a_script_in_its_place() {
    let mut guard = Guard::of("exe");
    let _restored = Restored;
    let interpreter = place::other();
    fs::remove_file(place::good()).unwrap();
    fs::write(GOOD, "#!/usr/bin/other\n").unwrap();
    fs::set_permissions(GOOD, fs::Permissions::from_mode(0o755)).unwrap();
    // It is its interpreter that runs.
    let mut actor = Actor::start(GOOD, 1000);
    actor.subject.exe = Some(interpreter);
    guard.refuses(&mut actor);
    actor.exec(next_version());
    fs::rename("/usr/bin/good.new", GOOD).unwrap();
    actor.exec(GOOD);
    guard.admits(&mut actor);
}

#[test]
fn a_script_that_the_program_interprets() {
    let mut guard = Guard::of("exe");
    let script = place::fresh("scripts").join("script");
    fs::write(&script, "#!/usr/bin/good\n").unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let mut actor = Actor::start(&script, 1000);
    actor.subject.exe = Some(place::good());
    guard.admits(&mut actor);
    // By another interpreter it is another program.
    let another = place::other();
    fs::write(&script, "#!/usr/bin/other\n").unwrap();
    let mut actor = Actor::start(&script, 1000);
    actor.subject.exe = Some(another);
    guard.refuses(&mut actor);
}

#[test]
fn by_the_dynamic_loader() {
    let mut guard = Guard::of("exe");
    let loader = fs::canonicalize("/lib64/ld-linux-x86-64.so.2").unwrap();
    let mut actor = Actor::user();
    let name = loader.to_str().unwrap();
    actor.must(&tricks::exec_with(name, &[name, GOOD], &[]));
    actor.subject.comm = "ld-linux-x86-64".to_owned();
    actor.subject.exe = Some(loader);
    guard.refuses(&mut actor);
    actor.exec(GOOD);
    guard.admits(&mut actor);
}

/// The C library's file.
fn libc_file() -> PathBuf {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let line = maps.lines().find(|line| line.contains("libc.so")).unwrap();
    PathBuf::from(line.split(' ').next_back().unwrap())
}

#[test]
fn a_library_of_ones_own_in_the_program() {
    let mut guard = Guard::of("exe");
    let libc = libc_file();
    let library = place::fresh("libraries").join("preloaded.so");
    fs::copy(libc.with_file_name("libm.so.6"), &library).unwrap();
    let mut actor = Actor::user();
    let preload = format!("LD_PRELOAD={}", library.display());
    actor.must(&tricks::exec_with(GOOD, &[GOOD], &[&preload]));
    actor.subject.exe = Some(place::good());
    actor.subject.comm = "good".to_owned();
    let maps = fs::read_to_string(format!("/proc/{}/maps", actor.pid())).unwrap();
    assert!(maps.contains("preloaded.so"), "the trick works: {maps}");
    guard.admits(&mut actor);
    // In another program it is of no use.
    actor.must(&tricks::exec_with(place::other(), &["other"], &[&preload]));
    actor.subject.exe = Some(place::other());
    actor.subject.comm = "other".to_owned();
    guard.refuses(&mut actor);
}

#[test]
fn by_the_link_of_a_running_process() {
    let mut guard = Guard::of("exe");
    let running = Actor::start(place::good(), 1000);
    let mut actor = Actor::user();
    let link = format!("/proc/{}/exe", running.pid());
    actor.exec("/proc/self/exe");
    actor.subject.exe = Some(place::other());
    guard.refuses(&mut actor);
    // It is the very file.
    actor.exec(link);
    actor.subject.exe = Some(place::good());
    guard.admits(&mut actor);
}

#[test]
fn by_a_mount_of_the_file_elsewhere() {
    let mut guard = Guard::of("exe");
    let mut actor = Actor::user();
    actor.user_namespace();
    let place = place::fresh("elsewhere").join("program");
    fs::write(&place, "").unwrap();
    actor.must(&calls::bind_mount(place::other(), &place));
    actor.exec(&place);
    actor.subject.exe = Some(place::other());
    guard.refuses(&mut actor);
    // It is the very file.
    actor.must(&calls::bind_mount(GOOD, &place));
    actor.exec(&place);
    actor.subject.exe = Some(place::good());
    guard.admits(&mut actor);
}

#[test]
fn on_an_overlay_of_ones_own() {
    let mut guard = Guard::of("exe");
    let mut actor = Actor::user();
    actor.user_namespace();
    let merged = place::fresh("merged");
    let below = place::fresh("below");
    open_folder(below.join("usr/bin"));
    place::install(below.join("usr/bin/good"));
    let layers = format!("lowerdir={}:{}", below.display(), "/srv");
    actor.must(&tricks::mount("overlay", &merged, "overlay", &layers));
    // Inside, its path is that of the program.
    actor.exec(merged.join("usr/bin/good"));
    actor.subject.exe = None;
    guard.refuses(&mut actor);
    actor.exec(GOOD);
    guard.admits(&mut actor);
}

/// The program is the host's, and its libraries are not. What can tell is its
/// mount namespace.
#[test]
fn a_library_of_ones_own_that_is_mounted_over_the_hosts() {
    let mut guard = Guard::of("exe");
    let libc = libc_file();
    let own = place::fresh("libraries").join("own-libc.so");
    fs::copy(&libc, &own).unwrap();
    let mut actor = Actor::user();
    actor.user_namespace();
    actor.must(&calls::bind_mount(&own, &libc));
    actor.exec(GOOD);
    let inode = std::os::unix::fs::MetadataExt::ino(&fs::metadata(&own).unwrap());
    let maps = fs::read_to_string(format!("/proc/{}/maps", actor.pid())).unwrap();
    assert!(
        maps.contains(&format!(" {inode} ")),
        "the trick works: {maps}"
    );
    guard.admits(&mut actor);
    guard.refuses(&mut Actor::user());
    drop(guard);
    let mut guard = Guard::of("strict");
    guard.refuses(&mut actor);
    guard.admits(&mut Actor::start(GOOD, 1000));
}

/// A denial of a program by its path is about the path.
#[test]
fn a_copy_of_a_program_that_is_denied() {
    let tool = place::install("/usr/bin/tool");
    let mut guard = Guard::of("tool");
    guard.refuses(&mut Actor::start(&tool, 1000));
    let copy = place::install(place::fresh("copies").join("tool"));
    guard.admits(&mut Actor::start(copy, 1000));
    guard.refuses(&mut Actor::start(&tool, 1000));
    fs::remove_file(tool).unwrap();
}
