//! Random policies as text: a small world, so that rules and requests meet.

use proptest::prelude::*;
use proptest::sample::select;
use std::fmt::Write as _;

pub(crate) const EXES: &[&str] = &["/usr/bin/a", "/usr/bin/b", "/usr/bin/c", "/usr/bin/d"];
pub(crate) const PATHS: &[&str] = &["/run/a", "/run/b", "/run/c", "/run/d"];
pub(crate) const NAMES: &[&str] = &["@x", "@y", "@", "\"@odd name\"", "@\\x00z"];
const COMMS: &[&str] = &[
    "a",
    "dockerd",
    "\"two words\"",
    "123456789012345",
    "1234567890123456",
    "deny",
];
const IDS: &[&str] = &[
    "0",
    "1",
    "1000",
    "65534",
    "0-999",
    "1000-4294967294",
    "4294967294",
];
const ADDRESSES: &[&str] = &[
    "10.0.0.1",
    "10.0.0.0/8",
    "10.0.0.0-10.0.0.9",
    "0.0.0.0/0",
    "127.0.0.1",
    "fd00::1",
    "fd00::/8",
    "::/0",
    "::1",
    "255.255.255.255",
    "loopback",
    "private",
    "public",
    "unspecified",
    "::ffff:10.0.0.1",
    "::fffe:0:0/95",
];
const PORTS: &[&str] = &["80", "443", "0", "65535", "1-1023", "443-8443"];
const PROTOCOLS: &[&str] = &["0", "6", "17", "256-262", "65535"];
pub(crate) const UNITS: &[&str] = &[
    "nginx.service",
    "user@1000.service",
    "init.scope",
    "_x.socket",
];
pub(crate) const CGROUPS: &[&str] = &["/", "/system.slice", "/system.slice/nginx.service", "/a-b"];
/// `nobody` is no account of the host's.
const USERS: &[&str] = &["root", "alice", "bob", "nobody"];
const GROUPS: &[&str] = &["root", "docker", "wheel", "nobody"];
const CAPS: &[&str] = &["chown", "net_admin", "net_raw", "checkpoint_restore"];
const NAMESPACES: &[&str] = &["host", "other"];
const TYPES: &[&str] = &["stream", "dgram", "seqpacket", "raw"];

/// What a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum World {
    Unix,
    Ip,
    Both,
}

impl World {
    fn unix(self) -> bool {
        self != Self::Ip
    }

    fn ip(self) -> bool {
        self != Self::Unix
    }
}

fn set(values: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::collection::vec(select(values), 1..4).prop_map(|all| format!("{{ {} }}", all.join(", ")))
}

fn test(attribute: &'static str, values: &'static [&'static str]) -> BoxedStrategy<String> {
    let single: Vec<&'static str> = values
        .iter()
        .copied()
        .filter(|word| !policy_lang::words::reserved::BUILT_IN.contains(word))
        .collect();
    prop_oneof![
        (select(&["=", "!="][..]), select(single))
            .prop_map(move |(op, v)| format!("{attribute} {op} {v}")),
        (select(&["in", "not in"][..]), set(values))
            .prop_map(move |(op, v)| format!("{attribute} {op} {v}")),
    ]
    .boxed()
}

fn ordered(attribute: &'static str) -> BoxedStrategy<String> {
    (
        select(&["<", "<=", ">", ">="][..]),
        select(&["0", "1", "80", "1000", "65534"][..]),
    )
        .prop_map(move |(op, v)| format!("{attribute} {op} {v}"))
        .boxed()
}

/// What few policies ask of a subject or its socket.
fn rare() -> BoxedStrategy<String> {
    prop::strategy::Union::new([
        test("ruid", IDS),
        test("rgid", IDS),
        test("loginuid", IDS),
        ordered("ruid"),
        ordered("rgid"),
        ordered("loginuid"),
        test("protocol", PROTOCOLS),
        ordered("protocol"),
        test("type", TYPES),
        test("user", USERS),
        test("group", GROUPS),
        test("group", GROUPS),
        test("parent.uid", IDS),
        ordered("parent.uid"),
        test("parent.comm", COMMS),
        test("parent.exe", EXES),
        test("unit", UNITS),
        test("cgroup", CGROUPS),
        test("cap", CAPS),
        test("userns", NAMESPACES),
        test("netns", NAMESPACES),
        test("pidns", NAMESPACES),
        test("mntns", NAMESPACES),
        test("cgroupns", NAMESPACES),
    ])
    .boxed()
}

fn tests(world: World) -> BoxedStrategy<String> {
    let mut all = vec![
        test("exe", EXES),
        test("comm", COMMS),
        test("uid", IDS),
        test("gid", IDS),
        ordered("uid"),
        ordered("gid"),
        rare(),
        rare(),
        select(&["uid in people", "exe in tools", "trusted", "not trusted"][..])
            .prop_map(str::to_owned)
            .boxed(),
    ];
    if world.ip() {
        all.extend([
            test("addr", ADDRESSES),
            test("port", PORTS),
            ordered("port"),
        ]);
    }
    if world.unix() {
        all.extend([test("path", PATHS), test("name", NAMES)]);
    }
    prop::strategy::Union::new(all).boxed()
}

fn condition(world: World) -> BoxedStrategy<String> {
    tests(world)
        .prop_recursive(2, 6, 2, |inner| {
            prop_oneof![
                (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a} and {b}")),
                (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} or {b})")),
                inner.clone().prop_map(|a| format!("not ({a})")),
                inner.prop_map(|a| format!("not not ({a})")),
            ]
        })
        .boxed()
}

