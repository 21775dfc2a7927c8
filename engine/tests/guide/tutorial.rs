//! `docs/tutorial.md`, followed to the letter: its files are written, its
//! commands run, and their output compared. `UPDATE_EXPECT=1` rewrites it.
//!
//! What follows `policy` on a block's first line says what is done with it:
//! `file=NAME` writes it, `append=NAME` puts it at a file's end, `replace=NAME` puts
//! what follows its first line in that line's place. In a `console` block each line
//! after `$ ` is a command; in a `yaml` block those that begin with `interdict` are.

use crate::pages::{Block, Page, blocks};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const PAGE: &str = "docs/tutorial.md";

struct Reader {
    folder: PathBuf,
    /// Exit code of the last command.
    last: i32,
    commands: usize,
}

impl Reader {
    fn new() -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("tutorial");
        if folder.exists() {
            fs::remove_dir_all(&folder).unwrap();
        }
        fs::create_dir_all(folder.join("policies")).unwrap();
        Self {
            folder,
            last: 0,
            commands: 0,
        }
    }

    /// Output and errors of a command, as a terminal shows them.
    fn run(&mut self, command: &str) -> String {
        if command == "echo $?" {
            return format!("{}\n", self.last);
        }
        assert!(command.starts_with("interdict "), "{command}");
        let program = Path::new(env!("CARGO_BIN_EXE_interdict"));
        let rest = std::env::var_os("PATH").unwrap();
        let paths = std::env::split_paths(&rest).collect::<Vec<_>>();
        let first = program.parent().unwrap().to_path_buf();
        let output = Command::new("sh")
            .args(["-c", &format!("exec 2>&1; {command}")])
            .env(
                "PATH",
                std::env::join_paths([first].into_iter().chain(paths)).unwrap(),
            )
            .current_dir(&self.folder)
            .output()
            .unwrap();
        self.last = output.status.code().unwrap();
        self.commands += 1;
        String::from_utf8(output.stdout).unwrap()
    }

    /// A console block with the output that its commands give now.
    fn console(&mut self, text: &str) -> String {
        let mut out = String::new();
        for command in text.lines().filter_map(|line| line.strip_prefix("$ ")) {
            writeln!(out, "$ {command}").unwrap();
            out += &self.run(command);
        }
        out
    }

    fn write(&self, block: &Block) {
        let (what, name) = block
            .info
            .split(' ')
            .nth(1)
            .unwrap()
            .split_once('=')
            .unwrap();
        let path = self.folder.join(name);
        let old = || fs::read_to_string(&path).unwrap();
        let new = match what {
            "file" => block.text.clone(),
            "append" => old() + &block.text,
            _ => {
                assert_eq!(what, "replace", "{PAGE}:{}", block.line);
                let (from, to) = block.text.split_once('\n').unwrap();
                assert_eq!(old().matches(from).count(), 1, "{PAGE}:{}", block.line);
                old().replace(from, to.strip_suffix('\n').unwrap())
            }
        };
        fs::write(path, new).unwrap();
    }
}

#[test]
fn what_the_tutorial_shows_is_what_happens() {
    let mut page = Page::read(PAGE);
    let mut reader = Reader::new();
    let mut shown: Vec<(usize, String, String)> = Vec::new();
    for block in blocks(&page.text) {
        match block.info.split(' ').next() {
            Some("policy") => reader.write(&block),
            Some("console") => {
                shown.push((block.line, reader.console(&block.text), block.text));
            }
            Some("yaml") => {
                for line in block.text.lines() {
                    let step = line.trim_start().trim_start_matches("- ");
                    let step = step.strip_prefix("run: ").unwrap_or(step);
                    if step.starts_with("interdict ") {
                        let said = reader.run(step);
                        assert_eq!(reader.last, 0, "{PAGE}:{}: {step}\n{said}", block.line);
                    }
                }
            }
            // What needs root and a kernel, and what a kernel's events look like.
            Some("sh" | "text" | "json") => {}
            _ => panic!("{PAGE}:{}: a block of no kind", block.line),
        }
    }
    assert!(reader.commands > 15, "only {} commands", reader.commands);
    for (line, wanted, found) in shown.iter().rev() {
        page.block(*line, found, wanted);
    }
    page.end();
}
