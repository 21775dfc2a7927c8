//! A policy of as many rules as are asked for, such as a site with many services
//! has: what each may reach, the sockets of daemons, what nobody may do.

use policy_lang::source::Sources;
use std::fmt::Write as _;

/// Rules of one service.
const PER_SERVICE: usize = 10;
/// Services in one file.
const PER_FILE: usize = 100;

/// A valid policy of `rules` rules and defaults, in files of at most a thousand.
pub(crate) fn policy(rules: usize) -> Sources {
    let mut sources = Sources::new();
    sources.add("site.policy", SITE.as_bytes().to_vec());
    let services = rules.div_ceil(PER_SERVICE);
    for first in (0..services).step_by(PER_FILE) {
        let mut text = String::from("# Written for a measurement.\nlanguage 1\nmode enforce\n\n");
        for service in first..services.min(first + PER_FILE) {
            let wanted = PER_SERVICE.min(rules - service * PER_SERVICE);
            text.push_str(&one(service, wanted));
        }
        sources.add(format!("services-{first}.policy"), text.into_bytes());
    }
    sources
}

/// What all services share.
const SITE: &str = "# Shared by all services of the site.
let metadata    = { 169.254.169.254, fd00:ec2::254 }
let admin_tools = { /usr/bin/docker, /usr/libexec/docker/cli-plugins/docker-compose, /usr/bin/podman }
let databases   = { 10.1.0.0/16, fd00:1::/32 }
let resolvers   = { 10.0.0.53, 10.0.1.53 }
let operators   = uid = 0 or gid in { 4, 10, 27 }
let trusted     = exe in admin_tools and operators
";

/// The first `wanted` rules of a service.
fn one(service: usize, wanted: usize) -> String {
    let (high, low) = (service / 250, service % 250);
    let uid = 20_000 + service;
    let port = 1_024 + service % 50_000;
    let scoped = [
        "default deny { tcp, udp } connect".to_owned(),
        format!(
            "allow tcp connect to 10.{}.{low}.0/24 port {{ 443, 5432, {port} }}",
            16 + high
        ),
        "allow tcp connect to databases port 5432 because \"its own database\"".to_owned(),
        "allow { tcp, udp } connect to resolvers port 53".to_owned(),
        "default deny unix connect".to_owned(),
        format!("allow unix connect to {{ /run/s{service}/api.sock, @s{service}-status }}"),
    ];
    let plain = [
        format!(
            "deny unix connect to /run/s{service}/admin.sock unless trusted or uid = {uid}\n    id s{service}-admin\n    because \"who may talk to it decides for the service\"\n    severity high  tag \"T1559\""
        ),
        format!(
            "kill {{ tcp, udp }} connect to metadata port 80 if uid = {uid} and not exe = /usr/bin/cloud-init id s{service}-metadata with EACCES"
        ),
        format!(
            "deny tcp connect to private port 1-1023 if exe = /srv/s{service}/bin/main and gid != {uid}"
        ),
        format!("record tcp connect to public if uid = {uid} id s{service}-out"),
    ];
    let mut text = format!("# Service {service}.\n");
    let inside = scoped.len().min(wanted);
    writeln!(text, "for unit = s{service}.service {{").ok();
    for rule in scoped.iter().take(inside) {
        writeln!(text, "    {rule}").ok();
    }
    text.push_str("}\n");
    for rule in plain.iter().take(wanted - inside) {
        writeln!(text, "{rule}").ok();
    }
    text.push('\n');
    text
}
