use super::*;

fn read(line: &str) -> Request {
    parse_json_line(line).unwrap().unwrap()
}

fn refused(line: &str) -> String {
    let error = parse_json_line(line).unwrap_err();
    error.key.unwrap_or_default()
}

/// A connect over tcp with more keys.
fn tcp(more: &str) -> String {
    format!("{{\"family\":\"tcp\",\"operation\":\"connect\"{more}}}")
}

fn unix(more: &str) -> String {
    format!("{{\"family\":\"unix\",\"operation\":\"connect\"{more}}}")
}

fn with_subject(more: &str) -> String {
    tcp(&format!(",\"subject\":{{{more}}}"))
}

#[test]
fn the_example_of_the_contract() {
    let request = read(
        r#"{"family":"tcp","operation":"connect","addr":"10.0.0.1","port":443,"subject":{"exe":"/usr/bin/curl","uid":1000}}"#,
    );
    assert_eq!(
        request.object,
        Object::Ip {
            addr: Some("10.0.0.1".parse().unwrap()),
            port: Some(443)
        }
    );
    assert_eq!(request.subject.exe.as_deref(), Some(&b"/usr/bin/curl"[..]));
    assert_eq!(request.subject.uid, Some(1000));
}

#[test]
fn notes_1_absent_is_a_default_and_null_is_nothing() {
    let subject = read(&tcp("")).subject;
    assert_eq!((subject.uid, subject.gid), (Some(65_534), Some(65_534)));
    assert_eq!(subject.netns, Some(Namespace::Host));
    assert_eq!((subject.exe, subject.loginuid), (None, None));
    let all = r#""uid":null,"gid":null,"userns":null,"netns":null,"pidns":null,"mntns":null,"cgroupns":null,"exe":null,"group":null,"cap":null"#;
    let subject = read(&with_subject(all)).subject;
    assert_eq!((subject.uid, subject.gid), (None, None));
    let namespaces = [
        subject.userns,
        subject.netns,
        subject.pidns,
        subject.mntns,
        subject.cgroupns,
    ];
    assert_eq!(namespaces, [None; 5]);
    assert_eq!(
        (subject.exe, subject.group.len(), subject.cap.len()),
        (None, 0, 0)
    );
}

#[test]
fn notes_24_type_and_protocol_stand_at_the_top() {
    let request = read(&tcp(",\"type\":\"stream\",\"protocol\":6"));
    assert_eq!((request.socket_type, request.protocol), (Some(0), Some(6)));
    assert_eq!(
        refused(&with_subject("\"type\":\"stream\"")),
        "subject.type"
    );
    assert_eq!(refused(&with_subject("\"protocol\":6")), "subject.protocol");
    assert_eq!(refused(&tcp(",\"type\":\"tcp\"")), "type");
}

#[test]
fn notes_25_options() {
    let line = |more: &str| format!("{{\"family\":\"tcp\",\"operation\":\"setsockopt\"{more}}}");
    let mark = Object::Option(SocketOption { level: 1, name: 36 });
    for option in ["SOL_SOCKET/SO_MARK", "1/SO_MARK", "SOL_SOCKET/36", "1/36"] {
        let request = read(&line(&format!(",\"option\":\"{option}\"")));
        assert_eq!(request.object, mark, "{option}");
    }
    for option in ["SOL_SOCKET/SO_MARKS", "SOL_SOKET/36", "1/036", "1/36/1"] {
        let line = line(&format!(",\"option\":\"{option}\""));
        assert_eq!(refused(&line), "option", "{option}");
    }
    assert_eq!(refused(&line(",\"option\":\"SO_MARK\"")), "option");
    assert_eq!(refused(&line(",\"addr\":\"10.0.0.1\"")), "addr");
    assert_eq!(refused(&tcp(",\"option\":\"1/36\"")), "option");
}

#[test]
fn notes_28_names() {
    assert_eq!(
        read(&unix(",\"name\":\"@x\"")).object,
        Object::Abstract(b"@x".to_vec())
    );
    assert_eq!(
        read(&unix(",\"name\":\"a\\u0000b\"")).object,
        Object::Abstract(b"a\0b".to_vec())
    );
    assert_eq!(
        read(&unix(",\"name\":\"é\"")).object,
        Object::Abstract("é".into())
    );
    assert_eq!(
        read(&unix(",\"name\":\"\"")).object,
        Object::Abstract(Vec::new())
    );
    for hex in ["fF00", "FF00", "ff00"] {
        let line = unix(&format!(",\"name_hex\":\"{hex}\""));
        assert_eq!(read(&line).object, Object::Abstract(vec![0xff, 0]));
    }
    assert_eq!(refused(&unix(",\"name_hex\":\"f\"")), "name_hex");
    assert_eq!(refused(&unix(",\"name_hex\":\"zz\"")), "name_hex");
}

