//! The engine on a real kernel, in a guest: `cargo xtask test` runs it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "kernel/abstract_names.rs"]
mod abstract_names;
#[path = "kernel/ancestors.rs"]
mod ancestors;
#[path = "kernel/bind.rs"]
mod bind;
#[path = "kernel/btrfs.rs"]
mod btrfs;
#[path = "kernel/cgroups.rs"]
mod cgroups;
#[path = "kernel/create.rs"]
mod create;
#[path = "kernel/datagrams.rs"]
mod datagrams;
#[path = "kernel/differential/mod.rs"]
mod differential;
#[path = "kernel/docker.rs"]
mod docker;
#[path = "kernel/engines.rs"]
mod engines;
#[path = "kernel/evasion/mod.rs"]
mod evasion;
#[path = "kernel/families.rs"]
mod families;
#[path = "kernel/globs.rs"]
mod globs;
#[path = "kernel/ground.rs"]
mod ground;
#[path = "kernel/hooks.rs"]
mod hooks;
#[path = "kernel/identity.rs"]
mod identity;
#[path = "kernel/language.rs"]
mod language;
#[path = "kernel/load.rs"]
mod load;
#[path = "kernel/memo.rs"]
mod memo;
#[path = "kernel/objects.rs"]
mod objects;
#[path = "kernel/options.rs"]
mod options;
#[path = "kernel/reload.rs"]
mod reload;
#[path = "kernel/sctp.rs"]
mod sctp;
#[path = "kernel/selection.rs"]
mod selection;
#[path = "kernel/servers/mod.rs"]
mod servers;
#[path = "kernel/subjects.rs"]
mod subjects;
#[path = "kernel/tcp.rs"]
mod tcp;
#[path = "kernel/udp.rs"]
mod udp;
#[path = "kernel/unix_bind.rs"]
mod unix_bind;
#[path = "kernel/users.rs"]
mod users;
#[path = "kernel/waiting.rs"]
mod waiting;
#[path = "kernel/wide.rs"]
mod wide;
