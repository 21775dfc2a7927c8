//! What is attached while something is measured: the rows of the table.

use std::fmt;
use std::str::FromStr;

use crate::landlock;
use crate::work::Workload;

/// What is attached. Its text form is what the command line and the lines have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Setup {
    /// What the kernel was booted with, and no more.
    Nothing,
    /// A program that does nothing on each deciding hook.
    Empty,
    /// A program that refuses, on the operation's own hook.
    Refuse,
    /// The linear program with so many rules, none of which matches.
    Linear(u32),
    /// interdict.
    Interdict(Policy),
    /// A Landlock domain around the process that is measured.
    Landlock,
    /// An `AppArmor` profile of the process that is measured.
    Profile,
}

/// Under which policy interdict runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Policy {
    /// Which rules.
    pub(crate) rules: Rules,
    /// How many in all.
    pub(crate) count: u32,
    /// What it says of the operations that are measured.
    pub(crate) says: Says,
}

/// What a policy's rules are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rules {
    /// Every operation that has rules.
    Mixed,
    /// Connects to addresses alone, so that one pair of family and operation has
    /// them all.
    Addresses,
    /// Connects to unix paths alone, which one hook less than with addresses judges.
    Paths,
}

/// What a policy says of what is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Says {
    /// It is allowed.
    Allow,
    /// It is refused, and no event is made.
    Deny,
    /// It is refused, with an event.
    DenyWithEvent,
}

/// What can be measured of an operation with something attached.
pub(crate) enum Cell {
    /// The operation succeeds.
    Allowed,
    /// It ends with EPERM.
    Refused,
    /// Nothing, and why.
    None(&'static str),
}

impl Setup {
    /// What is measured of a workload.
    pub(crate) fn cell(self, workload: &Workload) -> Cell {
        match self {
            Self::Nothing | Self::Empty | Self::Profile => Cell::Allowed,
            Self::Refuse if workload.hook.is_some() => Cell::Refused,
            Self::Refuse => Cell::None("nothing refuses it here"),
            Self::Linear(_) if workload.asks == Some(Rules::Addresses) => Cell::Allowed,
            Self::Linear(_) => Cell::None("it has rules for addresses alone"),
            Self::Interdict(policy) => policy.cell(workload),
            Self::Landlock => match landlock::missing(workload) {
                Some(why) => Cell::None(why),
                None => Cell::Allowed,
            },
        }
    }
}

impl Policy {
    fn cell(self, workload: &Workload) -> Cell {
        match (self.says, self.rules) {
            (Says::Allow, Rules::Addresses) if workload.asks != Some(Rules::Addresses) => {
                Cell::None("its rules are about addresses alone")
            }
            (Says::Allow, Rules::Paths) if workload.asks != Some(Rules::Paths) => {
                Cell::None("its rules are about unix paths alone")
            }
            (Says::Allow, _) => Cell::Allowed,
            (Says::Deny | Says::DenyWithEvent, _) if workload.hook.is_none() => {
                Cell::None("nothing refuses it here")
            }
            (Says::Deny | Says::DenyWithEvent, _) => Cell::Refused,
        }
    }
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
            Self::Interdict(policy) => {
                let rules = match policy.rules {
                    Rules::Mixed => "mixed",
                    Rules::Addresses => "addresses",
                    Rules::Paths => "paths",
                };
                let says = match policy.says {
                    Says::Allow => "allow",
                    Says::Deny => "deny",
                    Says::DenyWithEvent => "event",
                };
                write!(f, "{rules}:{}:{says}", policy.count)
            }
        }
    }
}

impl FromStr for Setup {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unknown = || format!("no setup `{text}`");
        let number = |word: &str| word.parse::<u32>().ok().ok_or_else(unknown);
        let words: Vec<&str> = text.split(':').collect();
        let (rules, count, says) = match *words.as_slice() {
            ["nothing"] => return Ok(Self::Nothing),
            ["empty"] => return Ok(Self::Empty),
            ["refuse"] => return Ok(Self::Refuse),
            ["landlock"] => return Ok(Self::Landlock),
            ["profile"] => return Ok(Self::Profile),
            ["linear", count] => return Ok(Self::Linear(number(count)?)),
            [rules, count, says] => (rules, number(count)?, says),
            _ => return Err(unknown()),
        };
        let rules = match rules {
            "mixed" => Rules::Mixed,
            "addresses" => Rules::Addresses,
            "paths" => Rules::Paths,
            _ => return Err(unknown()),
        };
        let says = match says {
            "allow" => Says::Allow,
            "deny" => Says::Deny,
            "event" => Says::DenyWithEvent,
            _ => return Err(unknown()),
        };
        Ok(Self::Interdict(Policy { rules, count, says }))
    }
}
