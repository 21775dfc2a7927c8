//! Names and places, and patterns over random mounts.

use super::*;
use policy_abi::ask::Nobody;
use policy_abi::decide::{Tables, decide, read_bytes};
use policy_abi::facts::{Facts, OBJECT_PATH};
use policy_abi::fields::Dimension;
use policy_lang::Verdict;
use policy_lang::compile::{Enforcement, Host, PlaceUse, compile};
use policy_lang::request::{Object, Request};
use policy_lang::source::Sources;
use policy_lang::words::family::Family;
use policy_lang::words::operation::Operation;
use proptest::prelude::*;

fn mount(device: u32, root: &str, point: &str) -> Mount {
    Mount {
        id: 1,
        parent: 0,
        device,
        root: root.into(),
        point: point.into(),
        kind: b"tmpfs".to_vec(),
    }
}

#[test]
fn prefixes_end_at_a_component() {
    assert_eq!(below(b"/run/a", b"/run"), Some(&b"/a"[..]));
    assert_eq!(below(b"/run", b"/run"), Some(&b""[..]));
    assert_eq!(below(b"/running", b"/run"), None);
    assert_eq!(below(b"/a", b"/"), Some(&b"/a"[..]));
    assert_eq!(join(b"/", b""), b"/");
    assert_eq!(join(b"/sub", b"/a"), b"/sub/a");
}

#[test]
fn a_place_is_shown_where_most_of_it_is_mounted() {
    let mounts = Mounts::new(vec![
        mount(1, "/", "/"),
        mount(1, "/data/a", "/srv/deep"),
        mount(2, "/", "/run"),
    ]);
    let path = |device, text: &str| {
        mounts
            .host_path(device, text.as_bytes())
            .map(|path| String::from_utf8(path).unwrap())
    };
    assert_eq!(path(2, "docker.sock/").as_deref(), Some("/run/docker.sock"));
    assert_eq!(path(1, "data/a/x/").as_deref(), Some("/srv/deep/x"));
    assert_eq!(path(1, "data/b/").as_deref(), Some("/data/b"));
    assert_eq!(path(3, "x/"), None);
}

#[test]
fn what_is_mounted_over_is_not_seen() {
    let mounts = |all: &[(u64, u64, &str)]| {
        let all = all.iter().map(|(id, parent, point)| Mount {
            id: *id,
            parent: *parent,
            ..mount(u32::try_from(*id).unwrap(), "/", point)
        });
        let mounts = Mounts::new(all.collect());
        mounts.seen().map(|mount| mount.id).collect::<Vec<_>>()
    };
    assert_eq!(
        mounts(&[(1, 0, "/"), (2, 1, "/run"), (3, 2, "/run/u")]),
        [1, 2, 3]
    );
    // Over the folder, over a folder above it, over everything.
    assert_eq!(
        mounts(&[(1, 0, "/"), (2, 1, "/run"), (3, 2, "/run")]),
        [1, 3]
    );
    assert_eq!(
        mounts(&[(1, 0, "/"), (2, 1, "/a/b"), (3, 2, "/a/b/c"), (4, 1, "/a")]),
        [1, 4]
    );
    assert_eq!(mounts(&[(1, 0, "/"), (2, 1, "/run"), (3, 1, "/")]), [3]);
    assert_eq!(
        mounts(&[(1, 0, "/"), (2, 1, "/run"), (3, 1, "/running")]),
        [1, 2, 3]
    );
    // A text that is not to be believed comes to an end.
    assert_eq!(mounts(&[(1, 2, "/"), (2, 1, "/run")]).len(), 0);
}

/// A mount as the kernel has it: on a place of another.
#[derive(Clone, Debug)]
struct Attached {
    parent: Option<usize>,
    /// The place in the parent's file system.
    on: String,
    device: u32,
    root: String,
    point: String,
}

/// Where a path leads, component by component.
fn walk(all: &[Attached], path: &str) -> (usize, String) {
    let top = |mut at: (usize, String)| {
        let over = |at: &(usize, String)| {
            all.iter()
                .position(|one| one.parent == Some(at.0) && one.on == at.1)
        };
        while let Some(next) = over(&at) {
            at = (next, all[next].root.clone());
        }
        at
    };
    let mut at = top((0, all[0].root.clone()));
    for component in path.split('/').filter(|part| !part.is_empty()) {
        let below = format!("{}/{component}", at.1.trim_end_matches('/'));
        at = top((at.0, below));
    }
    at
}

/// A host with these mounts and without links.
struct Mounted {
    attached: Vec<Attached>,
    mounts: Mounts,
}

