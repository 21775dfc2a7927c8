//! Who does it: processes that differ in everything that a rule can ask.

#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::fs;
use std::os::unix::ffi::OsStringExt as _;
use std::path::Path;

use interdict_tests::actor::Actor;
use interdict_tests::calls;
use interdict_tests::place;
use interdict_tests::protocol::Request as Call;
use policy_generator::pools::{GROUP_IDS, USER_IDS};
use policy_lang::request::{Namespace, Subject};
use policy_lang::unit;

/// A process, and what is to be said of it.
pub(super) struct Person {
    made_of: Recipe,
    pub(super) actor: Actor,
    pub(super) facts: Subject,
    /// A file of its; each operation uses its number and the next for sockets.
    pub(super) file: i64,
}

/// What a process is made of.
#[derive(Clone, Copy, Debug, Default)]
struct Recipe {
    exe: &'static str,
    comm: Option<&'static str>,
    /// Real, effective and saved.
    uids: [i64; 3],
    gids: [i64; 3],
    groups: &'static [u32],
    /// The effective and permitted ones; all when there is none.
    capabilities: Option<&'static [u32]>,
    loginuid: Option<u32>,
    cgroup: Option<&'static str>,
    /// Namespaces of its own, by `CLONE_NEW*`.
    namespaces: i32,
}

const NOBODY: &str = "/usr/bin/other";
/// `CAP_CHOWN`, `CAP_NET_ADMIN`.
const SOME: &[u32] = &[0, 12];
/// `CAP_KILL`, `CAP_NET_RAW`, `CAP_SYS_ADMIN`.
const OTHERS: &[u32] = &[5, 13, 21];

const PLAIN: Recipe = Recipe {
    exe: NOBODY,
    comm: None,
    uids: [0; 3],
    gids: [0; 3],
    groups: &[],
    capabilities: None,
    loginuid: None,
    cgroup: None,
    namespaces: 0,
};

const RECIPES: [Recipe; 12] = [
    PLAIN,
    Recipe {
        exe: "/usr/bin/a",
        cgroup: Some("/system.slice/nginx.service"),
        ..PLAIN
    },
    Recipe {
        exe: "/usr/bin/b",
        comm: Some("dockerd"),
        uids: [1000; 3],
        gids: [1000; 3],
        loginuid: Some(1000),
        cgroup: Some("/user.slice/user-1000.slice/user@1000.service/app"),
        ..PLAIN
    },
    Recipe {
        exe: "/usr/bin/c",
        comm: Some("two words"),
        uids: [1000, 1999, 1999],
        gids: [1999, 998, 998],
        groups: &[0, 5, 998, 65_534],
        ..PLAIN
    },
    Recipe {
        exe: "/usr/bin/d",
        comm: Some("123456789012345"),
        uids: [0, 65_534, 0],
        gids: [1, 65_534, 1],
        groups: &[1000],
        cgroup: Some("/a-b"),
        ..PLAIN
    },
    Recipe {
        exe: "/usr/bin/a",
        comm: Some("deny"),
        capabilities: Some(SOME),
        loginuid: Some(0),
        cgroup: Some("/system.slice"),
        ..PLAIN
    },
    Recipe {
        exe: "/usr/bin/b",
        comm: Some("a"),
        capabilities: Some(OTHERS),
        groups: &[998, 1, 2, 3, 4],
        namespaces: libc::CLONE_NEWNET,
        cgroup: Some("/init.scope"),
        ..PLAIN
    },
    Recipe {
        exe: "/usr/bin/c",
        comm: Some(""),
        uids: [1, 1, 1],
        gids: [999, 999, 999],
        loginuid: Some(4_294_967_294),
        cgroup: Some("/system.slice/__x.socket/below"),
        ..PLAIN
    },
    Recipe {
        exe: "/usr/bin/d",
        comm: Some("drone"),
        namespaces: libc::CLONE_NEWNS | libc::CLONE_NEWCGROUP,
        ..PLAIN
    },
    Recipe {
        exe: NOBODY,
        comm: Some("odd\x07\u{e9}"),
        uids: [1999, 1999, 1999],
        gids: [1000, 1000, 1000],
        ..PLAIN
    },
    Recipe {
        exe: "/usr/bin/a",
        uids: [1000; 3],
        gids: [998; 3],
        namespaces: libc::CLONE_NEWUSER,
        ..PLAIN
    },
    Recipe {
        exe: "/usr/bin/b",
        comm: Some("12345"),
        uids: [65_534; 3],
        gids: [65_534; 3],
        groups: &[0],
        ..PLAIN
    },
];

/// One of each.
pub(super) fn all() -> Vec<Person> {
    RECIPES.iter().map(|recipe| Person::new(*recipe)).collect()
}

impl Person {
    fn new(made_of: Recipe) -> Self {
        let path = Path::new(made_of.exe);
        if !path.exists() {
            place::install(path);
        }
        let mut actor = Actor::start(path, 0);
        if let Some(id) = made_of.loginuid {
            actor.write_file("/proc/self/loginuid", &id.to_string());
        }
        if let Some(cgroup) = made_of.cgroup {
            let folder = format!("/sys/fs/cgroup{cgroup}");
            fs::create_dir_all(&folder).unwrap();
            fs::write(format!("{folder}/cgroup.procs"), actor.pid().to_string()).unwrap();
        }
        let own = made_of.namespaces & !libc::CLONE_NEWUSER;
        if own != 0 {
            actor.must(&calls::unshare(own));
        }
        if let Some(name) = made_of.comm {
            actor.must(&calls::set_name(name));
        }
        actor.must(&calls::set_groups(made_of.groups));
        let [real, effective, saved] = made_of.gids;
        actor.must(&calls::set_gids(real, effective, saved));
        let [real, effective, saved] = made_of.uids;
        actor.must(&calls::set_uids(real, effective, saved));
        if let Some(numbers) = made_of.capabilities {
            actor.must(&calls::set_capabilities(numbers));
        }
        if made_of.namespaces & libc::CLONE_NEWUSER != 0 {
            actor.must(&calls::unshare(libc::CLONE_NEWUSER));
        }
        // No sockets: the policy in force may be against them.
        let open = calls::open("/dev/null", libc::O_RDONLY);
        let file = actor.must(&open);
        assert_eq!(actor.must(&open), file + 1);
        let facts = facts(actor.pid());
        Self {
            made_of,
            actor,
            facts,
            file,
        }
    }

