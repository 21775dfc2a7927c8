//! A policy as text, in one of the ways that must mean the same.

use crate::choices::Choices;
use crate::model::{
    Body, Clause, Condition, Element, File, Item, Operand, Policy, Rule, Scope, Words,
};
use crate::policy::FILES;
use policy_lang::source::Sources;

/// How a policy is written.
#[derive(Clone, Copy, Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a change that a test makes or does not"
)]
pub struct Style<'b> {
    /// Whether every rule has its id.
    pub ids: bool,
    /// Whether definitions have other names.
    pub renamed: bool,
    /// Whether sets and conditions stand where their names would.
    pub inlined: bool,
    /// Whether rules carry the conditions of their scopes, which are gone.
    pub expanded: bool,
    /// What puts files and statements into another order.
    pub order: Option<&'b [u8]>,
    /// What puts comments and white space between words.
    pub noise: Option<&'b [u8]>,
}

/// The files of a policy, by name.
#[must_use]
pub fn files(policy: &Policy, style: &Style<'_>) -> Vec<(&'static str, String)> {
    let mut order = style.order.map(Choices::new);
    let mut noise = style.noise.map(Choices::new);
    let mut all = Vec::new();
    for (file, name) in policy.files.iter().zip(FILES) {
        let mut writer = Writer {
            policy,
            style,
            order: order.as_mut(),
            words: Vec::new(),
        };
        writer.file(file);
        all.push((name, joined(&writer.words, noise.as_mut())));
    }
    shuffle(&mut all, order.as_mut());
    all
}

/// The same, to be parsed.
#[must_use]
pub fn sources(policy: &Policy, style: &Style<'_>) -> Sources {
    let mut all = Sources::new();
    for (name, text) in files(policy, style) {
        all.add(name, text);
    }
    all
}

fn shuffle<T>(all: &mut [T], choices: Option<&mut Choices<'_>>) {
    if let Some(choices) = choices {
        for end in (1..all.len()).rev() {
            all.swap(end, choices.below(end + 1));
        }
    }
}

/// Ends a statement: where a tidy author ends a line.
const END: &str = "\n";

fn is_delimiter(word: &str) -> bool {
    matches!(
        word,
        "{" | "}" | "(" | ")" | "," | "=" | "!=" | "<" | "<=" | ">" | ">="
    )
}

/// Words to text.
fn joined(words: &[String], mut noise: Option<&mut Choices<'_>>) -> String {
    /// What can stand between two words.
    const BETWEEN: &[&str] = &[
        " ",
        " ",
        "\n",
        "\t",
        "\r\n",
        "  # a comment\n",
        "\n# a line of its own\n",
        "\n\n\n",
        "#\n",
        "\n\n  # \u{e9} { \" not a word\t\n\n",
        " # allow P0506: a reason\n",
        "\r\n# one\r\n# two\r\n",
    ];
    let mut out = String::new();
    let mut former = END;
    for word in words {
        if noise.is_none() {
            if word == END {
                out.push('\n');
            } else {
                out.push_str(if former == END { "" } else { " " });
                out.push_str(word);
            }
        } else if word != END {
            let free = former == END || is_delimiter(former) || is_delimiter(word);
            let quiet = noise.as_deref_mut().is_none_or(|one| !one.one_in(3));
            if !quiet && let Some(choices) = noise.as_deref_mut() {
                out.push_str(choices.pick(BETWEEN));
            } else if !(free && former != END && word.len() % 2 == 0) {
                out.push(' ');
            }
            out.push_str(word);
        }
        former = word;
    }
    if let Some(choices) = noise {
        out.push_str(choices.pick(BETWEEN));
    }
    out
}

struct Writer<'p, 'b, 'c> {
    policy: &'p Policy,
    style: &'p Style<'b>,
    order: Option<&'c mut Choices<'b>>,
    words: Vec<String>,
}

