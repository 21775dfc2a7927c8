//! Every hook's beginning and end: who is judged at all, the verdict, the
//! failure verdict, the counts, and what the caller gets back.

use crate::ask::{Asked, Hooked, Socket};
use crate::count::count;
use crate::emit::{self, Caller};
use crate::kernel::{self, Pointer};
use crate::maps::{Image, ON_ERROR};
use crate::memo::Operation;
use crate::settle::settle;
use crate::tables::{InForce, OPERATION, Words, concerns, in_force};
use crate::texts::World;
use crate::{cgroup, groups, memo, rare, select, subject, traits, wide};
use core::ptr::null;
use policy_abi::ask::{Has, List, NEEDS_CGROUP, NEEDS_GROUPS, NEEDS_TEXTS, NEEDS_TRAITS};
use policy_abi::decide::{NO_RULE, Outcome, Verdict, decide_into, form, list};
use policy_abi::event::{Action, Counter, Further};
use policy_abi::facts::Facts;
use policy_abi::family::pair;
use policy_abi::hooks::Hook;
use policy_abi::identity::Place;
use policy_abi::image::Effect;
use policy_abi::wide::Form;

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
    Operation::of(facts).allowed_before()
}

/// Judges what `facts` say and answers for it. `place` is a unix object's, or null.
#[inline(always)]
pub(crate) fn conclude(caller: &Caller, facts: &mut Facts, place: *const Place) -> i32 {
    if concerns(u32::from(facts.family), u32::from(facts.operation)) & OPERATION == 0 {
        // The hook is attached for other pairs, or for a former policy.
        return 0;
    }
    let mut errno = concluded(&raw const *caller, &raw mut *facts, place);
    for _ in 0..RELOADS {
        if errno != WIDE {
            break;
        }
        // Not called by `concluded`: their frames would have to fit together.
        errno = wide::concluded(&raw const *caller, &raw const *facts, place);
        if errno == NARROW {
            errno = concluded(&raw const *caller, &raw mut *facts, place);
        }
    }
    if errno == WIDE || errno == FAILED {
        errno = failed(caller, facts, place);
    }
    // VERIFIER: a branch that gives 0 would give the number itself, of which the
    // upper half is not known.
    kernel::refusal(errno)
}

/// [`concluded`]: the pair is wide, and nothing is said yet.
const WIDE: u32 = 1 << 31;
/// [`wide::concluded`]: the pair is not wide, and nothing is said yet.
pub(crate) const NARROW: u32 = 1 << 30;
/// [`wide::concluded`]: there are no usable tables; the failure verdict is not made
/// there, where the stack has no room for its event.
pub(crate) const FAILED: u32 = 1 << 29;
/// Times that the other is asked since a policy came between that has other rows.
const RELOADS: u32 = 2;

