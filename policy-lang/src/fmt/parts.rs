//! What statements are made of: lists, targets, conditions, blocks.

use super::cursor::{Between, Layout};
use super::doc::Op;
use crate::ast::{Condition, Object, Operand, Operator, Target, Words};

impl Layout<'_> {
    /// Words of a list; whether `connect` is among them.
    pub(super) fn words(&mut self, words: &Words) -> bool {
        let mut connects = false;
        if words.braced {
            self.list(words.words.len(), |me, _| {
                connects |= me.next_is("connect");
                me.token();
            });
        } else {
            connects = self.next_is("connect");
            self.token();
        }
        connects
    }

    /// Braces around things with commas between them.
    fn list(&mut self, length: usize, mut element: impl FnMut(&mut Self, usize)) {
        self.push(Op::Open);
        self.push(Op::Align);
        self.token();
        self.push(Op::Indent);
        for index in 0..length {
            self.before_item(Between::Elements, index == 0);
            element(self, index);
            let last = index + 1 == length;
            self.comma(!last);
        }
        // `{ , }` has no values.
        self.comma(false);
        if length > 0 {
            self.push(Op::IfBroken(","));
        }
        let end = self.ahead();
        self.comments_up_to(end, length == 0);
        self.push(Op::End);
        self.push(Op::Line {
            flat: if length > 0 { " " } else { "" },
            blank: false,
        });
        self.token();
        self.push(Op::End);
        self.push(Op::Close);
    }

    pub(super) fn operand(&mut self, operand: &Operand) {
        match operand {
            Operand::Word(_) => self.token(),
            Operand::Set(set) => self.list(set.elements.len(), |me, index| {
                if let Some(element) = set.elements.get(index) {
                    me.operand(element);
                }
            }),
        }
    }

    pub(super) fn target(&mut self, target: &Target, connects: bool) {
        let set = |operand: &Option<Operand>| matches!(operand, Some(Operand::Set(_)));
        let sets = match &target.object {
            Object::Option(operand) => matches!(operand, Operand::Set(_)),
            Object::Place { place, ports } => set(place) || set(ports),
        };
        // A set breaks by itself.
        if sets {
            self.space();
        } else {
            self.push(Op::Open);
            self.line();
        }
        self.token_as(Some(if connects { "to" } else { "on" }));
        match &target.object {
            Object::Option(operand) => {
                self.space();
                self.token();
                self.space();
                self.operand(operand);
            }
            Object::Place { place, ports } => {
                if let Some(place) = place {
                    self.space();
                    self.operand(place);
                }
                if let Some(ports) = ports {
                    self.space();
                    self.token();
                    self.space();
                    self.operand(ports);
                }
            }
        }
        if !sets {
            self.push(Op::Close);
        }
    }

    /// A condition; `deeper` says that its further lines stand a level deeper.
    pub(super) fn condition(&mut self, condition: &Condition, deeper: bool) {
        match condition {
            Condition::Or(all) | Condition::And(all) => {
                self.push(Op::Open);
                for (index, one) in all.iter().enumerate() {
                    if index > 0 {
                        self.line();
                        self.token();
                        self.space();
                    }
                    self.condition(one, true);
                    if index == 0 && deeper {
                        self.push(Op::Indent);
                    }
                }
                if deeper {
                    self.push(Op::End);
                }
                self.push(Op::Close);
            }
            Condition::Not(inner, _) => {
                self.token();
                self.space();
                self.condition(inner, deeper);
            }
            Condition::Group(inner, _) => self.group(inner),
            Condition::Test {
                operator, operand, ..
            } => {
                self.token();
                self.space();
                self.token();
                if *operator == Operator::NotIn {
                    self.space();
                    self.token();
                }
                self.space();
                self.operand(operand);
            }
            Condition::Name(_) => self.token(),
        }
    }

    fn group(&mut self, inner: &Condition) {
        let soft = || Op::Line {
            flat: "",
            blank: false,
        };
        self.push(Op::Open);
        self.push(Op::Align);
        self.token();
        self.push(Op::Indent);
        self.push(soft());
        self.condition(inner, false);
        let end = self.ahead();
        self.comments_up_to(end, false);
        self.push(Op::End);
        self.push(soft());
        self.token();
        self.push(Op::End);
        self.push(Op::Close);
    }

    /// What stands between braces, a line each, and the last brace.
    pub(super) fn block(&mut self, empty: bool, inside: impl FnOnce(&mut Self)) {
        self.push(Op::Indent);
        inside(self);
        let end = self.ahead();
        let bare = self.comments_up_to(end, empty) && empty;
        self.push(Op::End);
        if !bare {
            self.push(Op::Hard(false));
        }
        self.token();
    }
}
