//! A process that does what it is told: the program `probe` under some name,
//! as some user.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};

use rustix::io::Errno;

use crate::calls;
use crate::place;
use crate::protocol::{Reply, Request};

/// The process as the engine must know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The program's file; `None` when it must be unknown.
    pub exe: Option<PathBuf>,
    /// The main thread's name.
    pub comm: String,
    /// Effective, as the initial namespace counts.
    pub uid: u32,
    /// Effective, as the initial namespace counts.
    pub gid: u32,
}

/// A process under orders.
pub struct Actor {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    /// What events must say of it. Tests change it when they change the process.
    pub subject: Subject,
}

impl Actor {
    /// Starts the program at `path`, a copy of `probe`, as a user.
    #[must_use]
    pub fn start(path: impl AsRef<Path>, user: u32) -> Self {
        let path = path.as_ref();
        let mut child = Command::new(path)
            .uid(user)
            .gid(user)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut actor = Self {
            child,
            input,
            output,
            subject: Subject {
                exe: Some(path.to_owned()),
                comm: comm(path),
                uid: user,
                gid: user,
            },
        };
        let started = actor.finish();
        assert_eq!(started.result, 0, "{} has started", path.display());
        actor
    }

    /// A program that no rule names, as root.
    #[must_use]
    pub fn other() -> Self {
        Self::start(place::other(), 0)
    }

    /// A program that no rule names, as user 1000.
    #[must_use]
    pub fn user() -> Self {
        Self::start(place::other(), 1000)
    }

    /// The program that rules make an exception for, as root.
    #[must_use]
    pub fn good() -> Self {
        Self::start(place::good(), 0)
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Hands a request over.
    pub fn begin(&mut self, request: &Request) {
        let mut line = serde_json::to_vec(request).unwrap();
        line.push(b'\n');
        self.input.write_all(&line).unwrap();
        self.input.flush().unwrap();
    }

    /// Waits for the reply to the request that was begun.
    pub fn finish(&mut self) -> Reply {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| {
            panic!("{:?} answered {line:?}: {error}", self.subject);
        })
    }

    /// Waits for its end.
    pub fn ended(&mut self) -> ExitStatus {
        let answer = self.output.fill_buf().unwrap();
        assert!(answer.is_empty(), "it goes on");
        self.child.wait().unwrap()
    }

    /// Makes a request.
    pub fn ask(&mut self, request: &Request) -> Reply {
        self.begin(request);
        self.finish()
    }

    /// Makes a request that must succeed; what the kernel returned.
    #[track_caller]
    pub fn must(&mut self, request: &Request) -> i64 {
        let reply = self.ask(request);
        outcome(&reply).unwrap_or_else(|errno| panic!("{request:?}: {errno}"))
    }

    /// Makes a request that must succeed; what came back in its first room.
    #[track_caller]
    pub fn fetch(&mut self, request: &Request) -> Vec<u8> {
        let reply = self.ask(request);
        let result = outcome(&reply);
        assert!(result.is_ok(), "{request:?}: {result:?}");
        reply.rooms.into_iter().next().unwrap()
    }

    /// A new socket.
    #[track_caller]
    pub fn socket(&mut self, family: i32, kind: i32) -> i64 {
        self.must(&calls::socket(family, kind, 0))
    }

    /// A new unix stream socket.
    #[track_caller]
    pub fn unix(&mut self) -> i64 {
        self.socket(libc::AF_UNIX, libc::SOCK_STREAM)
    }

    /// A new TCP socket over IPv4.
    #[track_caller]
    pub fn tcp(&mut self) -> i64 {
        self.socket(libc::AF_INET, libc::SOCK_STREAM)
    }

    /// A new UDP socket over IPv4.
    #[track_caller]
    pub fn udp(&mut self) -> i64 {
        self.socket(libc::AF_INET, libc::SOCK_DGRAM)
    }

    /// Writes a file.
    #[track_caller]
    pub fn write_file(&mut self, path: &str, text: &str) {
        let file = self.must(&calls::open(path, libc::O_WRONLY));
        self.must(&calls::write(file, text.as_bytes()));
        self.must(&calls::close(file));
    }

    /// Makes what it mounts its own affair.
    #[track_caller]
    pub fn mount_namespace(&mut self) {
        self.must(&calls::unshare(libc::CLONE_NEWNS));
        self.must(&calls::private_mounts());
    }

    /// Enters a user namespace where it is root, and a mount namespace.
    #[track_caller]
    pub fn user_namespace(&mut self) {
        self.must(&calls::unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWNS));
        self.write_file("/proc/self/setgroups", "deny");
        let map = |id: u32| format!("0 {id} 1");
        let (uid, gid) = (self.subject.uid, self.subject.gid);
        self.write_file("/proc/self/uid_map", &map(uid));
        self.write_file("/proc/self/gid_map", &map(gid));
        self.must(&calls::private_mounts());
    }

    /// Becomes another program, a copy of `probe` as well.
    #[track_caller]
    pub fn exec(&mut self, path: impl AsRef<Path>) {
        self.must(&calls::exec(path.as_ref()));
        self.subject.exe = Some(path.as_ref().to_owned());
        self.subject.comm = comm(path.as_ref());
    }
}

impl Drop for Actor {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// What the kernel said.
///
/// # Errors
/// The errno.
pub fn outcome(reply: &Reply) -> Result<i64, Errno> {
    if reply.result >= 0 {
        return Ok(reply.result);
    }
    let number = i32::try_from(-reply.result).unwrap();
    assert!(number < 4096, "the actor itself failed: {reply:?}");
    Err(Errno::from_raw_os_error(number))
}

/// The name that exec(2) gives a process: the file's, cut.
fn comm(path: &Path) -> String {
    let name = path.file_name().unwrap().to_str().unwrap();
    name.get(..15).unwrap_or(name).to_owned()
}
