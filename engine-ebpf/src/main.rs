//! The BPF programs: one entry point for each row of the hook table.
//!
//! Each hook turns its arguments into [`policy_abi::facts::Facts`]; the verdict,
//! the failure verdict, the counts and the event are made in one place,
//! [`dispatch`]. Programs can be preempted: nothing of a decision may live in
//! per-CPU memory across two instructions.
#![no_std]
#![no_main]
#![cfg_attr(target_arch = "bpf", feature(asm_experimental_arch))]
#![expect(
    clippy::cast_possible_truncation,
    reason = "the target is 64 bits wide; halves of words are taken on purpose"
)]
#![expect(
    clippy::inline_always,
    reason = "the verifier sees what is inlined with the ranges of its caller"
)]

mod ask;
#[cfg(feature = "bench")]
#[path = "../bench/core.rs"]
mod bench;
mod capture;
mod cgroup;
mod count;
mod dispatch;
mod emit;
mod failure;
mod groups;
mod hooks;
mod kernel;
mod maps;
mod memo;
mod path;
mod rare;
mod seed;
mod select;
mod settle;
mod subject;
mod tables;
mod texts;
mod traits;
mod unix;
mod wide;

use aya_ebpf::programs::{FExitContext, LsmContext};

macro_rules! define_programs {
    ($( #[doc = $doc:literal]
        { id: $id:literal, variant: $variant:ident, name: $name:ident, args: $args:literal, role: $role:ident } )+) => {
        $( define_program!($role $doc $name); )+
    };
}

macro_rules! define_program {
    (Tell $doc:literal $name:ident) => {
        define_program!($doc $name "fexit/" FExitContext);
    };
    ($role:ident $doc:literal $name:ident) => {
        define_program!($doc $name "lsm/" LsmContext);
    };
    ($doc:literal $name:ident $section:literal $context:ident) => {
        #[doc = $doc]
        #[unsafe(no_mangle)]
        #[unsafe(link_section = concat!($section, stringify!($name)))]
        extern "C" fn $name(ctx: *mut core::ffi::c_void) -> i32 {
            hooks::$name::run(&$context::new(ctx))
        }
    };
}
policy_abi::for_each_hook!(define_programs);

/// Takes the identity of processes that are older than the engine.
#[unsafe(no_mangle)]
#[unsafe(link_section = "iter/task")]
extern "C" fn seed_task(ctx: *mut core::ffi::c_void) -> i32 {
    capture::seed(ctx)
}

/// Takes the places of unix sockets that are older than the engine.
#[unsafe(no_mangle)]
#[unsafe(link_section = "iter/task_file")]
extern "C" fn seed_socket(ctx: *mut core::ffi::c_void) -> i32 {
    seed::socket(ctx)
}

/// What the kernel is told of the object's licence: GPL-only helpers are used.
#[unsafe(no_mangle)]
#[unsafe(link_section = "license")]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";

#[cfg(not(test))]
#[panic_handler]
fn panic(_info: &core::panic::PanicInfo) -> ! {
    loop {}
}
