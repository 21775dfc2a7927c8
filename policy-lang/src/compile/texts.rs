//! The texts that the sets of a dimension name: whole ones by what the kernel
//! looks them up by, and patterns by the domain in which they are read.

use super::automaton::Fragment;
use super::classes::Signature;
use super::globs::Anchored;
use super::keys::{self, Key, Keys, comm};
use super::pairs::SetId;
use super::{Anchor, Place, PlaceUse};
use crate::types::UnixSet;
use crate::types::pattern::{Pattern, Piece, Syntax};
use crate::words::sockopt::SocketOption;
use policy_abi::fields::Dimension;
use policy_abi::image::{DOMAIN_CGROUP, DOMAIN_COMM, DOMAIN_NAMES};
use std::collections::{BTreeMap, BTreeSet};

/// The domain of what has no text.
const NOWHERE: u64 = u64::MAX;

/// A text that some set names whole.
#[derive(Debug)]
pub(super) struct Known {
    /// The sets that name it.
    pub(super) sets: Signature,
    /// Where it is read.
    pub(super) domain: u64,
    /// As an automaton reads it: a path has no leading slash.
    pub(super) text: Vec<u8>,
}

/// The texts of a dimension.
#[derive(Debug, Default)]
pub(super) struct Texts {
    pub(super) known: BTreeMap<Key, Known>,
    /// Patterns by domain.
    pub(super) fragments: BTreeMap<u64, BTreeSet<Fragment>>,
    /// Sets that have sockets without a name.
    pub(super) unnamed: Signature,
    /// Where the paths of each set lie.
    pub(super) anchors: BTreeMap<SetId, Vec<Anchor>>,
}

impl Texts {
    /// Adds texts of a subject.
    pub(super) fn patterns(
        &mut self,
        (set, place_use): (SetId, PlaceUse),
        dimension: Dimension,
        patterns: &[Pattern],
        keys: &mut Keys<'_>,
    ) {
        if matches!(dimension, Dimension::Comm | Dimension::ParentComm) {
            self.comms(set, patterns);
        } else if matches!(dimension, Dimension::Unit | Dimension::Cgroup) {
            self.groupings(set, dimension, patterns, keys);
        } else {
            self.paths((set, place_use), patterns, keys);
        }
    }

    /// Adds names of processes.
    fn comms(&mut self, set: SetId, patterns: &[Pattern]) {
        for pattern in patterns {
            match pattern {
                Pattern::Literal(bytes) => {
                    if let Some(key) = comm(bytes) {
                        self.name(set, key, DOMAIN_COMM, bytes);
                    }
                }
                Pattern::Glob(..) => self.pattern(set, DOMAIN_COMM, pattern),
            }
        }
    }

    /// Adds units or cgroups. A cgroup's path is read without its leading slash.
    fn groupings(
        &mut self,
        set: SetId,
        dimension: Dimension,
        patterns: &[Pattern],
        keys: &Keys<'_>,
    ) {
        let slash = usize::from(dimension == Dimension::Cgroup);
        for pattern in patterns {
            match pattern {
                Pattern::Literal(bytes) => {
                    if let Some(key) = keys.grouping(dimension, bytes) {
                        let text = bytes.get(slash..).unwrap_or_default();
                        self.name(set, key, DOMAIN_CGROUP, text);
                    }
                }
                // INVARIANT: the checker lets no path pattern pass that does not
                // begin with `/`.
                Pattern::Glob(syntax, pieces) => {
                    let pieces = pieces.get(slash..).unwrap_or_default();
                    self.fragment(set, DOMAIN_CGROUP, *syntax, pieces);
                }
            }
        }
    }

    /// Adds paths.
    fn paths(
        &mut self,
        (set, place_use): (SetId, PlaceUse),
        patterns: &[Pattern],
        keys: &mut Keys<'_>,
    ) {
        let mut anchored = Anchored::default();
        for pattern in patterns {
            let places = match pattern {
                Pattern::Literal(bytes) => {
                    let places = keys.places(bytes, place_use);
                    for place in &places {
                        self.place(set, keys.place(place), place);
                    }
                    places
                }
                Pattern::Glob(_, pieces) => anchored.add(pieces, set, keys.host(), place_use),
            };
            self.anchors.entry(set).or_default().push(Anchor {
                path: pattern.to_string(),
                place_use,
                places,
            });
        }
        for place in &anchored.places {
            self.place(set, keys.place(place), place);
        }
        for (device, fragments) in anchored.fragments {
            self.fragments.entry(device).or_default().extend(fragments);
        }
    }

    /// Adds unix objects.
    pub(super) fn unix(
        &mut self,
        (set, place_use): (SetId, PlaceUse),
        unix: &UnixSet,
        keys: &mut Keys<'_>,
    ) {
        self.paths((set, place_use), &unix.paths, keys);
        for pattern in &unix.names {
            match pattern {
                Pattern::Literal(bytes) => {
                    self.name(set, keys.abstract_name(bytes), DOMAIN_NAMES, bytes);
                }
                Pattern::Glob(..) => self.pattern(set, DOMAIN_NAMES, pattern),
            }
        }
        if unix.unnamed {
            self.unnamed.insert(set);
        }
    }

    /// Adds socket options, which no pattern is held against.
    pub(super) fn options(&mut self, set: SetId, options: &[SocketOption]) {
        for option in options {
            self.name(set, keys::option(*option), NOWHERE, b"");
        }
    }

    fn place(&mut self, set: SetId, key: Key, place: &Place) {
        let text = place.path.strip_prefix(b"/").unwrap_or(&place.path);
        self.name(set, key, u64::from(place.device), text);
    }

    fn name(&mut self, set: SetId, key: Key, domain: u64, text: &[u8]) {
        let known = self.known.entry(key).or_insert_with(|| Known {
            sets: Signature::new(),
            domain,
            text: text.to_vec(),
        });
        known.sets.insert(set);
    }

    fn pattern(&mut self, set: SetId, domain: u64, pattern: &Pattern) {
        let Pattern::Glob(syntax, pieces) = pattern else {
            return;
        };
        self.fragment(set, domain, *syntax, pieces);
    }

    fn fragment(&mut self, set: SetId, domain: u64, syntax: Syntax, pieces: &[Piece]) {
        self.fragments.entry(domain).or_default().insert(Fragment {
            pieces: pieces.to_vec(),
            syntax,
            set,
        });
    }
}
