//! What events say of an operation's object, and of the address as it was typed.

use super::*;

#[test]
fn an_address_as_typed() {
    let mut record = record(Hook::SocketConnect);
    record.facts.family = TCP;
    record.facts.object_kind = OBJECT_IPV6;
    record.facts.object = [0xfd00_0ec2 << 32, 0x254];
    record.facts.port = 443;
    let remote = |bytes: &[u8], expected: Expect| {
        let mut record = record;
        typed(&mut record, bytes);
        check_member(&record, REMOTE, &expected);
    };
    let v6 = b"\x0a\0\x01\xbb\0\x01\x02\x03\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x02\0\0\0";
    remote(
        v6,
        expect![[
            r#"{"sa_family":"AF_INET6","sin6_addr":"2001:db8::1","sin6_flowinfo":66051,"sin6_port":443,"sin6_scopeid":2}"#
        ]],
    );
    // Without its scope, as Linux takes it.
    remote(
        &v6[..24],
        expect![[
            r#"{"sa_family":"AF_INET6","sin6_addr":"2001:db8::1","sin6_flowinfo":66051,"sin6_port":443}"#
        ]],
    );
    // Mapped: shown as typed, judged as IPv4.
    remote(
        b"\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\0\0\x01",
        expect![[r#"{"sa_family":"AF_INET6","sin6_addr":"::ffff:127.0.0.1"}"#]],
    );
    // Too short for its family, or of one that has no form: the object is shown.
    remote(
        &v6[..23],
        expect![[r#"{"sa_family":"AF_INET6","sin6_addr":"fd00:ec2::254","sin6_port":443}"#]],
    );
    remote(
        b"\x02\0\x1f\x90\x7f\0\0",
        expect![[r#"{"sa_family":"AF_INET6","sin6_addr":"fd00:ec2::254","sin6_port":443}"#]],
    );
    remote(
        b"\0\0\x1f\x90\x7f\0\0\x01",
        expect![[r#"{"sa_family":"AF_INET6","sin6_addr":"fd00:ec2::254","sin6_port":443}"#]],
    );
    remote(
        b"\x02",
        expect![[r#"{"sa_family":"AF_INET6","sin6_addr":"fd00:ec2::254","sin6_port":443}"#]],
    );
    // No port, no address: both are zero, but an address is text.
    remote(
        b"\x02\0\0\0\0\0\0\0",
        expect![[r#"{"sa_family":"AF_INET","sin_addr":"0.0.0.0"}"#]],
    );
}

#[test]
fn a_unix_name_as_typed() {
    let record = unix(Hook::UnixStreamConnect);
    let remote = |bytes: &[u8], expected: Expect| {
        let mut record = record;
        typed(&mut record, bytes);
        check_member(&record, REMOTE, &expected);
    };
    remote(b"\x01\0", expect![[r#"{"sa_family":"AF_UNIX"}"#]]);
    remote(
        b"\x01\0\0",
        expect![[r#"{"sa_family":"AF_UNIX","sun_path":"@"}"#]],
    );
    remote(
        b"\x01\0\0name",
        expect![[r#"{"sa_family":"AF_UNIX","sun_path":"@name"}"#]],
    );
    remote(
        b"\x01\0\0a\0b",
        expect![[r#"{"sa_family":"AF_UNIX","sun_path":"@a\\x00b","sun_path_hex":"00610062"}"#]],
    );
    remote(
        b"\x01\0@path\0b",
        expect![[r#"{"sa_family":"AF_UNIX","sun_path":"@path","sun_path_hex":"4070617468"}"#]],
    );
    remote(
        b"\x01\0rel/./path",
        expect![[r#"{"sa_family":"AF_UNIX","sun_path":"rel/./path"}"#]],
    );
    // As long as a path can be, without a NUL, and more behind it.
    let long = [&[1, 0][..], &[b'a'; 126]].concat();
    remote(
        &long[..110],
        expect![[
            r#"{"sa_family":"AF_UNIX","sun_path":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}"#
        ]],
    );
}

#[test]
fn a_connect_that_failed_before_it_was_judged() {
    for hook in [Hook::UnixStreamConnectExit, Hook::UnixDgramConnectExit] {
        let mut record = unix(hook);
        record.action = 0;
        record.rule = NO_RULE;
        record.errno = 0;
        record.detail = [2, 0, 0];
        record.facts.object_kind = 0;
        record.flags &= !FLAG_OBJECT;
        typed(&mut record, b"\x01\0/run/none\0");
        assert_eq!(member(&record, "/decision/errno"), "ENOENT");
        assert_eq!(member(&record, "/decision/action"), "allow");
        assert_eq!(member(&record, "/decision/hook"), hook.name());
        assert_eq!(member(&record, "/name"), "security_socket_connect");
        check_member(&record, "/decision/object", &expect!["{}"]);
        check_member(
            &record,
            REMOTE,
            &expect![[r#"{"sa_family":"AF_UNIX","sun_path":"/run/none"}"#]],
        );
    }
}

#[test]
fn an_object_that_is_no_path() {
    let mut record = unix(Hook::UnixStreamConnect);
    record.flags &= !FLAG_CONNECT;
    record.facts.object_kind = OBJECT_ABSTRACT;
    record.facts.object = [1, ABSTRACT_TAG | 3];
    record.object = text(0, 0, b"a\0\xff");
    check_member(
        &record,
        REMOTE,
        &expect![[
            r#"{"sa_family":"AF_UNIX","sun_path":"@a\\x00\\xff","sun_path_hex":"006100ff"}"#
        ]],
    );
    check_member(
        &record,
        "/decision/object",
        &expect![[r#"{"name":"@a\\x00\\xff","name_hex":"6100ff"}"#]],
    );
    record.object.length = 0;
    check_member(
        &record,
        "/decision/object",
        &expect![[r#"{"name":"@","name_hex":""}"#]],
    );
    record.flags &= !FLAG_OBJECT;
    check_member(&record, "/decision/object", &expect!["{}"]);
    record.facts.object_kind = OBJECT_UNNAMED;
    check_member(&record, REMOTE, &expect![[r#"{"sa_family":"AF_UNIX"}"#]]);
    check_member(
        &record,
        "/decision/object",
        &expect![[r#"{"unnamed":true}"#]],
    );
    record.facts.object_kind = OBJECT_UNREADABLE;
    check_member(&record, REMOTE, &expect![[r#"{"sa_family":"AF_UNIX"}"#]]);
    check_member(
        &record,
        "/decision/object",
        &expect![[r#"{"unreadable":true}"#]],
    );
    record.flags |= FLAG_OBJECT;
    record.object = text(RUN, 17, b"old/");
    check_member(
        &record,
        "/decision/object",
        &expect![[r#"{"device":"0:24","inode":17,"unreadable":true}"#]],
    );
}

#[test]
fn an_ip_object_that_could_not_be_read() {
    let mut record = record(Hook::SocketSendmsg);
    record.facts.family = UDP;
    record.facts.object_kind = OBJECT_UNREADABLE;
    check_member(
        &record,
        "/data",
        &expect![[r#"[{"int32":5,"name":"sockfd"},{"int32":1,"name":"type"}]"#]],
    );
    check_member(
        &record,
        "/decision/object",
        &expect![[r#"{"unreadable":true}"#]],
    );
}
