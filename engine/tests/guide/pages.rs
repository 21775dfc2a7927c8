//! Pages in Markdown: their fenced blocks, their tables, and the parts that the
//! program's own tables write. `UPDATE_EXPECT=1` rewrites those.

use crate::repository;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A fenced block.
pub(crate) struct Block {
    /// What follows the opening fence.
    pub(crate) info: String,
    /// The line of the opening fence, from 1.
    pub(crate) line: usize,
    /// What stands in it, the fence's indent taken off.
    pub(crate) text: String,
}

/// The fenced blocks of a page.
pub(crate) fn blocks(page: &str) -> Vec<Block> {
    let mut all = Vec::new();
    let mut open: Option<(usize, Block)> = None;
    for (number, line) in (1..).zip(page.lines()) {
        let bare = line.trim_start();
        let indent = line.len() - bare.len();
        match (&mut open, bare.strip_prefix("```")) {
            (None, Some(info)) => {
                let block = Block {
                    info: info.to_owned(),
                    line: number,
                    text: String::new(),
                };
                open = Some((indent, block));
            }
            (None, None) => {}
            (Some(_), Some(_)) => all.extend(open.take().map(|(_, block)| block)),
            (Some((indent, block)), None) => {
                block.text += line.get(*indent..).unwrap_or("");
                block.text.push('\n');
            }
        }
    }
    assert!(open.is_none(), "a fence is not closed");
    all
}

/// The first column of the table below `<!-- checked: NAME -->`, without
/// backquotes; of `if CONDITION` the first word.
pub(crate) fn first_column<'p>(page: &'p str, name: &str) -> Vec<&'p str> {
    let mark = format!("<!-- checked: {name} -->\n");
    let (_, rest) = page.split_once(&mark).unwrap();
    let rows = rest
        .lines()
        .take_while(|line| line.starts_with('|'))
        .skip(2);
    let cells = rows.map(|row| row.split('|').nth(1).unwrap().trim().trim_matches('`'));
    cells.map(|cell| cell.split(' ').next().unwrap()).collect()
}

/// Whether generated parts are rewritten instead of compared.
pub(crate) fn updating() -> bool {
    std::env::var_os("UPDATE_EXPECT").is_some()
}

/// A page whose parts are compared with what they should be.
pub(crate) struct Page {
    /// Two tests that rewrite one page do it one after the other.
    _turn: MutexGuard<'static, ()>,
    path: PathBuf,
    pub(crate) text: String,
    wrong: Vec<String>,
}

impl Page {
    pub(crate) fn read(path: &str) -> Self {
        static TURN: Mutex<()> = Mutex::new(());
        let path = repository(path);
        Self {
            _turn: TURN.lock().unwrap_or_else(PoisonError::into_inner),
            text: std::fs::read_to_string(&path).unwrap(),
            path,
            wrong: Vec::new(),
        }
    }

    /// The part between `<!-- generated: NAME -->` and `<!-- end -->` is `wanted`.
    pub(crate) fn generated(&mut self, name: &str, wanted: &str) {
        let mark = format!("<!-- generated: {name} -->\n");
        let (before, rest) = self.text.split_once(&mark).unwrap();
        let (found, after) = rest.split_once("<!-- end -->").unwrap();
        let wanted = format!("\n{wanted}\n");
        if found != wanted {
            self.wrong
                .push(format!("{name}: {found}\nshould be:{wanted}"));
            self.text = format!("{before}{mark}{wanted}<!-- end -->{after}");
        }
    }

    /// What stands in the block whose opening fence is on `line` is `wanted`.
    /// Blocks are given from the last to the first, so that lines stay true.
    pub(crate) fn block(&mut self, line: usize, found: &str, wanted: &str) {
        if found == wanted {
            return;
        }
        self.wrong
            .push(format!("line {line}:\n{found}should be:\n{wanted}"));
        let lines: Vec<&str> = self.text.split_inclusive('\n').collect();
        let (before, rest) = lines.split_at(line);
        let after = rest.get(found.lines().count()..).unwrap();
        self.text = [&before.concat(), wanted, &after.concat()].concat();
    }

    /// Rewrites what was wrong, or fails.
    pub(crate) fn end(self) {
        if updating() && !self.wrong.is_empty() {
            std::fs::write(&self.path, &self.text).unwrap();
            return;
        }
        assert!(
            self.wrong.is_empty(),
            "{}: {}\nUPDATE_EXPECT=1 rewrites it",
            self.path.display(),
            self.wrong.join("\n")
        );
    }
}
