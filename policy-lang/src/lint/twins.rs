//! What is closed one way and open another: TCP and not UDP, IPv4 and not IPv6,
//! one container engine and not the next.
//!
//! A twin is the rule itself, moved to the other way. It is closed if `deny`,
//! `kill` and `default deny` rules together match all that it matches.

use super::context::{Context, Each, covered};
use super::covers::Undecided;
use crate::ast::Effect;
use crate::boxes::{Answer, Index, Plane, Point};
use crate::checked::{Rule, Target};
use crate::diag::{Code, Diagnostic};
use crate::types::Values;
use crate::types::address::AddressSet;
use crate::types::number::NumberSet;
use crate::words::family::{Family, FamilySet};
use crate::words::operation::{Operation, OperationSet};
use std::sync::Arc;

/// Steps that all twins may take together.
const STEPS: u64 = 2_000_000;

/// **The** table of ports that protocols use over both.
const PORTS: &[(u32, &str)] = &[
    (53, "names are asked over UDP first"),
    (443, "the same goes over UDP, as HTTP/3"),
];

/// Ports of a range that is taken to mean each of them.
const NARROW: u32 = 16;

/// **The** table of addresses that stand for one thing in both versions of IP.
const ADDRESSES: &[(&str, &str, &str)] = &[
    (
        "169.254.169.254",
        "fd00:ec2::254",
        "the metadata service of AWS",
    ),
    ("169.254.169.253", "fd00:ec2::253", "the resolver of AWS"),
    (
        "169.254.169.123",
        "fd00:ec2::123",
        "the time service of AWS",
    ),
    (
        "169.254.170.23",
        "fd00:ec2::23",
        "the credentials of EKS pods",
    ),
    ("127.0.0.1", "::1", "this host"),
    ("127.0.0.0/8", "::1", "this host"),
    ("0.0.0.0/0", "::/0", "every host"),
    (
        "1.1.1.1",
        "2606:4700:4700::1111",
        "the resolver of Cloudflare",
    ),
    ("8.8.8.8", "2001:4860:4860::8888", "the resolver of Google"),
    ("9.9.9.9", "2620:fe::fe", "the resolver of Quad9"),
];

/// **The** table of ways to what the docker socket gives: paths, or a TCP port.
const DOCKER: &[&str] = &["/run/docker.sock", "/var/run/docker.sock"];
const SIBLINGS: &[(&str, &[&str], Option<u32>)] = &[
    ("containerd", &["/run/containerd/containerd.sock"], None),
    ("podman", &["/run/podman/podman.sock"], None),
    ("tcp port 2375", &[], Some(2375)),
];

fn closes(rule: &Rule) -> bool {
    matches!(
        rule.effect,
        Effect::Kill | Effect::Deny | Effect::DefaultDeny
    )
}

pub(super) fn lint(context: &mut Context<'_>, found: &mut Vec<Diagnostic>) {
    context.effort.refill(STEPS);
    let rules = context.rules();
    let twins = rules.iter().enumerate().flat_map(|(at, rule)| {
        let closed = closes(rule) && !context.order.is_useless(at);
        let all = closed.then(|| over_udp(rule).into_iter().chain(over_ipv6(rule)));
        all.into_iter().flatten().map(move |twin| (at, rule, twin))
    });
    let twins: Vec<(usize, &Rule, Twin)> = twins.collect();
    if twins.is_empty() {
        return;
    }
    let index = context.index(closes);
    let mut undecided = Undecided::default();
    for (at, rule, twin) in twins {
        match is_closed(context, &index, rule, &twin.rule) {
            Answer::Yes => {}
            Answer::No => found.push(twin.finding),
            Answer::Unknown => undecided.add(at),
        }
    }
    let what = "what it closes over TCP or IPv4 is closed over UDP or IPv6 too";
    found.extend(undecided.finding(context, what));
}