/// What the scopes around a rule give it.
#[derive(Clone, Default)]
struct Around<'p> {
    prefix: Option<&'static str>,
    conditions: Vec<&'p Condition>,
}

impl<'p> Writer<'p, '_, '_> {
    fn push(&mut self, word: impl Into<String>) {
        self.words.push(word.into());
    }

    fn all(&mut self, words: &[&str]) {
        for word in words {
            self.push(*word);
        }
    }

    fn file(&mut self, file: &'p File) {
        if file.language {
            self.all(&["language", "1", END]);
        }
        if let Some(mode) = file.mode {
            self.all(&["mode", mode, END]);
        }
        self.items(&file.items, &Around::default());
    }

    fn items(&mut self, items: &'p [Item], around: &Around<'p>) {
        let mut places: Vec<&Item> = items.iter().collect();
        shuffle(&mut places, self.order.as_deref_mut());
        for item in places {
            match item {
                Item::Let(_) | Item::Extend(_) if self.style.inlined => continue,
                Item::Let(index) => {
                    if let Some(one) = self.policy.lets.get(*index) {
                        self.definition("let", *index, &one.body);
                    }
                }
                Item::Extend(index) => {
                    if let Some((target, body)) = self.policy.extensions.get(*index) {
                        self.definition("extend", *target, body);
                    }
                }
                Item::Rule(rule) => self.rule(rule, around),
                Item::Scope(scope) => {
                    self.scope(scope, around);
                    continue;
                }
                Item::Test(test) => {
                    self.all(&["test", test.name, "{", END]);
                    for words in &test.expectations {
                        self.words.extend(words.iter().cloned());
                        self.push(END);
                    }
                    self.push("}");
                }
            }
            self.push(END);
        }
    }

    fn name(&self, index: usize) -> String {
        if self.style.renamed {
            format!("Other_{}.x-y", self.policy.lets.len() - index)
        } else {
            format!("n{index}")
        }
    }

    fn definition(&mut self, keyword: &str, index: usize, body: &'p Body) {
        let name = self.name(index);
        self.all(&[keyword, &name, "="]);
        match body {
            Body::Set(elements) => self.set(elements),
            Body::One(element) => self.element(element),
            Body::Condition(condition) => self.condition(condition),
        }
    }

    fn scope(&mut self, scope: &'p Scope, around: &Around<'p>) {
        if self.style.expanded {
            let mut inner = around.clone();
            inner.prefix = scope.prefix.or(around.prefix);
            inner.conditions.push(&scope.condition);
            self.items(&scope.items, &inner);
            return;
        }
        self.words.extend(scope.prefix.map(str::to_owned));
        self.push("for");
        self.condition(&scope.condition);
        self.all(&["{", END]);
        self.items(&scope.items, around);
        self.all(&["}", END]);
    }

    fn rule(&mut self, rule: &'p Rule, around: &Around<'p>) {
        let prefix = rule.prefix.or(around.prefix);
        self.words.extend(prefix.map(str::to_owned));
        self.all(rule.effect);
        self.list(&rule.families);
        self.list(&rule.operations);
        if let Some(target) = &rule.target {
            self.push(target.preposition);
            if let Some(place) = &target.place {
                self.operand(place);
            }
            if let Some(ports) = &target.ports {
                self.push("port");
                self.operand(ports);
            }
        }
        let has_if = rule
            .clauses
            .iter()
            .any(|clause| matches!(clause, Clause::If(_)));
        if !has_if && !around.conditions.is_empty() {
            self.when(None, around);
        }
        for clause in &rule.clauses {
            match clause {
                Clause::If(condition) => self.when(Some(condition), around),
                Clause::Unless(condition) => {
                    self.push("unless");
                    self.condition(condition);
                }
                Clause::Word(keyword, word) => self.all(&[keyword, word]),
            }
        }
        if self.style.ids || rule.id.1 {
            self.all(&["id", &rule.id.0]);
        }
    }

