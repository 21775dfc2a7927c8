//! Every operation of the small world: for each value that a policy of it can
//! tell from others, one.

use policy_lang::request::{Object, Request};
use policy_lang::words::family::Family;
use policy_lang::words::operation::Operation;

fn unix() -> Vec<Object> {
    let path = |text: &str| Object::Path(text.as_bytes().to_vec());
    let name = |text: &str| Object::Abstract(text.as_bytes().to_vec());
    vec![
        Object::None,
        Object::Unreadable,
        Object::Unnamed,
        path("/a"),
        path("/a/b"),
        path("/b"),
        path("odd"),
        name("x"),
        name("y"),
    ]
}

fn ip() -> Vec<Object> {
    let mut all = vec![Object::Unreadable, Object::None];
    for addr in [
        "10.0.0.1", "10.0.0.2", "8.8.8.8", "fd00::1", "::2", "0.0.0.0",
    ] {
        for port in [None, Some(0), Some(80), Some(100), Some(443)] {
            let addr = Some(addr.parse().unwrap());
            all.push(Object::Ip { addr, port });
        }
    }
    all.push(Object::Ip {
        addr: None,
        port: Some(80),
    });
    all
}

pub(crate) fn all() -> Vec<Request> {
    let mut all = Vec::new();
    let exes = [
        None,
        Some("/a"),
        Some("/b"),
        Some("/c"),
        Some("/a/b"),
        Some("/a/c"),
        Some("/c/b"),
        Some("/c/c"),
        Some("odd"),
    ];
    for (family, objects) in [
        (Family::UNIX, unix()),
        (Family::TCP, ip()),
        (Family::UDP, ip()),
    ] {
        for operation in [Operation::Connect, Operation::Bind] {
            for object in &objects {
                for uid in [None, Some(0), Some(1), Some(2)] {
                    for exe in exes {
                        for groups in [&[][..], &["x"], &["y"], &["x", "y"]] {
                            let mut request = Request::new(family, operation, object.clone());
                            request.subject.uid = uid;
                            request.subject.exe = exe.map(|exe| exe.as_bytes().to_vec());
                            let groups = groups.iter().map(|one: &&str| one.as_bytes().to_vec());
                            request.subject.group = groups.collect();
                            all.push(request);
                        }
                    }
                }
            }
        }
    }
    all
}
