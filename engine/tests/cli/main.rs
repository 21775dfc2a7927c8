//! The program as its users meet it: arguments, input and files in; standard
//! output, standard error and the exit code out. One file a command.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails"
)]
#![expect(
    clippy::needless_raw_string_hashes,
    reason = "the form in which UPDATE_EXPECT=1 writes what it saw"
)]

mod check;
mod explain;
mod files;
mod fmt;
mod formats;
mod host;
mod program;
mod test;
mod usage;

use program::Dir;

const DOCKER: &str = "# allow P0506: the shortest example\n\
                      # allow P0524: no other engine here\n\
                      deny unix connect to /run/docker.sock unless comm = dockerd \
                      id docker because \"root is behind it\"\n";
