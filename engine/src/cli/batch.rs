//! `explain --batch`: one JSON request a line in, one JSON answer a line out.
//!
//! A line that is no request gets an error in its place and the batch goes on;
//! blank lines are skipped (notes 30). Answers are written out before the next
//! line is waited for, so a program can ask one question at a time. A policy that
//! is refused answers nothing: one line says why, whatever was asked.

use crate::error::ExpectedError;
use crate::files::STDIN;
use policy_lang::request::{RequestError, parse_json_line};
use policy_lang::{CheckedPolicy, eval};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, BufWriter, Read, Write};
use std::path::Path;

/// Longest line, in bytes, that is taken for a request.
const LINE_BYTES: usize = 1 << 20;

/// Answers every request of a file, or of standard input.
pub(super) fn run(policy: &CheckedPolicy, path: &Path) -> Result<(), ExpectedError> {
    let cannot_read = |source| ExpectedError::Input {
        path: path.to_owned(),
        source,
    };
    let mut input = opened(path).map_err(cannot_read)?;
    let mut out = BufWriter::new(io::stdout().lock());
    let mut line = Vec::new();
    loop {
        if !input.buffer().contains(&b'\n') {
            out.flush()?;
        }
        let end = read_line(&mut input, &mut line).map_err(cannot_read)?;
        let answer = match end {
            End::Input => break,
            End::Line => answer(policy, &line),
            End::TooLong => {
                let message = format!("the line is longer than {LINE_BYTES} bytes");
                Some(refusal(message).to_json())
            }
        };
        if let Some(answer) = answer {
            writeln!(out, "{answer}")?;
        }
    }
    out.flush()?;
    Ok(())
}

/// A file, or standard input, to be read by lines.
pub(super) fn opened(path: &Path) -> io::Result<BufReader<Box<dyn Read>>> {
    Ok(BufReader::new(if path.as_os_str() == STDIN {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(path)?)
    }))
}

/// The one line that is written when the policy is refused: its error is about no key.
pub(super) fn refused(mut error: Value) -> String {
    if let Some(object) = error.as_object_mut() {
        object.insert("key".to_owned(), Value::Null);
    }
    format!("{}\n", json!({ "error": error }))
}

/// How a line ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// At its end; the line is whole.
    Line,
    /// It went on past [`LINE_BYTES`]; the rest was skipped.
    TooLong,
    /// There was none.
    Input,
}

/// The next line, without its end.
pub(super) fn read_line(input: &mut BufReader<impl Read>, line: &mut Vec<u8>) -> io::Result<End> {
    line.clear();
    let bound = u64::try_from(LINE_BYTES).unwrap_or(u64::MAX);
    let read = input
        .take(bound.saturating_add(1))
        .read_until(b'\n', line)?;
    if read == 0 {
        return Ok(End::Input);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
    } else if line.len() > LINE_BYTES {
        input.skip_until(b'\n')?;
        return Ok(End::TooLong);
    }
    Ok(End::Line)
}

/// The answer to one line, `None` for a blank one.
fn answer(policy: &CheckedPolicy, line: &[u8]) -> Option<String> {
    let request = str::from_utf8(line)
        .or(Err(refusal("the line is not UTF-8".to_owned())))
        .and_then(parse_json_line);
    match request {
        Ok(None) => None,
        Ok(Some(request)) => Some(eval(policy, &request).to_json(policy)),
        Err(error) => Some(error.to_json()),
    }
}

const fn refusal(message: String) -> RequestError {
    RequestError { message, key: None }
}

#[cfg(test)]
mod tests {
    use super::{End, LINE_BYTES, read_line};
    use std::io::BufReader;

    #[test]
    fn a_line_is_whole_or_too_long() {
        let long = "x".repeat(LINE_BYTES);
        let text = format!("{long}\n{long}y\na\n\n{long}");
        let mut input = BufReader::new(text.as_bytes());
        let mut line = Vec::new();
        let mut next = || {
            let end = read_line(&mut input, &mut line).unwrap();
            (end, line.len())
        };
        assert_eq!(next(), (End::Line, LINE_BYTES));
        assert_eq!(next().0, End::TooLong);
        assert_eq!(next(), (End::Line, 1));
        assert_eq!(next(), (End::Line, 0));
        assert_eq!(next(), (End::Line, LINE_BYTES));
        assert_eq!(next(), (End::Input, 0));
    }
}
