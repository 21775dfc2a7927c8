//! Families and operations, and what their objects have.

use crate::World;
use crate::choices::Choices;
use crate::model::{Objects, Words};
use crate::policy::words;
use policy_lang::words::attribute::Attribute;
use policy_lang::words::family::{FamilySet, Named, WORDS, named};
use policy_lang::words::operation::{OPERATIONS, Operation};
use policy_lang::words::shape::{Shape, possible};

/// What is known of a rule's families and operations.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pair {
    /// What some object has.
    pub(crate) objects: Objects,
    /// Whether some object has an address.
    pub(crate) addresses: bool,
    /// Whether some object has an address and a port.
    pub(crate) both: bool,
    /// Whether any of the pairs can be.
    possible: bool,
}

/// Families of the kernel's world.
const KERNEL: [&[&str]; 12] = [
    &["unix"],
    &["tcp"],
    &["udp"],
    &["tcp", "udp"],
    &["smc"],
    &["tcp", "unix"],
    &["unix", "udp", "tcp"],
    &["raw"],
    &["tcp", "icmp"],
    &["netlink", "udp"],
    &["sctp"],
    &["ip"],
];

/// Operations that the kernel decides of all of [`KERNEL`], and of those without `unix`.
fn in_kernel(choices: &mut Choices<'_>, unix: bool) -> Vec<&'static str> {
    let more = match choices.below(8) {
        0 => "listen",
        1 => "accept",
        2 => "create",
        3 => "setsockopt",
        4 if !unix => "bind",
        5 if !unix => return vec!["any"],
        _ => return vec!["connect"],
    };
    if choices.one_in(2) {
        vec![more]
    } else {
        vec!["connect", more]
    }
}

/// Tries before one that always fits.
const TRIES: usize = 4;

/// Families and operations of which some object has what is asked for.
pub(crate) fn pair(
    choices: &mut Choices<'_>,
    world: World,
    asked: Objects,
) -> (Words, Words, Pair) {
    for _ in 0..TRIES {
        let (families, operations) = match world {
            World::Kernel => {
                let families = choices.pick(&KERNEL).to_vec();
                let operations = in_kernel(choices, families.contains(&"unix"));
                (families, operations)
            }
            World::Whole => (families(choices), operations(choices)),
        };
        let known = known(&families, &operations);
        if known.possible && known.objects.have(asked) {
            let mut families = words(families);
            // A list of one is a list.
            families.braced |= families.words != ["any"] && choices.one_in(16);
            return (families, words(operations), known);
        }
    }
    let (families, operations) = (vec!["tcp", "unix"], vec!["connect"]);
    let known = known(&families, &operations);
    (words(families), words(operations), known)
}

fn families(choices: &mut Choices<'_>) -> Vec<&'static str> {
    const COMMON: &[&str] = &["unix", "tcp", "udp", "ip", "sctp", "icmp", "raw", "smc"];
    const NUMBERS: &[&str] = &["0", "46", "255", "16", "43"];
    let one = |choices: &mut Choices<'_>| match choices.below(8) {
        7 => choices.pick(NUMBERS),
        6 | 5 => choices.pick(WORDS).0,
        _ => choices.pick(COMMON),
    };
    match choices.below(6) {
        5 => vec!["any"],
        4 | 3 => (0..2 + choices.below(3)).map(|_| one(choices)).collect(),
        _ => vec![one(choices)],
    }
}

fn operations(choices: &mut Choices<'_>) -> Vec<&'static str> {
    let one = |choices: &mut Choices<'_>| choices.pick(OPERATIONS).word();
    match choices.below(8) {
        7 => vec!["any"],
        6 | 5 => (0..2 + choices.below(2)).map(|_| one(choices)).collect(),
        4 | 3 => vec![one(choices)],
        _ => vec!["connect"],
    }
}

fn known(families: &[&str], operations: &[&str]) -> Pair {
    let mut all = FamilySet::default();
    for word in families {
        if let Named::Families(more) | Named::Numbered(more, _) = named(word) {
            all = all.union(more);
        }
    }
    let mut pair = Pair::default();
    for operation in OPERATIONS {
        if !operations.contains(&operation.word()) && operations != ["any"] {
            continue;
        }
        for family in all.iter() {
            if possible(family, *operation) {
                pair.add(Shape::of(family, *operation));
            }
        }
    }
    pair
}

impl Pair {
    fn add(&mut self, shape: Shape) {
        self.possible = true;
        let had = [
            (Attribute::Addr, Objects::ADDRESS),
            (Attribute::Port, Objects::PORT),
            (Attribute::Path, Objects::UNIX),
        ];
        for (attribute, objects) in had {
            if shape.can_have(attribute) {
                self.objects = self.objects.and(objects);
            }
        }
        if shape == Shape::Option {
            self.objects = self.objects.and(Objects::OPTION);
        }
        self.addresses |= shape.can_have(Attribute::Addr);
        self.both |= shape.can_have(Attribute::Port);
    }
}

/// An operation and a family of one socket.
pub(crate) fn concrete(choices: &mut Choices<'_>) -> (&'static str, Operation) {
    const COMMON: &[&str] = &[
        "unix", "tcp", "udp", "unix", "tcp", "icmp", "smc", "netlink", "ip",
    ];
    (choices.pick(COMMON), choices.pick(OPERATIONS))
}
