//! What a policy names that a host has or has not, and what for.

use policy_lang::ast::Effect;
use policy_lang::source::Span;
use policy_lang::types::Values;
use policy_lang::types::pattern::Pattern;
use policy_lang::words::attribute::Attribute;
use policy_lang::{CheckedPolicy, Condition, Rule, Target, Test};
use std::collections::HashSet;
use std::sync::Arc;

/// Kinds of what is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Named {
    /// A program's file.
    Program,
    /// A unix socket's path.
    Socket,
    User,
    Group,
    Unit,
}

/// A set of values in one place of a policy.
pub(super) struct Use<'p> {
    pub(super) named: Named,
    pub(super) values: &'p Values,
    /// The test, or the rule whose target it is.
    pub(super) span: Span,
    /// Whether who or what has such a value is spared a denial.
    pub(super) exempts: bool,
}

impl<'p> Use<'p> {
    /// Its patterns: paths of programs and sockets, units.
    pub(super) fn patterns(&self) -> &'p [Pattern] {
        match self.values {
            Values::Patterns(patterns) => patterns,
            Values::Unix(set) => &set.paths,
            Values::Numbers(_)
            | Values::Addresses(_)
            | Values::Names(_)
            | Values::Words(_)
            | Values::Options(_) => &[],
        }
    }

    /// Its names: of users and groups.
    pub(super) fn names(&self) -> &'p [Box<[u8]>] {
        match self.values {
            Values::Names(names) => names,
            Values::Numbers(_)
            | Values::Addresses(_)
            | Values::Patterns(_)
            | Values::Words(_)
            | Values::Unix(_)
            | Values::Options(_) => &[],
        }
    }
}

/// All uses of a policy, those of one set in one manner once.
pub(super) fn of(policy: &CheckedPolicy) -> Vec<Use<'_>> {
    let mut uses = Uses::default();
    for rule in policy.rules() {
        uses.rule(rule);
    }
    uses.all
}

#[derive(Default)]
struct Uses<'p> {
    all: Vec<Use<'p>>,
    seen: HashSet<(*const Values, Named, bool)>,
}

impl<'p> Uses<'p> {
    fn rule(&mut self, rule: &'p Rule) {
        if let Some(Target::Unix(values)) = &rule.target {
            let allows = rule.effect == Effect::Allow;
            self.add(Named::Socket, values, rule.span, allows);
        }
        for condition in &rule.when {
            self.condition(condition, rule.effect, Side::When);
        }
        if let Some(condition) = &rule.unless {
            self.condition(condition, rule.effect, Side::Unless);
        }
    }

    fn condition(&mut self, condition: &'p Condition, effect: Effect, side: Side) {
        match condition {
            Condition::All(all) | Condition::Any(all) => {
                for one in all {
                    self.condition(one, effect, side);
                }
            }
            Condition::Not(one) => self.condition(one, effect, side.other()),
            Condition::Test(test) => self.test(test, effect, side),
        }
    }

    fn test(&mut self, test: &'p Test, effect: Effect, side: Side) {
        let named = match test.attribute {
            Attribute::Exe | Attribute::ParentExe => Named::Program,
            Attribute::Path => Named::Socket,
            Attribute::User => Named::User,
            Attribute::Group => Named::Group,
            Attribute::Unit => Named::Unit,
            Attribute::Comm
            | Attribute::Uid
            | Attribute::Gid
            | Attribute::Ruid
            | Attribute::Rgid
            | Attribute::Loginuid
            | Attribute::Cgroup
            | Attribute::Cap
            | Attribute::Userns
            | Attribute::Netns
            | Attribute::Pidns
            | Attribute::Mntns
            | Attribute::Cgroupns
            | Attribute::ParentComm
            | Attribute::ParentUid
            | Attribute::Type
            | Attribute::Protocol
            | Attribute::Addr
            | Attribute::Port
            | Attribute::Name => return,
        };
        let side = if test.negated { side.other() } else { side };
        let exempts = match effect {
            Effect::Kill | Effect::Deny | Effect::DefaultDeny => side == Side::Unless,
            Effect::Allow => side == Side::When,
            Effect::Record => false,
        };
        self.add(named, &test.values, test.span, exempts);
    }

    fn add(&mut self, named: Named, values: &'p Arc<Values>, span: Span, exempts: bool) {
        if self.seen.insert((Arc::as_ptr(values), named, exempts)) {
            self.all.push(Use {
                named,
                values,
                span,
                exempts,
            });
        }
    }
}

/// Whether a rule matches who has a value, or who has it not.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    When,
    Unless,
}

impl Side {
    const fn other(self) -> Self {
        match self {
            Self::When => Self::Unless,
            Self::Unless => Self::When,
        }
    }
}
