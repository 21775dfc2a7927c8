//! Every map and global of the object. Names are those of [`policy_abi::maps`].

use crate::wide::Rooms;
use aya_ebpf::bindings::bpf_map_type::{BPF_MAP_TYPE_SK_STORAGE, BPF_MAP_TYPE_TASK_STORAGE};
use aya_ebpf::bindings::{
    BPF_F_INNER_MAP, BPF_F_MMAPABLE, BPF_F_NO_PREALLOC, BPF_LOCAL_STORAGE_GET_F_CREATE,
};
use aya_ebpf::btf_maps::{Array, ArrayOfMaps, PerCpuArray, RingBuf};
use aya_ebpf::helpers::generated::{
    bpf_sk_storage_get, bpf_task_storage_delete, bpf_task_storage_get,
};
use aya_ebpf::macros::btf_map;
use core::ffi::c_void;
use core::ptr::null_mut;
use policy_abi::event::{COUNTER_COUNT, Record, Tallies};
use policy_abi::hash::Key;
use policy_abi::identity::{Binding, Bound, Cgroup, Creator, Identity, Place};
use policy_abi::image::{NEAR_WORDS, PAGE_WORDS};
use policy_abi::maps::{HOST_NAMESPACES, ON_ERROR_WORDS, RING_BYTES, SLOTS};
use policy_abi::offsets::Offsets;

/// What of a policy is near, as one value.
pub(crate) type Image = [u64; NEAR_WORDS as usize];
/// A page of what is far.
pub(crate) type Page = [u64; PAGE_WORDS as usize];

/// An array of as many elements as its policy needs. Lookups of it are calls.
pub(crate) type Sized<T> = Array<T, 1, { BPF_F_INNER_MAP as usize }>;

#[btf_map(name = "ACTIVE")]
pub(crate) static ACTIVE: Array<u64, 1, { BPF_F_MMAPABLE as usize }> = Array::new();

#[btf_map(name = "ON_ERROR")]
pub(crate) static ON_ERROR: Array<u64, { ON_ERROR_WORDS as usize }> = Array::new();

#[btf_map(name = "TABLES")]
pub(crate) static TABLES: ArrayOfMaps<Array<Image, 1>, { SLOTS as usize }> = ArrayOfMaps::new();

#[btf_map(name = "FAR")]
pub(crate) static FAR: ArrayOfMaps<Sized<Page>, { SLOTS as usize }> = ArrayOfMaps::new();

#[btf_map(name = "TALLIES")]
pub(crate) static TALLIES: ArrayOfMaps<Sized<Tallies>, { SLOTS as usize }> = ArrayOfMaps::new();

#[btf_map(name = "COUNTERS")]
pub(crate) static COUNTERS: PerCpuArray<u64, { COUNTER_COUNT as usize }> = PerCpuArray::new();

#[btf_map(name = "EVENTS")]
pub(crate) static EVENTS: RingBuf<Record, RING_BYTES> = RingBuf::new();

#[btf_map(name = "EPOCH")]
pub(crate) static EPOCH: Array<u64, 1, { BPF_F_MMAPABLE as usize }> = Array::new();

#[btf_map(name = "WAKE")]
pub(crate) static WAKE: Array<u64, 1, { BPF_F_MMAPABLE as usize }> = Array::new();

#[btf_map(name = "IDENTITIES")]
pub(crate) static IDENTITIES: Storage<Identity, { BPF_MAP_TYPE_TASK_STORAGE as usize }> =
    Storage::new();

#[btf_map(name = "CREATORS")]
pub(crate) static CREATORS: Storage<Creator, { BPF_MAP_TYPE_TASK_STORAGE as usize }> =
    Storage::new();

#[btf_map(name = "CGROUPS")]
pub(crate) static CGROUPS: Storage<Cgroup, { BPF_MAP_TYPE_TASK_STORAGE as usize }> = Storage::new();

