//! What pest found, as nodes in a row: the first child of one stands behind it,
//! and each says where the next one is that is not below it. The tree is made
//! by walking them; each of pest's own pairs would count references.

use super::Rule;
use pest::Token;

/// A rule of the grammar and the letters that it took.
#[derive(Clone, Copy, Debug)]
struct Node {
    rule: Rule,
    start: usize,
    end: usize,
    /// The place past all that is below it.
    after: usize,
}

/// Nodes over letters.
pub(super) struct Nodes<'i> {
    letters: &'i str,
    all: Vec<Node>,
}

impl<'i> Nodes<'i> {
    pub(super) fn new(letters: &'i str, pairs: &pest::iterators::Pairs<'_, Rule>) -> Self {
        let tokens = pairs.clone().tokens();
        let mut all: Vec<Node> = Vec::with_capacity(tokens.len() / 2);
        let mut open = Vec::new();
        for token in tokens {
            let after = all.len();
            match token {
                Token::Start { rule, pos } => {
                    open.push(after);
                    all.push(Node {
                        rule,
                        start: pos.pos(),
                        end: pos.pos(),
                        after: after + 1,
                    });
                }
                Token::End { pos, .. } => {
                    if let Some(node) = open.pop().and_then(|at| all.get_mut(at)) {
                        node.end = pos.pos();
                        node.after = after;
                    }
                }
            }
        }
        Self { letters, all }
    }

    /// Those that are below no other.
    pub(super) fn pairs(&self) -> Pairs<'_> {
        Pairs {
            nodes: self,
            at: 0,
            end: self.all.len(),
        }
    }
}

/// One node.
#[derive(Clone, Copy)]
pub(super) struct Pair<'n> {
    nodes: &'n Nodes<'n>,
    node: Node,
    at: usize,
}

impl<'n> Pair<'n> {
    pub(super) const fn as_rule(&self) -> Rule {
        self.node.rule
    }

    /// The letters that it took.
    pub(super) fn as_str(&self) -> &'n str {
        let letters = self.nodes.letters.get(self.node.start..self.node.end);
        letters.unwrap_or("")
    }

    /// The first of its tokens.
    pub(super) const fn start(&self) -> usize {
        self.node.start
    }

    /// The token behind its last one.
    pub(super) const fn end(&self) -> usize {
        self.node.end
    }

    pub(super) const fn into_inner(self) -> Pairs<'n> {
        Pairs {
            nodes: self.nodes,
            at: self.at + 1,
            end: self.node.after,
        }
    }
}

/// Nodes of which none is below another.
#[derive(Clone)]
pub(super) struct Pairs<'n> {
    nodes: &'n Nodes<'n>,
    at: usize,
    end: usize,
}

impl Pairs<'_> {
    pub(super) const fn is_empty(&self) -> bool {
        self.at >= self.end
    }
}

impl<'n> Iterator for Pairs<'n> {
    type Item = Pair<'n>;

    fn next(&mut self) -> Option<Pair<'n>> {
        if self.is_empty() {
            return None;
        }
        let at = self.at;
        let node = *self.nodes.all.get(at)?;
        self.at = node.after;
        Some(Pair {
            nodes: self.nodes,
            node,
            at,
        })
    }
}
