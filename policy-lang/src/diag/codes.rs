//! **The** table of diagnostic codes. A code is never reused.
//!
//! P00 text, P01 sentences, P02 names, P03 values, P04 limits, P05 usefulness,
//! P06 this build and this host.
//!
//! Each code has a page, `docs/diagnostics/CODE.md`, that the program carries:
//! a row without one does not compile.

/// Whether a finding refuses the policy; the worst is the greatest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The policy is as it should be; there is something to know about it.
    Note,
    /// The policy loads.
    Warning,
    /// The policy is refused.
    Error,
}

impl Severity {
    /// Its word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

macro_rules! codes {
    ($( $id:literal $variant:ident $severity:ident $summary:literal; )+) => {
        /// A kind of finding.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $( #[doc = $summary] $variant, )+ }

        /// All of them, in order of id.
        pub const CODES: &[Code] = &[ $( Code::$variant, )+ ];

        impl Code {
            /// `P0203`.
            #[must_use]
            pub const fn id(self) -> &'static str {
                match self { $( Self::$variant => $id, )+ }
            }

            /// Whether it refuses the policy.
            #[must_use]
            pub const fn severity(self) -> Severity {
                match self { $( Self::$variant => Severity::$severity, )+ }
            }

            /// One line on what it is about.
            #[must_use]
            pub const fn summary(self) -> &'static str {
                match self { $( Self::$variant => $summary, )+ }
            }

            /// Whether only a look at a host can find it.
            #[must_use]
            pub fn of_host(self) -> bool {
                ("P0540".."P0560").contains(&self.id())
            }

            /// Its page: what it is about, why, an example, and what to write
            /// instead. Markdown, with the headings `What`, `Why`, `Example` and `Instead`.
            #[must_use]
            pub const fn page(self) -> &'static str {
                match self { $( Self::$variant => include_str!(concat!(
                    env!("CARGO_MANIFEST_DIR"), "/../docs/diagnostics/", $id, ".md"
                )), )+ }
            }

            /// The code of an id.
            #[must_use]
            pub fn from_id(id: &str) -> Option<Self> {
                CODES.iter().copied().find(|code| code.id() == id)
            }
        }
    };
}