/// Facts of nothing.
///
/// Of zeros side by side the compiler makes a call of `memset`, which goes from
/// byte to byte: 400 instructions, as much as all the rest of a connect that was
/// allowed before.
#[inline(always)]
pub(crate) fn blank() -> Facts {
    let zero = kernel::opaque(0);
    Facts {
        family: zero as u16,
        operation: zero as u16,
        object_kind: zero as u32,
        object: [zero; 2],
        port: zero as u32,
        subject: zero as u32,
        exe: [zero; 2],
        comm: [zero; 2],
        uid: zero as u32,
        gid: zero as u32,
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

/// The decision, its counts and its event; 0, the errno of a refusal, or [`WIDE`].
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
    let Some(InForce {
        image,
        slot,
        generation,
    }) = in_force()
    else {
        count(Counter::Decisions);
        return failed(caller, facts, place);
    };
    // A pair that is none has no form, and is found out when it is judged.
    let form = form(&Words(image), facts).unwrap_or(Form(0));
    if form.is_wide() {
        return WIDE;
    }
    count(Counter::Decisions);
    let mut said = Said {
        verdict: Verdict::ALLOW,
        generation,
        slot,
        action: 0,
    };
    if !judged_by(image, form, caller, facts, place, &mut said.verdict) {
        return failed(caller, facts, place);
    }
    said.count();
    let said_by = &raw const said;
    let Some(emitted) = say(image, caller, facts, place, (said_by, null())) else {
        memo::keep(&raw const *facts, image, &raw const said);
        return 0;
    };
    settle(said_by, image, emitted);
    said.answer()
}

/// Writes the event if the selection asks for it, and says what became of it: as
/// [`emit::emit`], or [`emit::SUPPRESSED`]. None when there is nothing to say.
#[inline(always)]
pub(crate) fn say(
    image: *const Image,
    caller: &Caller,
    facts: &Facts,
    place: *const Place,
    (said, further): (*const Said, *const Further),
) -> Option<u32> {
    // SAFETY: whoever calls has it.
    let matched = unsafe { (*said).action } != Action::Allow as u32;
    let wanted = select::asks(image, caller, facts, matched);
    if wanted {
        return Some(emit::emit(caller, facts, place, said, further));
    }
    if !matched {
        return None;
    }
    count(Counter::EventsSuppressed);
    Some(emit::SUPPRESSED)
}

impl Said {
    /// Finds what a verdict comes to, and counts it.
    #[inline(always)]
    pub(crate) fn count(&mut self) {
        let action = action_of(&self.verdict);
        match action {
            Action::Deny | Action::Kill => count(Counter::Denied),
            Action::WouldDeny => {
                count(Counter::WouldDeny);
                count(Counter::Allowed);
            }
            Action::Allow | Action::Record => count(Counter::Allowed),
        }
        self.action = action as u32;
    }

    /// The outcome that the event names.
    #[inline(always)]
    pub(crate) fn outcome(&self) -> &Outcome {
        if self.action == Action::WouldDeny as u32 {
            &self.verdict.hypothetical
        } else {
            &self.verdict.actual
        }
    }

    /// What the caller of a hook gets, as a number: 0, or the errno of a refusal.
    #[inline(always)]
    pub(crate) fn answer(&self) -> u32 {
        let errno = self.verdict.actual.errno;
        if self.action == Action::Kill as u32 {
            // SAFETY: the helper has no preconditions; a failure leaves the denial.
            unsafe { aya_ebpf::helpers::generated::bpf_send_signal(SIGKILL) };
        }
        match Action::from_raw(self.action) {
            // No rule has 0, which would be none.
            Some(Action::Deny | Action::Kill) if errno == 0 => EPERM,
            Some(Action::Deny | Action::Kill) => errno,
            Some(Action::Allow | Action::WouldDeny | Action::Record) | None => 0,
        }
    }
}

/// Reads what the caller has of the bits that a pair's list asks for. False when
/// the image is damaged.
///
/// They are read before the decision, not below it: the frames of a chain of
/// calls have 512 bytes together.
#[inline(always)]
pub(crate) fn fill_has(has: &mut Has, image: *const Image, form: Form, caller: &Caller) -> bool {
    let Some(list) = list(&Words(image), form) else {
        return false;
    };
    read_for(has, image, caller, list)
}

/// Reads what a list needs. False when the image is damaged.
#[inline(always)]
pub(crate) fn read_for(has: &mut Has, image: *const Image, caller: &Caller, list: List) -> bool {
    if list.needs(NEEDS_TRAITS) {
        has.traits = traits::of(caller.socket.kind);
    }
    if list.needs(NEEDS_GROUPS) {
        has.groups = groups::of(image);
    }
    if list.needs(NEEDS_CGROUP) {
        cgroup::refresh();
    }
    if list.needs(NEEDS_TEXTS) {
        has.texts = rare::of(image);
        if has.texts == rare::DAMAGED {
            return false;
        }
    }
    true
}

/// Decides by a policy. False when its image is damaged.
#[inline(always)]
fn judged_by(
    image: *const Image,
    form: Form,
    caller: &Caller,
    facts: &Facts,
    place: *const Place,
    verdict: &mut Verdict,
) -> bool {
    let mut asked = Asked::of(caller.socket);
    if !fill_has(&mut asked.has, image, form, caller) {
        return false;
    }
    judge(image, facts, place, &raw mut asked, verdict) != 0
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

/// What happens.
#[inline(always)]
fn action_of(verdict: &Verdict) -> Action {
    if verdict.actual.denies() {
        if verdict.actual.effect == Effect::Kill as u32 {
            Action::Kill
        } else {
            Action::Deny
        }
    } else if verdict.hypothetical.denies() {
        Action::WouldDeny
    } else if verdict.recorded != 0 {
        Action::Record
    } else {
        Action::Allow
    }
}

/// The verdict when tables cannot be used: what the policy chose, pair by pair.
/// 0, or the errno of a refusal.
#[inline(never)]
pub(crate) fn failed(caller: &Caller, facts: &Facts, place: *const Place) -> u32 {
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
    emit::emit(caller, facts, place, &raw const said, null());
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
