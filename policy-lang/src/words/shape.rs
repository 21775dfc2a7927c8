//! What kind of object a family has in an operation (notes 13, 33, 34, 93).

use super::attribute::{Attribute, Owner};
use super::family::Family;
use super::operation::Operation;
use policy_abi::family as abi;

/// The kinds of objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Shape {
    /// None that a target can name.
    Nothing,
    /// A unix path, an abstract name, or no name.
    Unix,
    /// An address.
    Address,
    /// An address and a port.
    AddressPort,
    /// An option.
    Option,
}

/// All shapes.
pub const SHAPES: [Shape; 5] = [
    Shape::Nothing,
    Shape::Unix,
    Shape::Address,
    Shape::AddressPort,
    Shape::Option,
];

impl Shape {
    /// The shape of a pair.
    #[must_use]
    pub const fn of(family: Family, operation: Operation) -> Self {
        match operation {
            Operation::Create => Self::Nothing,
            Operation::Setsockopt => Self::Option,
            Operation::Connect | Operation::Bind | Operation::Listen | Operation::Accept => {
                match family.number() {
                    abi::UNIX => Self::Unix,
                    abi::TCP | abi::UDP | abi::SCTP | abi::SMC => Self::AddressPort,
                    abi::ICMP | abi::RAW | abi::IP_OTHER => Self::Address,
                    _ => Self::Nothing,
                }
            }
        }
    }

    /// Whether an object of this shape can have an attribute; a subject's are always possible.
    #[must_use]
    pub const fn can_have(self, attribute: Attribute) -> bool {
        if !matches!(attribute.owner(), Owner::Object) {
            return true;
        }
        match self {
            Self::Nothing | Self::Option => false,
            Self::Unix => matches!(attribute, Attribute::Path | Attribute::Name),
            Self::Address => matches!(attribute, Attribute::Addr),
            Self::AddressPort => matches!(attribute, Attribute::Addr | Attribute::Port),
        }
    }
}

/// Whether a family ever does an operation: datagram families neither listen nor accept.
#[must_use]
pub fn possible(family: Family, operation: Operation) -> bool {
    let waits = matches!(operation, Operation::Listen | Operation::Accept);
    let datagrams = matches!(family.number(), abi::UDP | abi::ICMP | abi::RAW)
        || matches!(
            family.word(),
            Some("packet" | "netlink" | "key" | "xdp" | "can")
        );
    !(waits && datagrams)
}
