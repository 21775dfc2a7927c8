//! Kernel modules: which of them a guest gets, and in which order the first
//! of them load.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::paths;
use crate::process::{output, run};

/// What mounts the guest's root and carries its output. One that a kernel
/// has built in is no module there.
const BOOT: &[&str] = &[
    "virtio_pci",
    "virtio_console",
    "netfs",
    "9pnet_virtio",
    "9p",
    "overlay",
];

/// What else can be loaded in a guest. One that a kernel lacks is left out:
/// `modprobe` will say so in the guest.
const LOADABLE: &[&str] = &[
    // Socket families and protocols.
    "sctp",
    "sctp_diag",
    "smc",
    "smc_diag",
    "vsock",
    "vsock_loopback",
    "vsock_diag",
    "tls",
    "dccp",
    "dccp_ipv4",
    "dccp_ipv6",
    "tipc",
    "rds",
    "rds_tcp",
    "rxrpc",
    "kcm",
    "can",
    "can_raw",
    "can_bcm",
    "vcan",
    "af_key",
    "llc2",
    "phonet",
    "qrtr",
    "l2tp_ip",
    "l2tp_ip6",
    "l2tp_netlink",
    "pppoe",
    "pptp",
    "atm",
    "bluetooth",
    "algif_hash",
    "algif_skcipher",
    "algif_aead",
    "algif_rng",
    // Socket listings.
    "inet_diag",
    "tcp_diag",
    "udp_diag",
    "raw_diag",
    "unix_diag",
    "netlink_diag",
    "af_packet_diag",
    "mptcp_diag",
    // Network devices and packet handling.
    "veth",
    "dummy",
    "tun",
    "tap",
    "bridge",
    "macvlan",
    "ipvlan",
    "vrf",
    "vxlan",
    "ipip",
    "sit",
    "ip_gre",
    "ip6_gre",
    "wireguard",
    "virtio_net",
    "sch_ingress",
    "sch_netem",
    "sch_fq",
    "cls_bpf",
    "act_bpf",
    "nf_tables",
    "nft_compat",
    "nft_ct",
    "nft_nat",
    "nft_masq",
    "nft_redir",
    "nft_chain_nat",
    "nft_socket",
    "nft_tproxy",
    "nft_reject_inet",
    "nft_limit",
    "ip_tables",
    "iptable_filter",
    "iptable_nat",
    "ip6_tables",
    "ip6table_filter",
    "xt_tcpudp",
    "xt_conntrack",
    "xt_REDIRECT",
    "xt_TPROXY",
    "xt_MASQUERADE",
    "xt_owner",
    "xt_cgroup",
    "nfnetlink_queue",
    "nfnetlink_log",
    "tcp_bbr",
    // File systems, to have an inode on something else than a tmpfs.
    "loop",
    "ext4",
    "btrfs",
    "xfs",
    "fuse",
    "squashfs",
    "virtio_blk",
    // What they ask the crypto layer for by name.
    "crc32c_generic",
    "crc32c_intel",
    "libcrc32c",
    "crypto_null",
    "gcm",
    "ccm",
    "ctr",
    "cmac",
    "ghash_generic",
    "aes_generic",
    "authenc",
    "chacha20poly1305",
    "cbc",
    "echainiv",
];

