//! The program in a directory of its own: arguments, input and files in; standard
//! output, standard error and the exit code out.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A fresh directory that the program runs in.
pub(super) struct Dir(PathBuf);

/// What came of a run.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ran {
    pub(super) out: String,
    pub(super) err: String,
    pub(super) exit: i32,
}

impl Dir {
    /// One that no other test has: `test` is the test's name.
    pub(super) fn new(test: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
        if path.exists() {
            fs::remove_dir_all(&path).unwrap();
        }
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    pub(super) fn file(self, name: &str, text: impl AsRef<[u8]>) -> Self {
        fs::write(self.0.join(name), text).unwrap();
        self
    }

    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_interdict"));
        command.args(arguments).current_dir(&self.0);
        command
    }

    /// Runs the program to its end. What it writes is UTF-8, whatever it read.
    pub(super) fn run(&self, arguments: &[&str], input: &[u8]) -> Ran {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // A program that does not read its input has closed it.
        stdin.write_all(input).ok();
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        Ran {
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
            exit: output.status.code().unwrap(),
        }
    }
}
