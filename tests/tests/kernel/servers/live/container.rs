//! A service with a root, mounts, processes and a network of its own.

use std::fs;
use std::path::Path;

use interdict_tests::case::Case;
use interdict_tests::program::{Program, command, in_cgroup};
use rustix::process::Signal;

/// Its root, in the machine's file system.
const ROOT: &str = "/srv/box";

/// Goes over to its root and serves there; then does what it is told, line by line.
/// A first connection stays.
const START: &str = r#"
set -e
cd /srv/box
mount --make-rprivate /
mount --bind /srv/box /srv/box
cd /srv/box
mount -t proc proc proc
mount -t devtmpfs dev dev
pivot_root . .
umount -l .
exec /bin/busybox sh -c '
ip link set lo up
httpd -p 127.0.0.1:8080 -h /www
nc -l -p 8082 -e cat &
# 8082 listens: 0A.
until grep -q ":1F92 .* 0A " /proc/net/tcp /proc/net/tcp6; do usleep 20000; done
mkfifo in out
nc 127.0.0.1 8082 <in >out &
exec 3>in 4<out
while read line; do eval "$line" || echo "failed"; done
'
"#;

/// Ends with all its processes.
pub(super) struct Container(Program);

impl Container {
    pub(super) fn start() -> Self {
        fs::remove_dir_all(ROOT).ok();
        for name in ["bin", "dev", "proc", "www"] {
            fs::create_dir_all(Path::new(ROOT).join(name)).unwrap();
        }
        let busybox = ["/usr/bin/busybox", "/bin/busybox"].map(Path::new);
        let busybox = busybox.iter().find(|path| path.exists()).unwrap();
        fs::copy(busybox, Path::new(ROOT).join("bin/busybox")).unwrap();
        fs::write(Path::new(ROOT).join("www/index.html"), "within").unwrap();
        let namespaces = ["--mount", "--pid", "--net", "--uts", "--ipc", "--cgroup"];
        let end = [
            "--fork",
            "--kill-child",
            "/srv/box/bin/busybox",
            "sh",
            "-c",
            START,
        ];
        let unshare = command("unshare", &[&namespaces[..], &end].concat());
        let mut program =
            Program::start(&mut in_cgroup("/live/box", &unshare)).ending_by(Signal::KILL);
        assert_eq!(
            program.ask("echo before >&3; read x <&4; echo $x"),
            "before"
        );
        Self(program)
    }

    /// Its connection goes on, a new one is made; and another is refused.
    pub(super) fn keeps_what_it_may(&mut self, case: &mut Case) {
        let page = "wget -q -O - http://127.0.0.1:8080/; echo";
        assert_eq!(self.0.ask("echo after >&3; read x <&4; echo $x"), "after");
        assert_eq!(self.0.ask(page), "within");
        let elsewhere = page.replace("8080", "8081");
        assert_eq!(self.0.ask(&elsewhere), "");
        let event = case.event();
        event.says("/decision/action", "deny");
        event.says("/decision/rule", "box");
        event.says("/decision/subject/exe", "/srv/box/bin/busybox");
        event.says("/decision/subject/cgroup", "/live/box");
        event.says("/decision/object/port", 8081);
    }
}
