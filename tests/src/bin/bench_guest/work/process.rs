//! Processes and threads: they are made, and waited for.

use std::ffi::CString;
use std::io;
use std::os::unix::ffi::OsStrExt as _;

use super::{Context, Round, Timed, settle, timed};
use crate::Outcome;

/// Of a round: each takes hundreds of times what a connect does.
const PROCESSES: u16 = 16;
const THREADS: u16 = 64;

/// Gives this process a priority before all others; its children do not have it.
pub(super) fn take_priority() -> Outcome<()> {
    let priority = libc::sched_param { sched_priority: 1 };
    let policy = libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK;
    // SAFETY: `priority` is valid for reads.
    let failed = unsafe { libc::sched_setscheduler(0, policy, &raw const priority) };
    if failed == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error().into())
    }
}

/// fork(2), execve(2) of a small program that is linked statically, and its end.
pub(super) fn fork_exec(context: &Context<'_>) -> Outcome<Round> {
    let program = CString::new(context.folder.join("busybox").as_os_str().as_bytes())?;
    let name = CString::new("true")?;
    Ok(Box::new(move || {
        settle();
        let took = timed(|| (0..PROCESSES).try_for_each(|_| run(&program, &name)))?;
        let mut sum = Timed::default();
        sum.add(took, PROCESSES);
        Ok(sum)
    }))
}

fn run(program: &CString, name: &CString) -> Outcome<()> {
    let arguments = [name.as_ptr(), std::ptr::null()];
    let environment = [std::ptr::null()];
    // SAFETY: this process has one thread, so the child may do what it may.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // SAFETY: strings, and arrays that end with null, all alive.
        unsafe { libc::execve(program.as_ptr(), arguments.as_ptr(), environment.as_ptr()) };
        // SAFETY: nothing of the parent's is to be run again.
        unsafe { libc::_exit(127) };
    }
    if child < 0 {
        return Err(io::Error::last_os_error().into());
    }
    let mut status = 0;
    // SAFETY: `status` is valid for writes.
    let ended = unsafe { libc::waitpid(child, &raw mut status, 0) };
    if ended == child && status == 0 {
        Ok(())
    } else {
        Err(format!("the program that was executed ended with {status}").into())
    }
}

/// A thread that does nothing, and its end.
#[expect(clippy::unnecessary_wraps, reason = "as the table has it")]
pub(super) fn thread(_: &Context<'_>) -> Outcome<Round> {
    Ok(Box::new(|| {
        settle();
        let took = timed(|| (0..THREADS).try_for_each(|_| one_thread()))?;
        let mut sum = Timed::default();
        sum.add(took, THREADS);
        Ok(sum)
    }))
}

fn one_thread() -> Outcome<()> {
    let thread = std::thread::Builder::new().spawn(|| ())?;
    let ended = thread.join();
    ended.ok().ok_or_else(|| "a thread panicked".into())
}
