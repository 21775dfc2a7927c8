//! **The** table of lifelines: what a host must be able to do so that somebody
//! can still log in and mend it, and what makes that recognisable.
//!
//! A lifeline is cut when the policy denies every way in which hosts do it: each
//! operation by each program that may be the one. Distributions differ, so one
//! row has several of both. It is decided by [`mod@crate::eval`], of requests
//! that have all that such a process has: nothing is guessed from a rule's text.

use crate::checked::{CheckedPolicy, RuleIndex};
use crate::decision::{Outcome, Verdict};
use crate::diag::{Code, Diagnostic};
use crate::eval;
use crate::request::{Request, parse_request};
use crate::source::Sources;
use std::sync::LazyLock;

/// One row.
struct Row {
    /// Who is to do what.
    name: &'static str,
    /// The operations of which one suffices.
    operations: &'static [&'static str],
    /// The processes of which one suffices.
    subjects: &'static [&'static str],
}

const fn row(
    name: &'static str,
    operations: &'static [&'static str],
    subjects: &'static [&'static str],
) -> Row {
    Row {
        name,
        operations,
        subjects,
    }
}

/// What every one of these processes has, unless its row says otherwise.
const ROOT: &str = "uid = 0, gid = 0, ruid = 0, rgid = 0, user = root, group = root, \
    cap = net_admin, cap = net_bind_service, cap = net_raw, cap = sys_admin, cap = dac_override, \
    parent.exe = /usr/lib/systemd/systemd, parent.comm = systemd, parent.uid = 0";

const SSHD: &[&str] = &[
    "exe = /usr/sbin/sshd, comm = sshd, unit = ssh.service, cgroup = /system.slice/ssh.service",
    "exe = /usr/sbin/sshd, comm = sshd, unit = sshd.service, cgroup = /system.slice/sshd.service",
    "exe = /usr/bin/sshd, comm = sshd, unit = sshd.service, cgroup = /system.slice/sshd.service",
];
const SESSION: &[&str] = &[
    "exe = /usr/sbin/sshd, comm = sshd, unit = ssh.service, cgroup = /system.slice/ssh.service",
    "exe = /usr/sbin/sshd, comm = sshd, unit = sshd.service, cgroup = /system.slice/sshd.service",
    "exe = /usr/lib/openssh/sshd-session, comm = sshd-session, unit = ssh.service, cgroup = /system.slice/ssh.service",
    "exe = /usr/libexec/openssh/sshd-session, comm = sshd-session, unit = sshd.service, cgroup = /system.slice/sshd.service",
    "exe = /usr/lib/ssh/sshd-session, comm = sshd-session, unit = sshd.service, cgroup = /system.slice/sshd.service",
];
const LOGIN: &[&str] = &[
    "exe = /usr/bin/login, comm = login, unit = getty@tty1.service",
    "exe = /bin/login, comm = login, unit = getty@tty1.service",
];
const SYSTEMD: &[&str] = &[
    "exe = /usr/lib/systemd/systemd, comm = systemd, cgroup = /init.scope, unit = init.scope",
    "exe = /lib/systemd/systemd, comm = systemd, cgroup = /init.scope, unit = init.scope",
];
/// What systemd starts a service with: it connects before the service runs.
const STARTER: &[&str] = &[
    "exe = /usr/lib/systemd/systemd, comm = \"(sshd)\", unit = ssh.service, cgroup = /system.slice/ssh.service",
    "exe = /usr/lib/systemd/systemd, comm = \"(sshd)\", unit = sshd.service, cgroup = /system.slice/sshd.service",
    "exe = /usr/lib/systemd/systemd-executor, comm = \"(sshd)\", unit = sshd.service, cgroup = /system.slice/sshd.service",
];
const SYSTEMCTL: &[&str] =
    &["exe = /usr/bin/systemctl, comm = systemctl, unit = ssh.service, loginuid = 0"];
