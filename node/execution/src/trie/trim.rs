//! Forgetting: a tree within a limit of nodes.

use super::{
    Account, StateTree, Word,
    node::{Child, Extension, Leaf, Link, Node, Slot},
    value::Value,
};
use std::sync::{Arc, OnceLock, atomic::AtomicUsize};

impl StateTree {
    /// The same state with at most about `limit` nodes in memory: the deepest are hashes again, and are loaded when somebody asks. This tree itself
    /// when it is within the limit. Walks the whole tree when it is not, so let the limit be well above what is needed.
    pub fn trimmed(&self, limit: usize) -> Self {
        if self.loaded() <= limit {
            return self.clone();
        }
        let mut levels = Vec::new();
        if let Some(root) = self.top() {
            census(root.link(), 0, &mut levels);
        }
        // Half of it, so that this happens once in a while and not with each block.
        let mut kept = 0;
        let floor = levels.iter().take_while(|nodes| {
            kept += **nodes;
            kept <= limit / 2
        });
        let floor = floor.count();
        let root = self.top().map(|root| cut_child(root, floor));
        let kept: usize = levels[..floor].iter().sum();
        Self::of(root, Arc::new(AtomicUsize::new(kept)))
    }
}

/// Counts loaded nodes by how many nodes are above them.
fn census<V: Below>(child: Link<'_, V>, level: usize, levels: &mut Vec<usize>) {
    let Some(node) = child.node.get() else { return };
    if levels.len() <= level {
        levels.resize(level + 1, 0);
    }
    levels[level] += 1;
    match &**node {
        Node::Leaf(leaf) => leaf.value.census(level + 1, levels),
        Node::Extension(extension) => census(extension.child.link(), level + 1, levels),
        Node::Branch(branch) => branch.children().for_each(|(_, child)| census(child, level + 1, levels)),
    }
}

fn cut_child<V: Below>(child: &Child<V>, levels: usize) -> Child<V> {
    Child { name: child.name, node: cut(child.link(), levels) }
}

/// The subtree with `levels` levels of nodes. Short nodes stay: their parents hold them.
fn cut<V: Below>(child: Link<'_, V>, levels: usize) -> Slot<V> {
    let Some(node) = child.node.get().filter(|_| levels > 0 || child.hash().is_none()) else { return OnceLock::new() };
    let below = levels.saturating_sub(1);
    let node = match &**node {
        Node::Leaf(Leaf { key, value }) => Node::Leaf(Leaf { key: *key, value: value.cut(below) }),
        Node::Extension(extension) => {
            let (path, child) = (extension.path, cut_child(&extension.child, below));
            Node::Extension(Box::new(Extension { path, child }))
        }
        Node::Branch(branch) => {
            Node::Branch(branch.with_nodes(branch.children().map(|(_, child)| cut(child, below)).collect()))
        }
    };
    OnceLock::from(Arc::new(node))
}

/// What hangs below a leaf.
trait Below: Value {
    fn census(&self, level: usize, levels: &mut Vec<usize>);
    fn cut(&self, levels: usize) -> Self;
}

impl Below for Word {
    fn census(&self, _: usize, _: &mut Vec<usize>) {}

    fn cut(&self, _: usize) -> Self {
        *self
    }
}

impl Below for Account {
    fn census(&self, level: usize, levels: &mut Vec<usize>) {
        if let Some(storage) = self.storage() {
            census(storage.link(), level, levels);
        }
    }

    fn cut(&self, levels: usize) -> Self {
        match self.storage() {
            None => self.clone(),
            Some(storage) => Self::new(self.nonce, self.balance, self.code_hash(), Some(cut_child(storage, levels))),
        }
    }
}
