//! Every hook's beginning and end: who is judged at all, the verdict, the
//! failure verdict, the counts, and what the caller gets back.

use crate::ask::{Asked, Hooked, Socket};
use crate::count::count;
use crate::emit::{self, Caller, SUPPRESSED};
use crate::kernel::{self, Pointer};
use crate::maps::{Image, ON_ERROR};
use crate::settle::settle;
use crate::tables::{InForce, OPERATION, Words, concerns, in_force};
use crate::texts::World;
use crate::{cgroup, groups, memo, rare, select, subject, traits};
use policy_abi::ask::{List, NEEDS_CGROUP, NEEDS_GROUPS, NEEDS_TEXTS, NEEDS_TRAITS};
use policy_abi::decide::{NO_RULE, Outcome, Verdict, decide_into, list};
use policy_abi::event::{Action, Counter};
use policy_abi::facts::Facts;
use policy_abi::family::pair;
use policy_abi::hooks::Hook;
use policy_abi::identity::Place;
use policy_abi::image::Effect;

/// `SIGKILL`.
const SIGKILL: u32 = 9;
/// Errno of a refusal for want of tables: `EPERM`.
const EPERM: u32 = 1;

/// The refusal of a program that ran before this one, to be given back untouched.
#[inline(always)]
pub(crate) fn refused_before(prior: i32) -> Option<i32> {
    if prior == 0 {
        return None;
    }
    count(Counter::PriorDenials);
    // VERIFIER: the range of an argument is not known.
    Some(if prior > -4096 && prior < 0 {
        prior
    } else {
        -1
    })
}

/// The running task, unless it or the socket is the kernel's own: those go on.
#[inline(always)]
pub(crate) fn judged(sk: Pointer) -> Option<Pointer> {
    if kernel::is_kernel_socket(sk) {
        count(Counter::KernelSockets);
        return None;
    }
    judged_task()
}

/// The running task, unless it is the kernel's own.
#[inline(always)]
pub(crate) fn judged_task() -> Option<Pointer> {
    let task = kernel::current();
    if subject::is_kernel_thread(task) {
        count(Counter::KernelThreads);
        return None;
    }
    Some(task)
}

/// Whether the process was allowed this before, with nothing to say; it is
/// counted then. Asked by the hooks of [`memo::KEPT`].
#[inline(always)]
pub(crate) fn allowed_before(facts: &Facts) -> bool {
    memo::allows(&raw const *facts) != 0
}

/// Judges what `facts` say and answers for it. `place` is a unix object's, or null.
#[inline(always)]
pub(crate) fn conclude(caller: &Caller, facts: &mut Facts, place: *const Place) -> i32 {
    if concerns(u32::from(facts.family), u32::from(facts.operation)) & OPERATION == 0 {
        // The hook is attached for other pairs, or for a former policy.
        return 0;
    }
    let errno = concluded(&raw const *caller, &raw mut *facts, place);
    if errno == 0 {
        0
    } else {
        kernel::refusal(errno)
    }
}

/// What a decision came to.
#[repr(C)]
pub(crate) struct Said {
    pub(crate) verdict: Verdict,
    /// The generation that decided, 0 when none could.
    pub(crate) generation: u64,
    /// Where its counts are.
    pub(crate) slot: u32,
    /// An [`Action`].
    pub(crate) action: u32,
}

/// The decision, its counts and its event; 0, or the errno of a refusal.
///
/// VERIFIER: a function that other objects could call is followed once, by its
/// types, instead of once for each way that leads to it. It can be handed memory
/// and numbers alone, and fetches the running task anew.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn concluded(caller: *const Caller, facts: *mut Facts, place: *const Place) -> u32 {
    if caller.is_null() || facts.is_null() {
        return 0;
    }
    // SAFETY: the verifier checks that callers hand over what hooks know.
    let caller = unsafe { &*caller };
    // SAFETY: the same for facts.
    let facts = unsafe { &mut *facts };
    subject::fill(kernel::current(), facts);
    count(Counter::Decisions);
    let Some(InForce {
        image,
        slot,
        generation,
    }) = in_force()
    else {
        return failed(caller, facts, place);
    };
    let mut said = Said {
        verdict: Verdict::ALLOW,
        generation,
        slot,
        action: 0,
    };
    if !judged_by(image, caller, facts, place, &mut said.verdict) {
        return failed(caller, facts, place);
    }
    let (action, outcome) = action_of(&said.verdict);
    match action {
        Action::Deny | Action::Kill => count(Counter::Denied),
        Action::WouldDeny => {
            count(Counter::WouldDeny);
            count(Counter::Allowed);
        }
        Action::Allow | Action::Record => count(Counter::Allowed),
    }
    let matched = action != Action::Allow;
    let wanted = select::asks(image, caller, facts, matched);
    if !matched && !wanted {
        memo::keep(&raw const *facts, image, &raw const said);
        return 0;
    }
    said.action = action as u32;
    let emitted = if wanted {
        emit::emit(&raw const *caller, facts, place, &raw const said)
    } else {
        count(Counter::EventsSuppressed);
        SUPPRESSED
    };
    if !matched {
        // No rule counts it.
        return 0;
    }
    settle(&raw const said, image, outcome.rule, emitted);
    if action == Action::Kill {
        // SAFETY: the helper has no preconditions; a failure leaves the denial.
        unsafe { aya_ebpf::helpers::generated::bpf_send_signal(SIGKILL) };
    }
    match action {
        // No rule has 0, which would be none.
        Action::Deny | Action::Kill if outcome.errno == 0 => EPERM,
        Action::Deny | Action::Kill => outcome.errno,
        Action::Allow | Action::WouldDeny | Action::Record => 0,
    }
}