impl Mounted {
    fn new(wanted: &[(String, u32, String)]) -> Self {
        let mut attached = vec![Attached {
            parent: None,
            on: String::new(),
            device: 1,
            root: "/".into(),
            point: "/".into(),
        }];
        for (point, device, root) in wanted {
            let (parent, on) = walk(&attached, point);
            attached.push(Attached {
                parent: Some(parent),
                on,
                device: *device,
                root: root.clone(),
                point: point.clone(),
            });
        }
        let number = |at: usize| u64::try_from(at).unwrap() + 1;
        let all = attached.iter().enumerate().map(|(at, one)| Mount {
            id: number(at),
            parent: one.parent.map_or(0, number),
            ..mount(one.device, &one.root, &one.point)
        });
        let mounts = Mounts::new(all.collect());
        Self { attached, mounts }
    }

    /// The mount and the place that a path leads to.
    fn place(&self, path: &str) -> (usize, u32, String) {
        let (at, inside) = walk(&self.attached, path);
        (at, self.attached[at].device, inside)
    }

    /// Every name that a place has on a mount that can be seen. A further mount
    /// can lie on the name or above it: what it hides has its name all the same.
    fn names(&self, device: u32, inside: &str) -> Vec<String> {
        let seen = |at: usize| walk(&self.attached, &self.attached[at].point).0 == at;
        let all = self.attached.iter().enumerate();
        all.filter(|(at, one)| one.device == device && seen(*at))
            .filter_map(|(_, one)| {
                let rest = below(inside.as_bytes(), one.root.as_bytes())?;
                String::from_utf8(join(one.point.as_bytes(), rest)).ok()
            })
            .collect()
    }
}

impl Host for Mounted {
    fn hash_key(&self) -> [u64; 2] {
        [3, 4]
    }

    fn places(&self, path: &[u8], _: PlaceUse) -> Vec<Place> {
        let (_, device, path) = self.place(std::str::from_utf8(path).unwrap());
        let path = path.into_bytes();
        vec![Place { device, path }]
    }

    fn reaches(&self, folder: &[u8], _: PlaceUse) -> Vec<Reach> {
        let (at, ..) = self.place(std::str::from_utf8(folder).unwrap());
        let home = self.mounts.by_id(u64::try_from(at).unwrap() + 1).unwrap();
        let folder = folder.strip_suffix(b"/").unwrap_or(folder);
        self.mounts.reaches(folder, home).unwrap()
    }
}

/// An image, and the text of one object.
struct World<'w>(&'w [u64], &'w [u8]);

impl Tables for World<'_> {
    fn word(&self, index: u32) -> Option<u64> {
        self.0.word(index)
    }

    fn read(&self, dimension: Dimension, start: u32) -> Option<u32> {
        read_bytes(self, dimension, start, self.1)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// However file systems are mounted, an anchored pattern matches every place
    /// that a path leads to which the pattern matches, and no place none of whose
    /// names it matches.
    #[test]
    fn an_anchored_pattern_matches_what_it_matches_on_the_host(
        wanted in prop::collection::vec(
            ("(/[ab]){1,3}", 1_u32..4, "/|(/[ab]){1,2}"), 0..6),
        pattern in prop::sample::select(&[
            "/*", "/**", "/a/*", "/a/**", "/a/b/*", "/?/b", "/a/**/b", "/**/a", "/a*", "/a/?/b/*",
            "/b/a/**", "/[ab]/a", "/a/b?", "/b**a", "/a/b",
        ][..]),
    ) {
        let host = Mounted::new(&wanted);
        let sources = Sources::single("p.policy", format!("deny unix connect to {pattern}"));
        let (policy, _) = policy_lang::load(&sources);
        let policy = policy.unwrap();
        let image = compile(&policy, &host, 1, Enforcement::AsWritten).unwrap();
        let depths = (1..5_usize).flat_map(|depth| (0..1_usize << depth).map(move |bits| {
            let component = |at: usize| if bits >> at & 1 == 1 { "/a" } else { "/b" };
            (0..depth).map(component).collect::<String>()
        }));
        for path in depths {
            let (_, device, inside) = host.place(&path);
            // The root of a file system is no object.
            if inside == "/" {
                continue;
            }
            let names = host.names(device, &inside);
            prop_assert!(names.contains(&path), "{} is none of {:?}", path, names);
            let holds = |name: &String| {
                let object = Object::Path(name.clone().into_bytes());
                let request = Request::new(Family::UNIX, Operation::Connect, object);
                policy_lang::eval(&policy, &request).actual.verdict != Verdict::Allow
            };
            let leads = |name: &&String| {
                let (_, found, place) = host.place(name);
                (found, place) == (device, inside.clone())
            };
            let facts = Facts {
                family: policy_abi::family::UNIX,
                object_kind: OBJECT_PATH,
                object: [policy_abi::hash::path([3, 4], inside.as_bytes()), device.into()],
                ..Facts::default()
            };
            let world = World(&image.words, &inside.as_bytes()[1..]);
            let verdict = decide(&world, &facts, &Nobody).unwrap();
            let denies = verdict.actual.denies();
            if names.iter().filter(leads).any(holds) {
                prop_assert!(denies, "{} {:?}", path, names);
            } else if denies {
                prop_assert!(names.iter().any(holds), "{} {:?}", path, names);
            }
        }
    }
}
