//! Policies that are valid: definitions first, then rules that may use them.

use crate::choices::Choices;
use crate::model::{
    Body, Clause, Element, File, Item, Let, Objects, Operand, Policy, Rule, Scope, Sort, Target,
    Words,
};
use crate::pools;
use crate::world::{self, Pair};
use crate::{World, condition, test};

/// Names of the files, in order.
pub const FILES: [&str; 3] = ["a.policy", "b.policy", "c.policy"];

/// What generating keeps.
pub(crate) struct Maker<'c, 'b> {
    pub(crate) choices: &'c mut Choices<'b>,
    pub(crate) world: World,
    pub(crate) lets: Vec<Let>,
    /// Ids so far, and whether the rule records.
    pub(crate) ids: Vec<(String, bool)>,
}

/// A policy that `check` has no errors for.
#[must_use]
pub fn policy(choices: &mut Choices<'_>, world: World) -> Policy {
    let mut maker = Maker {
        choices,
        world,
        lets: Vec::new(),
        ids: Vec::new(),
    };
    for _ in 0..maker.choices.below(6) {
        let made = maker.definition();
        maker.lets.push(made);
    }
    let mut extensions = Vec::new();
    if !maker.lets.is_empty() {
        for _ in 0..maker.choices.below(3) {
            extensions.extend(maker.extension());
        }
    }
    let count = if world == World::Kernel {
        1
    } else {
        maker.choices.pick(&[1, 1, 1, 2, FILES.len()])
    };
    let mut files: Vec<File> = (0..count).map(|_| maker.file()).collect();
    let places = (0..maker.lets.len()).map(Item::Let);
    let additions = (0..extensions.len()).map(Item::Extend);
    for item in places.chain(additions) {
        let file = maker.choices.below(count);
        let Some(file) = files.get_mut(file) else {
            continue;
        };
        let at = maker.choices.below(file.items.len() + 1);
        file.items.insert(at, item);
    }
    if world == World::Whole {
        maker.tests(&mut files);
    }
    Policy {
        files,
        lets: maker.lets,
        extensions,
    }
}

impl Maker<'_, '_> {
    pub(crate) fn kernel(&self) -> bool {
        self.world == World::Kernel
    }

