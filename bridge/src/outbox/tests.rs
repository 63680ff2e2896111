use super::*;
use crate::vectors;
use proptest::prelude::*;
use serde_json::json;

fn leaf(i: u64) -> B256 {
    keccak256(i.to_be_bytes())
}

fn tree(n: u64) -> Outbox {
    let mut t = Outbox::default();
    for i in 0..n {
        assert_eq!(t.push(leaf(i)), Ok(i));
    }
    t
}

/// The Messenger's algorithm: one node per level and a count, as in the deposit contract.
fn frontier(n: u64) -> [B256; OUTBOX_DEPTH] {
    let mut branch = [B256::ZERO; OUTBOX_DEPTH];
    for i in 0..n {
        let (mut hash, mut size) = (leaf(i), i + 1);
        for slot in &mut branch {
            if size % 2 == 1 {
                *slot = hash;
                break;
            }
            hash = node(*slot, hash);
            size /= 2;
        }
    }
    branch
}

fn frontier_root(n: u64) -> B256 {
    let branch = frontier(n);
    let mut hash = B256::ZERO;
    for (level, left) in branch.iter().enumerate() {
        hash = if (n >> level) % 2 == 1 { node(*left, hash) } else { node(hash, ZEROS[level]) };
    }
    hash
}

#[test]
fn roots_and_paths_agree_with_the_vectors() {
    let cases: Vec<_> = [1u64, 2, 3, 5, 33]
        .iter()
        .map(|&n| {
            let t = tree(n);
            let paths: Vec<_> = [0, n / 2, n - 1]
                .iter()
                .map(|&i| json!({ "index": i, "leaf": leaf(i), "path": t.path(i, n).unwrap() }))
                .collect();
            json!({ "count": n, "leaves": (0..n).map(leaf).collect::<Vec<_>>(), "root": t.root(), "paths": paths })
        })
        .collect();
    vectors::golden(
        "outbox",
        json!({ "emptyRoot": Outbox::default().root(), "zeros": ZEROS.to_vec(), "trees": cases }),
    );
}

#[test]
fn whole_tree_and_frontier_have_the_same_root() {
    for n in 0..70 {
        assert_eq!(tree(n).root(), frontier_root(n), "{n} leaves");
    }
}

#[test]
fn root_of_an_empty_outbox_is_the_deposit_contract_shape() {
    assert_eq!(Outbox::default().root(), ZEROS[OUTBOX_DEPTH]);
    assert_eq!(ZEROS[1], keccak256([0u8; 64]));
}

#[test]
fn a_path_is_refused_for_leaves_and_sizes_that_do_not_exist() {
    let t = tree(3);
    assert_eq!(t.path(3, 3), Err(OutboxError::NoSuchLeaf { index: 3, count: 3 }));
    assert_eq!(t.path(1, 1), Err(OutboxError::NoSuchLeaf { index: 1, count: 1 }));
    assert_eq!(t.path(0, 4), Err(OutboxError::BeyondEnd { have: 3, count: 4 }));
    assert_eq!(t.root_at(4), Err(OutboxError::BeyondEnd { have: 3, count: 4 }));
}

#[test]
fn an_index_beyond_the_tree_is_not_the_index_it_wraps_to() {
    let t = tree(2);
    let path = t.path(0, 2).unwrap();
    assert!(verify(t.root(), leaf(0), 0, &path));
    assert!(!verify(t.root(), leaf(0), 1 << 32, &path));
}

proptest! {
    #[test]
    fn every_size_the_tree_ever_had_keeps_its_root_and_paths(n in 1u64..80, at in 1u64..80, i in 0u64..80) {
        let (at, t) = (at.min(n), tree(n));
        let i = i % at;
        let root = t.root_at(at).unwrap();
        prop_assert_eq!(root, tree(at).root());
        let path = t.path(i, at).unwrap();
        prop_assert!(verify(root, leaf(i), i, &path));
        prop_assert!(!verify(root, leaf(i), i + 1, &path));
        prop_assert!(!verify(root, leaf(i + 1), i, &path));
    }

    #[test]
    fn a_changed_sibling_is_refused(n in 1u64..40, i in 0u64..40, level in 0usize..32, bit in 0usize..256) {
        let t = tree(n);
        let i = i % n;
        let mut path = t.path(i, n).unwrap();
        path[level].0[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(!verify(t.root(), leaf(i), i, &path));
    }
}

#[test]
fn a_tree_that_goes_on_from_a_frontier_has_the_roots_and_paths_of_the_whole_one() {
    const MORE: u64 = 20;
    for base in (0..40).chain([255, 256, 257]) {
        let whole = tree(base + MORE);
        let mut going_on = Outbox::from_frontier(base, &frontier(base)).unwrap();
        assert_eq!((going_on.count(), going_on.root()), (base, whole.root_at(base).unwrap()));
        for i in base..base + MORE {
            assert_eq!(going_on.push(leaf(i)), Ok(i));
        }
        for count in base..=base + MORE {
            assert_eq!(going_on.root_at(count), whole.root_at(count), "{count} from {base}");
            for index in base..count {
                assert_eq!(going_on.path(index, count), whole.path(index, count), "{index} of {count} from {base}");
            }
        }
        if let Some(below) = base.checked_sub(1) {
            assert_eq!(going_on.path(below, base + MORE), Err(OutboxError::Below(below)));
            assert_eq!(going_on.root_at(below), Err(OutboxError::Below(below)));
        }
    }
    assert_eq!(Outbox::from_frontier(MAX_OUTBOX_LEAVES + 1, &[B256::ZERO; OUTBOX_DEPTH]), Err(OutboxError::Full));
}
