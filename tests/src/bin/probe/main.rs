//! `probe`: does what it is told, as whatever program and user it is started.
//!
//! One request a line on standard input, one reply a line on standard output;
//! a reply of nothing but its ids says that the program has started, which is
//! how a successful exec(2) answers.

mod call;
mod children;
mod hammer;
mod masquerade;
mod narrow;
mod ring;

use std::io::{self, BufRead as _};

use interdict_tests::protocol::{Reply, Request};

fn main() -> io::Result<()> {
    answer(&mut io::stdout(), &reply(0))?;
    serve()
}

/// Answers requests until there are no more.
fn serve() -> io::Result<()> {
    let mut line = String::new();
    loop {
        line.clear();
        // Locked for a line at a time: another thread may go on from here.
        if io::stdin().lock().read_line(&mut line)? == 0 {
            return Ok(());
        }
        let request = serde_json::from_str(&line)?;
        answer(&mut io::stdout(), &perform(&request))?;
    }
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
        Request::Narrow { number, arguments } => {
            narrow::perform(*number, arguments).unwrap_or_else(|error| of_error(&error))
        }
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
        Request::Each(requests) => Reply {
            results: requests.iter().map(|one| perform(one).result).collect(),
            ..reply(0)
        },
        Request::Thread(request) => std::thread::scope(|scope| {
            let thread = scope.spawn(|| perform(request));
            thread.join().unwrap_or_else(|_| failed())
        }),
        Request::Fork(request) => children::fork(request).unwrap_or_else(|_| failed()),
        Request::Clone { flags, request } => {
            children::clone(*flags, request).unwrap_or_else(|error| of_error(&error))
        }
        Request::Orphan(request) => children::orphan(request).unwrap_or_else(|_| failed()),
        Request::LeaveMain => children::leave_main(),
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
