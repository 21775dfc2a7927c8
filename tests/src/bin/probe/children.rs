//! Requests that another process carries out, or another thread from here on.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::FromRawFd as _;

use interdict_tests::protocol::{Reply, Request};

use super::{answer, failed, perform, reply, serve};

/// Bytes of the stack of a child that shares its creator's memory.
const STACK: usize = 1 << 20;

/// Performs a request in a child, whose reply comes back through a pipe.
pub(super) fn fork(request: &Request) -> io::Result<Reply> {
    // SAFETY: there is one thread; the child has all that this one has.
    in_child(|| unsafe { libc::fork() }.into(), || perform(request))
}

/// Performs a request in a grandchild whose parent has ended.
pub(super) fn orphan(request: &Request) -> io::Result<Reply> {
    in_child(
        || {
            // SAFETY: as above.
            let between = unsafe { libc::fork() };
            if between != 0 {
                return between.into();
            }
            // SAFETY: no preconditions.
            let parent = unsafe { libc::getpid() };
            // SAFETY: as above.
            if unsafe { libc::fork() } != 0 {
                // SAFETY: no preconditions; the buffers are not written twice.
                unsafe { libc::_exit(0) };
            }
            // SAFETY: no preconditions.
            while unsafe { libc::getppid() } == parent {
                std::thread::yield_now();
            }
            0
        },
        || perform(request),
    )
}

/// Performs a request in a child that clone(2) makes.
pub(super) fn clone(flags: i32, request: &Request) -> io::Result<Reply> {
    if flags & libc::CLONE_VM != 0 {
        return Ok(sharing(flags, request));
    }
    let flags = libc::c_long::from(flags | libc::SIGCHLD);
    // SAFETY: without `CLONE_VM` it is fork(2), with a stack of its own.
    in_child(
        || unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) },
        || perform(request),
    )
}

/// Lets `create` make a child, which does the work.
fn in_child(create: impl Fn() -> libc::c_long, work: impl Fn() -> Reply) -> io::Result<Reply> {
    let mut ends = [0_i32; 2];
    // SAFETY: the array has room for two descriptors.
    if unsafe { libc::pipe(ends.as_mut_ptr()) } < 0 {
        return Err(io::Error::last_os_error());
    }
    let [read, write] = ends;
    // SAFETY: just made, and nobody else's.
    let mut read = unsafe { File::from_raw_fd(read) };
    // SAFETY: as above.
    let mut write = unsafe { File::from_raw_fd(write) };
    let child = create();
    if child < 0 {
        return Err(io::Error::last_os_error());
    }
    if child == 0 {
        drop(read);
        let code = i32::from(answer(&mut write, &work()).is_err());
        drop(write);
        // SAFETY: no preconditions; the parent's buffers are not written twice.
        unsafe { libc::_exit(code) };
    }
    drop(write);
    let mut text = Vec::new();
    read.read_to_end(&mut text)?;
    let child = i32::try_from(child).map_err(io::Error::other)?;
    // SAFETY: a null status is allowed; a child of somebody else is not waited for.
    unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) };
    Ok(serde_json::from_slice(&text)?)
}

/// What a child that shares this memory is to do, and what came of it.
struct Shared<'a> {
    request: &'a Request,
    reply: Option<Reply>,
}

/// Performs a request in a process that shares this one's memory, and waits for
/// its end (`CLONE_VFORK`).
fn sharing(flags: i32, request: &Request) -> Reply {
    let mut shared = Shared {
        request,
        reply: None,
    };
    let mut stack = vec![0_u8; STACK];
    let top = stack.as_mut_ptr_range().end;
    let top = top.wrapping_sub(top.addr() % 16);
    let flags = flags | libc::CLONE_VFORK | libc::SIGCHLD;
    // SAFETY: the stack is the child's alone, and what it is given lives until
    // its end: this thread, the only other, sleeps so long.
    let child = unsafe { libc::clone(share, top.cast(), flags, (&raw mut shared).cast()) };
    if child < 0 {
        return super::of_error(&io::Error::last_os_error());
    }
    // SAFETY: a null status is allowed.
    unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) };
    drop(stack);
    shared.reply.unwrap_or_else(failed)
}

extern "C" fn share(shared: *mut libc::c_void) -> libc::c_int {
    // SAFETY: `sharing` gives its own, and does not touch it meanwhile.
    let shared = unsafe { &mut *shared.cast::<Shared<'_>>() };
    shared.reply = Some(perform(shared.request));
    0
}

/// Ends this thread; a new one goes on where it was.
pub(super) fn leave_main() -> Reply {
    let successor = std::thread::spawn(|| {
        // The main thread is gone when its state says so.
        while !gone() {
            std::thread::yield_now();
        }
        let code = match answer(&mut io::stdout(), &reply(0)).and_then(|()| serve()) {
            Ok(()) => 0,
            Err(_) => 1,
        };
        // SAFETY: no preconditions; what was answered has been flushed.
        unsafe { libc::_exit(code) }
    });
    drop(successor);
    // SAFETY: this thread holds no lock, and nothing of it is used any more.
    unsafe { libc::syscall(libc::SYS_exit, 0) };
    failed()
}

/// Whether the main thread is a zombie.
fn gone() -> bool {
    let id = std::process::id();
    std::fs::read_to_string(format!("/proc/self/task/{id}/stat")).is_ok_and(|stat| {
        stat.rsplit_once(") ")
            .is_some_and(|(_, rest)| rest.starts_with('Z'))
    })
}
