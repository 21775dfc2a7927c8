//! **The definition**: what a policy means. Slow and obvious; shares nothing
//! with [`mod@crate::compile`], which must agree with it.

use crate::ast::Effect;
use crate::checked::{CheckedPolicy, Condition, Rule, RuleIndex, Target, Test};
use crate::decision::{Decision, Outcome, Verdict};
use crate::request::{Namespace, Object, Request, Subject};
use crate::types::Values;
use crate::words::attribute::Attribute;
use crate::words::shape::Shape;
use std::net::IpAddr;

/// The steps of a decision, in order.
const STEPS: [Effect; 4] = [
    Effect::Kill,
    Effect::Deny,
    Effect::Allow,
    Effect::DefaultDeny,
];

/// Judges one request.
#[must_use]
pub fn eval(policy: &CheckedPolicy, request: &Request) -> Decision {
    let asked = Asked::new(request);
    let matching: Vec<(RuleIndex, &Rule)> = policy
        .by_id()
        .iter()
        .filter_map(|index| Some((*index, policy.rule(*index)?)))
        .filter(|(_, rule)| matches(rule, &asked))
        .collect();
    decide(&matching)
}

/// What the rules that match decide, given in byte order of id.
pub(crate) fn decide(matching: &[(RuleIndex, &Rule)]) -> Decision {
    Decision {
        actual: outcome(matching, |rule| rule.enforced),
        hypothetical: outcome(matching, |_| true),
        recorded: matching
            .iter()
            .filter(|(_, rule)| rule.effect == Effect::Record)
            .map(|(index, _)| *index)
            .collect(),
    }
}

/// What the rules of a set say; `matching` is in byte order of id.
fn outcome(matching: &[(RuleIndex, &Rule)], counts: impl Fn(&Rule) -> bool) -> Outcome {
    for step in STEPS {
        let determining = matching
            .iter()
            .find(|(_, rule)| rule.effect == step && counts(rule));
        if let Some((index, _)) = determining {
            return Outcome {
                verdict: Verdict::of(step),
                effect: Some(step),
                rule: Some(*index),
            };
        }
    }
    Outcome::NONE
}

/// A request, its object in canonical form.
pub(crate) struct Asked<'r> {
    pub(crate) request: &'r Request,
    pub(crate) object: Object,
    pub(crate) shape: Shape,
}

impl<'r> Asked<'r> {
    pub(crate) fn new(request: &'r Request) -> Self {
        Self {
            request,
            object: request.canonical_object(),
            shape: Shape::of(request.family, request.operation),
        }
    }

    fn addr(&self) -> Option<IpAddr> {
        if let Object::Ip { addr, .. } = self.object {
            addr
        } else {
            None
        }
    }

    fn port(&self) -> Option<u16> {
        if let Object::Ip { port, .. } = self.object {
            port
        } else {
            None
        }
    }
}

/// Whether a rule matches.
pub(crate) fn matches(rule: &Rule, asked: &Asked<'_>) -> bool {
    rule.covers(asked.request.family, asked.request.operation)
        && target_covers(rule, asked)
        && rule
            .when
            .iter()
            .all(|condition| condition_holds(condition, asked, favours(rule)))
        && !rule
            .unless
            .as_ref()
            .is_some_and(|condition| condition_holds(condition, asked, !favours(rule)))
}

/// Whether what is not known of an unreadable object makes the rule match (notes 118).
pub(crate) fn favours(rule: &Rule) -> bool {
    rule.effect != Effect::Allow
}

/// Whether a rule's target covers the object.
pub(crate) fn target_covers(rule: &Rule, asked: &Asked<'_>) -> bool {
    let Some(target) = &rule.target else {
        return true;
    };
    match (target, asked.shape) {
        (Target::Unix(_), Shape::Unix)
        | (Target::Address { .. }, Shape::Address | Shape::AddressPort)
        | (Target::Option(_), Shape::Option)
            if asked.object == Object::Unreadable =>
        {
            // A part that the family's objects never have is not unread but absent.
            let asks_port = matches!(target, Target::Address { ports: Some(_), .. });
            favours(rule) && !(asks_port && asked.shape == Shape::Address)
        }
        (Target::Unix(values), _) => unix_holds(values, &asked.object),
        (Target::Option(values), _) => {
            matches!(asked.object, Object::Option(option) if values.holds_option(option))
        }
        (Target::Address { addresses, ports }, _) => {
            let Object::Ip { addr, port } = asked.object else {
                return false;
            };
            let address_covered = addresses
                .as_ref()
                .is_none_or(|values| addr.is_some_and(|addr| values.holds_address(addr)));
            let port_covered = ports
                .as_ref()
                .is_none_or(|values| port.is_some_and(|port| values.holds_number(port.into())));
            address_covered && port_covered
        }
    }
}

