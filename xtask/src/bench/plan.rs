//! What is measured: the operations, and what is attached. Two tables, from which
//! everything else is made.

use std::fmt;

use clap::builder::PossibleValuesParser;

/// An operation, as the guest's half has it (`tests/src/bin/bench_guest/work.rs`).
pub(super) struct Operation {
    /// What the guest and the command line call it.
    pub(super) name: &'static str,
    /// What the page calls it.
    pub(super) words: &'static str,
}

/// Every operation, in the order of the page. Add one HERE, and in the guest.
pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        name: "udp-connect",
        words: "udp connect",
    },
    Operation {
        name: "udp-connect-new",
        words: "udp connect, new address",
    },
    Operation {
        name: "tcp-connect",
        words: "tcp connect",
    },
    Operation {
        name: "unix-connect",
        words: "unix stream connect",
    },
    Operation {
        name: "unix-connect-new",
        words: "unix stream connect, other socket",
    },
    Operation {
        name: "unix-datagram",
        words: "unix datagram",
    },
    Operation {
        name: "setsockopt",
        words: "setsockopt",
    },
    Operation {
        name: "tcp-send",
        words: "send, connected tcp",
    },
    Operation {
        name: "unix-send",
        words: "send, connected unix",
    },
    Operation {
        name: "fork-exec",
        words: "fork + exec",
    },
    Operation {
        name: "thread",
        words: "thread create",
    },
    Operation {
        name: "open-close",
        words: "open + close",
    },
];

/// The names of all operations, for the command line.
pub(super) fn operation_names() -> PossibleValuesParser {
    OPERATIONS.iter().map(|operation| operation.name).into()
}

/// The security modules that a guest is booted with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Boot {
    /// As every guest.
    Plain,
    /// And `AppArmor`.
    AppArmor,
    /// And `SELinux`.
    Selinux,
}

impl Boot {
    /// All, in the order in which they are booted.
    pub(super) const ALL: [Self; 3] = [Self::Plain, Self::AppArmor, Self::Selinux];

    /// What a boot adds, after a kernel's name.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::AppArmor => " with AppArmor",
            Self::Selinux => " with SELinux",
        }
    }

    /// More arguments for the kernel; the last `lsm=` counts.
    pub(super) const fn append(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::AppArmor => Some("lsm=capability,landlock,apparmor,bpf apparmor=1"),
            Self::Selinux => Some("lsm=capability,landlock,selinux,bpf selinux=1"),
        }
    }
}

/// What is attached: a row of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Row {
    pub(super) boot: Boot,
    pub(super) setup: Setup,
}

/// What is attached in a guest; its text is what the guest's half reads
/// (`tests/src/bin/bench_guest/setup.rs`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Setup {
    Nothing,
    Empty,
    Refuse,
    Linear(u32),
    Interdict(Rules, u32, Says),
    Landlock,
    Profile,
}

/// What a policy's rules are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rules {
    Mixed,
    Addresses,
    Paths,
}

/// What a policy says of what is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Says {
    Allow,
    Deny,
    DenyWithEvent,
}

/// The numbers of rules of the linear program.
pub(super) const LINEAR: [u32; 3] = [10, 100, 1000];
/// Those of interdict.
pub(super) const SIZES: [u32; 5] = [1, 10, 100, 1000, 10_000];
/// Those of interdict where every rule is about the same family and operation.
pub(super) const ADDRESSES: [u32; 4] = [10, 100, 1000, 10_000];
/// Those of interdict where every rule is about unix paths.
pub(super) const PATHS: [u32; 3] = [1, 10, 10_000];
/// Those under which refusals are measured.
pub(super) const DENIALS: [u32; 2] = [10, 10_000];

/// Nothing, in the usual guest.
pub(super) const NOTHING: Row = plain(Setup::Nothing);
/// The program that does nothing.
pub(super) const EMPTY: Row = plain(Setup::Empty);

/// `AppArmor` without a profile.
pub(super) const APPARMOR: Row = Row {
    boot: Boot::AppArmor,
    setup: Setup::Nothing,
};
/// `AppArmor` with a profile of the process that is measured.
pub(super) const PROFILE: Row = Row {
    boot: Boot::AppArmor,
    setup: Setup::Profile,
};
/// `SELinux` without a policy.
pub(super) const SELINUX: Row = Row {
    boot: Boot::Selinux,
    setup: Setup::Nothing,
};

/// A row of the usual guest.
pub(super) const fn plain(setup: Setup) -> Row {
    Row {
        boot: Boot::Plain,
        setup,
    }
}

