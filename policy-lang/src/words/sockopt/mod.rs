//! **The** table of socket options: levels of setsockopt(2) and the options of
//! each, by Linux's numbers on x86-64 (notes 25, 81).
//!
//! An option is a pair of numbers, whichever way its halves are written. Some
//! numbers stand for several levels (`SOL_TCP` is `SOL_L2CAP`): the socket's
//! family tells them apart in the kernel, and in a rule.

mod inet;
mod other;
mod sctp;
mod socket;

use crate::diag::suggest::{did_you_mean, nearest};
use crate::diag::{Code, show};
use crate::types::Fault;
use crate::types::number::plain;

/// Names of a level's options, several for some numbers.
pub type Names = &'static [(&'static str, u32)];

/// Largest number of either half: setsockopt(2) takes an `int`.
const LAST: u64 = i32::MAX as u64;

/// A level of setsockopt(2).
#[derive(Clone, Copy, Debug)]
pub struct Level {
    /// Its words; the first is the one to write.
    pub words: &'static [&'static str],
    /// Its number.
    pub number: u32,
    /// Its options.
    pub options: Names,
}

macro_rules! levels {
    ($( $number:literal $($word:literal)|+ => $options:expr; )+) => {
        /// All levels.
        pub const LEVELS: &[Level] = &[ $( Level { words: &[ $($word),+ ], number: $number, options: $options }, )+ ];
    };
}

levels! {
    1 "SOL_SOCKET" => socket::SOCKET;
    0 "IPPROTO_IP" | "SOL_IP" => inet::IP;
    41 "IPPROTO_IPV6" | "SOL_IPV6" => inet::IPV6;
    6 "IPPROTO_TCP" | "SOL_TCP" => inet::TCP;
    17 "IPPROTO_UDP" | "SOL_UDP" => inet::UDP;
    136 "IPPROTO_UDPLITE" | "SOL_UDPLITE" => inet::UDP;
    132 "IPPROTO_SCTP" | "SOL_SCTP" => sctp::SCTP;
    58 "IPPROTO_ICMPV6" | "SOL_ICMPV6" => inet::ICMPV6;
    255 "SOL_RAW" | "IPPROTO_RAW" => inet::RAW;
    284 "SOL_MPTCP" => inet::MPTCP;
    282 "SOL_TLS" => inet::TLS;
    269 "SOL_DCCP" => inet::DCCP;
    286 "SOL_SMC" => other::SMC;
    263 "SOL_PACKET" => other::PACKET;
    270 "SOL_NETLINK" => other::NETLINK;
    279 "SOL_ALG" => other::ALG;
    283 "SOL_XDP" => other::XDP;
    // Options of vsock are set at the level of its family's number; SOL_VSOCK is for messages.
    40 "AF_VSOCK" => other::VSOCK;
    287 "SOL_VSOCK" => &[("VSOCK_RECVERR", 1)];
    274 "SOL_BLUETOOTH" => other::BLUETOOTH;
    0 "SOL_HCI" => other::HCI;
    6 "SOL_L2CAP" => other::L2CAP;
    17 "SOL_SCO" => other::SCO;
    18 "SOL_RFCOMM" => other::RFCOMM;
    101 "SOL_CAN_RAW" => other::CAN_RAW;
    106 "SOL_CAN_ISOTP" => other::CAN_ISOTP;
    107 "SOL_CAN_J1939" => other::CAN_J1939;
    271 "SOL_TIPC" => other::TIPC;
    272 "SOL_RXRPC" => other::RXRPC;
    273 "SOL_PPPOL2TP" => other::PPPOL2TP;
    276 "SOL_RDS" => other::RDS;
    277 "SOL_IUCV" => other::IUCV;
    278 "SOL_CAIF" => other::CAIF;
    280 "SOL_NFC" => other::NFC;
    281 "SOL_KCM" => other::KCM;
    285 "SOL_MCTP" => other::MCTP;
    275 "SOL_PNPIPE" => other::PNPIPE;
    0 "SOL_IEEE802154" => other::IEEE802154;
    268 "SOL_LLC" => other::LLC;
    256 "SOL_IPX" => &[("IPX_TYPE", 1)];
    257 "SOL_AX25" => other::AX25;
    258 "SOL_ATALK" => &[];
    259 "SOL_NETROM" => other::NETROM;
    260 "SOL_ROSE" => other::ROSE;
    262 "SOL_X25" => other::X25;
    264 "SOL_ATM" | "SOL_AAL" => other::ATM;
}

