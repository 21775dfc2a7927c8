//! Programs that `cargo bench` runs on the real processor, by `BPF_PROG_TEST_RUN`
//! of raw tracepoints: the engine's own functions in loops, with the engine's own
//! maps. Of the LSM hooks none is loaded.

use crate::count::count_up;
use crate::dispatch::{self, Said};
use crate::emit::{self, Caller, TYPED_IS_OBJECT};
use crate::kernel;
use crate::maps::{EVENTS, IDENTITIES, Missing};
use crate::memo::Operation;
use aya_ebpf::helpers::generated::bpf_loop;
use core::ffi::c_void;
use core::ptr::null;
use policy_abi::decide::{Outcome, Verdict};
use policy_abi::event::{Action, Counter};
use policy_abi::facts::{Facts, OBJECT_IPV4};
use policy_abi::family::{CONNECT, TCP};
use policy_abi::hooks::Hook;
use policy_abi::identity::{Identity, ORIGIN_EXEC, PLACE_KNOWN};

/// An argument of the run.
#[inline(always)]
fn argument(ctx: *const c_void, index: usize) -> u64 {
    let arguments = ctx.cast::<u64>();
    // SAFETY: a raw tracepoint's context is its arguments, of which there are twelve.
    let at = unsafe { arguments.add(index) };
    // SAFETY: as above.
    unsafe { core::ptr::read_volatile(at) }
}

/// What is done in each turn.
type Body = unsafe extern "C" fn(u32, *mut Caller) -> i64;

/// Runs `body` as often as the first argument says.
#[inline(always)]
fn turns(ctx: *const c_void, body: Body) -> i32 {
    let mut caller = caller();
    let times = argument(ctx, 0) as u32;
    // SAFETY: a body has the signature that the helper calls, and the caller
    // outlives the call.
    unsafe {
        bpf_loop(
            times,
            body as *const () as *mut c_void,
            (&raw mut caller).cast(),
            0,
        );
    }
    0
}

/// A caller of connect, as the hook has it of one to an IPv4 address.
#[inline(always)]
fn caller() -> Caller {
    let mut caller = dispatch::caller(Hook::SocketConnect, null());
    caller.flags = TYPED_IS_OBJECT;
    caller
}

/// A denied connect, as the hook has it when the event is to be written.
#[inline(always)]
fn denied(index: u32) -> (Facts, Said, *mut Identity) {
    let mut facts = dispatch::blank();
    facts.family = TCP;
    facts.operation = CONNECT;
    facts.object_kind = OBJECT_IPV4;
    facts.object = [0x0a00_0000 | u64::from(index), 0];
    facts.port = 443;
    let identity = crate::subject::acting();
    crate::subject::fill(kernel::current(), identity, &mut facts);
    let outcome = Outcome {
        rule: 0,
        effect: 2,
        errno: 1,
    };
    let said = Said {
        verdict: Verdict {
            actual: outcome,
            hypothetical: outcome,
            ..Verdict::ALLOW
        },
        generation: 1,
        slot: 0,
        action: Action::Deny as u32,
    };
    (facts, said, identity)
}

/// Keeps the compiler from leaving out what is not used: anybody could read it.
#[inline(always)]
fn used<T>(value: &T) {
    let at = &raw const *value;
    #[cfg(target_arch = "bpf")]
    // SAFETY: moves a register to itself.
    unsafe {
        core::arch::asm!("{0} = {0}", in(reg) at, options(nostack));
    }
    #[cfg(not(target_arch = "bpf"))]
    core::hint::black_box(at);
}

/// Gives the running process a program, as an exec would.
#[unsafe(no_mangle)]
#[unsafe(link_section = "raw_tp/bench_known")]
extern "C" fn bench_known(_: *mut c_void) -> i32 {
    let leader = kernel::group_leader(kernel::current());
    let Some(identity) = IDENTITIES.of_task(leader, Missing::Create) else {
        return 1;
    };
    // SAFETY: a map's value, valid while the program runs.
    let exe = unsafe { &mut (*identity).exe };
    let text = *b"opt/example/bin/client/";
    for (to, from) in exe.text.iter_mut().zip(text) {
        *to = from;
    }
    exe.hash = 0x5eed;
    exe.device = 8 << 20 | 1;
    exe.inode = 4711;
    exe.length = text.len() as u32;
    exe.state = PLACE_KNOWN;
    // SAFETY: as above.
    unsafe { (*identity).origin = ORIGIN_EXEC };
    0
}

/// As many turns as the first argument says, with nothing in them.
#[unsafe(no_mangle)]
#[unsafe(link_section = "raw_tp/bench_turns")]
extern "C" fn bench_turns(ctx: *mut c_void) -> i32 {
    turns(ctx, nothing)
}

unsafe extern "C" fn nothing(_: u32, _: *mut Caller) -> i64 {
    0
}

/// What a hook has before an event: its facts, the subject's among them.
#[unsafe(no_mangle)]
#[unsafe(link_section = "raw_tp/bench_facts")]
extern "C" fn bench_facts(ctx: *mut c_void) -> i32 {
    turns(ctx, facts_alone)
}

unsafe extern "C" fn facts_alone(index: u32, _: *mut Caller) -> i64 {
    let (facts, said, identity) = denied(index);
    used(&facts);
    used(&said);
    used(&identity);
    0
}

