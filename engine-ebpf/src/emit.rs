//! Events: reserve, fill, submit; what finds no room is counted.

use crate::ask::Socket;
use crate::count::{count, count_up};
use crate::dispatch::Said;
use crate::kernel::{self, Pointer};
use crate::maps::{EVENTS, WAKE};
use aya_ebpf::helpers::generated::{bpf_get_smp_processor_id, bpf_ktime_get_boot_ns};
use core::ptr::{addr_of_mut, null};
use policy_abi::event::{
    Action, BRIEF_BYTES, BRIEF_TYPED_BYTES, Counter, FLAG_FAILED, FLAG_OBJECT, FURTHER_RULES,
    Further, Record, TYPED_BYTES, Text,
};
use policy_abi::facts::Facts;
use policy_abi::family::UNIX;
use policy_abi::identity::{Identity, Place, TEXT_ROOM};
use policy_abi::maps::WAKE_READER;

/// A flag of a [`Caller`], and of no record: the address was typed as the object has
/// it, so that there is nothing to read.
pub(crate) const TYPED_IS_OBJECT: u32 = 1 << 31;

/// Which hook was called, and with what.
///
/// VERIFIER: it goes to a function that is handed memory and numbers alone, and
/// each byte of it must have been written.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Caller {
    pub(crate) hook: u32,
    pub(crate) flags: u32,
    pub(crate) socket: Socket,
    /// The caller's own socket as a number, 0 where the hook is not told of it.
    pub(crate) sk: u64,
    /// The address as the kernel copied it from the caller; 0 when the hook has none.
    pub(crate) address: u64,
    pub(crate) address_length: u32,
    /// What the hook was told beside: [`Record::detail`].
    pub(crate) detail: [u32; 3],
}

const _: () = assert!(size_of::<Caller>() == 48, "a caller has no padding");

/// One word of record terms had all that matched.
const NOTHING_FURTHER: Further = Further {
    rules: [0; FURTHER_RULES],
    named: 0,
    unnamed: 0,
};

/// Writes `$value` to a field of the record.
macro_rules! put {
    ($record:ident.$($field:ident).+ $([$index:literal])? = $value:expr) => {{
        let value = $value;
        // SAFETY: a field of the reserved record, which nobody else sees yet.
        unsafe { addr_of_mut!((*$record).$($field).+ $([$index])?).write(value) };
    }};
}

pub(crate) mod call;
mod process;

pub(crate) use process::forget;

/// [`emit`]: the ring had no room.
pub(crate) const LOST: u32 = 0;
/// [`emit`]: the event is on its way.
pub(crate) const EMITTED: u32 = 1;
/// The selection did not ask for the event.
pub(crate) const SUPPRESSED: u32 = 2;

/// Writes one event, and before it what was not told yet of its process;
/// [`EMITTED`] or [`LOST`]. `further` are record rules beside those that the
/// verdict has, or null; `identity` is what is kept of the process, or null.
#[inline(always)]
pub(crate) fn emit(
    caller: *const Caller,
    facts: &Facts,
    place: *const Place,
    (said, further): (*const Said, *const Further),
    identity: *mut Identity,
) -> u32 {
    let [hash, device] = facts.exe;
    let mut told = null();
    if !identity.is_null() && process::was_told(identity, facts.exe) {
        told = identity.cast_const();
    } else if process::tell(hash, device) == 0 {
        count_up(Counter::Events);
        count(Counter::EventsLost);
        return LOST;
    }
    // SAFETY: what a hook knows, on its stack.
    let given = unsafe { &*caller };
    let short = given.address == 0 || given.address_length <= BRIEF_TYPED_BYTES as u32;
    if place.is_null() && facts.family != UNIX && short && !names_any(further) {
        write_brief(caller, &raw const *facts, said, told)
    } else {
        write(caller, &raw const *facts, place, said, further)
    }
}

/// Writes the event itself.
///
/// VERIFIER: followed once, by its types.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn write(
    caller: *const Caller,
    facts: *const Facts,
    place: *const Place,
    said: *const Said,
    further: *const Further,
) -> u32 {
    written::<Record, TYPED_BYTES>(caller, facts, (place, further), said, null())
}

/// The same, when a brief record has all there is to say. `told` is kept of a process
/// that was told of, or null.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn write_brief(
    caller: *const Caller,
    facts: *const Facts,
    said: *const Said,
    told: *const Identity,
) -> u32 {
    let none = (null(), null());
    written::<[u64; BRIEF_BYTES / 8], BRIEF_TYPED_BYTES>(caller, facts, none, said, told)
}

const _: () = assert!(BRIEF_BYTES.is_multiple_of(8), "a brief record is words");

/// Whether there are record rules besides.
#[inline(always)]
fn names_any(further: *const Further) -> bool {
    if further.is_null() {
        return false;
    }
    // SAFETY: the verifier checks that callers hand over rules.
    let further = unsafe { &*further };
    further.named | further.unnamed != 0
}

