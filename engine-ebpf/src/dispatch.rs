//! Every hook's beginning and end: who is judged at all, the verdict, the
//! failure verdict, the counts, and what the caller gets back.

use crate::ask::{Asked, Hooked, Socket};
use crate::count::{add, count, tally};
use crate::emit::{self, Caller};
use crate::kernel::{self, Pointer};
use crate::maps::{Image, ON_ERROR};
use crate::tables::{InForce, Words, anything_in_force, in_force};
use crate::texts::World;
use crate::{cgroup, groups, subject, traits};
use aya_ebpf::helpers::generated::bpf_loop;
use core::ffi::c_void;
use policy_abi::ask::{Has, NEEDS_CGROUP, NEEDS_GROUPS, NEEDS_TRAITS};
use policy_abi::decide::{NO_RULE, Outcome, Tables, Verdict, decide, list};
use policy_abi::event::{Action, Counter, FLAG_FAILED};
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

/// Judges what `facts` say and answers for it.
///
/// A function of its own: its frame is gone while a hook reads its object, and
/// the stack holds 512 bytes for all frames together.
#[inline(never)]
pub(crate) fn conclude(caller: &Caller, facts: &mut Facts) -> i32 {
    forget_ranges(facts);
    if !anything_in_force() {
        return 0;
    }
    count(Counter::Decisions);
    let mut verdict = Verdict::ALLOW;
    let Some(policy) = in_force() else {
        return failed(caller, facts);
    };
    if !judged_by(&policy, caller, facts, &mut verdict) {
        return failed(caller, facts);
    }
    let (action, outcome) = action_of(&verdict);
    match action {
        Action::Deny | Action::Kill => count(Counter::Denied),
        Action::WouldDeny => {
            count(Counter::WouldDeny);
            count(Counter::Allowed);
        }
        Action::Allow | Action::Record => count(Counter::Allowed),
    }
    if action == Action::Allow {
        return 0;
    }
    let emitted = emit::emit(caller, facts, policy.generation, &verdict, action as u32);
    settle(&policy, &verdict, action as u32, outcome.rule, emitted);
    if action == Action::Kill {
        // SAFETY: the helper has no preconditions; a failure leaves the denial.
        unsafe { aya_ebpf::helpers::generated::bpf_send_signal(SIGKILL) };
    }
    match action {
        Action::Deny | Action::Kill => kernel::refusal(outcome.errno),
        Action::Allow | Action::WouldDeny | Action::Record => 0,
    }
}

/// Decides by a policy. False when its image is damaged.
///
/// What the pair's list needs is read here, not below [`judge`]: the frames of
/// a chain of calls have 512 bytes together.
#[inline(always)]
fn judged_by(policy: &InForce, caller: &Caller, facts: &Facts, verdict: &mut Verdict) -> bool {
    let Some(list) = list(&Words(policy.image), facts) else {
        return false;
    };
    let mut asked = Asked {
        socket: Socket::of(caller.sk),
        has: Has::default(),
    };
    if list.needs(NEEDS_TRAITS) {
        asked.has.traits = traits::of(asked.socket.kind);
    }
    if list.needs(NEEDS_GROUPS) {
        asked.has.groups = groups::of(policy.image);
    }
    if list.needs(NEEDS_CGROUP) {
        cgroup::refresh();
    }
    judge(policy.image, facts, caller.place, &raw const asked, verdict) != 0
}

/// The decision; 0 when the image is damaged. `place` is the object's, or null.
///
/// VERIFIER: a function that other objects could call is followed once, by its
/// types, instead of once for each way that leads to it. It can be handed memory
/// and numbers alone, and fetches the running task anew.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn judge(
    image: *const Image,
    facts: *const Facts,
    place: *const Place,
    asked: *const Asked,
    verdict: *mut Verdict,
) -> u32 {
    if image.is_null() || facts.is_null() || asked.is_null() || verdict.is_null() {
        return 0;
    }
    let task = kernel::current();
    let rest = Hooked { asked };
    // SAFETY: the verifier checks that callers hand over facts.
    let facts = unsafe { &*facts };
    let world = World {
        image,
        task,
        facts,
        place,
    };
    let Some(found) = decide(&world, facts, &rest) else {
        return 0;
    };
    // SAFETY: the verifier checks that callers hand over room for a verdict.
    unsafe { *verdict = found };
    1
}