#[btf_map(name = "SOCKETS")]
pub(crate) static SOCKETS: Storage<Place, { BPF_MAP_TYPE_SK_STORAGE as usize }> = Storage::new();

#[btf_map(name = "PORTS")]
pub(crate) static PORTS: Storage<Bound, { BPF_MAP_TYPE_SK_STORAGE as usize }> = Storage::new();
#[btf_map(name = "BINDINGS")]
pub(crate) static BINDINGS: Storage<Binding, { BPF_MAP_TYPE_TASK_STORAGE as usize }> =
    Storage::new();

/// Whether a hook saw the peer of the connect that a thread is in: 1, else 0.
#[btf_map(name = "REACHED")]
pub(crate) static REACHED: Storage<u64, { BPF_MAP_TYPE_TASK_STORAGE as usize }> = Storage::new();

#[btf_map(name = "DECIDING")]
pub(crate) static DECIDING: Storage<Rooms, { BPF_MAP_TYPE_TASK_STORAGE as usize }> = Storage::new();

/// Room in which an [`Identity`] is put together before it is stored; the task
/// iterator runs once at a time, so one is enough.
#[btf_map(name = "SEED_ROOM")]
pub(crate) static SEED_ROOM: Array<Identity, 1> = Array::new();

#[unsafe(no_mangle)]
#[unsafe(link_section = ".rodata")]
static OFFSETS: Offsets = policy_abi::offsets::NOTHING;

#[unsafe(no_mangle)]
#[unsafe(link_section = ".rodata")]
static HASH_KEY: Key = [0; 2];

#[unsafe(no_mangle)]
#[unsafe(link_section = ".rodata")]
static TRUST_ALL: u32 = 0;

#[unsafe(no_mangle)]
#[unsafe(link_section = ".rodata")]
static NAMESPACES: [u32; HOST_NAMESPACES] = [0; HOST_NAMESPACES];

#[unsafe(no_mangle)]
#[unsafe(link_section = ".rodata")]
static VERSION: u32 = policy_abi::ABI_VERSION;

/// Not frozen, so the verifier takes its value for unknown.
#[unsafe(no_mangle)]
#[unsafe(link_section = ".bss")]
static mut ZERO: u64 = 0;

/// Not 0 once a thread has had a mark in [`REACHED`].
#[unsafe(no_mangle)]
#[unsafe(link_section = ".bss")]
static mut MARKED: u64 = 0;

/// Whether a thread can have a mark in [`REACHED`].
#[inline(always)]
pub(crate) fn is_marked() -> bool {
    let marked = &raw const MARKED;
    // SAFETY: a valid static, which is only ever set.
    unsafe { core::ptr::read_volatile(marked) != 0 }
}

/// From now on threads can have marks in [`REACHED`].
#[inline(always)]
pub(crate) fn set_marked() {
    let marked = &raw mut MARKED;
    // SAFETY: as in `is_marked`.
    unsafe { core::ptr::write_volatile(marked, 1) };
}

/// Offsets of kernel structures. Read field by field through [`core::ptr::read_volatile`]:
/// the compiler must not assume the placeholder's zeros.
pub(crate) const fn offsets() -> *const Offsets {
    &raw const OFFSETS
}

/// The key of path and name hashes.
#[inline(always)]
pub(crate) fn hash_key() -> Key {
    // SAFETY: the static is valid, aligned and never written by a program.
    unsafe { core::ptr::read_volatile(&raw const HASH_KEY) }
}

/// A zero that the verifier does not know to be one.
#[inline(always)]
pub(crate) fn zero() -> u64 {
    let zero = &raw const ZERO;
    // SAFETY: a valid static that nobody writes.
    unsafe { core::ptr::read_volatile(zero) }
}

/// Whether identities found at start are trusted whoever runs the process.
#[inline(always)]
pub(crate) fn trust_all() -> bool {
    // SAFETY: the static is valid, aligned and never written by a program.
    unsafe { core::ptr::read_volatile(&raw const TRUST_ALL) != 0 }
}

