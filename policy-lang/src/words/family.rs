//! Socket families: words, numbers and sets of them (notes 31, 32, 112, 113).

use policy_abi::family as abi;

/// A concrete family: what a socket has, not `ip` or `any`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Family(u16);

/// Words of concrete families, with their numbers of [`policy_abi::family`].
pub const WORDS: &[(&str, u16)] = &[
    ("unix", abi::UNIX),
    ("tcp", abi::TCP),
    ("udp", abi::UDP),
    ("sctp", abi::SCTP),
    ("icmp", abi::ICMP),
    ("raw", abi::RAW),
    ("ax25", 3),
    ("ipx", 4),
    ("appletalk", 5),
    ("netrom", 6),
    ("bridge", 7),
    ("atmpvc", 8),
    ("x25", 9),
    ("rose", 11),
    ("decnet", 12),
    ("netbeui", 13),
    ("security", 14),
    ("key", 15),
    ("netlink", 16),
    ("packet", 17),
    ("ash", 18),
    ("econet", 19),
    ("atmsvc", 20),
    ("rds", 21),
    ("sna", 22),
    ("irda", 23),
    ("pppox", 24),
    ("wanpipe", 25),
    ("llc", 26),
    ("ib", 27),
    ("mpls", 28),
    ("can", 29),
    ("tipc", 30),
    ("bluetooth", 31),
    ("iucv", 32),
    ("rxrpc", 33),
    ("isdn", 34),
    ("phonet", 35),
    ("ieee802154", 36),
    ("caif", 37),
    ("alg", 38),
    ("nfc", 39),
    ("vsock", 40),
    ("kcm", 41),
    ("qipcrtr", 42),
    ("smc", abi::SMC),
    ("xdp", 44),
    ("mctp", 45),
];

/// Words that Linux has and the language has not, with what to write instead.
pub const REFUSED: &[(&str, &str)] = &[
    (
        "unspec",
        "a socket of no family has the number 0: write `0`",
    ),
    (
        "inet",
        "write `ip`, or `tcp`, `udp`, `sctp`, `icmp` or `raw`",
    ),
    (
        "inet6",
        "write `ip`, or `tcp`, `udp`, `sctp`, `icmp` or `raw`",
    ),
    ("local", "write `unix`"),
    ("file", "write `unix`"),
    ("route", "write `netlink`"),
];

/// `AF_INET` and `AF_INET6`: neither is a family of the language.
const IP_NUMBERS: [u16; 2] = [2, 10];

impl Family {
    /// `unix`
    pub const UNIX: Self = Self(abi::UNIX);
    /// `tcp`
    pub const TCP: Self = Self(abi::TCP);
    /// `udp`
    pub const UDP: Self = Self(abi::UDP);
    /// `smc`
    pub const SMC: Self = Self(abi::SMC);
    /// An IP socket with no finer word; a request calls it `ip`.
    pub const IP_OTHER: Self = Self(abi::IP_OTHER);

    /// The family of a number of [`policy_abi::family`], `None` if no socket has it.
    #[must_use]
    pub const fn from_number(number: u16) -> Option<Self> {
        if number >= abi::FAMILIES || number == IP_NUMBERS[0] || number == IP_NUMBERS[1] {
            return None;
        }
        Some(Self(number))
    }

    /// Its number of [`policy_abi::family`].
    #[must_use]
    pub const fn number(self) -> u16 {
        self.0
    }

    /// Its word, if it has one; `ip` for an IP socket without a finer one.
    #[must_use]
    pub fn word(self) -> Option<&'static str> {
        if self == Self::IP_OTHER {
            return Some("ip");
        }
        let found = WORDS.iter().find(|(_, number)| *number == self.0);
        found.map(|(word, _)| *word)
    }

    /// All families that a socket can have, in order of number.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..abi::FAMILIES).filter_map(Self::from_number)
    }
}

impl std::fmt::Display for Family {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.word() {
            Some(word) => out.write_str(word),
            None => write!(out, "{}", self.0),
        }
    }
}

/// What a word in a rule's list of families says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// Families, one or several.
    Families(FamilySet),
    /// A family by number that has a word.
    Numbered(FamilySet, &'static str),
    /// No family; what to write instead, if that is known.
    Refused(Option<&'static str>),
}

/// Looks a word of a list of families up.
#[must_use]
pub fn named(word: &str) -> Named {
    match word {
        "any" => return Named::Families(FamilySet::ANY),
        "ip" => return Named::Families(FamilySet::of(&IP)),
        "tcp" => return Named::Families(FamilySet::of(&[abi::TCP, abi::SMC])),
        _ => {}
    }
    if let Some((_, number)) = WORDS.iter().find(|(known, _)| *known == word) {
        return Named::Families(FamilySet::of(&[*number]));
    }
    if let Some((_, help)) = REFUSED.iter().find(|(known, _)| *known == word) {
        return Named::Refused(Some(help));
    }
    let Some(number) = crate::types::number::plain(word) else {
        return Named::Refused(None);
    };
    let Some(family) = u16::try_from(number)
        .ok()
        .filter(|number| *number < 256)
        .and_then(Family::from_number)
    else {
        let help = if number == 2 || number == 10 {
            "2 and 10 are several families: write `ip`, or `tcp`, `udp`, `sctp`, `icmp` or `raw`"
        } else {
            "family numbers are 0 to 255"
        };
        return Named::Refused(Some(help));
    };
    let set = FamilySet::of(&[family.0]);
    match family.word() {
        Some(word) => Named::Numbered(set, word),
        None => Named::Families(set),
    }
}

/// Every family word that a rule can name, for "did you mean".
pub fn words() -> impl Iterator<Item = &'static str> {
    WORDS.iter().map(|(word, _)| *word).chain(["ip", "any"])
}

