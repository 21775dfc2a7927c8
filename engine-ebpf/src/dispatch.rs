//! Every hook's beginning and end: who is judged at all, the verdict, the
//! failure verdict, the counts, and what the caller gets back.

use crate::count::{add, count, tally};
use crate::emit::{self, Caller};
use crate::kernel::{self, Pointer};
use crate::maps::ON_ERROR;
use crate::subject;
use crate::tables::{InForce, anything_in_force, in_force};
use aya_ebpf::helpers::generated::bpf_loop;
use core::ffi::c_void;
use policy_abi::decide::{NO_RULE, Outcome, Tables, Verdict, decide};
use policy_abi::event::{Action, Counter, FLAG_FAILED};
use policy_abi::facts::Facts;
use policy_abi::family::pair;
use policy_abi::hooks::Hook;
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
    let Some((policy, verdict)) = in_force().and_then(|p| decide(&p, facts).map(|v| (p, v))) else {
        return failed(caller, facts);
    };
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
    let emitted = emit::emit(caller, facts, &policy, &verdict, action, &outcome);
    settle(&policy, &verdict, action, &outcome, emitted);
    if action == Action::Kill {
        // SAFETY: the helper has no preconditions; a failure leaves the denial.
        unsafe { aya_ebpf::helpers::generated::bpf_send_signal(SIGKILL) };
    }
    match action {
        Action::Deny | Action::Kill => kernel::refusal(outcome.errno),
        Action::Allow | Action::WouldDeny | Action::Record => 0,
    }
}

/// Makes every way by which `facts` came about look the same.
///
/// VERIFIER: it would follow the whole decision once for each constant that a
/// hook has stored.
#[inline(always)]
pub(crate) fn forget_ranges(facts: &mut Facts) {
    facts.family = kernel::opaque_memory(u64::from(facts.family)) as u16;
    facts.object_kind = kernel::opaque_memory(u64::from(facts.object_kind)) as u32;
    facts.subject = kernel::opaque_memory(u64::from(facts.subject)) as u32;
    let [high, low] = facts.object;
    facts.object = [kernel::opaque_memory(high), kernel::opaque_memory(low)];
    facts.port = kernel::opaque_memory(u64::from(facts.port)) as u32;
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
#[inline(always)]
fn settle(policy: &InForce, verdict: &Verdict, action: Action, outcome: &Outcome, emitted: bool) {
    if action != Action::Record {
        settle_rule(policy, outcome.rule, action, emitted);
    }
    if verdict.recorded == 0 {
        return;
    }
    let mut recorded = Recorded {
        policy: *policy,
        rest: verdict.recorded,
        terms: verdict.terms,
        last: NO_RULE,
        emitted: u32::from(emitted),
        padding: 0,
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
    policy: InForce,
    rest: u64,
    terms: u32,
    last: u32,
    emitted: u32,
    padding: u32,
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
    let Some(word) = recorded.policy.word(recorded.terms.wrapping_add(bit)) else {
        return 1;
    };
    let rule = word as u32;
    // Terms of one rule stand together.
    if rule != recorded.last {
        settle_rule(
            &recorded.policy,
            rule,
            Action::Record,
            recorded.emitted != 0,
        );
    }
    recorded.last = rule;
    0
}

#[inline(always)]
fn settle_rule(policy: &InForce, rule: u32, action: Action, emitted: bool) {
    let Some(tally) = tally(policy.slot, rule) else {
        return;
    };
    // SAFETY: a map's value, valid while the program runs; written by atomic
    // additions alone.
    let tally = unsafe { &mut *tally };
    add(&raw mut tally.matched);
    match action {
        Action::Deny | Action::Kill => add(&raw mut tally.denied),
        Action::WouldDeny => add(&raw mut tally.would_deny),
        Action::Allow | Action::Record => {}
    }
    add(if emitted {
        &raw mut tally.emitted
    } else {
        &raw mut tally.lost
    });
}

/// The verdict when tables cannot be used: what the policy chose, pair by pair.
#[inline(always)]
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
    let policy = InForce::NONE;
    let verdict = Verdict {
        actual: outcome,
        hypothetical: outcome,
        recorded: 0,
        terms: 0,
    };
    let caller = Caller {
        flags: caller.flags | FLAG_FAILED,
        ..*caller
    };
    emit::emit(&caller, facts, &policy, &verdict, Action::Deny, &outcome);
    kernel::refusal(EPERM)
}

/// The caller of a hook, for the event.
///
/// VERIFIER: zeros side by side become a call of `memset`, and what that writes
/// is not known to be zero, as a pointer that is followed unless it is null must be.
#[inline(always)]
pub(crate) fn caller(hook: Hook, task: Pointer, sk: Pointer) -> Caller {
    let zero = || kernel::opaque(0);
    Caller {
        hook: hook as u32,
        task,
        sk,
        flags: zero() as u32,
        address: zero(),
        address_length: zero() as u32,
        peer: core::ptr::null(),
        detail: [zero() as u32, zero() as u32, zero() as u32],
    }
}