const UDEVD: &[&str] = &[
    "exe = /usr/lib/systemd/systemd-udevd, comm = systemd-udevd, unit = systemd-udevd.service",
    "exe = /usr/bin/udevadm, comm = systemd-udevd, unit = systemd-udevd.service",
];
const LOGIND: &[&str] = &[
    "exe = /usr/lib/systemd/systemd-logind, comm = systemd-logind, unit = systemd-logind.service",
];
const JOURNALD: &[&str] = &[
    "exe = /usr/lib/systemd/systemd-journald, comm = systemd-journal, unit = systemd-journald.service",
];
const BUS: &[&str] = &[
    "exe = /usr/bin/dbus-daemon, comm = dbus-daemon, unit = dbus.service, uid = 101, gid = 101, user = messagebus, group = messagebus",
    "exe = /usr/bin/dbus-broker-launch, comm = dbus-broker-lau, unit = dbus-broker.service, uid = 81, gid = 81, user = dbus, group = dbus",
    "exe = /usr/bin/dbus-broker, comm = dbus-broker, unit = dbus-broker.service, uid = 81, gid = 81, user = dbus, group = dbus",
];
/// Any program of root's that has to find an address.
const PROGRAM: &[&str] =
    &["exe = /usr/bin/getent, comm = getent, unit = ssh.service, loginuid = 0"];
const RESOLVED: &[&str] = &[
    "exe = /usr/lib/systemd/systemd-resolved, comm = systemd-resolve, unit = systemd-resolved.service, uid = 991, gid = 991, user = systemd-resolve, group = systemd-resolve",
    "exe = /usr/sbin/dnsmasq, comm = dnsmasq, unit = dnsmasq.service, user = dnsmasq",
    "exe = /usr/sbin/unbound, comm = unbound, unit = unbound.service, user = unbound",
    // Without one of these, programs ask the servers themselves.
    "exe = /usr/bin/getent, comm = getent, unit = ssh.service, loginuid = 0",
];
const DHCP: &[&str] = &[
    "exe = /usr/lib/systemd/systemd-networkd, comm = systemd-network, unit = systemd-networkd.service, uid = 998, gid = 998, user = systemd-network, group = systemd-network",
    "exe = /usr/sbin/NetworkManager, comm = NetworkManager, unit = NetworkManager.service",
    "exe = /usr/sbin/dhclient, comm = dhclient, unit = networking.service",
    "exe = /usr/sbin/dhcpcd, comm = dhcpcd, unit = dhcpcd.service",
];
const NTP: &[&str] = &[
    "exe = /usr/lib/systemd/systemd-timesyncd, comm = systemd-timesyn, unit = systemd-timesyncd.service, uid = 997, gid = 997, user = systemd-timesync, group = systemd-timesync",
    "exe = /usr/sbin/chronyd, comm = chronyd, unit = chrony.service, uid = 996, gid = 996, user = _chrony, group = _chrony",
    "exe = /usr/sbin/chronyd, comm = chronyd, unit = chronyd.service, uid = 996, gid = 996, user = chrony, group = chrony",
    "exe = /usr/sbin/ntpd, comm = ntpd, unit = ntpsec.service, uid = 995, gid = 995, user = ntpsec, group = ntpsec",
];
const ENGINE: &[&str] = &[
    "exe = /usr/sbin/interdict, comm = interdict, unit = interdict.service",
    "exe = /usr/bin/interdict, comm = interdict, unit = interdict.service",
    "exe = /usr/local/bin/interdict, comm = interdict, unit = interdict.service",
];

const NOTIFY: &[&str] = &["unix connect to /run/systemd/notify"];
const MESSAGE_BUS: &[&str] = &["unix connect to /run/dbus/system_bus_socket"];
const SYSLOG: &[&str] = &[
    "unix connect to /run/systemd/journal/dev-log",
    "unix connect to /dev/log",
];