fn unix_holds(values: &Values, object: &Object) -> bool {
    match object {
        Object::Path(path) => values.holds_path(path),
        Object::Abstract(name) => values.holds_abstract(name),
        Object::Unnamed => values.holds_unnamed(),
        Object::None | Object::Ip { .. } | Object::Option(_) | Object::Unreadable => false,
    }
}

/// Whether a condition holds. `unread` is what a test of an unreadable object's
/// attribute must make of the whole: each such test counts as that, below an
/// odd number of `not`s as the opposite.
pub(crate) fn condition_holds(condition: &Condition, asked: &Asked<'_>, unread: bool) -> bool {
    match condition {
        Condition::All(all) => all.iter().all(|one| condition_holds(one, asked, unread)),
        Condition::Any(any) => any.iter().any(|one| condition_holds(one, asked, unread)),
        Condition::Not(one) => !condition_holds(one, asked, !unread),
        Condition::Test(test) => {
            let of_object = matches!(
                test.attribute,
                Attribute::Addr | Attribute::Port | Attribute::Path | Attribute::Name
            );
            let unknown = asked.object == Object::Unreadable
                && of_object
                && asked.shape.can_have(test.attribute);
            if unknown {
                return unread;
            }
            test_holds(test, asked) != test.negated
        }
    }
}

/// Whether some value of the attribute is in the set: false when there is none.
pub(crate) fn test_holds(test: &Test, asked: &Asked<'_>) -> bool {
    let values = &*test.values;
    let number = |value: Option<u32>| value.is_some_and(|value| values.holds_number(value));
    let bytes = |value: &Option<Vec<u8>>| {
        value
            .as_ref()
            .is_some_and(|value| values.holds_bytes(value))
    };
    let namespace = |value: Option<Namespace>| match value {
        Some(Namespace::Host) => values.holds_word(0),
        Some(Namespace::Other) => values.holds_word(1),
        None => false,
    };
    let subject: &Subject = &asked.request.subject;
    match test.attribute {
        Attribute::Exe => bytes(&subject.exe),
        Attribute::Comm => bytes(&subject.comm),
        Attribute::Uid => number(subject.uid),
        Attribute::Gid => number(subject.gid),
        Attribute::Ruid => number(subject.ruid),
        Attribute::Rgid => number(subject.rgid),
        Attribute::Loginuid => number(subject.loginuid),
        Attribute::User => bytes(&subject.user),
        Attribute::Group => subject.group.iter().any(|group| values.holds_bytes(group)),
        Attribute::Unit => bytes(&subject.unit),
        Attribute::Cgroup => bytes(&subject.cgroup),
        Attribute::Cap => subject.cap.iter().any(|cap| values.holds_word(*cap)),
        Attribute::Userns => namespace(subject.userns),
        Attribute::Netns => namespace(subject.netns),
        Attribute::Pidns => namespace(subject.pidns),
        Attribute::Mntns => namespace(subject.mntns),
        Attribute::Cgroupns => namespace(subject.cgroupns),
        Attribute::ParentComm => bytes(&subject.parent_comm),
        Attribute::ParentExe => bytes(&subject.parent_exe),
        Attribute::ParentUid => number(subject.parent_uid),
        Attribute::Type => asked
            .request
            .socket_type
            .is_some_and(|index| values.holds_word(index)),
        Attribute::Protocol => number(asked.request.protocol),
        Attribute::Addr => asked.addr().is_some_and(|addr| values.holds_address(addr)),
        Attribute::Port => number(asked.port().map(u32::from)),
        Attribute::Path => matches!(&asked.object, Object::Path(path) if values.holds_path(path)),
        Attribute::Name => {
            matches!(&asked.object, Object::Abstract(name) if values.holds_abstract(name))
        }
    }
}
