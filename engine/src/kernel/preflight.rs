//! What this host has and lacks: each prerequisite with what was found and, where
//! it is not met, what to do.

use super::btf::Btf;
use super::load::{Kernel, Settings};
use super::phases::Phases;
use crate::error::with_causes;
use crate::needs::{self, FLOOR};
use policy_abi::hooks::{HOOKS, HookDesc};
use serde::Serialize;
use std::path::Path;

const LSM_LIST: &str = "/sys/kernel/security/lsm";
const LOCKDOWN: &str = "/sys/kernel/security/lockdown";

/// One prerequisite.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What is needed.
    pub what: &'static str,
    /// What there is.
    pub found: String,
    /// What to do, when that is not enough.
    pub fix: Option<String>,
}

impl Finding {
    fn met(what: &'static str, found: impl Into<String>) -> Self {
        Self {
            what,
            found: found.into(),
            fix: None,
        }
    }

    fn unmet(what: &'static str, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            what,
            found: found.into(),
            fix: Some(fix.into()),
        }
    }
}

/// Looks at everything, in the order in which it is needed.
#[must_use]
pub fn examine() -> Vec<Finding> {
    let mut findings = vec![
        architecture(),
        version(),
        privilege(),
        lsm(),
        lockdown(),
        cgroups(),
    ];
    findings.extend(kernel_types());
    findings.push(programs());
    findings
}

fn architecture() -> Finding {
    let found = std::env::consts::ARCH;
    if found == "x86_64" {
        return Finding::met("processor", found);
    }
    Finding::unmet("processor", found, "interdict runs on x86-64 alone")
}

fn version() -> Finding {
    const WHAT: &str = "kernel";
    let names = rustix::system::uname();
    let release = names.release().to_string_lossy().into_owned();
    if needs::version(&release).is_some_and(|found| found >= FLOOR) {
        return Finding::met(WHAT, release);
    }
    Finding::unmet(
        WHAT,
        release,
        format!("boot Linux {}.{} or newer", FLOOR.0, FLOOR.1),
    )
}

fn privilege() -> Finding {
    const WHAT: &str = "privilege";
    if rustix::process::geteuid().is_root() {
        return Finding::met(WHAT, "root");
    }
    Finding::unmet(
        WHAT,
        "not root",
        "run as root: loading BPF LSM programs needs it",
    )
}

fn lsm() -> Finding {
    const WHAT: &str = "BPF LSM";
    match std::fs::read_to_string(LSM_LIST) {
        Ok(list) if list.trim().split(',').any(|name| name == "bpf") => {
            Finding::met(WHAT, format!("active ({})", list.trim()))
        }
        Ok(list) => {
            let list = list.trim();
            let fix = format!("add `lsm={list},bpf` to the kernel command line and reboot");
            Finding::unmet(WHAT, format!("not among {list}"), fix)
        }
        Err(error) => {
            let fix = "mount securityfs: `mount -t securityfs securityfs /sys/kernel/security`";
            Finding::unmet(WHAT, format!("cannot read `{LSM_LIST}`: {error}"), fix)
        }
    }
}

fn lockdown() -> Finding {
    const WHAT: &str = "lockdown";
    let found = std::fs::read_to_string(LOCKDOWN).unwrap_or_else(|_| "none".into());
    let found = found.trim();
    if found.contains("[confidentiality]") {
        let fix = "boot with `lockdown=integrity`: confidentiality keeps BPF from reading";
        return Finding::unmet(WHAT, found, fix);
    }
    Finding::met(WHAT, found)
}

fn cgroups() -> Finding {
    const WHAT: &str = "cgroup v2";
    if Path::new("/sys/fs/cgroup/cgroup.controllers").exists() {
        return Finding::met(WHAT, "mounted on /sys/fs/cgroup");
    }
    // Events lack the cgroup; no rule of this version asks for it.
    Finding::met(
        WHAT,
        "not mounted on /sys/fs/cgroup; events go without cgroups",
    )
}

