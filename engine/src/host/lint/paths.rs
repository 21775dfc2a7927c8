//! Paths that lead elsewhere, to nothing, or to what others than root decide.

use super::super::profile::{By, Kind, PathFacts};
use super::super::uses::{Named, Use};
use super::{Lints, Said, Spot, programs};
use crate::host::Look;
use policy_lang::diag::{Code, show};
use policy_lang::types::pattern::Pattern;

/// File systems that begin empty at each start of the host: what a path there
/// names is made by the service that has it.
const VOLATILE: [&str; 3] = ["tmpfs", "ramfs", "devtmpfs"];

/// The folder that is made anew at each start, whatever is mounted on it.
const RUN: &str = "/run/";

/// Looks at every path of a set.
pub(super) fn look(lints: &mut Lints<'_>, used: &Use<'_>) {
    for pattern in used.patterns() {
        let start = pattern.start();
        let Ok(start) = String::from_utf8(start) else {
            continue;
        };
        let literal = pattern.literal().is_some();
        let path = if literal {
            start.as_str()
        } else {
            start.rsplit_once('/').map_or("/", |(folder, _)| folder)
        };
        if used.named == Named::Program && used.exempts {
            programs::interpreter(lints, used, pattern);
        }
        if path.is_empty() || path == "/" {
            continue;
        }
        let at = At {
            spot: lints.pattern(pattern, used),
            path,
            literal,
            look: lints.host.look(path),
        };
        link(lints, &at);
        remote(lints, used, &at);
        let Some(facts) = &at.look.facts else {
            continue;
        };
        open_folder(lints, used, &at, facts);
        if at.look.missing().is_some() {
            missing(lints, used, &at, facts, pattern);
        } else if used.named == Named::Program {
            programs::file(lints, used, &at, facts);
        }
    }
}

/// A path that is looked at.
pub(super) struct At<'a> {
    pub(super) spot: Spot,
    /// What is looked at: of a pattern, the folder before its first wildcard.
    pub(super) path: &'a str,
    /// Whether there is no wildcard.
    pub(super) literal: bool,
    pub(super) look: Look,
}

fn link(lints: &mut Lints<'_>, at: &At<'_>) {
    if at.look.real == at.path {
        return;
    }
    let real = show(&at.look.real);
    let (what, write) = if at.literal {
        (show(at.path), real.clone())
    } else {
        (format!("{}/", show(at.path)), format!("{real}/…"))
    };
    let said = Said::new(format!("`{what}` leads through a symbolic link"))
        .label(format!("it is `{write}`"))
        .help(format!(
            "write `{write}`: whoever changes the link changes the rule"
        ));
    lints.report(Code::LinkedPath, &at.spot, said);
}

fn remote(lints: &mut Lints<'_>, used: &Use<'_>, at: &At<'_>) {
    let Some(mount) = lints.host.mount(&at.look.real) else {
        return;
    };
    let remote = matches!(
        mount.kind.as_str(),
        "nfs" | "nfs4" | "fuse" | "fuseblk" | "virtiofs"
    ) || mount.kind.starts_with("fuse.");
    if !remote {
        return;
    }
    let (kind, point) = (show(&mount.kind), show(&mount.point));
    let said = Said::new(format!(
        "`{}` lies on {kind}, mounted on `{point}`",
        show(at.path)
    ));
    let said = if used.exempts {
        said.label("exempts nobody: whoever serves the file system decides what lies there")
            .help("name something on a file system of the host's own")
    } else {
        said.label("whoever serves the file system decides what lies there")
    };
    lints.report(Code::RemotePath, &at.spot, said);
}

fn open_folder(lints: &mut Lints<'_>, used: &Use<'_>, at: &At<'_>, facts: &PathFacts) {
    let open = facts.changeable.iter().find(|one| one.by == By::Everybody);
    let Some(open) = open.filter(|_| used.named == Named::Socket || used.exempts) else {
        return;
    };
    let what = if used.named == Named::Socket {
        "any user can put a socket of his own there first"
    } else {
        "any user can put a program of his own there"
    };
    let said = Said::new(format!("everybody can write to `{}`", show(&open.path)))
        .label(what)
        .help("choose a path in folders that root alone can write to");
    lints.report(Code::OpenFolder, &at.spot, said);
}

fn missing(
    lints: &mut Lints<'_>,
    used: &Use<'_>,
    at: &At<'_>,
    facts: &PathFacts,
    pattern: &Pattern,
) {
    let circle = facts.kind == Some(Kind::Circle);
    let expected = match used.named {
        Named::Socket => comes_later(lints, facts, pattern),
        Named::Program | Named::User | Named::Group | Named::Unit => {
            elsewhere(lints, used, at.path)
        }
    };
    if expected && !circle {
        return;
    }
    let shown = show(at.path);
    let said = if circle {
        Said::new(format!("the symbolic links of `{shown}` go in a circle"))
            .label("such a policy is not put in force")
    } else {
        Said::new(format!("there is nothing at `{shown}`")).label(format!(
            "`{}` is the last part that exists",
            show(&facts.existing)
        ))
    };
    let near = facts.near.as_deref().map(|near| {
        let folder = facts.existing.trim_end_matches('/');
        format!("did you mean `{}`?", show(&format!("{folder}/{near}")))
    });
    let said = said.help(near.unwrap_or_else(|| {
        "correct the path; the rule holds as soon as something is there".to_owned()
    }));
    lints.report(Code::MissingPath, &at.spot, said);
}

/// Whether the same set has a program of that name in another folder, where it
/// is: distributions put it here or there, and the set says both.
fn elsewhere(lints: &Lints<'_>, used: &Use<'_>, path: &str) -> bool {
    let name = path.rsplit('/').next();
    let literals = used.patterns().iter().filter_map(Pattern::literal);
    let mut others = literals.filter_map(|bytes| std::str::from_utf8(bytes).ok());
    others.any(|other| {
        let look = || lints.host.look(other);
        let there = |look: &Look| look.facts.is_some() && look.missing().is_none();
        other != path && other.rsplit('/').next() == name && there(&look())
    })
}

/// Whether it is no surprise that a socket is not there: its service is not
/// running, and makes the folder too where nothing outlives a restart.
fn comes_later(lints: &Lints<'_>, facts: &PathFacts, pattern: &Pattern) -> bool {
    let mount = lints.host.mount(&facts.existing);
    let volatile = mount.is_some_and(|mount| VOLATILE.contains(&mount.kind.as_str()))
        || facts.real.starts_with(RUN);
    let folder = facts.real.rsplit_once('/').map_or("", |(folder, _)| folder);
    let folder_exists = folder == facts.existing.trim_end_matches('/');
    volatile || (folder_exists && pattern.literal().is_some())
}
