//! The policies that interdict runs under: as many rules as are asked for, written
//! in the order of their kinds, so that a policy of more rules begins with one of
//! fewer.

use std::fmt::Write as _;

use crate::setup::{Policy, Rules, Says};
use crate::work::{DATAGRAM, DISCARD, STREAM, TCP_PORT};

/// What refuses the operations that are measured, with the ids of
/// [`DENIALS`].
fn denials() -> [String; 4] {
    [
        format!("deny udp connect to 127.0.0.0/8 port {DISCARD} id measured-udp"),
        format!("deny tcp connect to 127.0.0.1 port {TCP_PORT} id measured-tcp"),
        format!("deny unix connect to {{ {STREAM}, {DATAGRAM} }} id measured-unix"),
        "deny udp setsockopt on option SOL_SOCKET/SO_BROADCAST id measured-option".to_owned(),
    ]
}

/// The ids of the rules that refuse what is measured.
pub(crate) const DENIALS: [&str; 4] = [
    "measured-udp",
    "measured-tcp",
    "measured-unix",
    "measured-option",
];

/// The policy's text, one rule a line.
pub(crate) fn text(policy: Policy) -> String {
    let denials = match policy.says {
        Says::Allow => Vec::new(),
        Says::Deny | Says::DenyWithEvent => denials().to_vec(),
    };
    let others = usize::try_from(policy.count)
        .unwrap_or(usize::MAX)
        .saturating_sub(denials.len());
    let mut text = String::new();
    let rules = (0..others).map(|number| rule(policy.rules, number));
    for rule in rules.chain(denials) {
        // Writing to a string does not fail.
        writeln!(text, "{rule}").ok();
    }
    text
}

/// A rule that matches nothing that is measured. The first asks every hook.
fn rule(rules: Rules, number: usize) -> String {
    let agent = number % 64;
    match (rules, number, number % 10) {
        (Rules::Mixed, 0, _) => "deny any { connect, setsockopt } if comm = nobody".to_owned(),
        (Rules::Addresses, ..) | (Rules::Mixed, _, 1..=6) => {
            let [_, high, middle, low] = address(number);
            let port = port(number);
            format!(
                "deny {{ tcp, udp }} connect to 10.{high}.{middle}.{low} port {port} unless comm = agent-{agent}"
            )
        }
        (Rules::Paths, ..) | (Rules::Mixed, _, 7 | 8) => format!(
            "deny unix connect to /run/services/{number}/socket unless comm = agent-{agent}"
        ),
        (Rules::Mixed, ..) => {
            format!("deny any setsockopt on option SOL_SOCKET/{number} unless comm = agent-{agent}")
        }
    }
}

/// The address of a rule about one: 10.0.0.0/8, spread over it.
pub(crate) fn address(number: usize) -> [u8; 4] {
    // A multiplier without common factors with 2^24 reaches each address once.
    let spread = u32::try_from(number)
        .unwrap_or(u32::MAX)
        .wrapping_mul(7_919_113);
    let [_, high, middle, low] = spread.to_be_bytes();
    [10, high, middle, low]
}

/// The port of a rule about an address.
pub(crate) fn port(number: usize) -> u16 {
    let spread = u16::try_from(number % 1000).unwrap_or(0);
    8000 + spread
}