/// Numbers of PID 1's namespaces: user, net, pid, mnt, cgroup.
#[inline(always)]
pub(crate) fn host_namespaces() -> [u32; HOST_NAMESPACES] {
    // SAFETY: the static is valid, aligned and never written by a program.
    unsafe { core::ptr::read_volatile(&raw const NAMESPACES) }
}

/// Local storage of a kernel object, as a BTF map definition; aya-ebpf has no
/// type for task storage, and its socket storage asks for another context.
#[repr(C)]
pub(crate) struct Storage<T, const TYPE: usize> {
    r#type: *const [i32; TYPE],
    key: *const i32,
    value: *const T,
    max_entries: *const [i32; 0],
    map_flags: *const [i32; BPF_F_NO_PREALLOC as usize],
}

// SAFETY: the pointers are placeholders for the loader and never followed.
unsafe impl<T, const TYPE: usize> Sync for Storage<T, TYPE> {}

impl<T, const TYPE: usize> Storage<T, TYPE> {
    const fn new() -> Self {
        Self {
            r#type: core::ptr::null(),
            key: core::ptr::null(),
            value: core::ptr::null(),
            max_entries: core::ptr::null(),
            map_flags: core::ptr::null(),
        }
    }

    const fn map(&self) -> *mut c_void {
        core::ptr::from_ref(self).cast_mut().cast()
    }
}

/// What storage is asked for when it is not there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// Nothing.
    Leave,
    /// A new value of zeros.
    Create,
}

impl Missing {
    #[inline(always)]
    const fn flags(self) -> u64 {
        match self {
            Self::Leave => 0,
            Self::Create => BPF_LOCAL_STORAGE_GET_F_CREATE as u64,
        }
    }
}

impl<T> Storage<T, { BPF_MAP_TYPE_TASK_STORAGE as usize }> {
    /// The value kept for a task.
    #[inline(always)]
    pub(crate) fn of_task(&self, task: *const c_void, missing: Missing) -> Option<*mut T> {
        // SAFETY: the verifier checks that `task` is a task's typed pointer.
        let value = unsafe {
            bpf_task_storage_get(
                self.map(),
                task.cast_mut().cast(),
                null_mut(),
                missing.flags(),
            )
        };
        if value.is_null() {
            None
        } else {
            Some(value.cast())
        }
    }

    /// The value kept for a task; `initial` becomes it when there is none.
    #[inline(always)]
    pub(crate) fn of_task_or(&self, task: *const c_void, initial: *mut T) -> Option<*mut T> {
        // SAFETY: as in `of_task`; `initial` is a map's value of the same size.
        let value = unsafe {
            bpf_task_storage_get(
                self.map(),
                task.cast_mut().cast(),
                initial.cast(),
                Missing::Create.flags(),
            )
        };
        if value.is_null() {
            None
        } else {
            Some(value.cast())
        }
    }

    /// Forgets what is kept for a task.
    #[inline(always)]
    pub(crate) fn forget_task(&self, task: *const c_void) {
        // SAFETY: as in `of_task`. The result says whether there was anything.
        unsafe { bpf_task_storage_delete(self.map(), task.cast_mut().cast()) };
    }
}

impl<T> Storage<T, { BPF_MAP_TYPE_SK_STORAGE as usize }> {
    /// The value kept for a socket.
    #[inline(always)]
    pub(crate) fn of_socket(&self, sk: *const c_void, missing: Missing) -> Option<*mut T> {
        // SAFETY: the verifier checks that `sk` is a socket's typed pointer.
        let value = unsafe {
            bpf_sk_storage_get(
                self.map(),
                sk.cast_mut().cast(),
                null_mut(),
                missing.flags(),
            )
        };
        if value.is_null() {
            None
        } else {
            Some(value.cast())
        }
    }
}
