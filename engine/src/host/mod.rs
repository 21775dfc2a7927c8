//! What a policy meets on one host: names that it lacks, paths that lead
//! elsewhere, programs that exempt more than they seem to.
//!
//! A [`Host`] is a description ([`Profile`]) and, for the host that this runs
//! on, a look at its file system. Everything that is decided about a policy is
//! in [`lint`] and reads nothing but a `Host`; everything that reads the host is
//! in `live`, `walk`, `accounts` and `units`. What a host is not known to have
//! or to lack, nothing is said about.

mod accounts;
mod lint;
mod live;
mod paths;
mod profile;
mod units;
mod uses;
mod walk;
mod written;

pub use lint::{lint, unenforced};
pub use live::describe;
pub use paths::{Host, Look};
pub use profile::{Account, By, Changeable, Kind, MountPoint, PathFacts, Profile, SCHEMA};

#[cfg(test)]
mod tests;
