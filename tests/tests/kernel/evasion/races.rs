//! Sockets that change between the hook and the protocol: an operation that waits
//! for the socket's lock was judged before it.

use std::fs;
use std::time::{Duration, Instant};

use interdict_tests::actor::{Actor, outcome};
use interdict_tests::address::Address;
use interdict_tests::calls;
use interdict_tests::event::{Decided, Object};
use interdict_tests::protocol::{Argument, Request};
use interdict_tests::service::Udp;
use interdict_tests::skip::skipped;

use super::addresses::ip;
use super::descriptors::steal;
use super::network::{ANYWHERE, HOME, INET, INET6, Net, STREAM, home, web_by_connect};
use Argument::{Bytes, Number};
use rustix::io::Errno;

/// Bytes of a page.
const PAGE: i64 = 4096;
/// `UFFDIO_API`, `UFFDIO_REGISTER`, `UFFDIO_ZEROPAGE`. Linux,
/// include/uapi/linux/userfaultfd.h.
const API: i64 = 0xc018_aa3f;
const REGISTER: i64 = 0xc020_aa00;
const FILL: i64 = 0xc020_aa04;

/// A page of a process that is not there until somebody fills it: whoever reads
/// it waits, and keeps the locks that he has.
struct Page {
    /// The descriptor that fills it.
    filler: i64,
    address: i64,
}

