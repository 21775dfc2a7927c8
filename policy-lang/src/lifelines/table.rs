//! The rows: who is to do what, in the words of a question to `explain`.

/// One row.
pub(super) struct Row {
    /// Who is to do what.
    pub(super) name: &'static str,
    /// The operations of which one suffices.
    pub(super) operations: &'static [&'static str],
    /// The processes of which one suffices.
    pub(super) subjects: &'static [&'static str],
}

const fn row(
    name: &'static str,
    operations: &'static [&'static str],
    subjects: &'static [&'static str],
) -> Row {
    Row {
        name,
        operations,
        subjects,
    }
}

/// What every one of these processes has, unless its row says otherwise.
pub(super) const ROOT: &str = "uid = 0, gid = 0, ruid = 0, rgid = 0, user = root, group = root, \
    cap = net_admin, cap = net_bind_service, cap = net_raw, cap = sys_admin, cap = dac_override, \
    parent.exe = /usr/lib/systemd/systemd, parent.comm = systemd, parent.uid = 0";

const SSHD: &[&str] = &[
    "exe = /usr/sbin/sshd, comm = sshd, unit = ssh.service, cgroup = /system.slice/ssh.service",
    "exe = /usr/sbin/sshd, comm = sshd, unit = sshd.service, cgroup = /system.slice/sshd.service",
    "exe = /usr/bin/sshd, comm = sshd, unit = sshd.service, cgroup = /system.slice/sshd.service",
];
const SESSION: &[&str] = &[
    "exe = /usr/sbin/sshd, comm = sshd, unit = ssh.service, cgroup = /system.slice/ssh.service",
    "exe = /usr/sbin/sshd, comm = sshd, unit = sshd.service, cgroup = /system.slice/sshd.service",
    "exe = /usr/lib/openssh/sshd-session, comm = sshd-session, unit = ssh.service, cgroup = /system.slice/ssh.service",
    "exe = /usr/libexec/openssh/sshd-session, comm = sshd-session, unit = sshd.service, cgroup = /system.slice/sshd.service",
    "exe = /usr/lib/ssh/sshd-session, comm = sshd-session, unit = sshd.service, cgroup = /system.slice/sshd.service",
];
const LOGIN: &[&str] = &[
    "exe = /usr/bin/login, comm = login, unit = getty@tty1.service",
    "exe = /bin/login, comm = login, unit = getty@tty1.service",
];
const SYSTEMD: &[&str] = &[
    "exe = /usr/lib/systemd/systemd, comm = systemd, cgroup = /init.scope, unit = init.scope",
    "exe = /lib/systemd/systemd, comm = systemd, cgroup = /init.scope, unit = init.scope",
];
/// What systemd starts a service with: it connects before the service runs.
const STARTER: &[&str] = &[
    "exe = /usr/lib/systemd/systemd, comm = \"(sshd)\", unit = ssh.service, cgroup = /system.slice/ssh.service",
    "exe = /usr/lib/systemd/systemd, comm = \"(sshd)\", unit = sshd.service, cgroup = /system.slice/sshd.service",
    "exe = /usr/lib/systemd/systemd-executor, comm = \"(sshd)\", unit = sshd.service, cgroup = /system.slice/sshd.service",
];
const SYSTEMCTL: &[&str] =
    &["exe = /usr/bin/systemctl, comm = systemctl, unit = ssh.service, loginuid = 0"];
const UDEVD: &[&str] = &[
    "exe = /usr/lib/systemd/systemd-udevd, comm = systemd-udevd, unit = systemd-udevd.service",
    "exe = /usr/bin/udevadm, comm = systemd-udevd, unit = systemd-udevd.service",
];
const LOGIND: &[&str] = &[
    "exe = /usr/lib/systemd/systemd-logind, comm = systemd-logind, unit = systemd-logind.service",
];
const JOURNALD: &[&str] = &[
    "exe = /usr/lib/systemd/systemd-journald, comm = systemd-journal, unit = systemd-journald.service",
];
const BUS: &[&str] = &[
    "exe = /usr/bin/dbus-daemon, comm = dbus-daemon, unit = dbus.service, uid = 101, gid = 101, user = messagebus, group = messagebus",
    "exe = /usr/bin/dbus-broker-launch, comm = dbus-broker-lau, unit = dbus-broker.service, uid = 81, gid = 81, user = dbus, group = dbus",
    "exe = /usr/bin/dbus-broker, comm = dbus-broker, unit = dbus-broker.service, uid = 81, gid = 81, user = dbus, group = dbus",
];
/// Any program of root's that has to find an address.
const PROGRAM: &[&str] =
    &["exe = /usr/bin/getent, comm = getent, unit = ssh.service, loginuid = 0"];
