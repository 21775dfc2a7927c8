//! Patterns with wildcards on the file systems of a host: the part before the
//! first wildcard is a folder, which lies in a place; the rest is held against
//! what is below it there, and on whatever is mounted below it.

use super::automaton::Fragment;
use super::net::past;
use super::pairs::SetId;
use super::{Host, Place, PlaceUse};
use crate::types::pattern::{Pattern, Piece, Syntax};
use std::collections::{BTreeMap, BTreeSet};

/// Where a pattern's matches lie.
#[derive(Debug, Default)]
pub(super) struct Anchored {
    /// Fragments by device, over paths without their leading slash.
    pub(super) fragments: BTreeMap<u64, BTreeSet<Fragment>>,
    /// Files that are mounted on a name that matches.
    pub(super) places: Vec<Place>,
}

impl Anchored {
    /// Adds a path pattern of a set. Gives the places of the folder before the
    /// first wildcard.
    pub(super) fn add(
        &mut self,
        pieces: &[Piece],
        set: SetId,
        host: &dyn Host,
        place_use: PlaceUse,
    ) -> Vec<Place> {
        let (folder, rest) = parted(pieces);
        let reaches = host.reaches(&folder, place_use);
        let places = reaches.iter().map(|reach| reach.place.clone()).collect();
        for reach in reaches {
            let device = u64::from(reach.place.device);
            for rest in below(rest, &reach.below) {
                let mut pieces: Vec<Piece> = folder_pieces(&reach.place.path);
                pieces.extend_from_slice(rest);
                self.fragments.entry(device).or_default().insert(Fragment {
                    pieces,
                    syntax: Syntax::Path,
                    set,
                });
            }
            let whole = Pattern::Glob(Syntax::Path, rest.into());
            if !reach.below.is_empty() && whole.holds(&reach.below) {
                self.places.push(reach.place);
            }
        }
        places
    }
}

/// The folder before the first wildcard, and the pieces after its slash.
fn parted(pieces: &[Piece]) -> (Vec<u8>, &[Piece]) {
    let bytes: Vec<u8> = pieces
        .iter()
        .map_while(|piece| {
            if let Piece::Byte(byte) = piece {
                Some(*byte)
            } else {
                None
            }
        })
        .collect();
    // INVARIANT: the checker lets no path pattern pass that does not begin with `/`.
    let slash = bytes.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
    let folder = match bytes.get(..slash) {
        Some([]) | None => b"/".to_vec(),
        Some(folder) => folder.to_vec(),
    };
    (folder, pieces.get(slash + 1..).unwrap_or_default())
}

/// The pieces of a folder's path without its leading slash, its own slash last.
fn folder_pieces(path: &[u8]) -> Vec<Piece> {
    let inner = path.strip_prefix(b"/").unwrap_or(path);
    let mut pieces: Vec<Piece> = inner.iter().map(|byte| Piece::Byte(*byte)).collect();
    if !pieces.is_empty() {
        pieces.push(Piece::Byte(b'/'));
    }
    pieces
}

/// What of a pattern is still to come past `path` and a slash: the pattern from
/// each of its places that can be reached so.
fn below<'p>(pieces: &'p [Piece], path: &[u8]) -> Vec<&'p [Piece]> {
    if path.is_empty() {
        return vec![pieces];
    }
    let places = past(pieces, Syntax::Path, path.iter().chain(b"/"));
    let rest = places.into_iter().filter_map(|place| pieces.get(place..));
    rest.filter(|rest| !rest.is_empty()).collect()
}
