//! The programs of `empty.rs` and `refuse.rs`: one for each deciding hook, with
//! `VERDICT` for all that it says. The including file defines it.

use policy_abi::hooks::Role;

macro_rules! define_programs {
    ($( #[doc = $doc:literal]
        { id: $id:literal, variant: $variant:ident, name: $name:ident, args: $args:literal, role: $role:ident } )+) => {
        $( define_program!($role $name); )+
        /// The table is read whole: a role that this file does not know is an error.
        const _: &[Role] = &[ $( Role::$role, )+ ];
    };
}

macro_rules! define_program {
    (Decide $name:ident) => {
        #[unsafe(no_mangle)]
        #[unsafe(link_section = concat!("lsm/", stringify!($name)))]
        extern "C" fn $name(_ctx: *mut core::ffi::c_void) -> i32 {
            crate::VERDICT
        }
    };
    (Identify $name:ident) => {};
    (Tell $name:ident) => {};
}
policy_abi::for_each_hook!(define_programs);

#[unsafe(no_mangle)]
#[unsafe(link_section = "license")]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";

#[cfg(not(test))]
#[panic_handler]
fn panic(_info: &core::panic::PanicInfo) -> ! {
    loop {}
}
