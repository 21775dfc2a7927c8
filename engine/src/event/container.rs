//! The container of a process, as its cgroup's path says.
//!
//! Runtimes name a container's cgroup by the container's id, 64 hexadecimal digits,
//! with words of their own around it: `docker-ID.scope`, `libpod-ID.scope`,
//! `cri-containerd-ID.scope`, `crio-ID.scope`, `…:cri-containerd:ID`, or `ID` alone.

/// Digits of an id.
const DIGITS: usize = 64;
/// What watches a container and is not in it.
const MONITOR: &[u8] = b"conmon";

/// The id of the container that a cgroup belongs to.
///
/// It is the outermost one: a process in a container chooses the names of
/// cgroups below its own, and cannot pose as another by them.
pub(super) fn of_cgroup(cgroup: &[u8]) -> Option<&str> {
    cgroup.split(|byte| *byte == b'/').find_map(of_component)
}

fn of_component(component: &[u8]) -> Option<&str> {
    let name = component.strip_suffix(b".scope").unwrap_or(component);
    let (words, id) = name.split_at_checked(name.len().checked_sub(DIGITS)?)?;
    let ended = matches!(words.last(), None | Some(b'-' | b':'));
    let monitor = words.windows(MONITOR.len()).any(|word| word == MONITOR);
    let digits = id
        .iter()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let id = std::str::from_utf8(id).ok()?;
    (ended && !monitor && digits).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::of_cgroup;

    #[test]
    fn runtimes_name_a_cgroup_by_the_container() {
        let id = "0123456789abcdef".repeat(4);
        let other = "f".repeat(64);
        let of = |path: String| of_cgroup(path.as_bytes()).map(str::to_owned);
        for path in [
            format!("/system.slice/docker-{id}.scope"),
            format!("/docker/{id}"),
            format!("/machine.slice/libpod-{id}.scope/container"),
            format!("/kubepods.slice/kubepods-pod1.slice/cri-containerd-{id}.scope"),
            format!("/system.slice/kubepods-pod1.slice:cri-containerd:{id}"),
            format!("/docker/{id}/docker/{other}"),
        ] {
            assert_eq!(of(path.clone()).as_ref(), Some(&id), "{path}");
        }
        for path in [
            "/".to_owned(),
            "/system.slice/nginx.service".to_owned(),
            format!("/machine.slice/libpod-conmon-{id}.scope"),
            format!("/docker/{}", id.to_uppercase()),
            format!("/docker/a{id}"),
            format!("/docker/{id}0"),
            format!("/docker/{}", id.trim_start_matches('0')),
        ] {
            assert_eq!(of(path.clone()), None, "{path}");
        }
        assert_eq!(of_cgroup(&[0xff; 80]), None);
    }
}
