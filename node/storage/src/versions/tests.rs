use alloy_trie::{Nibbles, nodes::BranchNode, nodes::RlpNode};
use proptest::{collection, prelude::*};

use super::*;

/// A branch with these children: hashes, and short nodes.
fn branch_of(children: &[(u8, Option<[u8; 32]>)]) -> Bytes {
    let mut all = [const { None }; WIDTH];
    for (nibble, child) in children {
        all[usize::from(nibble % 16)] = Some(match child {
            Some(hash) => RlpNode::word_rlp(&B256::from(*hash)),
            None => RlpNode::from_rlp(&[0xc2, 0x31, 0x05]),
        });
    }
    let mut mask = alloy_trie::TrieMask::default();
    (0..16u8).filter(|n| all[usize::from(*n)].is_some()).for_each(|n| mask.set_bit(n));
    alloy_rlp::encode(BranchNode::new(all.into_iter().flatten().collect(), mask)).into()
}

fn child() -> impl Strategy<Value = (u8, Option<[u8; 32]>)> {
    (0u8..16, prop_oneof![8 => any::<[u8; 32]>().prop_map(Some), 1 => Just(None)])
}

fn path(nibbles: &[u8]) -> Place {
    Place { owner: None, path: Nibbles::from_nibbles(nibbles) }
}

proptest! {
    #[test]
    fn a_branch_comes_back_from_what_changed_over_many_blocks(
        first in collection::vec(child(), 2..17),
        changes in collection::vec(collection::vec(child(), 1..3), 1..20),
    ) {
        let mut nodes = vec![branch_of(&first)];
        let mut children = first;
        for change in changes {
            children.extend(change);
            nodes.push(branch_of(&children));
        }
        let newest = nodes.last().cloned();
        for oldest in 0..nodes.len() - 1 {
            let (mut puzzle, mut rest) = (Puzzle::default(), newest.as_ref());
            for (before, after) in nodes[oldest..].iter().zip(&nodes[oldest + 1..]) {
                let version = NodeVersion::of(&path(&[1]), Some(before), Some(after));
                prop_assert_eq!(&NodeVersion::decode(&version.encode()).unwrap(), &version);
                match version {
                    NodeVersion::Children(children) => puzzle.add(&children),
                    NodeVersion::Whole(_) => {
                        rest = Some(before);
                        break;
                    }
                    other => prop_assert!(false, "{:?}", other),
                }
            }
            prop_assert_eq!(puzzle.finish(rest), Some(nodes[oldest].clone()));
        }
    }

    #[test]
    fn any_bytes_are_a_version_or_refused(raw in collection::vec(any::<u8>(), 0..120), tag in 0u8..3) {
        let raw: Bytes = [&[tag][..], &raw].concat().into();
        if let Ok(version) = NodeVersion::decode(&raw) {
            prop_assert_eq!(version.encode(), raw.clone());
            if let NodeVersion::Children(children) = version {
                let mut puzzle = Puzzle::default();
                puzzle.add(&children);
                prop_assert_eq!(puzzle.finish(None).is_some(), children.mask == u16::MAX);
            }
        }
        let _ = (is_leaf(&raw), branch(&raw));
    }
}

#[test]
fn one_child_of_sixteen_takes_a_tenth_of_the_branch() {
    let children: Vec<(u8, Option<[u8; 32]>)> = (0..16).map(|n| (n, Some([n; 32]))).collect();
    let mut other = children.clone();
    other[7] = (7, Some([0xf7; 32]));
    let (before, after) = (branch_of(&children), branch_of(&other));
    assert_eq!(before.len(), 532);
    let NodeVersion::Children(found) = NodeVersion::of(&path(&[1]), Some(&before), Some(&after)) else { panic!() };
    assert_eq!((found.mask, found.items.len()), (1 << 7, 33));
    assert_eq!(NodeVersion::Children(found).encode().len(), 36);
    // A branch that has become another altogether, or something else, is kept whole.
    let all: Vec<_> = (0..16).map(|n| (n, Some([!n; 32]))).collect();
    assert_eq!(NodeVersion::of(&path(&[1]), Some(&before), Some(&branch_of(&all))), NodeVersion::Whole(before.clone()));
    assert_eq!(NodeVersion::of(&path(&[1]), Some(&before), None), NodeVersion::Whole(before));
    assert_eq!(NodeVersion::of(&path(&[1]), None, Some(&after)), NodeVersion::Nothing);
}

#[test]
fn of_a_leaf_its_key_is_kept_and_of_a_root_everything() {
    let key = B256::repeat_byte(0x12);
    for depth in [0, 1, 2, 5, 31, 63] {
        let path = Nibbles::unpack(key);
        let leaf = alloy_trie::nodes::LeafNode::new(path.slice(depth..), vec![7; 70]);
        let rlp = Bytes::from(alloy_rlp::encode(leaf));
        assert!(is_leaf(&rlp));
        let place = Place { owner: None, path: path.slice(..depth) };
        let expected = if depth == 0 { NodeVersion::Whole(rlp.clone()) } else { NodeVersion::Leaf(key) };
        assert_eq!(NodeVersion::of(&place, Some(&rlp), None), expected);
    }
    for len in [1, 2, 63] {
        let shared = Nibbles::unpack(key).slice(..len);
        let extension = alloy_trie::nodes::ExtensionNode::new(shared, RlpNode::word_rlp(&key));
        let rlp = Bytes::from(alloy_rlp::encode(extension));
        assert!(!is_leaf(&rlp));
        assert_eq!(NodeVersion::of(&path(&[3]), Some(&rlp), None), NodeVersion::Whole(rlp));
    }
}