/// An option of setsockopt(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SocketOption {
    /// The level's number.
    pub level: u32,
    /// The option's number in its level.
    pub name: u32,
}

impl SocketOption {
    /// The option of `LEVEL/NAME`, either half a name or a number.
    ///
    /// # Errors
    /// When it is not written so, or a name is unknown at the level.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let halves = text.split_once('/');
        let Some((level, name)) = halves.filter(|(_, name)| !name.contains('/')) else {
            let fault = Fault::new(
                Code::WrongValue,
                format!("`{}` is not `LEVEL/NAME`", show(text)),
            );
            return Err(fault.help(spelling(text)));
        };
        let at: Vec<&Level> = match number(level, text)? {
            Some(number) => LEVELS.iter().filter(|one| one.number == number).collect(),
            None => vec![by_word(level)?],
        };
        let level_number = match at.first() {
            Some(known) => known.number,
            // A level of no table can only be a number.
            None => number(level, text)?.unwrap_or_default(),
        };
        let name_number = match number(name, text)? {
            Some(number) => number,
            None => named(name, level, &at)?,
        };
        Ok(Self {
            level: level_number,
            name: name_number,
        })
    }
}

/// What to write for an option that is not `LEVEL/NAME`.
#[must_use]
pub fn spelling(text: &str) -> String {
    if LEVELS.iter().any(|level| level.words.contains(&text)) {
        return format!("`{text}` is a level: write `{text}/NAME`");
    }
    elsewhere(text).unwrap_or_else(|| {
        "an option is a level and a name, such as `SOL_SOCKET/SO_MARK`, either by number".to_owned()
    })
}

/// A half that is a number; `None` for one that can only be a word.
fn number(half: &str, text: &str) -> Result<Option<u32>, Fault> {
    if !half.starts_with(|first: char| first.is_ascii_digit()) {
        return Ok(None);
    }
    let number = plain(half).filter(|number| *number <= LAST);
    let number = number.and_then(|number| u32::try_from(number).ok());
    let wrong = || {
        let message = format!("`{}` is not a number in `{}`", show(half), show(text));
        Fault::new(Code::WrongValue, message).help(format!(
            "numbers are decimal, without a leading zero, at most {LAST}"
        ))
    };
    number.map(Some).ok_or_else(wrong)
}

fn by_word(word: &str) -> Result<&'static Level, Fault> {
    let words = || LEVELS.iter().flat_map(|level| level.words.iter().copied());
    let found = LEVELS.iter().find(|level| level.words.contains(&word));
    found.ok_or_else(|| {
        let fault = Fault::new(
            Code::UnknownOption,
            format!("unknown level `{}` of socket options", show(word)),
        );
        let upper = word.to_ascii_uppercase();
        let full = format!("SOL_{upper}");
        let known = [&upper, &full]
            .into_iter()
            .find(|one| words().any(|word| word == **one));
        let help = match known {
            Some(known) => Some(format!("write `{known}`")),
            None => did_you_mean(word, words()),
        };
        fault.help(help.unwrap_or_else(|| {
            "levels are `SOL_SOCKET`, `IPPROTO_TCP` and the like, or a number".to_owned()
        }))
    })
}

fn named(name: &str, level: &str, at: &[&Level]) -> Result<u32, Fault> {
    let known = || at.iter().flat_map(|level| level.options.iter());
    if let Some((_, number)) = known().find(|(known, _)| *known == name) {
        return Ok(*number);
    }
    let message = format!("`{}` has no option `{}`", show(level), show(name));
    let upper = name.to_ascii_uppercase();
    let help = if known().any(|(known, _)| *known == upper) {
        Some(format!("write `{}/{upper}`", show(level)))
    } else {
        elsewhere(name).or_else(|| {
            let near = nearest(name, known().map(|(known, _)| *known))?;
            Some(format!("did you mean `{}/{near}`?", show(level)))
        })
    };
    Err(Fault::new(Code::UnknownOption, message).help(
        help.unwrap_or_else(|| "an option that has no name here can be written as a number".into()),
    ))
}

