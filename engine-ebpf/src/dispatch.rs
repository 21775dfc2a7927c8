//! Every hook's beginning and end: who is judged at all, the verdict, the
//! failure verdict, the counts, and what the caller gets back.

use crate::ask::{Asked, Hooked, Socket};
use crate::count::count;
use crate::emit::{self, Caller};
use crate::kernel::{self, Pointer};
use crate::maps::{Image, ON_ERROR};
use crate::settle::settle;
use crate::tables::{Words, generation, in_force, slot, word_in_force};
use crate::texts::World;
use crate::{cgroup, groups, memo, rare, select, subject, traits, wide};
use core::ptr::{null, read_volatile};
use policy_abi::ask::{Has, List, NEEDS_CGROUP, NEEDS_GROUPS, NEEDS_TEXTS, NEEDS_TRAITS};
use policy_abi::decide::{NO_RULE, Outcome, Verdict, decide_into, form, list};
use policy_abi::event::{Action, Counter, Further};
use policy_abi::facts::Facts;
use policy_abi::family::pair;
use policy_abi::hooks::Hook;
use policy_abi::identity::{Identity, Place};
use policy_abi::image::Effect;
use policy_abi::wide::Form;

/// `SIGKILL`.
const SIGKILL: u32 = 9;
/// Errno of a refusal for want of tables: `EPERM`.
const EPERM: u32 = 1;

/// The refusal of a program that ran before this one, to be given back untouched.
#[inline(always)]
pub(crate) fn refused_before(prior: i32) -> Option<i32> {
    let refusal = as_refused(prior);
    if refusal.is_some() {
        count(Counter::PriorDenials);
    }
    refusal
}

/// What a program that ran before this one gave, if it refused.
#[inline(always)]
pub(crate) fn as_refused(prior: i32) -> Option<i32> {
    if prior == 0 {
        return None;
    }
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

/// Judges what `facts` say and answers for it. `place` is a unix object's, or null.
#[inline(always)]
pub(crate) fn conclude(caller: &Caller, facts: &mut Facts, place: *const Place) -> i32 {
    conclude_with(subject::acting, caller, facts, place)
}

/// [`conclude`] for the running process, of which `identity` is kept.
#[inline(always)]
pub(crate) fn conclude_for(
    identity: *mut Identity,
    caller: &Caller,
    facts: &mut Facts,
    place: *const Place,
) -> i32 {
    conclude_with(|| identity, caller, facts, place)
}

/// [`conclude_for`], with what gives the identity where it is needed.
#[inline(always)]
fn conclude_with(
    identity: impl FnOnce() -> *mut Identity,
    caller: &Caller,
    facts: &mut Facts,
    place: *const Place,
) -> i32 {
    if word_in_force() == 0 {
        // Asked first: a policy that is switched on meanwhile is no failure.
        return 0;
    }
    let image = in_force();
    let found = if image.is_null() {
        None
    } else {
        form(&Words(image), facts)
    };
    if found == Some(Form(0)) {
        // The hook is attached for other pairs, or for a former policy.
        return 0;
    }
    let (of_caller, of_facts) = (&raw const *caller, &raw mut *facts);
    let mut errno = match found {
        None => {
            count(Counter::Decisions);
            FAILED
        }
        Some(form) if form.is_wide() => {
            wide::concluded(of_caller, of_facts, place, identity(), image)
        }
        Some(_) => concluded(of_caller, of_facts, place, identity(), image),
    };
    if errno == FAILED {
        errno = failed(of_caller, of_facts, place);
    }
    // VERIFIER: a branch that gives 0 would give the number itself, of which the
    // upper half is not known.
    kernel::refusal(errno)
}

/// There are no usable tables, and nothing is said yet.
pub(crate) const FAILED: u32 = 1 << 29;

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

/// The decision by an image, its counts and its event; 0, the errno of a refusal, or
/// [`FAILED`].
///
/// VERIFIER: a function that other objects could call is followed once, by its
/// types, instead of once for each way that leads to it. It can be handed memory
/// and numbers alone, and fetches the running task anew.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn concluded(
    caller: *const Caller,
    facts: *mut Facts,
    place: *const Place,
    identity: *mut Identity,
    image: *const Image,
) -> u32 {
    if caller.is_null() || facts.is_null() || image.is_null() {
        return FAILED;
    }
    // SAFETY: the verifier checks that callers hand over what hooks know.
    let caller = unsafe { &*caller };
    // SAFETY: the same for facts.
    let facts = unsafe { &mut *facts };
    count(Counter::Decisions);
    subject::fill(kernel::current(), identity, facts);
    let mut said = Said::by(image);
    if !judged_by(image, caller, facts, place, &mut said.verdict) {
        return FAILED;
    }
    said.count();
    let said_by = &raw const said;
    let Some(emitted) = say(image, (caller, identity), facts, place, (said_by, null())) else {
        let list = form(&Words(image), facts).and_then(|form| list(&Words(image), form));
        if list.is_some_and(memo::is_kept) {
            memo::keep(&raw const *facts, image, identity);
        }
        return 0;
    };
    settle(said_by, image, emitted);
    said.answer()
}

/// Writes the event if the selection asks for it, and says what became of it: as
/// [`emit::emit`], or [`emit::SUPPRESSED`]. None when there is nothing to say.
/// `identity` is what is kept of the process, or null.
#[inline(always)]
pub(crate) fn say(
    image: *const Image,
    (caller, identity): (&Caller, *mut Identity),
    facts: &Facts,
    place: *const Place,
    (said, further): (*const Said, *const Further),
) -> Option<u32> {
    // SAFETY: whoever calls has it.
    let matched = unsafe { (*said).action } != Action::Allow as u32;
    let wanted = select::asks(image, caller, facts, matched);
    if wanted {
        return Some(emit::emit(caller, facts, place, (said, further), identity));
    }
    if !matched {
        return None;
    }
    count(Counter::EventsSuppressed);
    Some(emit::SUPPRESSED)
}

impl Said {
    /// Nothing that a policy would have to say.
    #[inline(always)]
    pub(crate) fn by(image: *const Image) -> Self {
        // As in `blank`.
        let zero = kernel::opaque(0);
        Self {
            verdict: Verdict {
                recorded: zero,
                terms: zero as u32,
                reserved: zero as u32,
                ..Verdict::ALLOW
            },
            generation: generation(image),
            slot: slot(image),
            action: Action::Allow as u32,
        }
    }

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
        // Kept over the event, it would take room on the stack.
        // SAFETY: a field.
        let action = unsafe { read_volatile(&raw const self.action) };
        if action == Action::Kill as u32 {
            // SAFETY: the helper has no preconditions; a failure leaves the denial.
            unsafe { aya_ebpf::helpers::generated::bpf_send_signal(SIGKILL) };
        }
        match Action::from_raw(action) {
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
    caller: &Caller,
    facts: &Facts,
    place: *const Place,
    verdict: &mut Verdict,
) -> bool {
    let Some(form) = form(&Words(image), facts) else {
        return false;
    };
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
///
/// VERIFIER: as [`concluded`].
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn failed(caller: *const Caller, facts: *mut Facts, place: *const Place) -> u32 {
    if caller.is_null() || facts.is_null() {
        return EPERM;
    }
    // SAFETY: the verifier checks that callers hand over what hooks know.
    let caller = unsafe { &*caller };
    // SAFETY: the same for facts.
    let facts = unsafe { &mut *facts };
    count(Counter::NoTables);
    let identity = subject::acting();
    subject::fill(kernel::current(), identity, facts);
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
    emit::emit(caller, facts, place, (&raw const said, null()), identity);
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