    fn prefix(&mut self) -> Option<&'static str> {
        self.choices
            .pick(&[None, None, Some("audit"), Some("enforce")])
    }

    fn definition(&mut self) -> Let {
        let sort = self.choices.pick(&[
            Sort::Addresses,
            Sort::Numbers,
            Sort::Files,
            Sort::Unix,
            Sort::Texts,
            Sort::Condition(Objects::NONE),
            Sort::Condition(Objects::ADDRESS.and(Objects::PORT)),
            Sort::Condition(Objects::UNIX),
        ]);
        let body = if let Sort::Condition(objects) = sort {
            Body::Condition(self.condition(objects, 2))
        } else {
            self.body(sort, self.lets.len())
        };
        Let { sort, body }
    }

    /// A set, or a value that can only be one; `before` bounds the names it may use.
    fn body(&mut self, sort: Sort, before: usize) -> Body {
        // A word of a text could be a name.
        if sort != Sort::Texts && self.choices.one_in(4) {
            let value = self.choices.pick(pools::of_sort(sort, self.kernel()));
            return Body::One(Element::Value(value));
        }
        if self.choices.one_in(5)
            && let Some(name) = self.named(sort, before)
        {
            return Body::One(Element::Name(name));
        }
        if sort == Sort::Addresses && self.choices.one_in(5) {
            return Body::One(Element::Value(self.choices.pick(pools::BUILT_IN)));
        }
        Body::Set(self.elements(sort, before))
    }

    /// A definition of a sort among the first ones.
    pub(crate) fn named(&mut self, sort: Sort, before: usize) -> Option<usize> {
        let fits = self.lets.iter().take(before).enumerate();
        let fits: Vec<usize> = fits
            .filter(|(_, one)| one.sort == sort)
            .map(|(index, _)| index)
            .collect();
        (!fits.is_empty()).then(|| self.choices.pick(&fits))
    }

    pub(crate) fn elements(&mut self, sort: Sort, before: usize) -> Vec<Element> {
        let count = if self.choices.one_in(24) {
            12
        } else {
            1 + self.choices.below(3)
        };
        (0..count).map(|_| self.element(sort, before)).collect()
    }

    fn element(&mut self, sort: Sort, before: usize) -> Element {
        // In a set of words, a name would be a word.
        if sort != Sort::Texts
            && self.choices.one_in(6)
            && let Some(name) = self.named(sort, before)
        {
            return Element::Name(name);
        }
        let kernel = self.kernel();
        let values = match sort {
            Sort::Addresses if self.choices.one_in(4) => pools::BUILT_IN,
            Sort::Unix if self.choices.one_in(6) => &["unnamed"],
            Sort::Unix if self.choices.one_in(2) => pools::names(kernel),
            Sort::Addresses
            | Sort::Numbers
            | Sort::Files
            | Sort::Unix
            | Sort::Texts
            | Sort::Condition(_) => pools::of_sort(sort, kernel),
        };
        Element::Value(self.choices.pick(values))
    }

    /// An addition to a set: names of earlier ones alone, so that none needs itself.
    fn extension(&mut self) -> Option<(usize, Body)> {
        let target = self.choices.below(self.lets.len());
        let sort = self.lets.get(target)?.sort;
        if matches!(sort, Sort::Condition(_)) {
            return None;
        }
        Some((target, self.body(sort, target)))
    }

    fn file(&mut self) -> File {
        File {
            language: self.choices.one_in(4),
            mode: self
                .choices
                .pick(&[None, None, Some("audit"), Some("enforce")]),
            items: (0..=self.choices.below(5))
                .map(|_| self.item(Objects::NONE, 2))
                .collect(),
        }
    }

    /// A rule, or a scope of depth at most `depth`, in a scope that asks for `objects`.
    fn item(&mut self, objects: Objects, depth: usize) -> Item {
        if depth == 0 || !self.choices.one_in(5) {
            return Item::Rule(self.rule(objects));
        }
        let prefix = self.prefix();
        let asked = if self.choices.one_in(3) {
            self.choices.pick(&[
                Objects::ADDRESS,
                Objects::ADDRESS.and(Objects::PORT),
                Objects::UNIX,
            ])
        } else {
            Objects::NONE
        };
        let condition = self.condition(asked, 1);
        let objects = objects.and(asked);
        let least = usize::from(self.kernel());
        let items = (0..least + self.choices.below(4))
            .map(|_| self.item(objects, depth - 1))
            .collect();
        Item::Scope(Scope {
            prefix,
            condition,
            items,
        })
    }

    fn rule(&mut self, objects: Objects) -> Rule {
        let prefix = self.prefix();
        let effect: &'static [&'static str] = self.choices.pick(&[
            &["deny"][..],
            &["deny"],
            &["allow"],
            &["allow"],
            &["kill"],
            &["default", "deny"],
            &["record"],
        ]);
        let (families, operations, pair) = world::pair(self.choices, self.world, objects);
        let target = self.target(pair);
        let clauses = self.clauses(effect, pair);
        let id = format!("r{}-{}", self.choices.below(1_000), self.ids.len());
        let named = self.choices.one_in(2);
        if named {
            self.ids.push((id.clone(), effect == ["record"]));
        } else {
            self.ids.push((String::new(), false));
        }
        Rule {
            prefix,
            effect,
            families,
            operations,
            target,
            clauses,
            id: (id, named),
        }
    }

    fn clauses(&mut self, effect: &[&str], pair: Pair) -> Vec<Clause> {
        let mut all = Vec::new();
        let depth = if self.kernel() { 1 } else { 3 };
        if self.choices.one_in(2) {
            all.push(Clause::If(self.condition(pair.objects, depth)));
        }
        if self.choices.one_in(2) {
            all.push(Clause::Unless(self.condition(pair.objects, depth)));
        }
        let refuses = !matches!(effect, ["allow" | "record"]);
        if refuses && self.choices.one_in(4) {
            let errno = self.choices.pick(&["EACCES", "ENOENT", "EAGAIN", "EPERM"]);
            all.push(Clause::Word("with", errno));
        }
        let texts = [
            "\"why\"",
            "\"a \\\"b\\\" \\\\ \\n \\x41\"",
            "\"\"",
            "\"# no comment\"",
            "\"é\"",
        ];
        if self.choices.one_in(5) {
            all.push(Clause::Word("because", self.choices.pick(&texts)));
        }
        if self.choices.one_in(6) {
            let severity = self.choices.pick(&["low", "medium", "high", "critical"]);
            all.push(Clause::Word("severity", severity));
        }
        while self.choices.one_in(6) && all.len() < 8 {
            all.push(Clause::Word("tag", self.choices.pick(&texts)));
        }
        if !all.is_empty() {
            let by = self.choices.below(all.len());
            all.rotate_left(by);
        }
        all
    }

    fn target(&mut self, pair: Pair) -> Option<Target> {
        let preposition = self.choices.pick(&["to", "on"]);
        let mut place = None;
        let mut ports = None;
        match self.choices.below(6) {
            0 => return None,
            1 => place = Some(Operand::One(Element::Value("any"))),
            2 if pair.objects.have(Objects::OPTION) => {
                let option = self.choices.pick(pools::OPTIONS);
                place = Some(Operand::One(Element::Value(option)));
            }
            2 if pair.objects.have(Objects::UNIX) => place = Some(self.unix()),
            3 if pair.addresses => place = Some(self.addresses()),
            _ if pair.both && self.choices.one_in(2) => {
                place = Some(self.addresses());
                ports = Some(self.ports());
            }
            _ if pair.both => ports = Some(self.ports()),
            _ if pair.objects.have(Objects::UNIX) => place = Some(self.unix()),
            _ if pair.addresses => place = Some(self.addresses()),
            _ => return None,
        }
        Some(Target {
            preposition,
            place,
            ports,
        })
    }

    fn unix(&mut self) -> Operand {
        let all = self.lets.len();
        if self.choices.one_in(3)
            && let Some(name) = self.named(Sort::Unix, all)
        {
            return Operand::One(Element::Name(name));
        }
        if self.choices.one_in(2) {
            return Operand::Set(self.elements(Sort::Unix, all));
        }
        let kernel = self.kernel();
        let values = match self.choices.below(4) {
            0 => &["unnamed"],
            1 => pools::names(kernel),
            _ => pools::paths(kernel),
        };
        Operand::One(Element::Value(self.choices.pick(values)))
    }

    fn addresses(&mut self) -> Operand {
        let all = self.lets.len();
        match self.choices.below(5) {
            0 => Operand::One(Element::Value("any")),
            1 => Operand::One(Element::Value(self.choices.pick(pools::BUILT_IN))),
            2 => match self.named(Sort::Addresses, all) {
                Some(name) => Operand::One(Element::Name(name)),
                None => Operand::Set(self.elements(Sort::Addresses, all)),
            },
            3 => Operand::Set(self.elements(Sort::Addresses, all)),
            _ => {
                let values = pools::of_sort(Sort::Addresses, self.kernel());
                Operand::One(Element::Value(self.choices.pick(values)))
            }
        }
    }

    fn ports(&mut self) -> Operand {
        let all = self.lets.len();
        match self.choices.below(4) {
            0 => Operand::One(Element::Value("any")),
            1 => Operand::Set(self.elements(Sort::Numbers, all)),
            2 => match self.named(Sort::Numbers, all) {
                Some(name) => Operand::One(Element::Name(name)),
                None => Operand::One(Element::Value("80")),
            },
            _ => {
                let values = pools::of_sort(Sort::Numbers, self.kernel());
                Operand::One(Element::Value(self.choices.pick(values)))
            }
        }
    }

    fn condition(&mut self, objects: Objects, depth: usize) -> crate::model::Condition {
        condition::condition(self, objects, depth)
    }

    fn tests(&mut self, files: &mut [File]) {
        for file in files {
            while self.choices.one_in(4) {
                let made = test::block(self);
                let at = self.choices.below(file.items.len() + 1);
                file.items.insert(at, Item::Test(made));
                if file.items.len() > 16 {
                    break;
                }
            }
        }
    }
}

/// One word, or several in braces.
pub(crate) fn words(words: Vec<&'static str>) -> Words {
    Words {
        braced: words.len() > 1,
        words,
    }
}