/// Where an option's name belongs, if it is one.
fn elsewhere(name: &str) -> Option<String> {
    let has = |level: &&Level| level.options.iter().any(|(known, _)| *known == name);
    let level = LEVELS.iter().find(has)?;
    let word = level.words.first()?;
    Some(format!("write `{word}/{name}`"))
}

impl std::fmt::Display for SocketOption {
    /// As it is written: by words where they are known.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut levels = LEVELS.iter().filter(|level| level.number == self.level);
        let named = levels.find_map(|level| {
            let (name, _) = level.options.iter().find(|(_, n)| *n == self.name)?;
            Some((level.words.first()?, name))
        });
        match named {
            Some((level, name)) => write!(out, "{level}/{name}"),
            None => write!(out, "{}/{}", self.level, self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(text: &str) -> (u32, u32) {
        let found = SocketOption::parse(text).unwrap_or_else(|fault| panic!("{text}: {fault:?}"));
        (found.level, found.name)
    }

    fn help(text: &str) -> (Code, String) {
        let fault = SocketOption::parse(text).unwrap_err();
        (fault.code, fault.help.unwrap())
    }

    #[test]
    fn notes_81_either_half_by_name_or_number() {
        for text in ["SOL_SOCKET/SO_MARK", "1/SO_MARK", "SOL_SOCKET/36", "1/36"] {
            assert_eq!(numbers(text), (1, 36), "{text}");
        }
        assert_eq!(numbers("SOL_TCP/TCP_ULP"), numbers("IPPROTO_TCP/31"));
        assert_eq!(numbers("6/L2CAP_LM"), (6, 3));
        assert_eq!(numbers("SOL_ALG/ALG_SET_KEY"), (279, 1));
        assert_eq!(numbers("9999/2147483647"), (9999, 2_147_483_647));
    }

    #[test]
    fn what_is_no_option_says_what_to_write() {
        let write = |what: &str| format!("write `{what}`");
        for (text, expected) in [
            ("SO_MARK", "SOL_SOCKET/SO_MARK"),
            ("SOL_SOCKET/TCP_ULP", "IPPROTO_TCP/TCP_ULP"),
            ("SOL_SOCKET/so_mark", "SOL_SOCKET/SO_MARK"),
            ("sol_socket/SO_MARK", "SOL_SOCKET"),
            ("tcp/TCP_ULP", "SOL_TCP"),
            (
                "SOL_VSOCK/SO_VM_SOCKETS_BUFFER_SIZE",
                "AF_VSOCK/SO_VM_SOCKETS_BUFFER_SIZE",
            ),
        ] {
            assert_eq!(help(text).1, write(expected), "{text}");
        }
        assert_eq!(
            help("SOL_SOCKET/SO_MARKS").1,
            "did you mean `SOL_SOCKET/SO_MARK`?".to_owned()
        );
        assert_eq!(
            help("SOL_SOKET/SO_MARK").1,
            "did you mean `SOL_SOCKET`?".to_owned()
        );
        for text in ["", "/", "1/", "/36", "a/b", "9999/SO_MARK", "SOL_SOCKET/*"] {
            assert!(SocketOption::parse(text).is_err(), "{text}");
        }
        for text in [
            "01/36",
            "1/036",
            "1/2147483648",
            "1/0x24",
            "1-2/36",
            "1/2/3",
        ] {
            assert_eq!(help(text).0, Code::WrongValue, "{text}");
        }
    }

    #[test]
    fn every_name_is_found_and_shown_as_one_of_its_number() {
        for level in LEVELS {
            for word in level.words {
                for (name, number) in level.options {
                    let written = format!("{word}/{name}");
                    assert_eq!(numbers(&written), (level.number, *number));
                    let option = SocketOption::parse(&written).unwrap();
                    assert_eq!(SocketOption::parse(&option.to_string()), Ok(option));
                }
            }
        }
        let words: Vec<&str> = LEVELS.iter().flat_map(|one| one.words).copied().collect();
        let unique: std::collections::BTreeSet<&str> = words.iter().copied().collect();
        assert_eq!(words.len(), unique.len());
    }
}