codes! {
    "P0001" NotUtf8 Error "a file is not UTF-8";
    "P0002" ControlCharacter Error "a control character stands in a file";
    "P0003" HiddenCharacter Error "a character that hides or reorders text stands in a file";
    "P0004" UnclosedString Error "a string is not closed on its line";
    "P0005" Unbalanced Error "a bracket is not closed, or closes nothing";
    "P0006" TooDeep Error "scopes, parentheses and `not` are nested too deeply";
    "P0007" BadEscape Error "a backslash says nothing";
    "P0008" FileName Error "a file's name cannot be part of a rule's id";

    "P0101" Syntax Error "a sentence is not complete, or goes on where it should end";
    "P0102" Misplaced Error "a statement stands where it may not";
    "P0103" RepeatedClause Error "a rule has a clause twice";
    "P0104" UnusableClause Error "a clause can have no effect on its rule";
    "P0105" DefaultEffect Error "a default is anything but `default deny`";
    "P0106" Version Error "a language version is not known";
    "P0107" BadMode Error "a mode is neither `enforce` nor `audit`";
    "P0108" BadPrefix Error "`audit` or `enforce` stands before something it cannot change";

    "P0201" UnknownFamily Error "a word is no socket family";
    "P0202" UnknownOperation Error "a word is no operation";
    "P0203" UnknownAttribute Error "a word is no attribute";
    "P0204" Undefined Error "a name is not defined";
    "P0205" Redefined Error "a name is defined twice";
    "P0206" Reserved Error "a word of the language is used as a name";
    "P0207" BadName Error "a name has a character that names cannot have";
    "P0208" Cycle Error "a definition needs itself";
    "P0209" DuplicateId Error "two rules have one id";
    "P0210" UnknownErrno Error "a word is no errno that a rule can give";
    "P0211" UnknownWord Error "a word is not one of those that this place takes";
    "P0212" AmbiguousWord Error "a word is a value and the name of a definition";
    "P0213" WrongDefinition Error "a set stands where a condition is needed, or the other way round";
    "P0214" UnknownOption Error "a word is no level of socket options, or no option of its level";

    "P0301" WrongValue Error "a value is not of the kind that this place takes";
    "P0302" HostBits Error "a network has bits set past its prefix";
    "P0303" InvertedRange Error "a range ends before it starts";
    "P0304" EmptySet Error "a set has no values";
    "P0305" NestedSet Error "a set stands inside a set";
    "P0306" WrongOperator Error "an operator does not fit its attribute or its value";
    "P0307" BadPattern Error "a pattern is not well formed";
    "P0308" BadPath Error "a path is one that no object can have";
    "P0309" ImpossibleAttribute Error "an attribute that the rule's family and operation never have";
    "P0310" ImpossibleTarget Error "a target that the rule's family and operation never have";
    "P0311" ImpossiblePair Error "a family that never does the operation";
    "P0312" BadString Error "a text is not valid UTF-8";
    "P0313" AnyInList Error "`any` stands in a list";

    "P0401" TooLarge Error "a file or a policy is too large";
    "P0402" TooManyRules Error "a policy has too many rules";
    "P0403" TooLong Error "a name, text or pattern is too long";
    "P0404" TooManyTerms Error "a rule or an operation has too many alternatives";
    "P0405" TooManyValues Error "a policy has too many addresses, paths or patterns";

    "P0501" NumberForWord Warning "a family is written as a number that has a word";
    "P0502" NoEffectPrefix Warning "a prefix has no effect on a `record` rule";
    "P0503" SpinningErrno Warning "an errno makes callers try again at once";
    "P0504" EmptyScope Warning "a scope holds no rules";
    "P0505" UselessFamily Warning "a listed family can never match the target";
    "P0506" FakedExemption Warning "what a process chooses itself exempts it from being denied";
    "P0507" BadSuppression Warning "a comment that is to silence a finding cannot";
    "P0508" UselessSuppression Warning "a comment silences nothing";
    "P0509" NegatedExemption Warning "a negated test exempts whoever cannot be identified";
    "P0510" ImplicitId Warning "a rule with an errno of its own has no id of its own";
    "P0511" IdleAllow Warning "an `allow` opens no `default deny`";
    "P0512" NeverMatches Warning "a rule can never match";
    "P0513" LocalAddress Warning "`to` stands on an accept, which is judged by the local address";
    "P0514" Contradiction Warning "a condition can never hold";
    "P0515" Duplicate Warning "a rule says what another one says";
    "P0516" Shadowed Warning "a rule never matters, because of another one";
    "P0517" Covered Warning "a rule never matters, because of several others together";
    "P0518" NotDecided Warning "whether a rule matters was not decided within the work allowed for it";
    "P0519" Lockout Warning "a rule cuts off what keeps a host within reach";
    "P0520" OpensElsewhere Warning "an `allow` opens a `default deny` of another scope or file";
    "P0521" HiddenDenial Warning "an `allow` in audit mode hides what a `default deny` would deny";
    "P0522" TcpWithoutUdp Warning "a port is closed over TCP and open over UDP";
    "P0523" Ipv4WithoutIpv6 Warning "an address is closed over IPv4, and what it stands for is open over IPv6";
    "P0524" OpenSibling Warning "the docker socket is closed, and other ways to the same power are open";
    "P0525" IdForName Warning "a test gives an id where a rule asks for a name";
    "P0526" LongComm Warning "a `comm` is longer than the kernel ever has one";
    "P0527" UnitEscape Warning "an escape in a unit's name is taken as the byte that it stands for";
    "P0528" Interpreter Warning "an exemption is given to a shell or an interpreter, and so to all it runs";

    "P0540" UnknownAccount Warning "a user or a group is not known on the host";
    "P0541" UnknownUnit Warning "a unit is not known on the host";
    "P0542" UnitAlias Warning "a unit is called otherwise on the host";
    "P0543" LinkedPath Warning "a path leads through a symbolic link";
    "P0544" RemotePath Warning "a path lies on NFS or FUSE";
    "P0545" OpenFolder Warning "everybody can put something else at a path";
    "P0546" ScriptExe Warning "an `exe` is a script, which no process has as its program";
    "P0547" InterpreterExe Warning "an exempt program is a shell or an interpreter under another name";
    "P0548" WritableExe Warning "others than root can change a program that is exempt";
    "P0549" MissingPath Warning "a path leads to nothing, or to no program, on the host";
    "P0550" MissingHook Warning "the host's kernel lacks a hook that a rule needs";
    "P0551" HostCannotEnforce Warning "the host cannot enforce a policy";

    "P0603" ImageTooLarge Error "the policy does not fit the kernel's tables";
    "P0605" TooManyStates Error "patterns with wildcards need too large an automaton";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_ascending_and_found() {
        assert!(CODES.windows(2).all(|two| two[0].id() < two[1].id()));
        for code in CODES {
            assert_eq!(Code::from_id(code.id()), Some(*code));
            assert!(!code.summary().ends_with('.'));
        }
    }
}
