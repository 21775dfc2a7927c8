//! The systemd unit of a cgroup, as systemd itself reads the path.

use crate::types::pattern::Piece;

/// The suffixes that a unit's name can have; a slice holds units and is none here.
const KINDS: &[&[u8]] = &[
    b".service",
    b".scope",
    b".socket",
    b".mount",
    b".automount",
    b".swap",
    b".target",
    b".path",
    b".timer",
    b".device",
];

/// Longest name of a unit, in bytes.
const NAME_MAX: usize = 255;

/// The unit that `cgroup` belongs to, `None` when it belongs to none.
///
/// Leading slices are skipped; the next component, less one underscore that
/// systemd puts before names that cgroup files take, is the unit. What follows is
/// chosen by the unit itself, so a container cannot pose as another one.
#[must_use]
pub fn of_cgroup(cgroup: &[u8]) -> Option<&[u8]> {
    let name = cgroup
        .split(|byte| *byte == b'/')
        .filter(|part| !part.is_empty())
        .find(|part| !part.ends_with(b".slice"))?;
    let name = name.strip_prefix(b"_").unwrap_or(name);
    is_unit(name).then_some(name)
}

/// Whether a byte can be in the name of a unit.
const fn allowed(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'-' | b'_' | b'.' | b'\\' | b'@')
}

/// What the names of units are made of, and patterns that those of such bytes
/// match, for automata: [`is_unit`] but for the length, which no name in the
/// kernel passes.
pub(crate) fn language() -> (fn(u8) -> bool, impl Iterator<Item = Vec<Piece>>) {
    let first = Piece::Class {
        negated: true,
        ranges: vec![(b'@', b'@')],
    };
    let patterns = KINDS.iter().map(move |kind| {
        let start = [first.clone(), Piece::Run].into_iter();
        start.chain(kind.iter().copied().map(Piece::Byte)).collect()
    });
    (allowed, patterns)
}

/// Whether bytes are the name of a unit that is no slice.
#[must_use]
pub fn is_unit(name: &[u8]) -> bool {
    name.len() <= NAME_MAX
        && name.iter().copied().all(allowed)
        && KINDS
            .iter()
            .any(|kind| name.strip_suffix(*kind).is_some_and(starts_well))
}

/// A name has something before its suffix that is not only an instance.
fn starts_well(stem: &[u8]) -> bool {
    stem.first().is_some_and(|byte| *byte != b'@')
}

#[cfg(test)]
mod tests {
    use super::of_cgroup;

    #[test]
    fn the_first_component_that_is_no_slice() {
        for (cgroup, unit) in [
            ("/system.slice/nginx.service", Some("nginx.service")),
            (
                "/user.slice/user-1000.slice/user@1000.service/app.slice/x.service",
                Some("user@1000.service"),
            ),
            ("/system.slice/_cgroup.service", Some("cgroup.service")),
            ("/init.scope", Some("init.scope")),
            ("/docker/nginx.service", None),
            (
                "/system.slice/docker-0af.scope/nginx.service",
                Some("docker-0af.scope"),
            ),
            ("/system.slice", None),
            ("/", None),
            ("", None),
            ("/.service", None),
            ("/@.service", None),
            ("/a b.service", None),
        ] {
            assert_eq!(
                of_cgroup(cgroup.as_bytes()),
                unit.map(str::as_bytes),
                "{cgroup}"
            );
        }
    }
}
