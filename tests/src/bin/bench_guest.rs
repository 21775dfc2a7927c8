//! The half of `cargo xtask bench` that runs in a guest: connects in loops, with
//! nothing on the hooks, with programs that do nothing, and under interdict.
//!
//! Where QEMU counts instructions (`-icount shift=0`), a nanosecond of the
//! guest's clock is one instruction. Each round is a line on standard output:
//! what was attached, the operation, nanoseconds, how many operations.

use std::error::Error;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use aya::programs::Lsm;
use aya::{Btf, Ebpf};
use rustix::net::{
    AddressFamily, SocketAddrAny, SocketAddrUnix, SocketType, accept, bind, connect, getsockname,
    listen, socket, sockopt,
};
use rustix::time::{ClockId, clock_gettime};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Connects that are timed together: enough for the clock's own cost not to
/// show, few enough for the kernel to use the same memory again.
const BATCH: u32 = 64;
/// Operations of a round, a whole number of batches.
const UDP_ROUND: u32 = 10_000;
const TCP_ROUND: u32 = 8 * BATCH;
const UNIX_ROUND: u32 = 16 * BATCH;
/// How long the kernel gets to free what was closed: it does so later, and
/// would do it while the next connects are timed.
const SETTLE: Duration = Duration::from_millis(20);
/// Where nothing listens; a datagram connect does not mind.
const DISCARD: u16 = 9;

const USAGE: &str = "usage: bench_guest ROUNDS EMPTY_OBJECT INTERDICT POLICIES";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            writeln!(io::stderr(), "bench_guest: {error}").ok();
            ExitCode::FAILURE
        }
    }
}

fn run() -> Outcome<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let mut next = || arguments.next().ok_or(USAGE);
    let rounds: u32 = next()?.to_str().ok_or(USAGE)?.parse()?;
    let (object, interdict, policies) = (next()?, next()?, next()?);

    let bench = Bench::new()?;
    bench.row("nothing", rounds)?;
    {
        let _attached = empty(&object)?;
        bench.row("empty", rounds)?;
    }
    let mut engine = Engine::start(&interdict, &policies)?;
    bench.row("interdict", rounds)?;
    engine.still_runs()
}

/// Programs that do nothing, attached until they are dropped.
fn empty(object: &Path) -> Outcome<Ebpf> {
    let btf = Btf::from_sys_fs()?;
    let mut ebpf = Ebpf::load_file(object)?;
    let mut attached = 0;
    for (name, program) in ebpf.programs_mut() {
        let program: &mut Lsm = program.try_into()?;
        program.load(name, &btf)?;
        program.attach()?;
        attached += 1;
    }
    if attached == 0 {
        return Err("the object has no program".into());
    }
    Ok(ebpf)
}

/// `interdict run`, until it is dropped.
struct Engine(Child);

impl Engine {
    /// Starts it, and waits until it says that the policy is in force.
    fn start(interdict: &Path, policies: &Path) -> Outcome<Self> {
        let mut child = Command::new(interdict)
            .arg("run")
            .arg("--policy")
            .arg(policies)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let said = child.stderr.take().ok_or("no standard error")?;
        let engine = Self(child);
        let mut lines = BufReader::new(said).lines();
        for line in &mut lines {
            if line?.starts_with("in force: generation 1,") {
                // Whatever else it says is read and left.
                std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
                return Ok(engine);
            }
        }
        Err("interdict did not say that its policy is in force".into())
    }

    fn still_runs(&mut self) -> Outcome<()> {
        match self.0.try_wait()? {
            None => Ok(()),
            Some(status) => Err(format!("interdict ended with {status}").into()),
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// What is connected to.
struct Bench {
    tcp: OwnedFd,
    tcp_at: SocketAddrAny,
    unix: OwnedFd,
    unix_at: SocketAddrUnix,
}

impl Bench {
    fn new() -> Outcome<Self> {
        let backlog = i32::try_from(BATCH)?;
        let tcp = socket(AddressFamily::INET, SocketType::STREAM, None)?;
        bind(&tcp, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0))?;
        listen(&tcp, backlog)?;
        let tcp_at = getsockname(&tcp)?;
        let unix = socket(AddressFamily::UNIX, SocketType::STREAM, None)?;
        let unix_at = SocketAddrUnix::new("/run/bench.sock")?;
        bind(&unix, &unix_at)?;
        listen(&unix, backlog)?;
        Ok(Self {
            tcp,
            tcp_at,
            unix,
            unix_at,
        })
    }

    /// All operations, each so many rounds after one that warms up.
    fn row(&self, attached: &str, rounds: u32) -> Outcome<()> {
        for round in 0..=rounds {
            let measured = [
                ("udp connect", udp()?, UDP_ROUND),
                ("tcp connect", self.tcp()?, TCP_ROUND),
                ("unix stream connect", self.unix()?, UNIX_ROUND),
            ];
            for (operation, took, count) in measured {
                if round > 0 {
                    let nanos = took.as_nanos();
                    writeln!(io::stdout(), "{attached}\t{operation}\t{nanos}\t{count}")?;
                }
            }
        }
        Ok(())
    }

    fn tcp(&self) -> Outcome<Duration> {
        let mut took = Duration::ZERO;
        for _ in 0..TCP_ROUND / BATCH {
            let clients = sockets(AddressFamily::INET)?;
            let start = now()?;
            for client in &clients {
                connect(client, &self.tcp_at)?;
            }
            took += since(start)?;
            for client in &clients {
                let accepted = accept(&self.tcp)?;
                // Nothing is to wait for the network to forget it.
                sockopt::set_socket_linger(&accepted, Some(Duration::ZERO))?;
                sockopt::set_socket_linger(client, Some(Duration::ZERO))?;
            }
        }
        Ok(took)
    }

    fn unix(&self) -> Outcome<Duration> {
        let mut took = Duration::ZERO;
        for _ in 0..UNIX_ROUND / BATCH {
            let clients = sockets(AddressFamily::UNIX)?;
            let start = now()?;
            for client in &clients {
                connect(client, &self.unix_at)?;
            }
            took += since(start)?;
            for _ in &clients {
                accept(&self.unix)?;
            }
        }
        Ok(took)
    }
}

/// Datagram connects of one socket.
fn udp() -> Outcome<Duration> {
    let client = socket(AddressFamily::INET, SocketType::DGRAM, None)?;
    let to = SocketAddrV4::new(Ipv4Addr::LOCALHOST, DISCARD);
    let start = now()?;
    for _ in 0..UDP_ROUND {
        connect(&client, &to)?;
    }
    since(start)
}

/// As many stream sockets as are connected together, in a kernel at rest.
fn sockets(family: AddressFamily) -> Outcome<Vec<OwnedFd>> {
    let sockets = (0..BATCH).map(|_| socket(family, SocketType::STREAM, None));
    let sockets = sockets.collect::<Result<_, _>>()?;
    std::thread::sleep(SETTLE);
    Ok(sockets)
}

/// The guest's time since its start.
fn now() -> Outcome<Duration> {
    Ok(clock_gettime(ClockId::Monotonic).try_into()?)
}

fn since(start: Duration) -> Outcome<Duration> {
    Ok(now()?.saturating_sub(start))
}
