//! What the kernel's tables call an attribute, and what they have no room for:
//! that is refused, never left out.

use crate::checked::{CheckedPolicy, Rule, Target};
use crate::diag::{Code, Diagnostic};
use crate::source::Span;
use crate::terms::each_test;
use crate::types::Values;
use crate::types::pattern::Pattern;
use crate::words::attribute::Attribute;
use policy_abi::fields::Dimension;
use policy_abi::image::STATES;
use policy_abi::traits;

/// The tables' dimension of an attribute that the kernel side captures.
pub(super) const fn dimension(attribute: Attribute) -> Dimension {
    match attribute {
        Attribute::Exe => Dimension::Exe,
        Attribute::Comm => Dimension::Comm,
        // Names are looked up when the policy is compiled.
        Attribute::Uid | Attribute::User => Dimension::Uid,
        Attribute::Group => Dimension::Groups,
        Attribute::Gid => Dimension::Gid,
        Attribute::Ruid => Dimension::Ruid,
        Attribute::Rgid => Dimension::Rgid,
        Attribute::Loginuid => Dimension::Loginuid,
        Attribute::Protocol => Dimension::Protocol,
        Attribute::Type
        | Attribute::Cap
        | Attribute::Userns
        | Attribute::Netns
        | Attribute::Pidns
        | Attribute::Mntns
        | Attribute::Cgroupns => Dimension::Traits,
        Attribute::Addr => Dimension::Addr,
        Attribute::Port => Dimension::Port,
        Attribute::Path | Attribute::Name => Dimension::Unix,
        Attribute::Unit => Dimension::Unit,
        Attribute::Cgroup => Dimension::Cgroup,
        Attribute::ParentComm => Dimension::ParentComm,
        Attribute::ParentExe => Dimension::ParentExe,
        Attribute::ParentUid => Dimension::ParentUid,
    }
}

/// The attributes that are traits, with their bits in that word.
const TRAITS: &[(Attribute, traits::Field)] = &[
    (Attribute::Type, traits::TYPES),
    (Attribute::Cap, traits::CAPABILITIES),
    (Attribute::Userns, traits::USERNS),
    (Attribute::Netns, traits::NETNS),
    (Attribute::Pidns, traits::PIDNS),
    (Attribute::Mntns, traits::MNTNS),
    (Attribute::Cgroupns, traits::CGROUPNS),
];

/// The bits of an attribute in the word of traits.
pub(super) fn trait_field(attribute: Attribute) -> Option<traits::Field> {
    let found = TRAITS.iter().find(|(one, _)| *one == attribute);
    found.map(|(_, field)| *field)
}

/// The finding that the patterns of a dimension need too many states: at the
/// first rule that has one.
pub(super) fn too_many_states(policy: &CheckedPolicy, of: Dimension) -> Diagnostic {
    let asks = |rule: &&Rule| {
        let mut found = match &rule.target {
            Some(Target::Unix(values)) => of == Dimension::Unix && has_globs(values),
            Some(Target::Address { .. } | Target::Option(_)) | None => false,
        };
        for condition in rule.when.iter().chain(&rule.unless) {
            each_test(condition, &mut |test| {
                found |= dimension(test.attribute) == of && has_globs(&test.values);
            });
        }
        found
    };
    let rule = policy.rules().iter().find(asks);
    let span = rule.map_or_else(Span::default, |rule| rule.span);
    let message = format!(
        "the policy's patterns with wildcards need more than {STATES} states together with those of this rule"
    );
    Diagnostic::new(Code::TooManyStates, span, message)
        .help("several `*` or `**` in one pattern cost most; name folders and files in full where they are known")
}

/// Whether some value of a set has wildcards.
pub(super) fn has_globs(values: &Values) -> bool {
    let any = |patterns: &[Pattern]| patterns.iter().any(|one| one.literal().is_none());
    match values {
        Values::Patterns(patterns) => any(patterns),
        Values::Unix(set) => any(&set.paths) || any(&set.names),
        Values::Numbers(_)
        | Values::Addresses(_)
        | Values::Names(_)
        | Values::Words(_)
        | Values::Options(_) => false,
    }
}