/// Copies the modules of [`BOOT`] and [`LOADABLE`], with all that they need,
/// from an unpacked package's `from` to `<root>/lib/modules/<release>`,
/// uncompressed, and writes their index there.
pub(super) fn keep(from: &Path, root: &Path, release: &str) -> Result<()> {
    let to = root.join("lib/modules").join(release);
    fs::create_dir_all(&to)?;
    for list in [
        "modules.builtin",
        "modules.builtin.modinfo",
        "modules.order",
    ] {
        if from.join(list).exists() {
            fs::copy(from.join(list), to.join(list))?;
        }
    }
    let mut paths = BTreeMap::new();
    index(&from.join("kernel"), &mut paths)?;
    let mut wanted: Vec<String> = BOOT
        .iter()
        .chain(LOADABLE)
        .map(|name| (*name).to_owned())
        .collect();
    let mut done = BTreeSet::new();
    while let Some(name) = wanted.pop() {
        if !done.insert(name.clone()) {
            continue;
        }
        let Some(path) = paths.get(&name) else {
            continue;
        };
        let bytes = read(path)?;
        wanted.extend(needs(&bytes));
        let relative = path.strip_prefix(from)?.with_extension("");
        // `x.ko.xz` has lost `.xz` now, and `x.ko` its `.ko`: name it anew.
        let target = to.join(relative).with_extension("ko");
        fs::create_dir_all(target.parent().context("a module without a directory")?)?;
        fs::write(target, bytes)?;
    }
    let busybox = paths::program("busybox").context("`busybox` is not installed")?;
    run(Command::new(busybox)
        .arg("depmod")
        .arg("-b")
        .arg(root)
        .arg(release))
}

/// Maps the name of each module below `directory` to its file.
fn index(directory: &Path, paths: &mut BTreeMap<String, PathBuf>) -> Result<()> {
    let entries = fs::read_dir(directory).with_context(|| format!("{}", directory.display()))?;
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            index(&entry.path(), paths)?;
        } else if let Some((name, _)) = entry.file_name().to_string_lossy().split_once(".ko") {
            paths.insert(canonical(name), entry.path());
        }
    }
    Ok(())
}

/// The kernel takes `-` and `_` in a module's name for the same.
fn canonical(name: &str) -> String {
    name.replace('-', "_")
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let program = match path.extension().and_then(|ending| ending.to_str()) {
        Some("ko") => return fs::read(path).with_context(|| format!("{}", path.display())),
        Some("xz") => "xz",
        Some("zst") => "zstd",
        Some("gz") => "gzip",
        _ => bail!("{}: unknown compression", path.display()),
    };
    output(Command::new(program).arg("-dc").arg(path))
}

/// The modules that a module names as needed (`depends=`, and `softdep=` for
/// what it asks for by itself) in its `.modinfo`: strings that end in NUL.
fn needs(module: &[u8]) -> Vec<String> {
    let mut names = Vec::new();
    for string in module.split(|byte| *byte == 0) {
        if let Some(list) = string.strip_prefix(b"depends=") {
            let list = String::from_utf8_lossy(list);
            names.extend(
                list.split(',')
                    .filter(|name| !name.is_empty())
                    .map(canonical),
            );
        } else if let Some(list) = string.strip_prefix(b"softdep=") {
            let list = String::from_utf8_lossy(list);
            names.extend(
                list.split_whitespace()
                    .filter(|w| !w.ends_with(':'))
                    .map(canonical),
            );
        }
    }
    names
}

/// The files of [`BOOT`] and of all that they need, each after its needs,
/// from the index in `modules`.
pub(super) fn load_order(modules: &Path) -> Result<Vec<PathBuf>> {
    let file = modules.join("modules.dep");
    let text = fs::read_to_string(&file).with_context(|| format!("{}", file.display()))?;
    let mut needs = BTreeMap::new();
    for line in text.lines() {
        if let Some((path, needed)) = line.split_once(':') {
            let name = Path::new(path)
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy();
            needs.insert(canonical(&name), (path, needed));
        }
    }
    let mut order: Vec<PathBuf> = Vec::new();
    for (path, needed) in BOOT.iter().filter_map(|name| needs.get(*name)) {
        // depmod lists what is needed with the deepest need last.
        for path in needed.split_whitespace().rev().chain([*path]) {
            let path = modules.join(path);
            if !order.contains(&path) {
                order.push(path);
            }
        }
    }
    Ok(order)
}

#[cfg(test)]
mod tests {
    use super::needs;

    #[test]
    fn needs_are_read_from_modinfo() {
        let module = b"\x7fELF\0license=GPL\0depends=9pnet,net-fs\0softdep=pre: crc32c\0depends=\0";
        assert_eq!(needs(module), ["9pnet", "net_fs", "crc32c"]);
    }
}