/// A rule that is missing, and what is to be said then.
struct Twin {
    rule: Rule,
    finding: Diagnostic,
}

/// Whether all that a twin matches is matched by rules that close.
fn is_closed(context: &mut Context<'_>, index: &Index, rule: &Rule, twin: &Rule) -> Answer {
    let rules = context.rules();
    let region = context.space.region(twin);
    let counts = |at: usize| {
        let one = rules.get(at);
        one.is_some_and(|one| one.enforced || !rule.enforced)
    };
    // What cannot be read is denied by the rule itself.
    let owners = |plane, _, point: &Point, each: &mut Each<'_>| {
        if plane == Plane::Readable {
            index
                .candidates(point)
                .any(|owner| counts(owner.rule) && each(owner));
        }
    };
    let region = region.readable();
    let Context {
        space,
        regions,
        effort,
        ..
    } = context;
    covered(space, regions, effort, &region, owners, |_| {})
}

fn addresses(rule: &Rule) -> Option<&AddressSet> {
    match &rule.target {
        Some(Target::Address {
            addresses: Some(values),
            ..
        }) => match &**values {
            Values::Addresses(set) => Some(set),
            Values::Numbers(_)
            | Values::Patterns(_)
            | Values::Names(_)
            | Values::Words(_)
            | Values::Unix(_)
            | Values::Options(_) => None,
        },
        Some(Target::Address { .. } | Target::Unix(_) | Target::Option(_)) | None => None,
    }
}

/// A rule about other addresses, and some operations of its own.
fn moved(rule: &Rule, to: AddressSet, operations: OperationSet) -> Option<Rule> {
    let Some(Target::Address { ports, .. }) = &rule.target else {
        return None;
    };
    let target = Target::Address {
        addresses: Some(Arc::new(Values::Addresses(to))),
        ports: ports.clone(),
    };
    Some(Rule {
        target: Some(target),
        operations,
        ..rule.clone()
    })
}

fn over_udp(rule: &Rule) -> Option<Twin> {
    let one = |operation| OperationSet::default().with(operation);
    let about = rule.covers(Family::TCP, Operation::Connect)
        && !rule.covers(Family::UDP, Operation::Connect);
    let Some(Target::Address {
        addresses,
        ports: Some(ports),
    }) = rule.target.as_ref().filter(|_| about)
    else {
        return None;
    };
    let Values::Numbers(set) = &**ports else {
        return None;
    };
    let narrow = |port: u32| {
        let mut ranges = set.ranges.iter();
        ranges.any(|(first, last)| *first <= port && port <= *last && last - first < NARROW)
    };
    let (port, why) = PORTS.iter().find(|(port, _)| narrow(*port))?;
    let both = PORTS
        .iter()
        .map(|(port, _)| *port)
        .filter(|port| narrow(*port));
    let ranges = both.map(|port| (port, port)).collect();
    let target = Target::Address {
        addresses: addresses.clone(),
        ports: Some(Arc::new(Values::Numbers(NumberSet { ranges }))),
    };
    let message = format!("the rule closes port {port} over TCP and leaves it open over UDP");
    let finding = Diagnostic::new(Code::TcpWithoutUdp, rule.span, message)
        .label(*why)
        .help("write `{ tcp, udp }`");
    Some(Twin {
        rule: Rule {
            families: FamilySet::one(Family::UDP),
            operations: one(Operation::Connect),
            target: Some(target),
            ..rule.clone()
        },
        finding,
    })
}