#[test]
fn notes_29_a_string_is_a_list_of_one() {
    let subject = read(&with_subject("\"cap\":\"net_raw\",\"group\":\"docker\"")).subject;
    assert_eq!(
        (subject.cap, subject.group),
        (vec![13], vec![b"docker".to_vec()])
    );
    let subject = read(&with_subject(
        "\"cap\":[\"net_raw\",\"bpf\"],\"group\":[\"a\",\"b\"]",
    ))
    .subject;
    assert_eq!((subject.cap.len(), subject.group.len()), (2, 2));
    assert_eq!(
        refused(&with_subject("\"cap\":\"CAP_NET_RAW\"")),
        "subject.cap"
    );
    assert_eq!(refused(&with_subject("\"cap\":[1]")), "subject.cap");
    assert_eq!(refused(&with_subject("\"group\":7")), "subject.group");
}

#[test]
fn notes_30_malformed_requests() {
    assert_eq!(parse_json_line("  \t"), Ok(None));
    assert_eq!(parse_json_line(""), Ok(None));
    assert_eq!(read(&unix(",\"unnamed\":false")).object, Object::None);
    assert_eq!(read(&unix(",\"unnamed\":true")).object, Object::Unnamed);
    assert_eq!(refused(&unix(",\"unnamed\":1")), "unnamed");
    assert_eq!(refused(&tcp(",\"pth\":\"/x\"")), "pth");
    assert_eq!(refused(&tcp(",\"path\":\"/x\"")), "path");
    assert_eq!(refused(&unix(",\"port\":1")), "port");
    assert_eq!(refused(&unix(",\"path\":\"/x\",\"name\":\"y\"")), "name");
    assert_eq!(
        refused(&unix(",\"path\":\"/x\",\"unnamed\":true")),
        "unnamed"
    );
    assert_eq!(refused(&tcp(",\"port\":70000")), "port");
    assert_eq!(refused(&tcp(",\"addr\":\"10.0.0\"")), "addr");
    assert_eq!(refused(&with_subject("\"uid\":\"0\"")), "subject.uid");
    assert_eq!(refused(&with_subject("\"exec\":\"/x\"")), "subject.exec");
    assert_eq!(refused(&tcp(",\"subject\":[]")), "subject");
    assert_eq!(
        refused("{\"family\":\"tcp\",\"operation\":\"conect\"}"),
        "operation"
    );
    assert_eq!(refused("{\"operation\":\"connect\"}"), "family");
    assert_eq!(refused("{\"family\":\"tcp\"}"), "operation");
    for broken in ["{", "[]", "1", "null", "{}x"] {
        assert!(parse_json_line(broken).is_err(), "{broken}");
    }
    let shown = parse_json_line("[]").unwrap_err().to_json();
    assert_eq!(
        shown,
        "{\"error\":{\"key\":null,\"message\":\"the line is not a JSON object\"}}"
    );
}

#[test]
fn notes_31_32_112_one_concrete_family() {
    let family = |word: &str| {
        parse_json_line(&format!("{{\"family\":{word},\"operation\":\"create\"}}"))
            .map(|request| request.unwrap().family)
    };
    assert_eq!(family("\"ip\""), Ok(Family::IP_OTHER));
    assert_eq!(family("\"tcp\""), Ok(Family::TCP));
    assert_eq!(family("\"smc\""), Ok(Family::SMC));
    assert_eq!(family("\"16\""), family("\"netlink\""));
    assert_eq!(family("16"), family("\"netlink\""));
    assert_eq!(family("43"), Ok(Family::SMC));
    for bad in [
        "\"any\"", "\"inet\"", "2", "10", "\"2\"", "256", "\"foo\"", "1.5", "true",
    ] {
        assert!(family(bad).is_err(), "{bad}");
    }
}