    /// `if`, with the conditions of scopes that are gone.
    fn when(&mut self, own: Option<&'p Condition>, around: &Around<'p>) {
        self.push("if");
        match own {
            Some(own) if around.conditions.is_empty() => self.condition(own),
            _ => {
                let all = around.conditions.iter().copied().chain(own);
                self.between("and", all, |me, one| {
                    me.push("(");
                    me.condition(one);
                    me.push(")");
                });
            }
        }
    }

    fn between<T>(
        &mut self,
        word: &str,
        all: impl IntoIterator<Item = T>,
        mut each: impl FnMut(&mut Self, T),
    ) {
        for (index, one) in all.into_iter().enumerate() {
            if index > 0 {
                self.push(word);
            }
            each(self, one);
        }
    }

    fn list(&mut self, words: &Words) {
        if words.braced {
            self.push("{");
        }
        self.between(",", &words.words, |me, word| me.push(*word));
        if words.braced {
            self.push("}");
        }
    }

    fn condition(&mut self, condition: &'p Condition) {
        match condition {
            Condition::Or(all) => self.between("or", all, Self::condition),
            Condition::And(all) => self.between("and", all, Self::condition),
            Condition::Not(inner) => {
                self.push("not");
                self.condition(inner);
            }
            Condition::Group(inner) => {
                self.push("(");
                self.condition(inner);
                self.push(")");
            }
            Condition::Test {
                attribute,
                operator,
                operand,
            } => {
                self.push(attribute.word());
                self.words.extend(operator.split(' ').map(str::to_owned));
                self.operand(operand);
            }
            Condition::Name(index) if self.style.inlined => {
                self.push("(");
                if let Some(Body::Condition(inner)) =
                    self.policy.lets.get(*index).map(|one| &one.body)
                {
                    self.condition(inner);
                }
                self.push(")");
            }
            Condition::Name(index) => {
                let name = self.name(*index);
                self.push(name);
            }
        }
    }

    fn operand(&mut self, operand: &'p Operand) {
        match operand {
            Operand::One(Element::Name(index)) if self.style.inlined => {
                let mut values = Vec::new();
                self.values(*index, &mut values);
                self.written_out(&values);
            }
            Operand::One(element) => self.element(element),
            Operand::Set(elements) => self.set(elements),
        }
    }

    fn element(&mut self, element: &Element) {
        match element {
            Element::Value(value) => self.push(*value),
            Element::Name(index) => {
                let name = self.name(*index);
                self.push(name);
            }
        }
    }

    fn set(&mut self, elements: &'p [Element]) {
        if self.style.inlined {
            let mut values = Vec::new();
            for element in elements {
                self.value(element, &mut values);
            }
            self.written_out(&values);
            return;
        }
        self.push("{");
        self.between(",", elements, Self::element);
        // Each second list of several has a comma after its last element.
        if elements.len() % 4 == 2 {
            self.push(",");
        }
        self.push("}");
    }

    fn written_out(&mut self, values: &[&'static str]) {
        self.push("{");
        self.between(",", values, |me, value| me.push(*value));
        self.push("}");
    }

    fn value(&self, element: &Element, into: &mut Vec<&'static str>) {
        match element {
            Element::Value(value) => into.push(value),
            Element::Name(index) => self.values(*index, into),
        }
    }

    /// All values that a name stands for.
    fn values(&self, index: usize, into: &mut Vec<&'static str>) {
        let own = self.policy.lets.get(index).map(|one| &one.body);
        let added = self.policy.extensions.iter();
        let added = added
            .filter(|(target, _)| *target == index)
            .map(|(_, body)| body);
        for body in own.into_iter().chain(added) {
            match body {
                Body::Set(elements) => {
                    for element in elements {
                        self.value(element, into);
                    }
                }
                Body::One(element) => self.value(element, into),
                Body::Condition(_) => {}
            }
        }
    }
}
