//! `probe`: does what it is told, as whatever program and user it is started.
//!
//! One request a line on standard input, one reply a line on standard output;
//! a reply of nothing but its ids says that the program has started, which is
//! how a successful exec(2) answers.

mod call;
mod hammer;
mod masquerade;
mod ring;

use std::fs::File;
use std::io::{self, BufRead as _, Read as _};
use std::os::fd::FromRawFd as _;

use interdict_tests::protocol::{Reply, Request};

fn main() -> io::Result<()> {
    answer(&mut io::stdout(), &reply(0))?;
    for line in io::stdin().lock().lines() {
        let request = serde_json::from_str(&line?)?;
        answer(&mut io::stdout(), &perform(&request))?;
    }
    Ok(())
}

fn answer(to: &mut impl io::Write, reply: &Reply) -> io::Result<()> {
    let mut line = serde_json::to_vec(reply)?;
    line.push(b'\n');
    to.write_all(&line)?;
    to.flush()
}

fn perform(request: &Request) -> Reply {
    match request {
        Request::Call { number, arguments } => call::perform(*number, arguments),
        Request::Sequence(requests) => {
            let mut last = reply(0);
            for request in requests {
                last = perform(request);
                if last.result < 0 {
                    break;
                }
            }
            last
        }
        Request::Thread(request) => std::thread::scope(|scope| {
            let thread = scope.spawn(|| perform(request));
            thread.join().unwrap_or_else(|_| failed())
        }),
        Request::Fork(request) => fork(request).unwrap_or_else(|_| failed()),
        Request::Ring(operation) => {
            ring::perform(operation).unwrap_or_else(|error| of_error(&error))
        }
        Request::Masquerade { exe } => {
            masquerade::perform(*exe).unwrap_or_else(|error| of_error(&error))
        }
        Request::Hammer(hammer) => hammer::perform(hammer),
    }
}

/// A reply of this very thread.
fn reply(result: i64) -> Reply {
    Reply {
        result,
        pid: std::process::id(),
        // SAFETY: no preconditions.
        tid: unsafe { libc::gettid() }.cast_unsigned(),
        ..Reply::default()
    }
}

fn of_error(error: &io::Error) -> Reply {
    error
        .raw_os_error()
        .map_or_else(failed, |number| reply(-i64::from(number)))
}

/// What is no errno: something went wrong here, not in the kernel.
fn failed() -> Reply {
    reply(-100_000)
}

/// Performs a request in a child, whose reply comes back through a pipe.
fn fork(request: &Request) -> io::Result<Reply> {
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
    // SAFETY: there is one thread; the child has all that this one has.
    let child = unsafe { libc::fork() };
    if child < 0 {
        return Err(io::Error::last_os_error());
    }
    if child == 0 {
        drop(read);
        let code = i32::from(answer(&mut write, &perform(request)).is_err());
        drop(write);
        // SAFETY: no preconditions; the parent's buffers are not written twice.
        unsafe { libc::_exit(code) };
    }
    drop(write);
    let mut text = Vec::new();
    read.read_to_end(&mut text)?;
    // SAFETY: a null status is allowed.
    unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) };
    Ok(serde_json::from_slice(&text)?)
}