/// The same with the event, the engine's own.
#[unsafe(no_mangle)]
#[unsafe(link_section = "raw_tp/bench_events")]
extern "C" fn bench_events(ctx: *mut c_void) -> i32 {
    turns(ctx, event)
}

unsafe extern "C" fn event(index: u32, caller: *mut Caller) -> i64 {
    let (facts, said, identity) = denied(index);
    emit::emit(caller, &facts, null(), (&raw const said, null()), identity);
    0
}

/// Records of 128 bytes that hold nothing but a count: what the ring alone costs.
#[unsafe(no_mangle)]
#[unsafe(link_section = "raw_tp/bench_ring")]
extern "C" fn bench_ring(ctx: *mut c_void) -> i32 {
    turns(ctx, ring_alone)
}

unsafe extern "C" fn ring_alone(_: u32, _: *mut Caller) -> i64 {
    let sequence = count_up(Counter::Events);
    if let Some(mut entry) = EVENTS.reserve_untyped::<[u64; 16]>(0) {
        let record: *mut [u64; 16] = entry.as_mut_ptr();
        // SAFETY: reserved just now.
        unsafe { record.write([sequence; 16]) };
        entry.submit(emit::waking());
    }
    0
}

/// Which connect comes next.
#[repr(C)]
struct Asking {
    next: u64,
    /// How many addresses there are: a power of two.
    addresses: u64,
    /// Bits that a random number is shifted by; 0 for one address after the other.
    random: u64,
    /// Bits of the answers so far that the next address waits for.
    chained: u64,
    /// They are 0.
    answers: u64,
}

/// Runs `body` as often as the first argument says, over an [`Asking`] of the others.
#[inline(always)]
fn ask(ctx: *const c_void, body: unsafe extern "C" fn(u32, *mut Asking) -> i64) -> i32 {
    let mut asking = Asking {
        next: 1,
        addresses: argument(ctx, 1),
        random: argument(ctx, 2),
        chained: argument(ctx, 3),
        answers: 0,
    };
    let times = argument(ctx, 0) as u32;
    // SAFETY: a body has the signature that the helper calls, and the state
    // outlives the call.
    unsafe {
        bpf_loop(
            times,
            body as *const () as *mut c_void,
            (&raw mut asking).cast(),
            0,
        );
    }
    asking.answers as i32
}

/// The first of the addresses that are connected to: 10.16.0.0.
const FIRST: u64 = 0x0a10_0000;

impl Asking {
    /// The next connect's facts.
    #[inline(always)]
    fn facts(&mut self) -> Facts {
        self.next = if self.random == 0 {
            self.next.wrapping_add(1)
        } else {
            // Donald Knuth's MMIX numbers.
            self.next
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407)
        };
        let place = (self.next >> (self.random & 63)) & (self.addresses.wrapping_sub(1));
        let mut facts = dispatch::blank();
        facts.family = TCP;
        facts.operation = CONNECT;
        facts.object_kind = OBJECT_IPV4;
        facts.object = [FIRST + place + (self.answers & self.chained), 0];
        facts.port = 443;
        facts
    }
}

/// Connects without anybody to judge them: what the others begin with.
#[unsafe(no_mangle)]
#[unsafe(link_section = "raw_tp/bench_asked")]
extern "C" fn bench_asked(ctx: *mut c_void) -> i32 {
    ask(ctx, asked)
}

unsafe extern "C" fn asked(_: u32, asking: *mut Asking) -> i64 {
    // SAFETY: the pointer that `bpf_loop` was given.
    let asking = unsafe { &mut *asking };
    let facts = asking.facts();
    used(&facts);
    asking.answers |= facts.object[1];
    0
}

/// Connects that are each judged as if they were the first of their kind.
#[unsafe(no_mangle)]
#[unsafe(link_section = "raw_tp/bench_judged")]
extern "C" fn bench_judged(ctx: *mut c_void) -> i32 {
    ask(ctx, judged)
}

unsafe extern "C" fn judged(_: u32, asking: *mut Asking) -> i64 {
    // SAFETY: the pointer that `bpf_loop` was given.
    let asking = unsafe { &mut *asking };
    let mut facts = asking.facts();
    let caller = caller();
    let answer = dispatch::conclude(&caller, &mut facts, null());
    asking.answers |= u64::from(answer.cast_unsigned());
    0
}

/// Connects that are judged only if they were not allowed before.
#[unsafe(no_mangle)]
#[unsafe(link_section = "raw_tp/bench_known_ones")]
extern "C" fn bench_known_ones(ctx: *mut c_void) -> i32 {
    ask(ctx, known_one)
}

unsafe extern "C" fn known_one(_: u32, asking: *mut Asking) -> i64 {
    // SAFETY: the pointer that `bpf_loop` was given.
    let asking = unsafe { &mut *asking };
    let mut facts = asking.facts();
    let operation = Operation::new(TCP, CONNECT, OBJECT_IPV4, facts.object, facts.port);
    let identity = crate::subject::acting();
    if operation.allowed_before(identity) {
        asking.answers |= facts.object[1];
        return 0;
    }
    let caller = caller();
    let answer = dispatch::conclude_for(identity, &caller, &mut facts, null());
    asking.answers |= u64::from(answer.cast_unsigned());
    0
}
