//! Programs that `cargo bench` runs on the real processor, by `BPF_PROG_TEST_RUN`
//! of raw tracepoints: the engine's own functions in loops, with the engine's own
//! maps. Of the LSM hooks none is loaded.

use crate::count::count_up;
use crate::dispatch::{self, Said};
use crate::emit::{self, Caller};
use crate::kernel;
use crate::maps::{BENCH_ADDRESS, EVENTS, IDENTITIES, Missing};
use aya_ebpf::helpers::generated::bpf_loop;
use core::ffi::c_void;
use policy_abi::decide::{Outcome, Verdict};
use policy_abi::event::{Action, Counter};
use policy_abi::facts::{Facts, OBJECT_IPV4};
use policy_abi::family::{CONNECT, TCP};
use policy_abi::hooks::Hook;
use policy_abi::identity::{ORIGIN_EXEC, PLACE_KNOWN};

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

/// A caller of connect, with an IPv4 address that it typed.
#[inline(always)]
fn caller() -> Caller {
    let mut caller = dispatch::caller(Hook::SocketConnect, core::ptr::null());
    caller.address = BENCH_ADDRESS.get_ptr(0).map_or(0, |at| at as u64);
    caller.address_length = 16;
    caller
}

/// A denied connect, as the hook has it when the event is to be written.
#[inline(always)]
fn denied(index: u32) -> (Facts, Said) {
    let mut facts = dispatch::blank();
    facts.family = TCP;
    facts.operation = CONNECT;
    facts.object_kind = OBJECT_IPV4;
    facts.object = [0x0a00_0000 | u64::from(index), 0];
    facts.port = 443;
    crate::subject::fill(kernel::current(), &mut facts);
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
    (facts, said)
}

/// Keeps the compiler from leaving out what is not used.
#[inline(always)]
fn used<T>(value: &T) {
    kernel::opaque(&raw const *value as u64);
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
    let (facts, said) = denied(index);
    used(&facts);
    used(&said);
    0
}

/// The same with the event, the engine's own.
#[unsafe(no_mangle)]
#[unsafe(link_section = "raw_tp/bench_events")]
extern "C" fn bench_events(ctx: *mut c_void) -> i32 {
    turns(ctx, event)
}

unsafe extern "C" fn event(index: u32, caller: *mut Caller) -> i64 {
    let (facts, said) = denied(index);
    emit::emit(caller, &facts, core::ptr::null(), &raw const said);
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