#[test]
fn notes_33_34_objects_by_family_and_operation() {
    let line = |family: &str, operation: &str, more: &str| {
        parse_json_line(&format!(
            "{{\"family\":\"{family}\",\"operation\":\"{operation}\"{more}}}"
        ))
    };
    assert!(line("raw", "connect", ",\"addr\":\"10.0.0.1\"").is_ok());
    assert!(line("raw", "connect", ",\"port\":1").is_err());
    assert!(line("icmp", "bind", ",\"port\":1").is_err());
    assert!(line("sctp", "bind", ",\"port\":1").is_ok());
    assert!(line("smc", "connect", ",\"addr\":\"10.0.0.1\",\"port\":1").is_ok());
    assert!(line("vsock", "connect", ",\"addr\":\"10.0.0.1\"").is_err());
    assert!(line("tcp", "create", ",\"addr\":\"10.0.0.1\"").is_err());
    assert!(line("unix", "create", ",\"path\":\"/x\"").is_err());
    assert!(line("tcp", "accept", ",\"addr\":\"10.0.0.1\",\"port\":1").is_ok());
}

#[test]
fn notes_35_106_values_are_bytes() {
    assert_eq!(
        read(&unix(",\"path\":\"run/x\"")).object,
        Object::Path(b"run/x".to_vec())
    );
    let subject = read(&with_subject(
        "\"exe\":\"/usr/bin/*\",\"user\":\"0\",\"comm\":\"a comm longer than fifteen\"",
    ))
    .subject;
    assert_eq!(subject.exe.as_deref(), Some(&b"/usr/bin/*"[..]));
    assert_eq!(subject.user.as_deref(), Some(&b"0"[..]));
    assert_eq!(subject.comm.map(|comm| comm.len()), Some(26));
}

#[test]
fn notes_36_97_numbers_are_whole_and_bounded() {
    for bad in [
        "1000.0",
        "\"1000\"",
        "true",
        "-1",
        "4294967295",
        "1e3",
        "[1]",
    ] {
        assert_eq!(
            refused(&with_subject(&format!("\"uid\":{bad}"))),
            "subject.uid",
            "{bad}"
        );
        assert_eq!(
            refused(&with_subject(&format!("\"loginuid\":{bad}"))),
            "subject.loginuid"
        );
    }
    assert_eq!(
        read(&with_subject("\"uid\":4294967294")).subject.uid,
        Some(u32::MAX - 1)
    );
    assert_eq!(read(&tcp(",\"protocol\":65535")).protocol, Some(65_535));
    assert_eq!(refused(&tcp(",\"protocol\":65536")), "protocol");
    assert!(read(&tcp(",\"port\":0")).object != Object::None);
}

#[test]
fn notes_104_null_is_absent_and_the_last_key_counts() {
    assert_eq!(
        read(&tcp(",\"addr\":null,\"port\":null,\"subject\":null")).object,
        Object::None
    );
    assert_eq!(
        read(&unix(",\"path\":null,\"unnamed\":null")).object,
        Object::None
    );
    assert_eq!(read(&tcp(",\"path\":null")).object, Object::None);
    assert_eq!(
        read(&with_subject("\"uid\":1,\"uid\":2")).subject.uid,
        Some(2)
    );
    assert_eq!(
        read(&tcp(",\"port\":1,\"port\":2")).object,
        Object::Ip {
            addr: None,
            port: Some(2)
        }
    );
}

#[test]
fn notes_110_nothing_is_inferred() {
    let request = read(&tcp(""));
    assert_eq!((request.socket_type, request.protocol), (None, None));
}

#[test]
fn notes_111_canonical_objects() {
    let canonical = |operation: &str, addr: &str| {
        let line =
            format!("{{\"family\":\"tcp\",\"operation\":\"{operation}\",\"addr\":\"{addr}\"}}");
        let Object::Ip {
            addr: Some(addr), ..
        } = read(&line).canonical_object()
        else {
            panic!("no address: {line}");
        };
        addr.to_string()
    };
    assert_eq!(canonical("connect", "0.0.0.0"), "127.0.0.1");
    assert_eq!(canonical("connect", "::"), "::1");
    assert_eq!(canonical("connect", "::ffff:0.0.0.0"), "127.0.0.1");
    assert_eq!(canonical("bind", "0.0.0.0"), "0.0.0.0");
    assert_eq!(canonical("bind", "::"), "::");
    assert_eq!(canonical("bind", "::ffff:10.0.0.1"), "10.0.0.1");
}