/// Decides by a policy. False when its image is damaged.
///
/// What the pair's list needs is read here, not below [`judge`]: the frames of
/// a chain of calls have 512 bytes together.
#[inline(always)]
fn judged_by(
    image: *const Image,
    caller: &Caller,
    facts: &Facts,
    place: *const Place,
    verdict: &mut Verdict,
) -> bool {
    let Some(list) = list(&Words(image), facts) else {
        return false;
    };
    let mut asked = Asked::of(caller.socket);
    if !read_for(&mut asked, image, caller, list) {
        return false;
    }
    judge(image, facts, place, &raw mut asked, verdict) != 0
}

/// Reads what a list needs. False when the image is damaged.
#[inline(always)]
pub(crate) fn read_for(
    asked: &mut Asked,
    image: *const Image,
    caller: &Caller,
    list: List,
) -> bool {
    if list.needs(NEEDS_TRAITS) {
        asked.has.traits = traits::of(caller.socket.kind);
    }
    if list.needs(NEEDS_GROUPS) {
        asked.has.groups = groups::of(image);
    }
    if list.needs(NEEDS_CGROUP) {
        cgroup::refresh();
    }
    if list.needs(NEEDS_TEXTS) {
        asked.has.texts = rare::of(image);
        return asked.has.texts != rare::DAMAGED;
    }
    true
}

/// The decision; 0 when the image is damaged. `place` is the object's, or null.
///
/// VERIFIER: as [`concluded`].
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn judge(
    image: *const Image,
    facts: *const Facts,
    place: *const Place,
    asked: *mut Asked,
    verdict: *mut Verdict,
) -> u32 {
    if image.is_null() || facts.is_null() || asked.is_null() || verdict.is_null() {
        return 0;
    }
    let rest = Hooked { asked };
    // SAFETY: the verifier checks that callers hand over facts.
    let facts = unsafe { &*facts };
    let world = World {
        image,
        facts,
        place,
    };
    // SAFETY: the verifier checks that callers hand over a verdict.
    let verdict = unsafe { &mut *verdict };
    u32::from(decide_into(&world, facts, &rest, verdict).is_some())
}

/// What happens, and the outcome that the event names.
#[inline(always)]
fn action_of(verdict: &Verdict) -> (Action, Outcome) {
    if verdict.actual.denies() {
        let kills = verdict.actual.effect == Effect::Kill as u32;
        return (
            if kills { Action::Kill } else { Action::Deny },
            verdict.actual,
        );
    }
    if verdict.hypothetical.denies() {
        return (Action::WouldDeny, verdict.hypothetical);
    }
    if verdict.recorded != 0 {
        return (Action::Record, verdict.actual);
    }
    (Action::Allow, verdict.actual)
}

/// The verdict when tables cannot be used: what the policy chose, pair by pair.
/// 0, or the errno of a refusal.
#[inline(never)]
fn failed(caller: &Caller, facts: &Facts, place: *const Place) -> u32 {
    count(Counter::NoTables);
    let refuse = pair(facts.family, facts.operation).is_some_and(|pair| {
        ON_ERROR
            .get(pair / 64)
            .is_some_and(|word| word >> (pair % 64) & 1 == 1)
    });
    if !refuse {
        count(Counter::Allowed);
        return 0;
    }
    count(Counter::Denied);
    let outcome = Outcome {
        rule: NO_RULE,
        effect: Effect::Deny as u32,
        errno: EPERM,
    };
    let said = Said {
        verdict: Verdict {
            actual: outcome,
            hypothetical: outcome,
            ..Verdict::ALLOW
        },
        generation: 0,
        slot: 0,
        action: Action::Deny as u32,
    };
    emit::emit(&raw const *caller, facts, place, &raw const said);
    EPERM
}

/// The caller of a hook that is told of the socket `sk`, or of none: null.
///
/// VERIFIER: zeros side by side become a call of `memset`.
#[inline(always)]
pub(crate) fn caller(hook: Hook, sk: Pointer) -> Caller {
    let zero = || kernel::opaque(0);
    Caller {
        hook: hook as u32,
        flags: zero() as u32,
        socket: Socket::of(sk),
        sk: sk as u64,
        address: zero(),
        address_length: zero() as u32,
        detail: [zero() as u32, zero() as u32, zero() as u32],
    }
}