/// Writes a record, or as much of one as a `Room` holds, `TYPED` bytes of a typed
/// address among it.
#[inline(always)]
fn written<Room: 'static, const TYPED: usize>(
    caller: *const Caller,
    facts: *const Facts,
    (place, further): (*const Place, *const Further),
    said: *const Said,
    told: *const Identity,
) -> u32 {
    if caller.is_null() || facts.is_null() || said.is_null() {
        return 0;
    }
    // SAFETY: the verifier checks that callers hand over what hooks know.
    let caller = unsafe { &*caller };
    // SAFETY: the same for facts.
    let facts = unsafe { &*facts };
    // SAFETY: the same for what was said.
    let said = unsafe { &*said };
    let verdict = &said.verdict;
    let would_deny = said.action == Action::WouldDeny as u32;
    let task = kernel::current();
    let sequence = count_up(Counter::Events);
    let Some(mut entry) = EVENTS.reserve_untyped::<Room>(0) else {
        count(Counter::EventsLost);
        return LOST;
    };
    let record: *mut Record = entry.as_mut_ptr().cast();
    // VERIFIER: before what branches, since at each load of a pointer out of a task it looks
    // for names among all the kernel's types.
    put_process(record, caller, task, told);
    let outcome = said.outcome();
    put!(record.version = policy_abi::ABI_VERSION);
    put!(record.hook = caller.hook);
    put!(record.action = said.action);
    put!(record.generation = said.generation);
    put!(record.sequence = sequence);
    put!(record.recorded = verdict.recorded);
    put!(record.terms = verdict.terms);
    put!(record.rule = outcome.rule);
    put!(record.effect = outcome.effect);
    put!(
        record.errno = if outcome.denies() && !would_deny {
            outcome.errno
        } else {
            0
        }
    );
    // SAFETY: a field of the reserved record.
    let to = unsafe { addr_of_mut!((*record).facts) };
    // SAFETY: `facts` is none of the record. As a copy of what does not overlap it
    // is made by words; else it would be a call that goes from byte to byte.
    unsafe { core::ptr::copy_nonoverlapping(facts, to, 1) };
    let [first, second, third] = caller.detail;
    put!(record.detail[0] = first);
    put!(record.detail[1] = second);
    put!(record.detail[2] = third);
    if TYPED == TYPED_BYTES {
        put!(
            record.further = if further.is_null() {
                NOTHING_FURTHER
            } else {
                // SAFETY: the verifier checks that callers hand over rules.
                unsafe { *further }
            }
        );
    }
    // VERIFIER: or it would follow the rest once for each set of flags.
    let forget = |flags| kernel::opaque_memory(u64::from(flags)) as u32;
    let mut flags = caller.flags & !TYPED_IS_OBJECT;
    flags |= forget(call::put::<TYPED>(record, caller, task));
    flags |= put_object(record, place);
    if said.generation == 0 {
        flags |= FLAG_FAILED;
    }
    put!(record.flags = flags);
    entry.submit(waking());
    EMITTED
}

/// With what a record is submitted: whether it wakes the reader. To be asked last,
/// since the reader's mind can change.
#[inline(always)]
pub(crate) fn waking() -> u64 {
    match WAKE.get_ptr(0) {
        // SAFETY: a map's value, valid while the program runs.
        Some(word) => unsafe { core::ptr::read_volatile(word) },
        None => WAKE_READER,
    }
}

/// The process, the thread and the time.
#[inline(always)]
fn put_process(record: *mut Record, caller: &Caller, task: Pointer, told: *const Identity) {
    let leader = kernel::group_leader(task);
    put!(record.ruid = kernel::cred_uid(kernel::task_cred(task)));
    put!(record.cgroup = kernel::cgroup_of(task).map_or(0, |cgroup| cgroup.id));
    let told = if told.is_null() {
        process::numbers(leader)
    } else {
        // SAFETY: the verifier checks that callers hand over an identity.
        unsafe { (*told).told }
    };
    // SAFETY: the helper has no preconditions.
    let now = unsafe { bpf_ktime_get_boot_ns() };
    // SAFETY: as above.
    let cpu = unsafe { bpf_get_smp_processor_id() };
    put!(record.boottime = now);
    put!(record.cpu = cpu);
    put!(record.pid = told.pid);
    put!(record.tid = kernel::task_pid(task));
    put!(record.ns_pid = told.ns_pid);
    // In a namespace of its own a number is a call to read, which an event would pay for.
    put!(
        record.ns_tid = if task == leader {
            told.ns_pid
        } else {
            kernel::own_pid(task)
        }
    );
    put!(record.loginuid = kernel::task_loginuid(task));
    put!(record.process_start = told.start);
    put!(record.thread_start = kernel::task_start(task));
    put!(record.thread_comm = policy_abi::facts::clean_comm(kernel::task_comm(task)));
    put!(record.socket_type = caller.socket.kind);
    put!(record.protocol = caller.socket.protocol_or_zero());
}

/// A stored place's numbers and text.
#[inline(always)]
fn put_place(text: *mut Text, place: *const Place) {
    // SAFETY: the record's, which nobody else sees yet.
    let text = unsafe { &mut *text };
    // SAFETY: a map's value, valid while the program runs.
    let place = unsafe { &*place };
    text.inode = place.inode;
    text.device = place.device;
    text.length = place.length;
    let (to, from) = (&raw mut text.bytes, &raw const place.text);
    let room = TEXT_ROOM as u32;
    kernel::copy(to.cast(), room, from as u64);
}

/// A unix object.
#[inline(always)]
fn put_object(record: *mut Record, place: *const Place) -> u32 {
    if place.is_null() {
        return 0;
    }
    // SAFETY: an address inside the reserved record.
    put_place(unsafe { &raw mut (*record).object }, place);
    FLAG_OBJECT
}