    /// The request is its last; somebody like it takes its place.
    #[track_caller]
    pub(super) fn dies_of(&mut self, request: &Call, told: &str) {
        use std::os::unix::process::ExitStatusExt as _;
        let next = Self::new(self.made_of);
        let mut last = std::mem::replace(self, next);
        last.actor.begin(request);
        let status = last.actor.ended();
        assert_eq!(status.signal(), Some(libc::SIGKILL), "{told}");
    }
}

/// What /proc says of a process that this one made.
fn facts(pid: u32) -> Subject {
    let of = |name: &str| fs::read(format!("/proc/{pid}/{name}")).unwrap();
    let text = |name: &str| String::from_utf8(of(name)).unwrap().trim().to_owned();
    let status = String::from_utf8_lossy(&of("status")).into_owned();
    let line = |name: &str| -> Vec<String> {
        let mut lines = status.lines();
        let found = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let words = found.unwrap().split_whitespace();
        words.map(str::to_owned).collect()
    };
    let numbers = |name: &str| -> Vec<u32> {
        let words = line(name);
        words.iter().map(|word| word.parse().unwrap()).collect()
    };
    let (uids, gids) = (numbers("Uid"), numbers("Gid"));
    let mut groups = numbers("Groups");
    groups.push(gids[1]);
    let namespace = |name: &str| {
        let of = |pid: &str| fs::read_link(format!("/proc/{pid}/ns/{name}")).unwrap();
        Some(if of(&pid.to_string()) == of("1") {
            Namespace::Host
        } else {
            Namespace::Other
        })
    };
    let userns = namespace("user");
    let effective = u64::from_str_radix(&line("CapEff")[0], 16).unwrap();
    // Those that one has in a user namespace of his own are none.
    let host = userns == Some(Namespace::Host);
    let cap = (0..64_u8).filter(|bit| host && effective >> bit & 1 == 1);
    let mut comm = of("comm");
    comm.pop();
    let cgroup = text("cgroup");
    let cgroup = cgroup.strip_prefix("0::").unwrap().as_bytes().to_vec();
    let loginuid = text("loginuid").parse().unwrap();
    let mut creator = fs::read("/proc/self/comm").unwrap();
    creator.pop();
    let exe = |path: String| fs::read_link(path).unwrap().into_os_string().into_vec();
    Subject {
        exe: Some(exe(format!("/proc/{pid}/exe"))),
        comm: Some(comm),
        uid: Some(uids[1]),
        gid: Some(gids[1]),
        ruid: Some(uids[0]),
        rgid: Some(gids[0]),
        loginuid: (loginuid != u32::MAX).then_some(loginuid),
        user: names("/etc/passwd", &uids[1..2]).pop(),
        group: names("/etc/group", &groups),
        unit: unit::of_cgroup(&cgroup).map(<[u8]>::to_vec),
        cgroup: Some(cgroup),
        cap: cap.collect(),
        userns,
        netns: namespace("net"),
        pidns: namespace("pid"),
        mntns: namespace("mnt"),
        cgroupns: namespace("cgroup"),
        parent_comm: Some(creator),
        parent_exe: Some(exe("/proc/self/exe".to_owned())),
        parent_uid: Some(0),
    }
}

/// The names that some ids have in a file of accounts.
fn names(file: &str, ids: &[u32]) -> Vec<Vec<u8>> {
    let text = fs::read_to_string(file).unwrap();
    let named = text.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let (name, id) = (fields.next()?, fields.nth(1)?.parse().ok()?);
        ids.contains(&id).then(|| name.as_bytes().to_vec())
    });
    named.collect()
}

/// The accounts that the policies name are there, with the numbers that they have
/// in the generator, until the end.
pub(super) struct Accounts([(&'static str, String); 2]);

impl Accounts {
    pub(super) fn known() -> Self {
        let files = [("/etc/passwd", USER_IDS), ("/etc/group", GROUP_IDS)];
        Self(files.map(|(file, accounts)| {
            let before = fs::read_to_string(file).unwrap();
            // A number has one name, and a name one number.
            let others = before.lines().filter(|line| {
                let mut fields = line.split(':');
                let (name, id) = (fields.next().unwrap(), fields.nth(1));
                let taken = |(known, number): &(&str, u32)| {
                    *known == name || Some(number.to_string().as_str()) == id
                };
                !accounts.iter().any(taken)
            });
            let rest = if file == "/etc/passwd" {
                ":0::/:/bin/sh"
            } else {
                ":"
            };
            let mut lines: Vec<String> = others.map(str::to_owned).collect();
            let own = accounts.iter();
            lines.extend(own.map(|(name, id)| format!("{name}:x:{id}{rest}")));
            lines.push(String::new());
            interdict_tests::engine::replace(Path::new(file), &lines.join("\n"));
            (file, before)
        }))
    }
}

impl Drop for Accounts {
    fn drop(&mut self) {
        for (file, before) in &self.0 {
            interdict_tests::engine::replace(Path::new(file), before);
        }
    }
}
