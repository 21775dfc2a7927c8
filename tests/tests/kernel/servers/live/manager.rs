//! systemd with three services.
//!
//! The guest's first process is a shell. systemd runs as the first process of a PID
//! namespace, as in a container that shares the machine's other namespaces but for
//! mounts: its units are the machine's cgroups, as the engine sees them.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::Path;

use interdict_tests::program::{Program, command};
use rustix::process::Signal;

use super::{DATABASE, SOCKETS, WEB};
use crate::servers::{bus, database, web};

/// Ends with all that it started.
pub(super) struct Manager {
    _program: Program,
}

/// What stands in every unit: nothing else is started because of it.
const ALONE: &str = "[Unit]\nDefaultDependencies=no\n";

/// Starts systemd in namespaces of its own. What it is told by its environment: where
/// units are, and that this is not the machine's own start.
const START: &str = "
mount --make-rprivate / && mount -t proc proc /proc && exec env -i container=test \
SYSTEMD_UNIT_PATH=\"$1\" SYSTEMD_GENERATOR_PATH=/nowhere \
SYSTEMD_ENVIRONMENT_GENERATOR_PATH=/nowhere \
/usr/lib/systemd/systemd --unit=live.target --log-target=null --show-status=0
";

impl Manager {
    /// Starts it, and waits until its services are up.
    pub(super) fn start(folder: &str) -> Self {
        fs::create_dir_all(SOCKETS).unwrap();
        fs::set_permissions(SOCKETS, fs::Permissions::from_mode(0o777)).unwrap();
        let units = format!("{folder}/units");
        fs::create_dir_all(&units).unwrap();
        for (name, text) in units_of(folder) {
            fs::write(format!("{units}/{name}"), format!("{ALONE}{text}")).unwrap();
        }
        let words = [
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "sh",
            "-c",
            START,
            "sh",
            &units,
        ];
        let ready = format!("{folder}/ready");
        let program = Program::start(&mut command("unshare", &words))
            .ending_by(Signal::KILL)
            .ready(|| Path::new(&ready).exists());
        Self { _program: program }
    }
}

/// The units, and the files that they need.
fn units_of(folder: &str) -> Vec<(&'static str, String)> {
    let data = format!("{folder}/data");
    database::unpack(&data);
    let bus_file = format!("{folder}/bus.conf");
    fs::write(&bus_file, bus::configuration(&["systemd:"])).unwrap();
    let serves = format!("{folder}/web");
    fs::create_dir_all(&serves).unwrap();
    chown(&serves, Some(1001), Some(1001)).unwrap();
    fs::write(format!("{serves}/index.html"), "it works\n").unwrap();
    let listens = format!("listen 127.0.0.1:{WEB};");
    let web_file = format!("{folder}/nginx.conf");
    fs::write(&web_file, web::configuration(&serves, &listens)).unwrap();
    let postgres = database::arguments(&data, SOCKETS, DATABASE).join(" ");
    let daemon = format!(
        "[Service]\nExecStart=/usr/bin/dbus-daemon --config-file={bus_file} --nofork --nopidfile\n"
    );
    vec![
        (
            "live.target",
            "Wants=ready.service bus.socket late.socket web.socket\n".to_owned(),
        ),
        (
            "bus.socket",
            format!("[Socket]\nListenStream={SOCKETS}/bus\n"),
        ),
        ("bus.service", daemon.clone()),
        (
            "late.socket",
            format!("[Socket]\nListenStream={SOCKETS}/late\n"),
        ),
        ("late.service", daemon),
        (
            "web.socket",
            format!("[Socket]\nListenStream=127.0.0.1:{WEB}\n"),
        ),
        (
            "web.service",
            format!(
                "[Service]\nUser=1001\nGroup=1001\nEnvironment=NGINX=3;\n\
                 ExecStart=/usr/sbin/nginx -p {serves} -e stderr -c {web_file}\n"
            ),
        ),
        (
            "database.service",
            format!(
                "[Service]\nType=notify\nUser=1000\nGroup=1000\nTimeoutStartSec=infinity\n\
                 ExecStart={}/postgres {postgres}\n",
                database::PROGRAMS
            ),
        ),
        (
            "ready.service",
            format!(
                "Requires=database.service bus.socket late.socket web.socket\n\
                 After=database.service bus.socket late.socket web.socket\n\
                 [Service]\nType=oneshot\nExecStart=/usr/bin/touch {folder}/ready\n"
            ),
        ),
    ]
}
