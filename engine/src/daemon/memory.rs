//! Memory that nobody holds any more.

/// Gives the system back what was taken for a while: reading the kernel's types and
/// a policy takes many times what is kept of them, and the allocator would hold it
/// for a next time that is days away.
pub(super) fn give_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: it has no preconditions; what is in use stays. Whether anything was
    // given back does not matter.
    unsafe {
        libc::malloc_trim(0);
    }
}
