//! Ways around a rule, and ways to pass for somebody else: each test is a case of
//! `docs/evasion.md`, named as there.
//!
//! One policy serves nearly all of them, so that the engine reads it once: what
//! is guarded is told apart by the object. A rule is called as the socket is.

mod addresses;
mod binds;
mod datagrams;
mod descriptors;
mod families;
mod fast_open;
mod hands;
mod labels;
mod mounts;
mod names;
mod namespaces;
mod narrow;
mod network;
mod older;
mod parents;
mod ports;
mod programs;
mod races;
mod reach;
mod rings;
mod services;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use interdict_tests::actor::{Actor, outcome};
use interdict_tests::address::Address;
use interdict_tests::calls;
use interdict_tests::case::Case;
use interdict_tests::engine::Policy;
use interdict_tests::event::{Decided, Event, Object};
use interdict_tests::place;
use interdict_tests::protocol::Request;
use interdict_tests::service::Service;
use rustix::io::Errno;

/// Where all sockets of these cases lie.
const FOLDER: &str = "/run/evasion";

/// What no rule is about.
const OPEN: &str = "/run/evasion/open";

/// The policy. What is closed to user 1003 is open to all others.
const POLICY: &Policy<'_> = &[("evasion", TEXT)];
const TEXT: &str = r#"
deny unix connect to { /run/evasion/exe, "@evasion" } unless exe = /usr/bin/good id exe
deny unix connect to /run/evasion/strict unless exe = /usr/bin/good and mntns = host id strict
deny unix connect to /run/evasion/tool if exe = /usr/bin/tool id tool
deny unix bind on { /run/evasion/bound/**, "@evasion-bound" } unless exe = /usr/bin/good id bound
default deny unix connect to any if uid = 1003 id closed
allow unix connect to { /run/evasion/allowed, /run/evasion/open } id allowed

deny unix connect to /run/evasion/comm unless comm = trusted id comm
deny unix connect to /run/evasion/fifteen unless comm = fifteen-letters id fifteen
deny unix connect to /run/evasion/uid unless uid = 0 id uid
deny unix connect to /run/evasion/person if uid = 1000 id person
deny unix connect to /run/evasion/group if group = games id group
deny unix connect to /run/evasion/member unless group = games id member
deny unix connect to /run/evasion/login unless loginuid = 1001 id login
deny unix connect to /run/evasion/unit unless unit = nginx.service id unit
deny unix connect to /run/evasion/caged if unit = evil.service id caged
deny unix connect to /run/evasion/cgroup if cgroup = /evasion/evil id cgroup
deny unix connect to /run/evasion/parent unless parent.exe = /usr/bin/good id parent
deny unix connect to /run/evasion/child if parent.comm = keeper id child
deny unix connect to /run/evasion/userns unless userns = host id userns
deny unix connect to /run/evasion/netns unless netns = host id netns
deny unix connect to /run/evasion/pidns unless pidns = host id pidns
"#;

/// The user to whom all is closed but what is allowed.
const CONFINED: u32 = 1003;

/// A socket that a rule guards, and one beside it.
struct Guard {
    case: Case,
    rule: &'static str,
    service: Service,
    _open: Service,
}

impl Guard {
    /// The socket that is called as the rule.
    #[track_caller]
    fn of(rule: &'static str) -> Self {
        place::make_good();
        folder();
        Self {
            case: Case::under(POLICY),
            rule,
            service: Service::stream(guarded(rule)),
            _open: Service::stream(OPEN),
        }
    }

    /// What the rule decides about that socket.
    fn decided(&self) -> Decided {
        let path = guarded(self.rule);
        Decided::stream(self.rule, Object::path(path.to_str().unwrap()))
    }

    /// The socket is refused to this process; what is open is not.
    #[track_caller]
    fn refuses(&mut self, actor: &mut Actor) -> Event {
        let event = self.refuses_as(actor, guarded(self.rule));
        self.admits_to(actor, OPEN);
        event
    }

    /// The rule exempts this process.
    #[track_caller]
    fn admits(&mut self, actor: &mut Actor) {
        self.admits_to(actor, guarded(self.rule));
    }

    /// A connect to the socket, to be made in some way.
    fn connect(&self, actor: &mut Actor) -> Request {
        let socket = actor.unix();
        calls::connect(socket, &Address::path(guarded(self.rule)))
    }

    /// A request, some way to connect to the socket, is refused.
    #[track_caller]
    fn refuses_by(&mut self, actor: &mut Actor, request: &Request) -> Event {
        let decided = self.decided();
        self.case.denies(actor, request, &decided)
    }

    /// A request, some way to connect to the socket, is refused, in a process
    /// that the actor does not know.
    #[track_caller]
    fn refuses_elsewhere(&mut self, actor: &mut Actor, request: &Request) -> Event {
        assert_eq!(tried(actor, request), Err(Errno::PERM), "{request:?}");
        let event = self.case.event();
        event.says("/decision/rule", self.rule);
        event
    }

    /// The socket is refused under this name.
    #[track_caller]
    fn refuses_as(&mut self, actor: &mut Actor, typed: impl AsRef<Path>) -> Event {
        let socket = actor.unix();
        let connect = calls::connect(socket, &Address::path(typed));
        let event = self.case.denies(actor, &connect, &self.decided());
        actor.must(&calls::close(socket));
        event
    }

    /// What lies at a path can be reached.
    #[track_caller]
    fn admits_to(&mut self, actor: &mut Actor, path: impl AsRef<Path>) {
        let socket = actor.unix();
        let connect = calls::connect(socket, &Address::path(path));
        self.case.allows(actor, &connect);
        actor.must(&calls::close(socket));
    }

    /// The kernel itself finds nobody there.
    #[track_caller]
    fn leads_nowhere(&mut self, actor: &mut Actor, path: impl AsRef<Path>, errno: Errno) {
        let socket = actor.unix();
        let connect = calls::connect(socket, &Address::path(path));
        self.case.fails(actor, &connect, errno);
        actor.must(&calls::close(socket));
    }

    /// Under the name that `typed` makes of a file's name the socket is refused,
    /// and the open one beside it can be reached.
    #[track_caller]
    fn protects(&mut self, actor: &mut Actor, typed: impl Fn(&str) -> String) {
        let event = self.refuses_as(actor, typed(self.rule));
        let shown = &event.typed()["sun_path"];
        assert_eq!(shown, &typed(self.rule), "as the caller wrote it");
        self.admits_to(actor, typed("open"));
    }
}

/// The socket that a rule guards.
fn guarded(rule: &str) -> PathBuf {
    Path::new(FOLDER).join(rule)
}

/// A fresh [`FOLDER`].
fn folder() -> PathBuf {
    let path = PathBuf::from(FOLDER);
    fs::remove_dir_all(&path).ok();
    open_folder(&path);
    path
}

/// A folder that everybody can write to.
fn open_folder(path: impl AsRef<Path>) {
    fs::create_dir_all(path.as_ref()).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o777)).unwrap();
}

/// A socket that listens, of an actor's own.
#[track_caller]
fn listens(actor: &mut Actor, own: &Address) -> i64 {
    let listener = actor.unix();
    actor.must(&calls::bind(listener, own));
    actor.must(&calls::listen(listener));
    listener
}

/// Goes on as another user: only what he does counts, not how he came to be him.
fn user(id: u32) -> Actor {
    Actor::start(place::other(), id)
}

/// What a request came to, whatever the reason.
fn tried(actor: &mut Actor, request: &Request) -> Result<i64, Errno> {
    outcome(&actor.ask(request))
}