fn over_ipv6(rule: &Rule) -> Vec<Twin> {
    let Some(written) = addresses(rule) else {
        return Vec::new();
    };
    let mut twins = Vec::new();
    let connect = OperationSet::default().with(Operation::Connect);
    for (v4, v6, what) in ADDRESSES {
        let (Some(one), Some(other)) = (set(v4), set(v6)) else {
            continue;
        };
        let named = one.v4.iter().all(|range| written.v4.contains(range));
        if !named || !rule.operations.contains(Operation::Connect) {
            continue;
        }
        let message = format!("the rule closes {v4} and leaves {v6} open");
        let finding = Diagnostic::new(Code::Ipv4WithoutIpv6, rule.span, message)
            .label(format!("both are {what}"))
            .help(format!("add `{v6}` to the addresses"));
        let rule = moved(rule, other, connect);
        twins.extend(rule.map(|rule| Twin { rule, finding }));
    }
    let local = [Operation::Bind, Operation::Listen, Operation::Accept];
    let local = local
        .into_iter()
        .filter(|one| rule.operations.contains(*one));
    let local = local.fold(OperationSet::default(), OperationSet::with);
    if local != OperationSet::default() && written.v4.contains(&(0, 0)) {
        let message = "the rule closes 0.0.0.0 and leaves `::` open";
        let finding = Diagnostic::new(Code::Ipv4WithoutIpv6, rule.span, message)
            .label("a socket on `::` takes IPv4 connections too")
            .help("write `unspecified`, or add `::` to the addresses");
        let rule = set("::").and_then(|to| moved(rule, to, local));
        twins.extend(rule.map(|rule| Twin { rule, finding }));
    }
    twins
}

fn set(word: &str) -> Option<AddressSet> {
    let mut set = AddressSet::default();
    set.add(word).ok()?;
    Some(set)
}

/// A warning where the docker socket is closed by its name, and a sibling is
/// named by no rule that closes anything.
pub(super) fn siblings(context: &mut Context<'_>, found: &mut Vec<Diagnostic>) {
    let rules = context.rules();
    let closing = || rules.iter().filter(|one| closes(one));
    let Some(rule) = closing().find(|one| names_docker(one)) else {
        return;
    };
    let counts = |one: &Rule| one.enforced || !rule.enforced;
    let open = |paths: &[&str], port: Option<u32>| {
        let path = |one: &Rule| paths.iter().any(|path| closes_path(one, path));
        let port = |one: &Rule| port.is_some_and(|port| closes_port(one, port));
        !closing().any(|one| counts(one) && (path(one) || port(one)))
    };
    let siblings = SIBLINGS
        .iter()
        .filter(|(_, paths, port)| open(paths, *port));
    let names: Vec<&str> = siblings.map(|(name, ..)| *name).collect();
    if names.is_empty() {
        return;
    }
    let message = format!(
        "the docker socket is closed, and open is: {}",
        names.join(", ")
    );
    found.push(
        Diagnostic::new(Code::OpenSibling, rule.span, message)
            .label("who may talk to one of them is root on this host too")
            .help("close them too; where they are not in use, that costs nothing"),
    );
}

fn names_docker(rule: &Rule) -> bool {
    let Some(Target::Unix(values)) = &rule.target else {
        return false;
    };
    let Values::Unix(set) = &**values else {
        return false;
    };
    let docker = |path: &[u8]| DOCKER.iter().any(|one| one.as_bytes() == path);
    let mut paths = set.paths.iter().filter_map(|path| path.literal());
    rule.covers(Family::UNIX, Operation::Connect) && paths.any(docker)
}

fn closes_path(rule: &Rule, path: &str) -> bool {
    let target = match &rule.target {
        None => true,
        Some(Target::Unix(values)) => values.holds_path(path.as_bytes()),
        Some(Target::Address { .. } | Target::Option(_)) => false,
    };
    target && rule.covers(Family::UNIX, Operation::Connect)
}

fn closes_port(rule: &Rule, port: u32) -> bool {
    let target = match &rule.target {
        None => true,
        Some(Target::Address { ports, .. }) => {
            ports.as_ref().is_none_or(|ports| ports.holds_number(port))
        }
        Some(Target::Unix(_) | Target::Option(_)) => false,
    };
    target && rule.covers(Family::TCP, Operation::Connect)
}