const ROWS: &[Row] = &[
    row("sshd makes sockets", &["tcp create"], SSHD),
    row(
        "sshd binds port 22",
        &["tcp bind on 0.0.0.0 port 22", "tcp bind on :: port 22"],
        SSHD,
    ),
    row(
        "sshd listens on port 22",
        &["tcp listen on 0.0.0.0 port 22", "tcp listen on :: port 22"],
        SSHD,
    ),
    row(
        "sshd accepts on port 22",
        &[
            "tcp accept on 192.0.2.10 port 22",
            "tcp accept on 10.0.0.10 port 22",
            "tcp accept on 2001:db8::10 port 22",
        ],
        SSHD,
    ),
    row("sshd tells systemd that it runs", NOTIFY, SSHD),
    row("sshd logs", SYSLOG, SESSION),
    row("sshd registers sessions by D-Bus", MESSAGE_BUS, SESSION),
    row(
        "sshd asks sssd for users",
        &["unix connect to /var/lib/sss/pipes/nss"],
        SESSION,
    ),
    row("login logs", SYSLOG, LOGIN),
    row("login registers sessions by D-Bus", MESSAGE_BUS, LOGIN),
    row("systemd makes sockets", &["unix create"], SYSTEMD),
    row("systemd hears of devices", &["netlink create"], SYSTEMD),
    row(
        "systemd binds sockets for services",
        &["unix bind on /run/systemd/private"],
        SYSTEMD,
    ),
    row(
        "systemd listens for systemctl",
        &["unix listen on /run/systemd/private"],
        SYSTEMD,
    ),
    row(
        "systemd accepts systemctl",
        &["unix accept on /run/systemd/private"],
        SYSTEMD,
    ),
    row("systemd reaches D-Bus", MESSAGE_BUS, SYSTEMD),
    row(
        "systemctl reaches systemd",
        &["unix connect to /run/systemd/private"],
        SYSTEMCTL,
    ),
    row(
        "services get the journal as output",
        &["unix connect to /run/systemd/journal/stdout"],
        STARTER,
    ),
    row("udev hears of devices", &["netlink create"], UDEVD),
    row("logind reaches D-Bus", MESSAGE_BUS, LOGIND),
    row(
        "journald takes output of services",
        &["unix accept on /run/systemd/journal/stdout"],
        JOURNALD,
    ),
    row(
        "D-Bus listens",
        &[
            "unix listen on /run/dbus/system_bus_socket",
            "unix accept on /run/dbus/system_bus_socket",
        ],
        BUS,
    ),
    row(
        "D-Bus accepts",
        &["unix accept on /run/dbus/system_bus_socket"],
        BUS,
    ),
    row(
        "programs reach the resolver of the host",
        &[
            "udp connect to 127.0.0.53 port 53",
            "udp connect to 127.0.0.1 port 53",
        ],
        PROGRAM,
    ),
    row(
        "the resolver reaches its servers",
        &[
            "udp connect to 192.0.2.53 port 53",
            "udp connect to 10.0.0.53 port 53",
            "udp connect to 2001:db8::53 port 53",
        ],
        RESOLVED,
    ),
    row(
        "the resolver listens",
        &[
            "udp bind on 127.0.0.53 port 53",
            "udp bind on 127.0.0.1 port 53",
        ],
        RESOLVED,
    ),
    row(
        "DHCP asks for an address",
        &["packet create", "udp bind on 0.0.0.0 port 68"],
        DHCP,
    ),
    row(
        "DHCP renews an address",
        &[
            "udp connect to 192.0.2.67 port 67",
            "udp connect to 10.0.0.67 port 67",
            "udp connect to 255.255.255.255 port 67",
        ],
        DHCP,
    ),
    row(
        "NTP reaches its servers",
        &[
            "udp connect to 192.0.2.123 port 123",
            "udp connect to 10.0.0.123 port 123",
            "udp connect to 2001:db8::123 port 123",
        ],
        NTP,
    ),
    row("the engine tells systemd that it runs", NOTIFY, ENGINE),
    row(
        "the engine binds its control socket",
        &["unix bind on /run/interdict/control.sock"],
        ENGINE,
    ),
];

/// A row's requests, every operation by every process.
struct Lifeline {
    name: &'static str,
    requests: Vec<Request>,
}

static LIFELINES: LazyLock<Vec<Lifeline>> = LazyLock::new(|| {
    let lifeline = |row: &Row| Lifeline {
        name: row.name,
        requests: row
            .operations
            .iter()
            .flat_map(|operation| {
                row.subjects
                    .iter()
                    .filter_map(|one| request(operation, one))
            })
            .collect(),
    };
    ROWS.iter().map(lifeline).collect()
});

fn request(operation: &str, subject: &str) -> Option<Request> {
    // What the row says of the process comes before what they all have.
    let has = |attribute: &str| {
        let mut own = subject.split(", ");
        own.any(|one| one.split(" = ").next() == Some(attribute))
    };
    let common = ROOT.split(", ").map(str::trim);
    let common = common.filter(|one| !one.split(" = ").next().is_some_and(has));
    let common: Vec<&str> = common.collect();
    let text = format!("{operation} as {subject}, {}", common.join(", "));
    let sources = Sources::single("lifelines", text);
    parse_request(sources.files().first()?).0
}

/// A rule that cuts lifelines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lockout {
    /// The rule that denies.
    pub rule: RuleIndex,
    /// What cannot be done any more, in the order of the table.
    pub cut: Vec<&'static str>,
    /// Whether it is cut by what is enforced, and not only by rules in audit mode.
    pub enforced: bool,
}

