//! The list of events in `docs/configuration.md`, out of the table of events.

use crate::pages::Page;
use policy_abi::select::EVENTS;
use policy_lang::words::operation::OPERATIONS;
use std::fmt::Write as _;

#[test]
fn the_page_lists_every_event() {
    let mut list =
        String::from("| event | id | operations of rules | hooks |\n|---|---|---|---|\n");
    for event in EVENTS {
        let operations = OPERATIONS.iter();
        let operations = operations.filter(|one| event.operations.contains(&one.number()));
        let operations: Vec<String> = operations.map(|one| format!("`{one}`")).collect();
        let hooks = policy_abi::hooks::HOOKS.iter();
        let hooks = hooks.filter(|desc| event.written_by(desc.hook));
        let hooks: Vec<String> = hooks.map(|desc| format!("`{}`", desc.name)).collect();
        let (operations, hooks) = (operations.join(", "), hooks.join(", "));
        writeln!(
            list,
            "| `{}` | {} | {operations} | {hooks} |",
            event.name, event.id
        )
        .unwrap();
    }
    let mut page = Page::read("docs/configuration.md");
    page.generated("events", &list);
    page.end();
}
