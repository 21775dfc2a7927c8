//! On btrfs, where each subvolume says that it is a device of its own.

use std::fs;
use std::path::{Path, PathBuf};

use interdict_tests::actor::{Actor, outcome};
use interdict_tests::address::Address;
use interdict_tests::calls;
use interdict_tests::case::Case;
use interdict_tests::event::{Decided, Object};
use interdict_tests::place;
use interdict_tests::program::{command, run};
use interdict_tests::protocol::Request;
use interdict_tests::service::Service;
use interdict_tests::skip::skipped;
use interdict_tests::tricks;
use rustix::io::Errno;
use rustix::mount::{UnmountFlags, unmount};

/// A file system in a file, with a subvolume `sub` and one within the folder `in`;
/// mounted whole, and `sub` alone a second time.
struct Disk {
    whole: PathBuf,
    part: PathBuf,
}

impl Disk {
    /// `None` where the kernel has no btrfs.
    fn new() -> Option<Self> {
        for module in ["loop", "btrfs"] {
            run(&mut command("modprobe", &[module])).ok()?;
        }
        let folder = place::fresh("btrfs");
        let [image, whole, part] = ["image", "whole", "part"].map(|name| folder.join(name));
        let file = fs::File::create(&image).unwrap();
        file.set_len(120 << 20).unwrap();
        let image = image.to_str().unwrap();
        run(&mut command("mkfs.btrfs", &["-q", image])).unwrap();
        let disk = Self { whole, part };
        let mount = |options: &str, on: &Path| {
            fs::create_dir(on).unwrap();
            let words = ["-t", "btrfs", "-o", options, image, on.to_str().unwrap()];
            run(&mut command("mount", &words)).unwrap();
        };
        mount("loop", &disk.whole);
        fs::create_dir(disk.whole.join("in")).unwrap();
        for name in ["sub", "in/nested"] {
            let path = disk.whole.join(name);
            let words = ["subvolume", "create", path.to_str().unwrap()];
            run(&mut command("btrfs", &words)).unwrap();
        }
        let device = run(&mut command(
            "findmnt",
            &["-n", "-o", "SOURCE", disk.whole.to_str().unwrap()],
        ));
        let device = device.unwrap();
        fs::create_dir(&disk.part).unwrap();
        let words = [
            "-t",
            "btrfs",
            "-o",
            "subvol=/sub",
            &device,
            disk.part.to_str().unwrap(),
        ];
        run(&mut command("mount", &words)).unwrap();
        for path in [&disk.whole, &disk.part] {
            let everybody =
                <fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o777);
            fs::set_permissions(path, everybody).unwrap();
        }
        Some(disk)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        for path in [&self.part, &self.whole] {
            unmount(path, UnmountFlags::DETACH).ok();
        }
    }
}

#[test]
fn rules_hold_in_every_subvolume() {
    let Some(disk) = Disk::new() else {
        return skipped("modules of btrfs and loop devices");
    };
    let [whole, part] = [&disk.whole, &disk.part].map(|path| path.to_str().unwrap());
    let good = place::install(disk.whole.join("in/nested/good"));
    // Another file system, so the same names lie at other places there.
    let elsewhere = place::fresh("btrfs-elsewhere");
    let policy = format!(
        "deny unix connect to {whole}/socket unless exe = {} id top\n\
         deny unix connect to {part}/socket unless exe = {} id sub\n\
         deny unix connect to {whole}/in/** unless exe = {} id nested\n\
         deny unix bind on {{ {part}/own, {whole}/in/nested/own }} id own\n",
        good.display(),
        good.display(),
        good.display(),
    );
    let mut case = Case::under(&[("btrfs", &policy)]);
    let services = [
        ("socket", "top", format!("{whole}/socket")),
        // Made by the mount of the whole, named by the mount of the part.
        ("sub/socket", "sub", format!("{part}/socket")),
        (
            "in/nested/socket",
            "nested",
            format!("{whole}/in/nested/socket"),
        ),
        ("in/socket", "nested", format!("{whole}/in/socket")),
    ];
    let _services: Vec<Service> = services
        .iter()
        .map(|(name, ..)| Service::stream(disk.whole.join(name)).accepting())
        .collect();
    let _open = Service::stream(disk.whole.join("sub/open")).accepting();
    let _elsewhere = Service::stream(elsewhere.join("socket")).accepting();
    let mut actor = Actor::other();
    let mut good = Actor::start(&good, 0);
    for (name, rule, path) in &services {
        let by = format!("{whole}/{name}");
        let decided = Decided::stream(rule, Object::path(path));
        let request = connect(&mut actor, &by);
        case.denies(&mut actor, &request, &decided);
        let request = connect(&mut good, &by);
        case.allows(&mut good, &request);
    }
    // The same socket by the other mount, and by a root that is the subvolume.
    let decided = Decided::stream("sub", Object::path(&format!("{part}/socket")));
    let by_part = connect(&mut actor, &format!("{part}/socket"));
    case.denies(&mut actor, &by_part, &decided);
    let mut within = Actor::other();
    within.mount_namespace();
    within.must(&calls::chdir(&disk.part));
    within.must(&tricks::pivot_root("."));
    within.must(&tricks::detach("."));
    let by_root = connect(&mut within, "/socket");
    case.denies(&mut within, &by_root, &decided);
    let open = connect(&mut within, "/open");
    case.allows(&mut within, &open);
    // A name within another subvolume, or another file system, is another place.
    for path in [
        format!("{part}/open"),
        elsewhere.join("socket").to_str().unwrap().to_owned(),
    ] {
        let connect = connect(&mut actor, &path);
        case.allows(&mut actor, &connect);
    }
    let nested = format!("{whole}/in/nested/own");
    let sub = format!("{part}/own");
    for (path, at) in [
        (&sub, &sub),
        (&format!("{whole}/sub/own"), &sub),
        (&nested, &nested),
    ] {
        let socket = actor.unix();
        let bind = calls::bind(socket, &Address::path(path));
        let reply = actor.ask(&bind);
        assert_eq!(outcome(&reply), Err(Errno::PERM), "{path}");
        let event = case.event();
        event.says("/decision/rule", "own");
        event.says("/decision/object/path", at.as_str());
        assert!(!Path::new(path).exists());
    }
    let socket = actor.unix();
    let bind = calls::bind(socket, &Address::path(disk.whole.join("own")));
    case.allows(&mut actor, &bind);
}

fn connect(actor: &mut Actor, path: &str) -> Request {
    let socket = actor.unix();
    calls::connect(socket, &Address::path(path))
}