fn kernel_types() -> Vec<Finding> {
    const BTF: &str = "kernel types (BTF)";
    const HOOK: &str = "LSM hook";
    const FUNCTION: &str = "function's end";
    let btf = match Btf::of_kernel() {
        Ok(btf) => btf,
        Err(error) => {
            let fix = "boot a kernel that was built with CONFIG_DEBUG_INFO_BTF=y";
            return vec![Finding::unmet(BTF, error.to_string(), fix)];
        }
    };
    let mut findings = vec![match btf.offsets() {
        Ok(_) => Finding::met(BTF, "all members that are read are there"),
        Err(error) => Finding::unmet(
            BTF,
            error.to_string(),
            "report this kernel: its structures are new",
        ),
    }];
    for desc in asked_for() {
        let arguments = btf.arguments(desc);
        let found = arguments.map_or("is not there".into(), |n| format!("takes {n} arguments"));
        findings.push(if desc.role.tells() {
            let name = desc.kernel_name();
            if arguments == Some(desc.args) {
                Finding::met(FUNCTION, name)
            } else {
                // No rule asks for it.
                let lost = "connects that fail before they are judged have no plain event";
                Finding::met(FUNCTION, format!("{name} {found}; {lost}"))
            }
        } else if arguments == Some(desc.args) {
            Finding::met(HOOK, desc.kernel_name())
        } else {
            let fix = "boot a kernel with this hook (CONFIG_BPF_LSM, CONFIG_SECURITY_NETWORK)";
            Finding::unmet(HOOK, format!("{} {found}", desc.kernel_name()), fix)
        });
    }
    findings
}

/// The rows of the table, each hook and each function of the kernel once.
fn asked_for() -> impl Iterator<Item = &'static HookDesc> {
    let whose = |desc: &HookDesc| (desc.role.tells(), desc.kernel_name());
    HOOKS.iter().enumerate().filter_map(move |(row, desc)| {
        let mut above = HOOKS.iter().take(row);
        (!above.any(|one| whose(one) == whose(desc))).then_some(desc)
    })
}

/// The proof of all: the programs are loaded and the identity hooks attached, for a moment.
fn programs() -> Finding {
    const WHAT: &str = "BPF programs";
    let settings = Settings {
        hash_key: [0; 2],
        trust_all: false,
    };
    let loaded = Kernel::open(&settings, Phases::default()).and_then(|mut kernel| {
        kernel.load_all()?;
        Ok(kernel)
    });
    match loaded {
        Ok(mut kernel) => {
            let counts = kernel.verified().unwrap_or_default();
            let counts: Vec<_> = counts
                .iter()
                .map(|(hook, count)| format!("{hook} {count}"))
                .collect();
            let counts = counts.join(", ");
            Finding::met(
                WHAT,
                format!("loaded and attached; instructions verified: {counts}"),
            )
        }
        Err(error) => {
            let mut found = with_causes(&error);
            found.truncate(found.find('\n').unwrap_or(found.len()));
            let fix = "see the lines above; with all of them met, this kernel's vendor refuses LSM \
                       programs";
            Finding::unmet(WHAT, found, fix)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_hook_and_each_function_is_asked_for_once() {
        let names = |tells| {
            let rows = asked_for().filter(move |desc| desc.role.tells() == tells);
            let mut names: Vec<_> = rows.map(HookDesc::kernel_name).collect();
            names.sort_unstable();
            names
        };
        assert_eq!(names(true), ["unix_dgram_connect", "unix_stream_connect"]);
        let hooks = names(false);
        assert!(hooks.is_sorted_by(|one, next| one < next), "{hooks:?}");
        assert!(hooks.contains(&"unix_stream_connect") && hooks.contains(&"socket_listen"));
        assert!(!hooks.contains(&"socket_listen_keep"));
    }
}
