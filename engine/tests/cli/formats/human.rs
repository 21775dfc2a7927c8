//! `check` for people: one run tells of every broken sentence of every file.

use super::policies::dir;

/// Broken sentences, each on a line that says which code it must give; none may hide another.
const FILES: &[(&str, &str)] = &[
    (
        "a.policy",
        "deny tcp # P0101\nkill udp connect to 10.0.0.1\nblock tcp connect # P0101\npermit udp connect # P0101\n\
         deny tcp connect 10.0.0.1 # P0101\ndney tcp connect # P0101\ndeny tcp conect # P0202\n",
    ),
    (
        "b.policy",
        "let x = # P0101\ndeny tcp connect if # P0101\ndeny tpc connect # P0201\n\
         audit # P0108\nlet y = { 10.0.0.1/8 } # P0302\ndeny tcp connect to y\n\
         deny tcp connect because \"open # P0004\ndeny udp connect to 10.0.0.1/8 # P0302\n",
    ),
    (
        "c.policy",
        "deny unix connect to /run/x with EACCESS id x # P0210\n\
         deny tcp connect if uid == 0 # P0101\ndeny tcp connect when uid = 0 # P0101\n\
         for uid = 0 {\n  deny tcp conect # P0202\n  frob tcp connect # P0101\n}\n\
         deny tcp connect to undefined # P0204\n",
    ),
];

#[test]
fn no_broken_sentence_hides_another_in_any_file() {
    let ran = dir("human-broken", FILES).ran(&["check", "."], b"");
    assert_eq!((&*ran.err, ran.exit), ("", 1));
    // `error[CODE]: …`, and on the next line `  --> ./FILE:LINE:COLUMN`.
    let lines: Vec<&str> = ran.out.lines().collect();
    let found: Vec<(String, String)> = lines
        .windows(2)
        .filter_map(|two| {
            let code = two[0].strip_prefix("error[")?.get(..5)?.to_owned();
            let place = two[1].trim().strip_prefix("--> ./")?;
            Some((place.rsplit_once(':')?.0.to_owned(), code))
        })
        .collect();
    let mut expected = Vec::new();
    for (file, text) in FILES {
        for (line, sentence) in (1..).zip(text.lines()) {
            if let Some((_, code)) = sentence.split_once("# P") {
                expected.push((format!("{file}:{line}"), format!("P{code}")));
            }
        }
    }
    assert_eq!(found, expected, "{}", ran.out);
    let count = format!("\n{} errors\n", expected.len());
    assert!(ran.out.contains(&count), "{}", ran.out);
}