impl Page {
    /// None where the kernel has no userfaultfd(2).
    fn of(actor: &mut Actor) -> Option<Self> {
        let made = actor.ask(&calls::call(libc::SYS_userfaultfd, vec![Number(0)]));
        let filler = outcome(&made).ok()?;
        actor.must(&control(filler, API, &[0xaa, 0, 0]));
        let protection = i64::from(libc::PROT_READ | libc::PROT_WRITE);
        let kind = i64::from(libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        let arguments = [0, PAGE, protection, kind, -1, 0].map(Number);
        let address = actor.must(&calls::call(libc::SYS_mmap, arguments.to_vec()));
        // `UFFDIO_REGISTER_MODE_MISSING`.
        actor.must(&control(filler, REGISTER, &[address, PAGE, 1, 0]));
        Some(Self { filler, address })
    }

    /// A send of its bytes, by which a socket of UDP is locked as well.
    fn send(&self, socket: i64, to: &Address) -> Request {
        let length = i64::try_from(to.0.len()).unwrap();
        let flags = i64::from(libc::MSG_MORE);
        let numbers = [socket, self.address, 100, flags].map(Number);
        let address = [Bytes(to.0.clone()), Number(length)];
        calls::call(libc::SYS_sendto, [&numbers[..], &address].concat())
    }

    /// Its bytes are there.
    fn fill(&self, filler: &mut Actor, descriptor: i64) {
        filler.must(&control(descriptor, FILL, &[self.address, PAGE, 0, 0]));
    }
}

/// ioctl(2) with words.
fn control(descriptor: i64, number: i64, words: &[i64]) -> Request {
    let bytes = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
    let arguments = vec![Number(descriptor), Number(number), Bytes(bytes)];
    calls::call(libc::SYS_ioctl, arguments)
}

/// Begins a request, and returns once it waits for a lock or a page.
fn stands(actor: &mut Actor, request: &Request) {
    actor.begin(request);
    let deadline = Instant::now() + Duration::from_mins(1);
    let file = format!("/proc/{}/syscall", actor.pid());
    let between = format!("{} ", libc::SYS_read);
    let mut seen = 0;
    while seen < 3 {
        assert!(Instant::now() < deadline, "{request:?} does not wait");
        std::thread::sleep(Duration::from_millis(5));
        // The call that it sleeps in, or that it runs; between requests it reads.
        let state = fs::read_to_string(&file).unwrap();
        let elsewhere = state.starts_with(&between) || state.starts_with("running");
        seen = if elsewhere { 0 } else { seen + 1 };
    }
}

/// An IPv6 socket that is one of IPv4 once the connect gets the lock: those who
/// wait for it get it one after the other.
#[test]
fn a_connect_while_the_socket_becomes_one_of_ipv4() {
    const IPV6_ADDRFORM: i32 = 1;
    let mut net = Net::new();
    for port in [8080, 8081] {
        let mut holder = Actor::other();
        let Some(page) = Page::of(&mut holder) else {
            skipped("this kernel has no userfaultfd");
            return;
        };
        let made = holder.socket(INET6, STREAM);
        holder.must(&calls::connect(made, &Address::mapped(HOME, 8081)));
        let (mut former, mut dissolver) = (Actor::other(), Actor::other());
        let (mut filler, mut actor) = (Actor::other(), Actor::other());
        let fill = steal(&holder, &mut filler, page.filler);
        let become_ipv4 = calls::set_option(
            steal(&holder, &mut former, made),
            libc::IPPROTO_IPV6,
            IPV6_ADDRFORM,
            INET,
        );
        let dissolve = calls::connect(steal(&holder, &mut dissolver, made), &Address::none());
        let connect = calls::connect(steal(&holder, &mut actor, made), &home(port));
        stands(&mut holder, &page.send(made, &Address::mapped(HOME, 8081)));
        stands(&mut former, &become_ipv4);
        stands(&mut dissolver, &dissolve);
        if port == 8080 {
            net.case.denies(&mut actor, &connect, &web_by_connect());
        } else {
            stands(&mut actor, &connect);
        }
        page.fill(&mut filler, fill);
        for each in [&mut holder, &mut former, &mut dissolver] {
            let result = outcome(&each.finish());
            assert!(result.is_ok(), "{result:?}");
        }
        if port != 8080 {
            // The kernel has gone there.
            assert_eq!(outcome(&actor.finish()), Ok(0));
        }
    }
}

/// A socket that another thread binds while its listen waits for the lock: the hook
/// saw no port.
#[test]
fn a_bind_while_a_listen_waits() {
    /// Bytes of `struct sock_fprog`, whose program lies at a pointer.
    const FILTER: usize = 16;
    let mut net = Net::new();
    for port in [7070, 7069] {
        let mut holder = Actor::other();
        let Some(page) = Page::of(&mut holder) else {
            skipped("this kernel has no userfaultfd");
            return;
        };
        let made = holder.must(&calls::socket(INET, STREAM | libc::SOCK_NONBLOCK, 0));
        let (mut binder, mut filler, mut actor) = (Actor::other(), Actor::other(), Actor::other());
        let fill = steal(&holder, &mut filler, page.filler);
        let bind = calls::bind(steal(&holder, &mut binder, made), &home(port));
        let socket = steal(&holder, &mut actor, made);
        let mut program = [0_u8; FILTER];
        program[..2].copy_from_slice(&1_u16.to_ne_bytes());
        program[8..].copy_from_slice(&page.address.to_ne_bytes());
        // It is copied under the lock, and is none.
        let attach = calls::set_bytes(made, libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, &program);
        stands(&mut holder, &attach);
        stands(&mut binder, &bind);
        stands(&mut actor, &calls::listen(socket));
        page.fill(&mut filler, fill);
        assert_eq!(outcome(&holder.finish()), Err(Errno::INVAL));
        assert_eq!(outcome(&binder.finish()), Ok(0));
        assert_eq!(outcome(&actor.finish()), Ok(0));
        let accept = calls::accept(socket);
        if port == 7070 {
            let decided = Decided::accept("wait", Object::ip("127.0.0.1", port));
            let event = net.case.denies(&mut actor, &accept, &decided);
            event.says("/decision/operation", "listen");
        } else {
            net.case.fails(&mut actor, &accept, Errno::AGAIN);
        }
    }
}

/// What nowhere is, another thread can still decide: a gap, as the ledger says.
#[test]
fn an_interface_while_a_connect_to_nowhere_waits() {
    if !ip("link add evasion1 type dummy") {
        skipped("no `ip` or no dummy interface");
        return;
    }
    assert!(ip("address add 10.9.9.9/24 dev evasion1"));
    assert!(ip("link set evasion1 up"));
    let mut net = Net::new();
    let service = Udp::on("10.9.9.9:4444");
    let (mut holder, mut binder) = (Actor::other(), Actor::other());
    let (mut filler, mut actor) = (Actor::other(), Actor::other());
    let Some(page) = Page::of(&mut holder) else {
        skipped("this kernel has no userfaultfd");
        return;
    };
    let made = holder.udp();
    let fill = steal(&holder, &mut filler, page.filler);
    let bound = steal(&holder, &mut binder, made);
    let option = libc::SO_BINDTODEVICE;
    let bind = calls::set_bytes(bound, libc::SOL_SOCKET, option, b"evasion1\0");
    let socket = steal(&holder, &mut actor, made);
    let direct = calls::connect(socket, &Address::ip([10, 9, 9, 9], 4444));
    let exact = Decided::connect("exact", Object::ip("10.9.9.9", 4444));
    net.case.denies(&mut actor, &direct, &exact);
    stands(&mut holder, &page.send(made, &home(5354)));
    stands(&mut binder, &bind);
    stands(
        &mut actor,
        &calls::connect(socket, &Address::ip(ANYWHERE, 4444)),
    );
    page.fill(&mut filler, fill);
    for each in [&mut holder, &mut binder, &mut actor] {
        let result = outcome(&each.finish());
        assert!(result.is_ok(), "{result:?}");
    }
    // The first goes with what was held back, wherever that was going.
    for _ in 0..2 {
        net.case.allows(&mut actor, &calls::write(socket, b"a"));
    }
    assert!(service.received() > 0);
    assert!(ip("link delete evasion1"));
}
