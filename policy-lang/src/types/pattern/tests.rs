use super::*;

fn path(pattern: &str, path: &str) -> bool {
    parse_path(pattern, PathUse::Object)
        .unwrap()
        .holds(path.as_bytes())
}

fn text(pattern: &str, bytes: &[u8]) -> bool {
    parse(pattern, Syntax::Text).unwrap().holds(bytes)
}

fn refused(pattern: &str) -> Code {
    parse_path(pattern, PathUse::Object).unwrap_err().code
}

#[test]
fn notes_4_directories_match_zero_or_more_components() {
    assert!(path("/a/**/b", "/a/b"));
    assert!(path("/a/**/b", "/a/x/b"));
    assert!(path("/a/**/b", "/a/x/y/b"));
    assert!(!path("/a/**/b", "/a/xb"));
    assert!(!path("/a/**/b", "/ab"));
    assert!(path("/**/b", "/b"));
    assert!(path("/**/b", "/x/b"));
    assert!(path("/a/**/**/b", "/a/b"));
    assert!(path("/srv/**.sock", "/srv/.sock"));
    assert!(path("/srv/**.sock", "/srv/a/b.sock"));
    assert!(path("/a/x**/b", "/a/x/b"));
    assert!(path("/a/x**/b", "/a/xy/z/b"));
    assert!(!path("/a/x**/b", "/a/xb"));
}

#[test]
fn notes_5_deep_is_below_and_never_itself() {
    assert!(path("/a/**", "/a/b"));
    assert!(path("/a/**", "/a/b/c"));
    assert!(!path("/a/**", "/a"));
    assert!(path("/a/**", "/a/"));
    assert!(path("/**", "/a"));
    assert!(path("/**", "/a/b"));
}

#[test]
fn notes_6_only_paths_have_components() {
    assert!(!path("/a/*", "/a/b/c"));
    assert!(!path("/a?b", "/a/b"));
    assert!(!path("/a[!x]b", "/a/b"));
    assert!(!path("/a[/]b", "/a/b"));
    assert!(text("a*", b"a/b\0c"));
    assert!(text("a?b", b"a/b"));
    assert!(text("a[!x]b", b"a/b"));
    assert!(text("kworker/**", b"kworker/0:1"));
}

#[test]
fn notes_18_19_20_dots_bytes_and_empty_runs() {
    assert!(path("/run/*", "/run/.hidden"));
    assert!(!text("?", "é".as_bytes()));
    assert!(text("??", "é".as_bytes()));
    assert!(path("/run/x*", "/run/x"));
    assert!(path("/run/*", "/run/"));
}

#[test]
fn notes_38_to_44_one_layer_of_escapes() {
    assert_eq!(
        parse("a\\x2ab", Syntax::Text).unwrap(),
        Pattern::Literal((*b"a*b").into())
    );
    assert_eq!(
        parse("\\*", Syntax::Text).unwrap(),
        Pattern::Literal((*b"*").into())
    );
    assert!(text("\\\\*", b"\\anything"));
    assert_eq!(
        parse("\\n", Syntax::Text).unwrap(),
        Pattern::Literal((*b"n").into())
    );
    assert_eq!(
        parse("a\\", Syntax::Text).unwrap_err().code,
        Code::BadEscape
    );
    assert_eq!(
        parse("\\xg1", Syntax::Text).unwrap_err().code,
        Code::BadEscape
    );
    assert_eq!(
        parse("\\x4", Syntax::Text).unwrap_err().code,
        Code::BadEscape
    );
    assert!(text("dev-x\\x2duuid", b"dev-x-uuid"));
    assert!(text("dev-x\\\\x2duuid", b"dev-x\\x2duuid"));
}

#[test]
fn notes_47_classes() {
    assert!(text("[a-c]", b"b") && !text("[a-c]", b"d"));
    assert!(!text("[!a]", b"a") && text("[^a]", b"b"));
    assert!(text("[]a]", b"]") && text("[]a]", b"a"));
    assert!(text("[!]a]", b"b") && !text("[!]a]", b"]"));
    assert!(text("[a-]", b"-") && text("[a-]", b"a") && !text("[a-]", b"b"));
    assert!(text("[-a]", b"-"));
    assert!(text("[\\]]", b"]"));
    assert!(text("[\\x61-\\x63]", b"b"));
    for bad in ["[z-a]", "[", "[]", "[a", "[!]", "[a-"] {
        assert_eq!(
            parse(bad, Syntax::Text).unwrap_err().code,
            Code::BadPattern,
            "{bad}"
        );
    }
}

#[test]
fn notes_49_paths_that_no_object_has() {
    for bad in [
        "/",
        "/a/",
        "//a",
        "/a//b",
        "/a/./b",
        "/a/../b",
        "/a/..",
        "/.",
        "/a/*/",
        "/a/**/",
        "/*//b",
        "/*/../b",
        "/a/**/..",
        "/a/**//b",
        "/a/**/./b",
    ] {
        assert_eq!(refused(bad), Code::BadPath, "{bad}");
    }
    for good in [
        "/a", "/a/..b", "/a/.b", "/*", "/**", "/a/**/b", "/**/**/b", "/a/**/*",
    ] {
        assert!(parse_path(good, PathUse::Object).is_ok(), "{good}");
    }
    assert_eq!(refused("a"), Code::WrongValue);
    assert!(parse_path("/", PathUse::Cgroup).is_ok());
}

/// The meaning once more, by recursion over the pattern's text, for patterns without classes and escapes.
fn slow(pattern: &[u8], path: &[u8]) -> bool {
    if pattern.is_empty() {
        return path.is_empty();
    }
    let any =
        |from: usize, until: usize, rest: &[u8]| (from..=until).any(|n| slow(rest, &path[n..]));
    if pattern.starts_with(b"/**/") {
        // Zero or more components: a slash, then the rest after any later slash too.
        return path.first() == Some(&b'/')
            && (slow(&pattern[4..], &path[1..])
                || (1..path.len())
                    .any(|n| path[n] == b'/' && slow(&pattern[4..], &path[n + 1..])));
    }
    if let Some(rest) = pattern.strip_prefix(b"**") {
        return any(0, path.len(), rest);
    }
    let component = path.iter().position(|b| *b == b'/').unwrap_or(path.len());
    match pattern[0] {
        b'*' => any(0, component, &pattern[1..]),
        b'?' => component > 0 && slow(&pattern[1..], &path[1..]),
        byte => path.first() == Some(&byte) && slow(&pattern[1..], &path[1..]),
    }
}

proptest::proptest! {
    #[test]
    fn matching_agrees_with_a_second_reading(
        pattern in "/(\\*\\*/)?[ab*?/]{0,8}",
        tail in "[ab/]{0,9}",
    ) {
        proptest::prop_assume!(!pattern.contains("***") && !pattern.contains("**/**"));
        let Ok(parsed) = parse(&pattern, Syntax::Path) else { return Ok(()); };
        let path = format!("/{tail}");
        proptest::prop_assert_eq!(
            parsed.holds(path.as_bytes()),
            slow(pattern.as_bytes(), path.as_bytes()),
            "{} {}", pattern, path
        );
    }
}
