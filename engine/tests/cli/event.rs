//! `explain --event`.

use crate::Dir;
use expect_test::expect;

/// As `event` writes it; the paths and the name are not all text.
const EVENTS: &str = r#"{"timestamp":"2026-01-03T03:04:05.000000001Z","id":1036,"name":"security_socket_connect","policies":{"matched":["containers"]},"workload":{"process":{"executable":{"path":"/usr/bin/nc"},"unique_id":2010982423,"host_pid":4711,"pid":11,"real_user":{"id":1000},"thread":{"start_time":"2026-01-02T03:04:08.500000000Z","name":"worker","unique_id":1043777117,"host_tid":4712,"tid":12}}},"data":[{"name":"sockfd","int32":5},{"name":"type","int32":1},{"name":"remote_addr","sockaddr":{"sa_family":"AF_UNIX","sun_path":"/var/run/docker.sock"}}],"decision":{"schema":1,"action":"deny","rule":"docker-socket","recorded":[],"policy":"containers","file":"/etc/interdict/policies/containers.policy","line":12,"because":"no","severity":"high","tags":[],"mode":"enforce","generation":7,"errno":"EPERM","hook":"unix_stream_connect","family":"unix","operation":"connect","object":{"path":"/run/docker.sock","device":"0:24","inode":17},"subject":{"exe":"/usr/bin/nc","exe_device":"8:1","exe_inode":31,"comm":"nc","uid":1000,"gid":100,"cgroup":null,"cgroup_id":77,"unit":null,"loginuid":null}}}

{"timestamp":"2026-01-03T03:04:06.000000000Z","decision":{"action":"would-deny","rule":"odd","family":"unix","operation":"connect","object":{"name":"@\\xff","name_hex":"ff"},"subject":{"exe":"/tmp/\\xffod","exe_hex":"2f746d702fff6f64","comm":"x","uid":0,"gid":0}}}
{"timestamp":"2026-01-03T03:04:07.000000000Z","decision":{"action":"deny","rule":"by-group","family":"tcp","operation":"connect","object":{"addr":"10.0.0.1","port":80},"subject":{"exe":"/a","comm":"a","uid":1,"gid":1}}}
{"timestamp":"2026-01-03T03:04:07.500000000Z","decision":{"action":"allow","rule":null,"errno":"ENOENT","hook":"unix_stream_connect_exit","family":"unix","operation":"connect","object":{},"subject":{"exe":"/a","comm":"a","uid":1,"gid":1}}}
nonsense
{"timestamp":"2026-01-03T03:04:08.000000000Z","decision":{"action":"deny","rule":"docker-socket","family":"unix","operation":"connect","object":{"unreadable":true},"subject":{"exe":"/mnt/dockerd","exe_in_fs":true,"comm":"a","uid":1,"gid":1}}}
"#;

const POLICY: &str = "deny unix connect to /run/docker.sock unless exe = /mnt/dockerd id docker-socket\n\
     audit deny unix connect to \"@\\xff\" if exe = \"/tmp/\\xffod\" and type != dgram id odd\n\
     deny tcp connect to 10.0.0.0/8 if group = g id by-group\n";

#[test]
fn events_are_explained_one_by_one() {
    let dir = Dir::new("events")
        .file("p.policy", POLICY)
        .file("events", EVENTS);
    let from_file = ["explain", "p.policy", "--event", "events"];
    dir.check(&from_file, "", &expect![[r#"
        2026-01-03T03:04:05.000000001Z: deny of unix connect by `docker-socket` at /etc/interdict/policies/containers.policy:12
        verdict: deny, by deny `docker-socket`
        the caller gets EPERM

        deny `docker-socket` at p.policy:1 matches:
          its target covers the object
          its `unless` does not hold
            `exe = /mnt/dockerd` does not hold

        deny `odd` (audit) at p.policy:2 does not match:
          its target does not cover the object
          its `if` does not hold
            `exe = "/tmp/\xffod"` does not hold
            `type != dgram` holds

        2026-01-03T03:04:06.000000000Z: would-deny of unix connect by `odd`
        verdict: allow, since nothing decides
        were every rule enforced: deny, by deny `odd`

        deny `docker-socket` at p.policy:1 does not match:
          its target does not cover the object
          its `unless` does not hold
            `exe = /mnt/dockerd` does not hold

        deny `odd` (audit) at p.policy:2 matches:
          its target covers the object
          its `if` holds
            `exe = "/tmp/\xffod"` holds
            `type != dgram` holds

        2026-01-03T03:04:07.000000000Z: deny of tcp connect by `by-group`
        the event says otherwise: the policy is another one by now, or it asks for what an event does not say (`user`, `group`, `ruid`, `rgid`, `cap`, namespaces, `parent.*`)
        verdict: allow, since nothing decides

        deny `by-group` at p.policy:3 does not match:
          its target covers the object
          its `if` does not hold
            `group = g` does not hold

        error: the kernel failed the unix connect with ENOENT before there was anything to judge

        error: the line is no event with a decision: expected ident at line 1 column 2

        2026-01-03T03:04:08.000000000Z: deny of unix connect by `docker-socket`
        verdict: deny, by deny `docker-socket`
        the caller gets EPERM

        deny `docker-socket` at p.policy:1 matches:
          its target covers the object
          its `unless` does not hold
            `exe = /mnt/dockerd` does not hold

        deny `odd` (audit) at p.policy:2 does not match:
          its target covers the object
          its `if` does not hold
            `exe = "/tmp/\xffod"` does not hold
            `type != dgram` holds
        -- stderr
        -- exit 0
    "#]]);
    let from_stdin = ["explain", "p.policy", "--event", "-"];
    assert_eq!(dir.run(&from_stdin, EVENTS), dir.run(&from_file, ""));
}

#[test]
fn an_event_in_the_shape_of_releases_is_explained_too() {
    let (current, _) = EVENTS.split_once('\n').unwrap();
    let (_, decision) = current.split_once("\"decision\":").unwrap();
    let kind = r#"{"name":"type","type":"int","value":1}"#;
    let address =
        r#"{"name":"remote_addr","type":"struct sockaddr*","value":{"sa_family":"AF_UNIX"}}"#;
    let legacy = format!(
        r#"{{"timestamp":1767409445000000001,"eventId":"1036","args":[{kind},{address}],"decision":{decision}"#
    );
    let dir = Dir::new("events-legacy").file("p.policy", POLICY);
    let said = |event: &str| dir.ran(&["explain", "p.policy", "--event", "-"], event.as_bytes());
    let (now, then) = (said(current).out, said(&legacy).out);
    assert!(now.contains("`type != dgram` holds"), "{now}");
    let time = "2026-01-03T03:04:05.000000001Z";
    assert_eq!(then, now.replace(time, "1767409445000000001"));
}

#[test]
fn events_and_a_policy_that_are_not_there() {
    let dir = Dir::new("events-none").file("p.policy", POLICY);
    let exit = |arguments: &[&str]| dir.ran(&[&["explain"], arguments].concat(), b"").exit;
    assert_eq!(exit(&["p.policy", "--event", "-"]), 0);
    for (code, line) in [
        (3, "p.policy --event none"),
        (3, "none.policy --event -"),
        (2, "- --event -"),
        (2, "p.policy --event - --batch -"),
        (2, "p.policy --event - -- question"),
        (2, "--code P0203 --event -"),
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        assert_eq!(exit(&words), code, "{line}");
    }
}
