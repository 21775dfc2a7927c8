//! Whatever stands in a policy and whatever its files are called, what is said
//! about it drives no terminal, is of a size that can be read, and names places
//! that are there.

use policy_lang::diag::{KEPT, Report, Style, render_all, to_json};
use policy_lang::load;
use policy_lang::source::Sources;
use proptest::prelude::*;

/// Pieces of policies, of broken ones, and of what must not come through.
const PIECES: &[&str] = &[
    "deny ",
    "allow ",
    "audit ",
    "default ",
    "tcp ",
    "unix ",
    "{ tcp, udp } ",
    "connect ",
    "bind ",
    "conect ",
    "to ",
    "10.0.0.1/8 ",
    "/run/x ",
    "@a ",
    "port 80 ",
    "if ",
    "unless ",
    "uid = 0 ",
    "comm = x ",
    "exe in tools ",
    "and ",
    "or ",
    "not ",
    "( ",
    ") ",
    "{ ",
    "} ",
    ", ",
    "= ",
    "id a ",
    "because \"",
    "\" ",
    "let tools = { /a } ",
    "let x = ",
    "extend x = { 1 } ",
    "for ",
    "mode audit ",
    "test \"t\" { ",
    "expect deny ",
    "# allow P0506: ",
    "\n",
    "\n",
    "\r\n",
    "\r",
    "\t",
    "\x1b[2J",
    "\x07",
    "\0",
    "\u{7f}",
    "\u{9b}31m",
    "\u{202e}",
    "\u{200b}",
    "\u{feff}",
    "\u{2028}",
    "\u{61c}",
    "\u{ad}",
    "日本",
    "é",
    "e\u{301}",
    "👩‍👩‍👧",
    "\u{ffff}",
    "\\x41",
    "\\",
    "`",
    "…",
];

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(PIECES), 0..40).prop_map(|all| all.concat())
}

/// What a terminal obeys, or a reader does not see.
fn drives(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2028}' | '\u{2029}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{61c}' | '\u{ad}')
}

/// Findings for people, held against what must be so of them.
fn rendered(sources: &Sources, report: &Report) -> String {
    let plain = render_all(report, sources, Style::Plain);
    let bad = plain.chars().find(|c| drives(*c) && *c != '\n');
    assert_eq!(bad, None, "{plain:?}");
    let coloured = render_all(report, sources, Style::Coloured);
    let mut bare = coloured.clone();
    for code in ["0", "1", "1;31", "1;33", "34"] {
        bare = bare.replace(&format!("\x1b[{code}m"), "");
    }
    assert_eq!(bare, plain, "colours change nothing but the colour");
    plain
}

proptest! {
    #[test]
    fn nothing_drives_a_terminal(files in prop::collection::vec((text(), text()), 1..4)) {
        let mut sources = Sources::new();
        for (name, text) in &files {
            sources.add(name.clone(), text.clone());
        }
        let (_, report) = load(&sources);
        rendered(&sources, &report);
        for label in report.diagnostics().iter().flat_map(|one| &one.labels) {
            let file = sources.file(label.span.source).unwrap();
            prop_assert!(label.span.start <= label.span.end);
            prop_assert!(label.span.end as usize <= file.text().len().max(1));
        }
        let json = to_json(&report, &sources);
        prop_assert_eq!(json["errors"].as_u64(), Some(report.count(policy_lang::diag::Severity::Error) as u64));
    }
}

/// A word or a text of a mebibyte, and many findings, on one line.
#[test]
fn what_is_said_of_a_very_long_line_is_short() {
    let long = "x".repeat((1 << 20) - 100);
    let wide = "\u{202e}日".repeat(1 << 17);
    for text in [
        format!("deny tcp {long}"),
        format!("deny {long} connect"),
        format!("deny tcp connect if {long} = 1"),
        format!("deny tcp connect because \"{long}\""),
        format!("deny tcp connect because \"{wide}\""),
        format!("deny tcp connect to {long}"),
        format!("deny unix connect to /{long}"),
        format!("{long} `{long}`"),
        format!("deny tcp connect id {long}"),
        format!("mode {long}"),
        format!("test \"t\" {{ expect deny by {long} tcp connect }}"),
        "x ".repeat(1 << 16),
        "{ ".repeat(1 << 16),
        "!".repeat(1 << 16),
    ] {
        let start = text.get(..40).unwrap_or(&text).to_owned();
        let sources = Sources::single("long.policy", text);
        let (_, report) = load(&sources);
        assert!(report.has_errors(), "{start}");
        let said = rendered(&sources, &report);
        let most = 3_000 * report.diagnostics().len().min(KEPT) + 200;
        assert!(said.len() < most, "{} of {start}", said.len());
        let widest = said.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(widest < 800, "{widest} characters on a line about {start}");
    }
}
