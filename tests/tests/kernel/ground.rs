//! Where the paths of rules lie, and what no exemption rests on.

use std::fs::{self, File, OpenOptions};
use std::net::Ipv4Addr;
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use interdict_tests::actor::Actor;
use interdict_tests::address::Address;
use interdict_tests::calls;
use interdict_tests::case::Case;
use interdict_tests::event::{Decided, Object};
use interdict_tests::place::{self, GOOD};
use interdict_tests::service::Tcp;
use interdict_tests::status::{Anchor, Place};
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};

/// A file system for which a process answers that never does: whoever asks it for
/// anything waits for ever.
struct Silent {
    on: PathBuf,
    _device: File,
}

impl Silent {
    fn on(path: &Path) -> Self {
        fs::create_dir_all(path).unwrap();
        // A kernel that has it built in says that there is no such module.
        Command::new("modprobe").arg("fuse").status().unwrap();
        let mut options = OpenOptions::new();
        let device = options.read(true).write(true).open("/dev/fuse").unwrap();
        let data = format!(
            "fd={},rootmode=40000,user_id=0,group_id=0,allow_other\0",
            device.as_raw_fd()
        );
        let data = std::ffi::CStr::from_bytes_with_nul(data.as_bytes()).unwrap();
        let flags = MountFlags::empty();
        mount("silent", path, "fuse.silent", flags, Some(data)).unwrap();
        Self {
            on: path.to_owned(),
            _device: device,
        }
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        unmount(&self.on, UnmountFlags::DETACH).unwrap();
    }
}

/// How many places each path has, and whether an exemption rests on it.
fn counts(anchors: &[Anchor]) -> Vec<(&str, bool, usize)> {
    let mut all: Vec<_> = anchors
        .iter()
        .map(|one| (one.path.as_str(), one.exempts, one.places.len()))
        .collect();
    all.sort_unstable();
    all
}

#[test]
fn no_exemption_rests_on_what_a_process_answers_for() {
    let folder = place::fresh("ground");
    let silent = Silent::on(&folder.join("silent"));
    place::make_good();
    let folder = folder.display();
    let policy = format!(
        "deny tcp connect to 127.0.0.1 port 8080 \
         unless exe in {{ {GOOD}, {folder}/silent/good, {folder}/s* }} id web\n\
         deny unix connect to {folder}/silent/socket id named\n"
    );
    let _web = Tcp::on("127.0.0.1:8080");
    // Nobody waits for the file system.
    let mut case = Case::under(&[("ground", &policy)]);
    let status = case.engine().status();
    assert_eq!(
        counts(&status.anchors["web"]),
        [
            (format!("{folder}/s*").as_str(), true, 1),
            (format!("{folder}/silent/good").as_str(), true, 0),
            (GOOD, true, 1),
        ]
    );
    let named = &status.anchors["named"];
    let socket = format!("{folder}/silent/socket");
    assert_eq!(counts(named), [(socket.as_str(), false, 1)]);
    assert_eq!(named[0].places[0].path, "/socket");
    let warned = case.engine().errors.since(0);
    let warning =
        format!("`{folder}/silent/good` lies on fuse.silent: no exemption can rest on it");
    assert!(
        warned.iter().any(|line| line.contains(&warning)),
        "{warned:?}"
    );
    let to = Address::ip(Ipv4Addr::LOCALHOST, 8080);
    let mut good = Actor::good();
    let socket = good.tcp();
    case.allows(&mut good, &calls::connect(socket, &to));
    let mut other = Actor::other();
    let socket = other.tcp();
    let decided = Decided::connect("web", Object::ip("127.0.0.1", 8080));
    case.denies(&mut other, &calls::connect(socket, &to), &decided);
    drop(silent);
}

#[test]
fn what_a_path_leads_to_is_said() {
    let folder = place::fresh("anchors");
    let real = folder.join("real");
    fs::create_dir(&real).unwrap();
    std::os::unix::fs::symlink("real", folder.join("link")).unwrap();
    let folder = folder.display();
    let policy = format!(
        "deny unix connect to {folder}/link/a unless exe = /nowhere/at/all id links\n\
         deny unix connect to {folder}/link/** id globs\n\
         deny tcp connect to 10.1.2.3 id none\n"
    );
    let mut case = Case::under(&[("anchors", &policy)]);
    let anchors = case.engine().status().anchors;
    let device = rustix::fs::stat("/tmp").unwrap().st_dev;
    let device = format!(
        "{}:{}",
        rustix::fs::major(device),
        rustix::fs::minor(device)
    );
    let link = anchors["links"].iter().find(|one| !one.exempts).unwrap();
    assert_eq!(link.path, format!("{folder}/link/a"));
    let within = real.strip_prefix("/tmp").unwrap();
    let place = Place {
        device: device.clone(),
        path: format!("/{}/a", within.display()),
    };
    assert_eq!(link.places, [place]);
    assert!(anchors["links"].iter().any(|one| one.exempts));
    assert_eq!(anchors["globs"][0].places[0].device, device);
    assert!(!anchors.contains_key("none"));
}
