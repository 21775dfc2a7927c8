//! The program as its users meet it: arguments, input and files in; standard
//! output, standard error and the exit code out. One file a command.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![expect(
    clippy::needless_raw_string_hashes,
    reason = "the form in which UPDATE_EXPECT=1 writes what it saw"
)]

mod check;
mod explain;
mod files;
mod fmt;
mod test;
mod usage;

use expect_test::Expect;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

const DOCKER: &str = "# allow P0506: the shortest example\n\
                      deny unix connect to /run/docker.sock unless comm = dockerd \
                      id docker because \"root is behind it\"\n";

/// A fresh directory that the program runs in.
struct Dir(PathBuf);

impl Dir {
    fn new(test: &str) -> Self {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(test);
        if path.exists() {
            fs::remove_dir_all(&path).unwrap();
        }
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(self, name: &str, text: impl AsRef<[u8]>) -> Self {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_interdict"));
        command.args(arguments).current_dir(&self.0);
        command
    }

    fn run(&self, arguments: &[&str], input: impl AsRef<[u8]>) -> Output {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // A program that does not read its input has closed it.
        stdin.write_all(input.as_ref()).ok();
        drop(stdin);
        child.wait_with_output().unwrap()
    }

    /// Runs and compares all three outputs.
    fn check(&self, arguments: &[&str], input: impl AsRef<[u8]>, expected: &Expect) {
        let output = self.run(arguments, input);
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        expected.assert_eq(&format!(
            "{}-- stderr\n{}-- exit {}\n",
            text(&output.stdout),
            text(&output.stderr),
            output.status.code().unwrap(),
        ));
    }
}
