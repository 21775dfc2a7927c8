//! A Landlock domain with rules like those of interdict, as far as the running
//! kernel has such.

use landlock::{
    AccessFs, AccessNet, CompatLevel, Compatible as _, NetPort, PathBeneath, PathFd, Ruleset,
    RulesetAttr as _, RulesetCreated, RulesetCreatedAttr as _, RulesetStatus, Scope,
};

use crate::Outcome;
use crate::work::{TCP_PORT, Workload};

/// What of Landlock an operation can be ruled by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Like {
    /// Files that may be opened, and executed.
    Files,
    /// Ports that may be connected to; since 6.7.
    Ports,
    /// Names of other domains; since 6.12.
    Names,
    /// Nothing.
    Nothing,
}

/// Why a workload has no comparable rule, if it has none here.
pub(crate) fn missing(workload: &Workload) -> Option<&'static str> {
    match workload.landlock {
        Like::Nothing => Some("Landlock has no such rule"),
        like @ (Like::Files | Like::Ports | Like::Names) => ruleset(like)
            .is_err()
            .then_some("this kernel's Landlock has no such rule"),
    }
}

/// Puts this process into a domain with such a rule, which allows what is measured.
pub(crate) fn enter(like: Like) -> Outcome<()> {
    let created = ruleset(like)?;
    let created = match like {
        Like::Files => {
            let rights = AccessFs::ReadFile | AccessFs::Execute;
            created.add_rule(PathBeneath::new(PathFd::new("/")?, rights))?
        }
        Like::Ports => created.add_rule(NetPort::new(TCP_PORT, AccessNet::ConnectTcp))?,
        Like::Names | Like::Nothing => created,
    };
    match created.restrict_self()?.ruleset {
        RulesetStatus::FullyEnforced => Ok(()),
        RulesetStatus::PartiallyEnforced | RulesetStatus::NotEnforced => {
            Err("Landlock does not enforce the domain".into())
        }
    }
}

/// What the domain is about; an error where the kernel has nothing like it.
fn ruleset(like: Like) -> Outcome<RulesetCreated> {
    let ruleset = Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
    let ruleset = match like {
        Like::Files => ruleset.handle_access(AccessFs::ReadFile | AccessFs::Execute)?,
        Like::Ports => ruleset.handle_access(AccessNet::ConnectTcp)?,
        Like::Names => ruleset.scope(Scope::AbstractUnixSocket)?,
        Like::Nothing => return Err("no rule".into()),
    };
    Ok(ruleset.create()?)
}