fn target(world: World) -> BoxedStrategy<String> {
    let mut all = vec![
        Just(String::new()).boxed(),
        Just(" to any".to_owned()).boxed(),
    ];
    if world.unix() {
        let objects: Vec<&'static str> = PATHS
            .iter()
            .chain(NAMES)
            .copied()
            .chain(["unnamed", "sockets"])
            .collect();
        let one = select(objects.clone()).prop_map(|object| format!(" to {object}"));
        let many = prop::collection::vec(select(objects), 1..4)
            .prop_map(|all| format!(" to {{ {} }}", all.join(", ")));
        all.extend([one.boxed(), many.boxed()]);
    }
    if world.ip() {
        let address = prop_oneof![
            select(ADDRESSES).prop_map(str::to_owned),
            set(ADDRESSES),
            Just("any".to_owned()),
            Just("nets".to_owned())
        ];
        let port = prop_oneof![
            select(PORTS).prop_map(str::to_owned),
            set(PORTS),
            Just("any".to_owned())
        ];
        all.extend([
            address
                .clone()
                .prop_map(|address| format!(" on {address}"))
                .boxed(),
            port.clone()
                .prop_map(|port| format!(" to port {port}"))
                .boxed(),
            (address, port)
                .prop_map(|(address, port)| format!(" to {address} port {port}"))
                .boxed(),
        ]);
    }
    prop::strategy::Union::new(all).boxed()
}

fn families() -> BoxedStrategy<(&'static str, World)> {
    select(vec![
        ("unix", World::Unix),
        ("tcp", World::Ip),
        ("udp", World::Ip),
        ("{ tcp, udp }", World::Ip),
        ("smc", World::Ip),
        ("{ tcp, unix }", World::Both),
        ("{ unix, udp, tcp }", World::Both),
    ])
    .boxed()
}

fn rule() -> BoxedStrategy<String> {
    families()
        .prop_flat_map(|(families, world)| {
            (
                select(&["", "", "audit ", "enforce "][..]),
                select(
                    &[
                        "kill",
                        "deny",
                        "deny",
                        "allow",
                        "allow",
                        "default deny",
                        "record",
                    ][..],
                ),
                target(world),
                prop::option::of(condition(world)),
                prop::option::of(condition(world)),
                select(&["", "", " with EACCES", " with ENOENT"][..]),
                Just(families),
            )
        })
        .prop_map(|(prefix, effect, target, when, unless, with, families)| {
            let with = if matches!(effect, "allow" | "record") {
                ""
            } else {
                with
            };
            let when = when.map(|c| format!(" if {c}")).unwrap_or_default();
            let unless = unless.map(|c| format!(" unless {c}")).unwrap_or_default();
            format!("{prefix}{effect} {families} connect{target}{when}{unless}{with}")
        })
        .boxed()
}

/// A policy that is valid; its ids are explicit for some rules and implicit for others.
pub(crate) fn policy() -> BoxedStrategy<String> {
    let statement = prop_oneof![
        6 => (rule(), prop::option::of(0_u32..1000)).prop_map(|(rule, _)| rule),
        1 => (condition(World::Both).prop_filter("subjects alone", |c| subject_only(c)), prop::collection::vec(rule(), 1..3))
            .prop_map(|(condition, rules)| format!("audit for {condition} {{\n{}\n}}", rules.join("\n"))),
        1 => (tests(World::Both).prop_filter("subjects alone", |c| subject_only(c)), prop::collection::vec(rule(), 1..3))
            .prop_map(|(condition, rules)| format!("for {condition} {{\n{}\n}}", rules.join("\n"))),
    ];
    (
        select(&["", "mode audit\n", "mode enforce\n"][..]),
        prop::collection::vec((statement, any::<u16>()), 1..9),
    )
        .prop_map(|(mode, statements)| {
            let mut text = format!(
                "{mode}let people = {{ 0, 1000-1999 }}\nlet tools = {{ /usr/bin/a, /usr/bin/c }}\nlet trusted = uid = 0 or exe in tools\nlet sockets = {{ /run/b, @x, unnamed }}\nlet nets = {{ private, fd00::/8 }}\nextend tools = /usr/bin/b\n"
            );
            for (index, (statement, number)) in statements.into_iter().enumerate() {
                text.push_str(&statement);
                // A statement that ends in a brace takes no id.
                let scope = statement.ends_with('}') && statement.contains('\n');
                if !scope && number % 2 == 0 {
                    write!(text, " id r{number}-{index}").unwrap();
                }
                text.push('\n');
            }
            text
        })
        .boxed()
}

fn subject_only(condition: &str) -> bool {
    !["addr", "port", "path", "name"]
        .iter()
        .any(|word| condition.contains(word))
}

/// The text with each path written as its place in the aliased host.
pub(crate) fn at_places(text: &str) -> String {
    text.replace("/usr/bin/c", "/usr/bin/a")
        .replace("/run/c", "/run/a")
        // A path that has no place: nothing the kernel sees is there.
        .replace("/usr/bin/d", "/no/such/place")
        .replace("/run/d", "/no/such/place")
}
