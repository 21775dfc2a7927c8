//! Calls of other tables of the kernel: 32-bit ones, and those of x32.

use interdict_tests::actor::Actor;
use interdict_tests::address::Address;
use interdict_tests::calls;
use interdict_tests::case::Case;
use interdict_tests::event::{Decided, Object};
use interdict_tests::protocol::{Argument, Request};
use interdict_tests::skip::skipped;
use interdict_tests::tricks;
use rustix::io::Errno;

use super::fast_open::FAST;
use super::network::{Net, bare, home, web_by_connect, web_by_send};
use Argument::{Bytes, Number, Words};

/// A connect of a socket to an address.
type Connect = dyn Fn(i64, &Address) -> Request;
/// A send on a socket to an address, with flags.
type Send = dyn Fn(i64, &Address, i32) -> Request;

/// socketcall(2) of i386, with what its arguments point to.
fn old(number: i64, arguments: Vec<Argument>) -> Request {
    tricks::narrow(102, vec![Number(number), Words(arguments)])
}

fn laid(address: &Address) -> [Argument; 2] {
    let length = i64::try_from(address.0.len()).unwrap();
    [Bytes(address.0.clone()), Number(length)]
}

/// Whether this kernel has 32-bit system calls; if not, the test is skipped.
fn has_narrow(actor: &mut Actor) -> bool {
    let getpid = tricks::narrow(20, Vec::new());
    let known = actor.ask(&getpid).result > 0;
    if !known {
        skipped("this kernel has no 32-bit system calls");
    }
    known
}

#[test]
fn by_32_bit_calls() {
    let mut net = Net::new();
    let mut actor = Actor::user();
    if !has_narrow(&mut actor) {
        return;
    }
    let connects: [&Connect; 2] = [
        &|socket, to| {
            let [address, length] = laid(to);
            old(3, vec![Number(socket), address, length])
        },
        &|socket, to| {
            let [address, length] = laid(to);
            tricks::narrow(362, vec![Number(socket), address, length])
        },
    ];
    for connect in connects {
        let socket = actor.tcp();
        net.reaches(&mut actor, &web_by_connect(), |port| {
            connect(socket, &home(port))
        });
    }
    let sends: [&Send; 4] = [
        &|socket, to, flags| {
            let [address, length] = laid(to);
            let bytes = Bytes(b"a".to_vec());
            let rest = [Number(1), Number(flags.into()), address, length];
            old(11, [vec![Number(socket), bytes], rest.to_vec()].concat())
        },
        &|socket, to, flags| old(16, vec![Number(socket), message(to), Number(flags.into())]),
        &|socket, to, flags| {
            tricks::narrow(370, vec![Number(socket), message(to), Number(flags.into())])
        },
        &|socket, to, flags| {
            let arguments = vec![Number(socket), message(to), Number(1), Number(flags.into())];
            tricks::narrow(345, arguments)
        },
    ];
    for send in sends {
        let socket = actor.udp();
        net.sends(&mut actor, socket, |socket, port| {
            send(socket, &home(port), 0)
        });
        let socket = actor.tcp();
        let fast = send(socket, &home(8080), FAST);
        net.case.denies(&mut actor, &fast, &web_by_send());
    }
}

/// A `struct msghdr` of i386, and the word that makes it a `struct mmsghdr`.
fn message(to: &Address) -> Argument {
    let [address, length] = laid(to);
    let vector = Words(vec![Bytes(b"a".to_vec()), Number(1)]);
    let rest = [0; 4].map(Number);
    Words([vec![address, length, vector, Number(1)], rest.to_vec()].concat())
}

#[test]
fn local_addresses_by_32_bit_calls() {
    let mut case = bare();
    let mut actor = Actor::other();
    if !has_narrow(&mut actor) {
        return;
    }
    let low = Decided::bind("low", Object::ip("127.0.0.1", 777));
    let bind = |socket, port| {
        let [address, length] = laid(&home(port));
        let direct = tricks::narrow(361, vec![Number(socket), address.clone(), length.clone()]);
        [old(2, vec![Number(socket), address, length]), direct]
    };
    let socket = actor.tcp();
    for request in bind(socket, 777) {
        case.denies(&mut actor, &request, &low);
    }
    let [by_call, _] = bind(socket, 7070);
    case.allows(&mut actor, &by_call);
    let wait = Decided::listen("wait", Object::ip("127.0.0.1", 7070));
    case.denies(&mut actor, &old(4, vec![Number(socket), Number(1)]), &wait);
    let socket = actor.udp();
    let [by_call, _] = bind(socket, 778);
    case.allows(&mut actor, &by_call);
}

/// The numbers of x32, which these kernels are built without.
#[test]
fn by_x32_calls() {
    const X32: i64 = 0x4000_0000;
    let mut case: Case = bare();
    let mut actor = Actor::user();
    let socket = actor.tcp();
    let Request::Call { number, arguments } = calls::connect(socket, &home(8080)) else {
        panic!("connect is one call");
    };
    let wide = calls::call(number | X32, arguments);
    case.fails(&mut actor, &wide, Errno::NOSYS);
    let plain = calls::connect(socket, &home(8080));
    case.denies(&mut actor, &plain, &web_by_connect());
}
