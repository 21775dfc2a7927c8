//! `explain --code`: the page of a diagnostic.

use super::output;
use crate::error::{Exit, ExpectedError};
use policy_lang::diag::codes::CODES;
use policy_lang::diag::suggest::nearest;
use policy_lang::diag::{Code, Style, show};
use serde_json::json;
use std::io;

/// Writes the page of a code, for people or as one JSON object.
pub(super) fn run(id: &str, as_json: bool, schema: u32) -> Result<Exit, ExpectedError> {
    let id = id.trim().to_ascii_uppercase();
    let code = Code::from_id(&id).ok_or_else(|| unknown(&id))?;
    output::answer(&if as_json {
        let page = json!({
            "schema": schema,
            "code": code.id(),
            "severity": code.severity().word(),
            "summary": code.summary(),
            "page": code.page(),
        });
        format!("{page}\n")
    } else {
        human(code.page(), output::style(&io::stdout()))
    })?;
    Ok(Exit::Yes)
}

/// The error for what is no code, with the one that was meant, if that can be told.
fn unknown(id: &str) -> ExpectedError {
    let hint = match meant(id) {
        Some(code) => format!("did you mean `{code}`?"),
        None => "codes stand in brackets before a finding, as in `error[P0203]`".to_owned(),
    };
    ExpectedError::Usage {
        message: format!("`{}` is not the code of a diagnostic", show(id)),
        hint,
    }
}

/// The code that was meant: by its digits alone, or the nearest.
fn meant(id: &str) -> Option<&'static str> {
    let digits: String = id.chars().filter(char::is_ascii_digit).collect();
    let by_digits = Code::from_id(&format!("P{digits:0>4}")).map(Code::id);
    by_digits.or_else(|| nearest(id, CODES.iter().map(|code| code.id())))
}

/// A page for a terminal: headings without their marks, policies indented.
fn human(page: &str, style: Style) -> String {
    let bold = |text: &str| match style {
        Style::Plain => text.to_owned(),
        Style::Coloured => format!("\x1b[1m{text}\x1b[0m"),
    };
    let mut out = String::new();
    let mut in_policy = false;
    for line in page.lines() {
        if line.starts_with("```") {
            in_policy = !in_policy;
            continue;
        }
        let heading = line.strip_prefix("# ").or(line.strip_prefix("## "));
        match heading {
            Some(heading) if !in_policy => out += &bold(heading),
            _ if in_policy && !line.is_empty() => out.extend(["    ", line]),
            _ => out += line,
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::meant;

    #[test]
    fn a_slip_in_a_code_is_told() {
        assert_eq!(meant("203"), Some("P0203"));
        assert_eq!(meant("ERROR[P0203]"), Some("P0203"));
        assert_eq!(meant("E0203"), Some("P0203"));
        assert_eq!(meant("P203"), Some("P0203"));
        assert_eq!(meant("P02O3"), Some("P0203"));
        assert_eq!(meant("P9999"), None);
        assert_eq!(meant(""), None);
        assert_eq!(meant(&"9".repeat(100_000)), None);
    }
}