/// The rules that would cut the host off, in order of place.
#[must_use]
pub fn lockouts(policy: &CheckedPolicy) -> Vec<Lockout> {
    let mut found: Vec<Lockout> = Vec::new();
    for line in LIFELINES.iter() {
        let Some(rule) = cut(policy, line, |decision| decision.hypothetical) else {
            continue;
        };
        // Where both are cut, the enforced rule is the one to mend first.
        let actual = cut(policy, line, |decision| decision.actual);
        let (rule, enforced) = (actual.unwrap_or(rule), actual.is_some());
        let known = |one: &&mut Lockout| one.rule == rule && one.enforced == enforced;
        match found.iter_mut().find(known) {
            Some(lockout) => lockout.cut.push(line.name),
            None => found.push(Lockout {
                rule,
                cut: vec![line.name],
                enforced,
            }),
        }
    }
    found.sort_by_key(|one| one.rule);
    found
}

/// The rule that denies the first way of a lifeline, if all are denied.
fn cut(
    policy: &CheckedPolicy,
    line: &Lifeline,
    by: impl Fn(&crate::Decision) -> Outcome,
) -> Option<RuleIndex> {
    let mut rule = None;
    for request in &line.requests {
        let outcome = by(&eval(policy, request));
        if outcome.verdict == Verdict::Allow {
            return None;
        }
        rule = rule.or(outcome.rule);
    }
    rule
}

/// Names of lifelines that a finding spells out.
const NAMED: usize = 3;

impl Lockout {
    /// What is to be said about it.
    #[must_use]
    pub fn finding(&self, policy: &CheckedPolicy) -> Option<Diagnostic> {
        let rule = policy.rule(self.rule)?;
        let verb = if self.enforced { "cuts" } else { "would cut" };
        let message = format!("the rule `{}` {verb} the host off", rule.id);
        let shown = self.cut.get(..NAMED).unwrap_or(&self.cut).join("; ");
        let more = match self.cut.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!("; and {more} more"),
        };
        Some(
            Diagnostic::new(Code::Lockout, rule.span, message)
                .label(format!("with it, no more: {shown}{more}"))
                .help("name who is exempt with `unless`; `run` refuses such a rule in `mode enforce`, unless `allow_lockout` is set"),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load;

    fn found(text: &str) -> Vec<(String, usize, bool)> {
        let (policy, report) = load(&Sources::single("p.policy", text));
        let policy = policy.unwrap_or_else(|| panic!("{report:?}"));
        let id = |rule: RuleIndex| policy.rule(rule).unwrap().id.to_string();
        lockouts(&policy)
            .iter()
            .map(|one| (id(one.rule), one.cut.len(), one.enforced))
            .collect()
    }

    #[test]
    fn every_row_can_be_asked() {
        for (row, line) in ROWS.iter().zip(LIFELINES.iter()) {
            let asked = row.operations.len() * row.subjects.len();
            assert_eq!(line.requests.len(), asked, "{}", row.name);
            for request in &line.requests {
                assert!(request.subject.exe.is_some() && request.subject.uid.is_some());
            }
        }
    }

    #[test]
    fn what_denies_everything_cuts_every_line() {
        assert_eq!(
            found("deny any any id all"),
            [("all".into(), ROWS.len(), true)]
        );
        assert_eq!(
            found("audit deny any any id all"),
            [("all".into(), ROWS.len(), false)]
        );
        assert_eq!(found("default deny any any allow any any id a"), []);
        assert_eq!(found("deny any any unless uid < 1000"), []);
    }

    #[test]
    fn one_way_that_is_left_suffices() {
        assert_eq!(
            found("deny tcp accept on port 22 id a"),
            [("a".into(), 1, true)]
        );
        assert_eq!(found("deny tcp accept on 10.0.0.0/8 port 22"), []);
        assert_eq!(
            found("deny tcp accept on port 22 unless unit = sshd.service"),
            []
        );
        assert_eq!(found("deny tcp accept on port 22 if uid >= 1000"), []);
        assert_eq!(
            found(
                "deny { packet, raw } create unless unit in { systemd-networkd.service, dhcpcd.service }"
            ),
            []
        );
        // Enforced by one rule, in audit mode by another: each is said for what it does.
        assert_eq!(
            found(
                "deny unix connect to /run/systemd/notify id a  audit deny udp bind on port 53 id b"
            ),
            [("a".into(), 2, true), ("b".into(), 1, false)]
        );
    }
}