const RESOLVED: &[&str] = &[
    "exe = /usr/lib/systemd/systemd-resolved, comm = systemd-resolve, unit = systemd-resolved.service, uid = 991, gid = 991, user = systemd-resolve, group = systemd-resolve",
    "exe = /usr/sbin/dnsmasq, comm = dnsmasq, unit = dnsmasq.service, user = dnsmasq",
    "exe = /usr/sbin/unbound, comm = unbound, unit = unbound.service, user = unbound",
    // Without one of these, programs ask the servers themselves.
    "exe = /usr/bin/getent, comm = getent, unit = ssh.service, loginuid = 0",
];
const DHCP: &[&str] = &[
    "exe = /usr/lib/systemd/systemd-networkd, comm = systemd-network, unit = systemd-networkd.service, uid = 998, gid = 998, user = systemd-network, group = systemd-network",
    "exe = /usr/sbin/NetworkManager, comm = NetworkManager, unit = NetworkManager.service",
    "exe = /usr/sbin/dhclient, comm = dhclient, unit = networking.service",
    "exe = /usr/sbin/dhcpcd, comm = dhcpcd, unit = dhcpcd.service",
];
const NTP: &[&str] = &[
    "exe = /usr/lib/systemd/systemd-timesyncd, comm = systemd-timesyn, unit = systemd-timesyncd.service, uid = 997, gid = 997, user = systemd-timesync, group = systemd-timesync",
    "exe = /usr/sbin/chronyd, comm = chronyd, unit = chrony.service, uid = 996, gid = 996, user = _chrony, group = _chrony",
    "exe = /usr/sbin/chronyd, comm = chronyd, unit = chronyd.service, uid = 996, gid = 996, user = chrony, group = chrony",
    "exe = /usr/sbin/ntpd, comm = ntpd, unit = ntpsec.service, uid = 995, gid = 995, user = ntpsec, group = ntpsec",
];
const ENGINE: &[&str] = &[
    "exe = /usr/sbin/interdict, comm = interdict, unit = interdict.service",
    "exe = /usr/bin/interdict, comm = interdict, unit = interdict.service",
    "exe = /usr/local/bin/interdict, comm = interdict, unit = interdict.service",
];

const NOTIFY: &[&str] = &["unix connect to /run/systemd/notify"];
const MESSAGE_BUS: &[&str] = &["unix connect to /run/dbus/system_bus_socket"];
const SYSLOG: &[&str] = &[
    "unix connect to /run/systemd/journal/dev-log",
    "unix connect to /dev/log",
];

pub(super) const ROWS: &[Row] = &[
    row("sshd makes sockets", &["tcp create"], SSHD),
    row(
        "sshd binds port 22",
        &["tcp bind on 0.0.0.0 port 22", "tcp bind on :: port 22"],
        SSHD,
    ),
    row(
        "sshd listens on port 22",
        &["tcp listen on 0.0.0.0 port 22", "tcp listen on :: port 22"],
        SSHD,
    ),
    row(
        "sshd accepts on port 22",
        &[
            "tcp accept on 192.0.2.10 port 22",
            "tcp accept on 10.0.0.10 port 22",
            "tcp accept on 2001:db8::10 port 22",
        ],
        SSHD,
    ),
    row("sshd tells systemd that it runs", NOTIFY, SSHD),
    row("sshd logs", SYSLOG, SESSION),
    row("sshd registers sessions by D-Bus", MESSAGE_BUS, SESSION),
    row(
        "sshd asks sssd for users",
        &["unix connect to /var/lib/sss/pipes/nss"],
        SESSION,
    ),
    row("login logs", SYSLOG, LOGIN),
    row("login registers sessions by D-Bus", MESSAGE_BUS, LOGIN),
    row("systemd makes sockets", &["unix create"], SYSTEMD),
    row("systemd hears of devices", &["netlink create"], SYSTEMD),
    row(
        "systemd binds sockets for services",
        &["unix bind on /run/systemd/private"],
        SYSTEMD,
    ),
    row(
        "systemd listens for systemctl",
        &["unix listen on /run/systemd/private"],
        SYSTEMD,
    ),
    row(
        "systemd accepts systemctl",
        &["unix accept on /run/systemd/private"],
        SYSTEMD,
    ),
    row("systemd reaches D-Bus", MESSAGE_BUS, SYSTEMD),
    row(
        "systemctl reaches systemd",
        &["unix connect to /run/systemd/private"],
        SYSTEMCTL,
    ),
    row(
        "services get the journal as output",
        &["unix connect to /run/systemd/journal/stdout"],
        STARTER,
    ),
    row("udev hears of devices", &["netlink create"], UDEVD),
    row("logind reaches D-Bus", MESSAGE_BUS, LOGIND),
    row(
        "journald takes output of services",
        &["unix accept on /run/systemd/journal/stdout"],
        JOURNALD,
    ),
    row(
        "D-Bus listens",
        &[
            "unix listen on /run/dbus/system_bus_socket",
            "unix accept on /run/dbus/system_bus_socket",
        ],
        BUS,
    ),
    row(
        "D-Bus accepts",
        &["unix accept on /run/dbus/system_bus_socket"],
        BUS,
    ),
    row(
        "programs reach the resolver of the host",
        &[
            "udp connect to 127.0.0.53 port 53",
            "udp connect to 127.0.0.1 port 53",
        ],
        PROGRAM,
    ),
    row(
        "the resolver reaches its servers",
        &[
            "udp connect to 192.0.2.53 port 53",
            "udp connect to 10.0.0.53 port 53",
            "udp connect to 2001:db8::53 port 53",
        ],
        RESOLVED,
    ),
    row(
        "the resolver listens",
        &[
            "udp bind on 127.0.0.53 port 53",
            "udp bind on 127.0.0.1 port 53",
        ],
        RESOLVED,
    ),
    row(
        "DHCP asks for an address",
        &["packet create", "udp bind on 0.0.0.0 port 68"],
        DHCP,
    ),
    row(
        "DHCP renews an address",
        &[
            "udp connect to 192.0.2.67 port 67",
            "udp connect to 10.0.0.67 port 67",
            "udp connect to 255.255.255.255 port 67",
        ],
        DHCP,
    ),
    row(
        "NTP reaches its servers",
        &[
            "udp connect to 192.0.2.123 port 123",
            "udp connect to 10.0.0.123 port 123",
            "udp connect to 2001:db8::123 port 123",
        ],
        NTP,
    ),
    row("the engine tells systemd that it runs", NOTIFY, ENGINE),
    row(
        "the engine binds its control socket",
        &["unix bind on /run/interdict/control.sock"],
        ENGINE,
    ),
];