/// The families that `ip` covers.
const IP: [u16; 7] = [
    abi::TCP,
    abi::UDP,
    abi::SCTP,
    abi::ICMP,
    abi::RAW,
    abi::IP_OTHER,
    abi::SMC,
];

/// A set of families.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct FamilySet([u64; SET_WORDS]);

const SET_WORDS: usize = (abi::FAMILIES as usize).div_ceil(64);

impl FamilySet {
    /// Every family.
    pub const ANY: Self = Self::every();

    #[expect(clippy::indexing_slicing, reason = "evaluated at compile time")]
    const fn every() -> Self {
        let mut words = [0_u64; SET_WORDS];
        let mut number = 0;
        while number < abi::FAMILIES {
            if Family::from_number(number).is_some() {
                words[number as usize / 64] |= 1 << (number % 64);
            }
            number += 1;
        }
        Self(words)
    }

    fn of(numbers: &[u16]) -> Self {
        let mut set = Self::default();
        for number in numbers {
            if let Some(word) = set.0.get_mut(usize::from(*number) / 64) {
                *word |= 1 << (number % 64);
            }
        }
        set
    }

    /// The families in either.
    #[must_use]
    pub fn union(mut self, other: Self) -> Self {
        for (word, more) in self.0.iter_mut().zip(other.0) {
            *word |= more;
        }
        self
    }

    /// The families in both.
    #[must_use]
    pub fn intersection(mut self, other: Self) -> Self {
        for (word, more) in self.0.iter_mut().zip(other.0) {
            *word &= more;
        }
        self
    }

    /// The families that are not in the other.
    #[must_use]
    pub fn without(mut self, other: Self) -> Self {
        for (word, less) in self.0.iter_mut().zip(other.0) {
            *word &= !less;
        }
        self
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// The set of one family.
    #[must_use]
    pub fn one(family: Family) -> Self {
        Self::of(&[family.0])
    }

    /// Whether it holds a family.
    #[must_use]
    pub fn contains(self, family: Family) -> bool {
        let word = self.0.get(usize::from(family.0) / 64).copied();
        word.unwrap_or(0) >> (family.0 % 64) & 1 == 1
    }

    /// Its families, in order of number.
    pub fn iter(self) -> impl Iterator<Item = Family> {
        let mut words = self.0;
        std::iter::from_fn(move || {
            let (index, word) = words.iter_mut().enumerate().find(|(_, word)| **word != 0)?;
            let bit = word.trailing_zeros();
            *word &= *word - 1;
            Some(Family(
                u16::try_from(index * 64).ok()? + u16::try_from(bit).ok()?,
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(word: &str) -> FamilySet {
        match named(word) {
            Named::Families(set) | Named::Numbered(set, _) => set,
            Named::Refused(help) => panic!("{word}: {help:?}"),
        }
    }

    #[test]
    fn notes_112_numbers_and_words() {
        assert!(matches!(named("2"), Named::Refused(Some(_))));
        assert!(matches!(named("10"), Named::Refused(Some(_))));
        assert!(matches!(named("256"), Named::Refused(Some(_))));
        assert!(matches!(named("inet6"), Named::Refused(Some(_))));
        assert!(matches!(named("016"), Named::Refused(None)));
        assert!(matches!(named("16"), Named::Numbered(_, "netlink")));
        assert!(matches!(named("0"), Named::Families(_)));
        assert!(matches!(named("46"), Named::Families(_)));
        assert_eq!(set("16"), set("netlink"));
    }

    #[test]
    fn notes_113_smc_is_in_tcp_ip_and_any() {
        for word in ["smc", "tcp", "ip", "any"] {
            assert!(set(word).contains(Family::SMC), "{word}");
        }
        assert!(!set("udp").contains(Family::SMC));
        assert!(matches!(named("43"), Named::Numbered(_, "smc")));
    }

    #[test]
    fn sets_iterate_what_they_contain() {
        let any: Vec<Family> = FamilySet::ANY.iter().collect();
        assert_eq!(any, Family::all().collect::<Vec<_>>());
        assert_eq!(any.len(), 260);
        assert_eq!(set("ip").iter().count(), 7);
    }
}