/// Makes every way by which `facts` came about look the same.
///
/// VERIFIER: it would follow the whole decision once for each constant that a
/// hook has stored.
#[inline(always)]
fn forget_ranges(facts: &mut Facts) {
    {
        facts.family = kernel::opaque_memory(u64::from(facts.family)) as u16;
        facts.object_kind = kernel::opaque_memory(u64::from(facts.object_kind)) as u32;
        facts.subject = kernel::opaque_memory(u64::from(facts.subject)) as u32;
    }
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

/// Counts for the rules concerned what was decided and what became of the event.
#[inline(never)]
fn settle(policy: &InForce, verdict: &Verdict, action: u32, rule: u32, emitted: bool) {
    if action != Action::Record as u32 {
        settle_rule(policy.slot, rule, action, emitted);
    }
    if verdict.recorded == 0 {
        return;
    }
    let mut recorded = Recorded {
        words: Words(policy.image),
        rest: verdict.recorded,
        terms: verdict.terms,
        last: NO_RULE,
        slot: policy.slot,
        emitted: u32::from(emitted),
    };
    // SAFETY: `settle_next` has the signature that the helper calls, and
    // `recorded` outlives the call.
    unsafe {
        bpf_loop(
            u64::BITS,
            settle_next as *const () as *mut c_void,
            (&raw mut recorded).cast(),
            0,
        );
    }
}

/// State of the loop over the record rules that matched.
#[repr(C)]
struct Recorded {
    words: Words,
    rest: u64,
    terms: u32,
    last: u32,
    slot: u32,
    emitted: u32,
}

/// Counts for one record term; 1 ends the loop.
unsafe extern "C" fn settle_next(_index: u32, recorded: *mut Recorded) -> i64 {
    // SAFETY: `bpf_loop` passes the pointer that `settle` gave it.
    let recorded = unsafe { &mut *recorded };
    if recorded.rest == 0 {
        return 1;
    }
    let bit = recorded.rest.trailing_zeros();
    recorded.rest &= recorded.rest - 1;
    let Some(word) = recorded.words.word(recorded.terms.wrapping_add(bit)) else {
        return 1;
    };
    let rule = word as u32;
    // Terms of one rule stand together.
    if rule != recorded.last {
        let action = Action::Record as u32;
        settle_rule(recorded.slot, rule, action, recorded.emitted != 0);
    }
    recorded.last = rule;
    0
}

#[inline(always)]
fn settle_rule(slot: u32, rule: u32, action: u32, emitted: bool) {
    let Some(tally) = tally(slot, rule) else {
        return;
    };
    // SAFETY: a map's value, valid while the program runs; written by atomic
    // additions alone.
    let tally = unsafe { &mut *tally };
    add(&raw mut tally.matched);
    match Action::from_raw(action) {
        Some(Action::Deny | Action::Kill) => add(&raw mut tally.denied),
        Some(Action::WouldDeny) => add(&raw mut tally.would_deny),
        Some(Action::Allow | Action::Record) | None => {}
    }
    add(if emitted {
        &raw mut tally.emitted
    } else {
        &raw mut tally.lost
    });
}

/// The verdict when tables cannot be used: what the policy chose, pair by pair.
#[inline(never)]
fn failed(caller: &Caller, facts: &Facts) -> i32 {
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
    let verdict = Verdict {
        actual: outcome,
        hypothetical: outcome,
        ..Verdict::ALLOW
    };
    let caller = Caller {
        flags: caller.flags | FLAG_FAILED,
        ..*caller
    };
    emit::emit(&caller, facts, 0, &verdict, Action::Deny as u32);
    kernel::refusal(EPERM)
}

/// The caller of a hook, for the event.
#[inline(always)]
pub(crate) fn caller(hook: Hook, task: Pointer, sk: Pointer) -> Caller {
    caller_about(hook, task, sk, core::ptr::null())
}

/// The caller of a hook about a unix object, which has a place or null.
///
/// VERIFIER: zeros side by side become a call of `memset`, and what that writes
/// is not known to be zero, as a pointer that is followed unless it is null must be.
#[inline(always)]
pub(crate) fn caller_about(hook: Hook, task: Pointer, sk: Pointer, place: *const Place) -> Caller {
    let zero = || kernel::opaque(0);
    Caller {
        hook: hook as u32,
        task,
        sk,
        flags: zero() as u32,
        address: zero(),
        address_length: zero() as u32,
        place,
    }
}
