//! From a record in the ring buffer to one line of JSON.
//!
//! ```text
//! bytes ─decode─▶ Event (checked) ─Renderer::line─▶ one line, at most 8 KiB
//! ```
//!
//! [`decode`] is the only way to an [`Event`]: what it holds was checked once.
//! [`Renderer`] needs to be told four things that a record does not carry: what
//! a rule number means ([`Rules`]; [`Book`] is one), where a file system is mounted
//! and what a cgroup is called ([`Places`]; [`Cgroups`] knows the latter), what
//! program a process runs and who created it ([`Processes`], which the kernel tells
//! once of each, before its first event: [`told`]), and when the machine started. The names of the JSON members stand in `record`
//! and nowhere else.
//!
//! ```
//! use interdict::event::{DecodeError, decode};
//! assert_eq!(decode(b"short").err(), Some(DecodeError::Length { found: 5 }));
//! ```
//!
//! # The shape
//!
//! The members are those of Tracee's current event, plus one object of our own,
//! `decision`. Where Tracee's pages leave a choice:
//!
//! - **Names and ids.** A connect is `security_socket_connect`, 1036, whichever
//!   hook judged it: every record of `socket_connect` and `unix_stream_connect`,
//!   and one of `unix_may_send` while connect(2) runs. `unix_stream_connect` is
//!   reached by a connect alone, so a connect by `io_uring` has that name too. A
//!   datagram connect by `io_uring` cannot be told from a send, and is a
//!   `security_unix_may_send`. That name, `security_socket_sendmsg` and
//!   `security_sctp_bind_connect` are not among Tracee's public events; their ids
//!   are ours, in a range that Tracee does not use.
//!   A bind of a unix socket is `security_socket_bind`, 1038, by `socket_bind` and
//!   `path_mknod`; its address is `local_addr`.
//! - **`remote_addr`** is what the caller typed, where that could be read, else
//!   the object. `decision.object` is always the object that was judged.
//! - **`unique_id`** is a number of 32 bits, made of the process id and the start
//!   time in nanoseconds, that stays the same for the life of a process or
//!   thread: the first half of `mix(start ^ id << 32)`, where `mix` multiplies and
//!   shifts as `splitmix64` does. The main thread's equals the process's.
//! - **`ancestors`** are a process's creator, that one's creator and so on, each as
//!   it was when it created the next: at most eight were told of before the first
//!   event, and the list ends where a creator had ended unseen. Of a process that
//!   is older than the engine it is who was its parent at its first event.
//! - **Times** are the boot epoch that the engine took at its start plus the
//!   kernel's boot time, always with nine digits.
//!
//! [`Shape::TraceeLegacy`] is the shape of Tracee's releases, with the same
//! `decision`, whose `cut` names members of the current shape.
//!
//! # Hostile text
//!
//! Names and paths are chosen by the processes that are judged. Control
//! characters, bytes that are not UTF-8, line separators and bidirectional
//! controls become `\xNN`; a `…_hex` member beside the text then holds its bytes.
//! Where there is no such member, the text is literal, backslashes included.
//! `sun_path` of an abstract name begins with `@`; a typed path that begins with
//! `@` has its `sun_path_hex`, which for an abstract name begins with `00`.
//!
//! # Length
//!
//! A line that would pass 8 KiB is made again with less, in the order of
//! `limit`'s ladder. `decision.cut` names every member that is not whole, for
//! this reason or since the kernel keeps no path past 256 bytes.

mod address;
mod book;
mod cgroups;
mod container;
mod data;
mod decision;
mod decode;
mod json;
mod legacy;
mod limit;
mod place;
mod processes;
mod record;
mod render;
mod rules;
mod text;
mod time;
mod words;

#[cfg(test)]
mod tests;

pub use book::{Book, KEPT};
pub use cgroups::Cgroups;
pub use decode::{DecodeError, Event, decode};
pub use limit::LINE_BYTES;
pub use processes::{Processes, told};
pub use render::{RenderError, Renderer, Shape};
pub use rules::{Places, Rule, Rules};
