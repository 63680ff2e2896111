//! Which nodes beyond the touched paths a block would need if it were sealed now: where a branch of the parent's state is left with one child that
//! no key passes, that child has to be looked at.
//!
//! Kept up to date key by key, so that the answer is exact at any time. Must not know: what a key means, or how long anything but a
//! sibling is.

use super::nodes::Nodes;
use crate::{
    state::StateError,
    trie::{Branch, Loader, Value, nibble, with_nibble},
};
use alloy_primitives::{B256, map::HashMap};

/// A trie (the hashed address, for a storage trie) and a key in it.
pub(super) type Key = (Option<B256>, B256);

/// What a block does to a key, seen from the state before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// Nothing, or another value.
    Stays,
    /// There was a value.
    Goes,
    /// There was none.
    Comes,
}

/// A branch: its trie, the path above (zeroes after it), and how many nibbles that has.
type At = (Option<B256>, B256, usize);

/// How a branch of the parent's state would look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Fork {
    /// Children below which nothing would be left of what was there.
    dead: u16,
    /// Keys that would come below each child before the next branch, or where there is no child.
    comes: [u16; 16],
    sibling: Option<B256>,
}

impl Fork {
    fn alive(&self, mask: u16) -> u16 {
        (0..16).fold(mask & !self.dead, |alive, nibble| alive | u16::from(self.comes[nibble] > 0) << nibble)
    }
}

/// The branches that lose or get keys.
#[derive(Debug, Default)]
pub(super) struct Siblings {
    forks: HashMap<At, Fork>,
    /// Forks as they were before the changes that may be taken back, in order.
    undo: Vec<(At, Option<Fork>)>,
}

impl Siblings {
    /// Takes the changes since the last [`Self::keep`] back, but for `nodes`.
    pub(super) fn revert(&mut self) {
        while let Some((at, fork)) = self.undo.pop() {
            match fork {
                Some(fork) => self.forks.insert(at, fork),
                None => self.forks.remove(&at),
            };
        }
    }

    pub(super) fn keep(&mut self) {
        self.undo.clear();
    }

    /// Notes that the effect on `key` is another one now. `path` has the branches above it, from the root down.
    pub(super) fn change<V: Value>(
        &mut self,
        (owner, key): Key,
        (old, new): (Effect, Effect),
        path: &[(usize, &Branch<V>)],
        loader: Loader<'_>,
        nodes: &mut Nodes,
    ) -> Result<(), StateError> {
        let mut below_lives = None;
        for (depth, branch) in path.iter().rev() {
            let turn = nibble(&key, *depth);
            let at = (owner, above(key, *depth), *depth);
            let before = self.forks.get(&at).copied();
            let mut fork = before.unwrap_or_default();
            let bit = 1u16 << turn;
            let was_alive = fork.alive(branch.mask()) != 0;
            match below_lives {
                // The lowest branch: the key hangs right below.
                None => {
                    let comes = &mut fork.comes[usize::from(turn)];
                    *comes = *comes + u16::from(new == Effect::Comes) - u16::from(old == Effect::Comes);
                    match (old == Effect::Goes, new == Effect::Goes) {
                        (false, true) => fork.dead |= bit,
                        (true, false) => fork.dead &= !bit,
                        _ => {}
                    }
                }
                Some(true) => fork.dead &= !bit,
                Some(false) => fork.dead |= bit,
            }
            let alive = fork.alive(branch.mask());
            let only = (alive.count_ones() == 1).then(|| alive.trailing_zeros() as u8);
            let sibling = only.filter(|only| branch.mask() & !fork.dead & 1 << only != 0);
            let child = sibling.and_then(|only| branch.get(only).map(|child| (only, child)));
            let hash = child.and_then(|(_, child)| child.hash());
            if hash != fork.sibling {
                if let (Some(hash), Some((only, child))) = (hash, child) {
                    nodes.need(hash, loader.len(child, &with_nibble(key, *depth, only), depth + 1)?);
                }
                if let Some(old) = fork.sibling {
                    nodes.unneed(old);
                }
                fork.sibling = hash;
            }
            if before != Some(fork) {
                self.forks.insert(at, fork);
                self.undo.push((at, before));
            }
            if was_alive == (alive != 0) {
                break;
            }
            below_lives = Some(alive != 0);
        }
        Ok(())
    }
}

/// The nibbles of `key` above `depth`, zeroes after them.
fn above(key: B256, depth: usize) -> B256 {
    (depth..64).fold(key, |key, at| with_nibble(key, at, 0))
}