/// interdict with so many rules of every kind, which allow what is measured.
pub(super) const fn mixed(rules: u32) -> Row {
    plain(Setup::Interdict(Rules::Mixed, rules, Says::Allow))
}

/// interdict with so many rules about addresses.
pub(super) const fn addresses(rules: u32) -> Row {
    plain(Setup::Interdict(Rules::Addresses, rules, Says::Allow))
}

/// interdict with so many rules about unix paths.
pub(super) const fn paths(rules: u32) -> Row {
    plain(Setup::Interdict(Rules::Paths, rules, Says::Allow))
}

/// Every row, in the order of the page, which is the one of measuring: the engine
/// is started anew between rows with and without events.
pub(super) fn rows() -> Vec<Row> {
    let denials =
        |says| DENIALS.map(move |rules| plain(Setup::Interdict(Rules::Mixed, rules, says)));
    let mut rows = vec![NOTHING, EMPTY];
    rows.extend(LINEAR.map(|rules| plain(Setup::Linear(rules))));
    rows.extend(SIZES.map(mixed));
    rows.extend(ADDRESSES.map(addresses));
    rows.extend(PATHS.map(paths));
    rows.extend(denials(Says::DenyWithEvent));
    rows.extend(denials(Says::Deny));
    rows.push(plain(Setup::Refuse));
    rows.push(plain(Setup::Landlock));
    rows.extend([APPARMOR, PROFILE, SELINUX]);
    rows
}

impl fmt::Display for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("nothing"),
            Self::Empty => f.write_str("empty"),
            Self::Refuse => f.write_str("refuse"),
            Self::Landlock => f.write_str("landlock"),
            Self::Profile => f.write_str("profile"),
            Self::Linear(count) => write!(f, "linear:{count}"),
            Self::Interdict(rules, count, says) => {
                let rules = match rules {
                    Rules::Mixed => "mixed",
                    Rules::Addresses => "addresses",
                    Rules::Paths => "paths",
                };
                let says = match says {
                    Says::Allow => "allow",
                    Says::Deny => "deny",
                    Says::DenyWithEvent => "event",
                };
                write!(f, "{rules}:{count}:{says}")
            }
        }
    }
}

/// As the page calls it.
impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.boot, self.setup) {
            (Boot::AppArmor, Setup::Profile) => return f.write_str("AppArmor, a profile"),
            (Boot::AppArmor, _) => return f.write_str("AppArmor, no profile"),
            (Boot::Selinux, _) => return f.write_str("SELinux, no policy"),
            (Boot::Plain, _) => {}
        }
        match self.setup {
            Setup::Nothing => f.write_str("nothing"),
            Setup::Empty => f.write_str("empty program"),
            Setup::Refuse => f.write_str("program that refuses"),
            Setup::Landlock => f.write_str("Landlock"),
            Setup::Profile => f.write_str("a profile"),
            Setup::Linear(count) => write!(f, "linear, {}", rules_of(count)),
            Setup::Interdict(rules, count, says) => {
                let about = match rules {
                    Rules::Mixed => "",
                    Rules::Addresses => ", all about addresses",
                    Rules::Paths => ", all about unix paths",
                };
                let says = match says {
                    Says::Allow => "",
                    Says::Deny => ", denied",
                    Says::DenyWithEvent => ", denied with event",
                };
                write!(f, "interdict, {}{about}{says}", rules_of(count))
            }
        }
    }
}

fn rules_of(count: u32) -> String {
    let word = if count == 1 { "rule" } else { "rules" };
    format!("{} {word}", grouped(f64::from(count)))
}

/// A number without fractions, with commas between thousands.
pub(super) fn grouped(number: f64) -> String {
    let digits = format!("{:.0}", number.abs());
    let mut grouped = String::new();
    for (left, digit) in (0..digits.len()).rev().zip(digits.chars()) {
        grouped.push(digit);
        if left % 3 == 0 && left > 0 {
            grouped.push(',');
        }
    }
    let negative = number < 0.0 && digits != "0";
    if negative {
        format!("-{grouped}")
    } else {
        grouped
    }
}

#[cfg(test)]
mod tests {
    use super::{grouped, rows};

    #[test]
    fn thousands_are_parted() {
        let all = [0.4, 999.0, 1000.0, 12_345.6, 1_000_000.0, -1234.0, -0.2];
        assert_eq!(
            all.map(grouped),
            ["0", "999", "1,000", "12,346", "1,000,000", "-1,234", "0"]
        );
    }

    #[test]
    fn no_two_rows_have_one_name() {
        let mut names: Vec<String> = rows().iter().map(ToString::to_string).collect();
        names.sort();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
