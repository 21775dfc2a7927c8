//! The program in a directory of its own: arguments, input and files in; standard
//! output, standard error and the exit code out.

use expect_test::Expect;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A fresh directory that the program runs in.
pub(crate) struct Dir(PathBuf);

/// What came of a run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ran {
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) exit: i32,
}

impl Dir {
    /// One that no other test has: `test` is the test's name.
    pub(crate) fn new(test: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
        if path.exists() {
            fs::remove_dir_all(&path).unwrap();
        }
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn file(self, name: &str, text: impl AsRef<[u8]>) -> Self {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_interdict"));
        command.args(arguments).current_dir(&self.0);
        command
    }

    /// Runs the program to its end.
    pub(crate) fn run(&self, arguments: &[&str], input: impl AsRef<[u8]>) -> Output {
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

    /// As [`Self::run`]; what it writes is UTF-8, whatever it read.
    pub(crate) fn ran(&self, arguments: &[&str], input: impl AsRef<[u8]>) -> Ran {
        let output = self.run(arguments, input);
        Ran {
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
            exit: output.status.code().unwrap(),
        }
    }

    /// Runs and compares all three outputs.
    pub(crate) fn check(&self, arguments: &[&str], input: impl AsRef<[u8]>, expected: &Expect) {
        let Ran { out, err, exit } = self.ran(arguments, input);
        expected.assert_eq(&format!("{out}-- stderr\n{err}-- exit {exit}\n"));
    }
}
