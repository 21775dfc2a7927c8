//! What a look at folders of a test's own finds, and that a description says the same.

use super::*;

/// A folder that stands for a host's root.
struct Root(PathBuf);

impl Root {
    fn new(test: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("interdict-host-{test}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(self, path: &str, text: &str) -> Self {
        let at = self.0.join(path);
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        fs::write(at, text).unwrap();
        self
    }

    fn link(self, path: &str, target: &str) -> Self {
        let at = self.0.join(path);
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        symlink(target, at).unwrap();
        self
    }

    fn mode(self, path: &str, mode: u32) -> Self {
        fs::set_permissions(self.0.join(path), fs::Permissions::from_mode(mode)).unwrap();
        self
    }

    fn look(&self, path: &str) -> PathFacts {
        walk::look(&self.0, path).unwrap()
    }

    fn host(&self) -> Host {
        Host::live(live::of_root(&self.0), self.0.clone())
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

#[test]
fn a_look_follows_links_within_the_root() {
    let root = Root::new("links")
        .file("usr/bin/dockerd", "\x7fELF")
        .file("usr/bin/tool", "#! /usr/bin/env python3\nprint()\n")
        .link("bin", "usr/bin")
        .link("var/run", "/run")
        .link("usr/bin/abs", "/usr/bin/tool")
        .link("usr/bin/up", "../../../../etc/passwd")
        .link("loop", "loop")
        .file("etc/passwd", "");
    fs::create_dir_all(root.0.join("run")).unwrap();
    let found = root.look("/bin/dockerd");
    assert_eq!(
        (&*found.real, found.kind),
        ("/usr/bin/dockerd", Some(Kind::File))
    );
    assert_eq!(found.script, None);
    assert_eq!(
        root.look("/usr/bin/abs").script.as_deref(),
        Some("/usr/bin/env")
    );
    assert_eq!(root.look("/usr/bin/up").real, "/etc/passwd");
    assert_eq!(root.look("/loop/x").kind, Some(Kind::Circle));
    let found = root.look("/var/run/a/b");
    assert_eq!(
        (&*found.real, &*found.existing, found.kind),
        ("/run/a/b", "/run", None)
    );
    let found = root.look("/usr/bin/dokcerd");
    assert_eq!(found.near.as_deref(), Some("dockerd"));
    // A file is no folder: nothing is below it.
    assert_eq!(root.look("/etc/passwd/x").kind, None);
    assert_eq!(root.look("/").real, "/");
}

#[test]
fn a_look_finds_what_everybody_can_change() {
    let root = Root::new("modes")
        .file("open/deep/tool", "")
        .file("file", "")
        .file("sticky/x", "")
        .mode("open", 0o777)
        .mode("file", 0o666)
        .mode("sticky", 0o1777);
    let everybody = |path: &str| {
        let found = root.look(path).changeable;
        let open = found.iter().find(|one| one.by == By::Everybody);
        open.map(|one| one.path.clone())
    };
    assert_eq!(everybody("/open/deep/tool").as_deref(), Some("/open"));
    assert_eq!(everybody("/file").as_deref(), Some("/file"));
    assert_eq!(everybody("/sticky/new").as_deref(), Some("/sticky"));
    let socket = UnixListener::bind(root.0.join("sticky/s")).unwrap();
    assert_eq!(root.look("/sticky/s").kind, Some(Kind::Socket));
    drop(socket);
}

#[test]
fn a_root_is_described_by_its_files() {
    let root = Root::new("described")
        .file(
            "etc/passwd",
            "root:x:0:0:root:/root:/bin/sh\n+nis\n\nalice:x:1000:100::/:\nbad:x:y:\n",
        )
        .file("etc/group", "root:x:0:\ndocker:x:998:alice\n")
        .file("etc/systemd/system/app.service", "[Service]\n")
        .file("etc/systemd/system/app.service.d/x.conf", "")
        .link(
            "etc/systemd/system/web.service",
            "/usr/lib/systemd/system/nginx.service",
        )
        .link(
            "etc/systemd/system/getty@tty1.service",
            "/usr/lib/systemd/system/getty@.service",
        )
        .link("etc/systemd/system/off.service", "/dev/null")
        .file("usr/lib/systemd/system/nginx.service", "")
        .file("usr/lib/systemd/system/getty@.service", "")
        .file("usr/lib/systemd/system/a.target", "")
        .link("bin", "usr/bin");
    let profile = live::of_root(&root.0);
    assert_eq!(
        profile.users,
        Some(vec![account("root", 0), account("alice", 1000)])
    );
    assert_eq!(
        profile.groups,
        Some(vec![account("root", 0), account("docker", 998)])
    );
    let units = profile.units.clone().unwrap();
    assert_eq!(
        units,
        [
            "app.service",
            "getty@.service",
            "getty@tty1.service",
            "nginx.service",
            "off.service",
            "web.service"
        ]
    );
    assert_eq!(
        profile.unit_aliases,
        BTreeMap::from([("web.service".into(), "nginx.service".into())])
    );
    assert_eq!(
        profile.links.get("/bin").map(String::as_str),
        Some("usr/bin")
    );
    assert_eq!(live::of_root(Path::new("/no/such/root")).users, None);
    assert_eq!(live::of_root(Path::new("/no/such/root")).units, None);
}

/// What a host is told to have, it has: the description that is written out
/// says of the policies that it was made for what a look at the host says.
#[test]
fn a_description_says_what_a_look_says() {
    let root = Root::new("export")
        .file("etc/passwd", "root:x:0:0:::\n")
        .file("usr/bin/tool", "#!/bin/sh\n")
        .file("srv/x/y", "")
        .mode("srv/x", 0o777)
        .link("bin", "usr/bin");
    let text = "deny unix connect to /srv/x/new unless exe in { /bin/tool, /usr/bin/tol, /usr/bin/* } and user = rot";
    let look = root.host();
    let seen = rendered(&look, text);
    for code in ["P0540", "P0543", "P0545", "P0546", "P0549"] {
        assert!(seen.contains(code), "{code}: {seen}");
    }
    let profile = look.into_profile();
    let again = Profile::parse(&profile.to_json()).unwrap();
    assert_eq!(again, profile);
    assert_eq!(said(again, text), seen);
}

#[test]
fn a_description_of_another_version_is_refused() {
    let parse = |text: &str| Profile::parse(text).map(|profile| profile.kernel);
    assert_eq!(parse(r#"{"schema":1,"later":[]}"#), Ok(None));
    assert_eq!(
        parse(r#"{"schema":1,"kernel":"6.1.0","users":null}"#),
        Ok(Some("6.1.0".into()))
    );
    assert!(
        parse(r#"{"schema":2}"#)
            .unwrap_err()
            .contains("schema is 2")
    );
    for bad in ["", "[]", "{}", r#"{"schema":1,"users":[1]}"#] {
        assert!(parse(bad).is_err(), "{bad}");
    }
}
