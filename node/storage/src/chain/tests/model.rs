//! Random appends and unwinds, with a short memory and without, against a model that keeps every state.

use proptest::{collection, prelude::*};

use super::{super::writer::FORGET_STATES, *};
use crate::Durability;

fn limits() -> impl Strategy<Value = Limits> {
    // A tree that keeps next to nothing must give the same answers.
    let history = prop_oneof![Just(History::All), (0u64..8).prop_map(History::Blocks)];
    (history, prop_oneof![Just(0usize), Just(8), Just(1 << 18)]).prop_map(|(history, tree_nodes)| Limits {
        history,
        tree_nodes,
        ..Limits::default()
    })
}

#[derive(Debug, Clone)]
enum Step {
    Append { seed: u64 },
    Unwind { depth: u64 },
    Land { back: u64, finalise: bool },
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => any::<u64>().prop_map(|seed| Step::Append { seed }),
        2 => (1u64..5).prop_map(|depth| Step::Unwind { depth }),
        2 => (0u64..6, prop::bool::weighted(0.4)).prop_map(|(back, finalise)| Step::Land { back, finalise }),
        1 => Just(Step::Reopen),
    ]
}

fn run(open: impl Fn(Limits) -> Chain, limits: Limits, steps: Vec<Step>) {
    let mut chain = open(limits);
    let mut oldest = 0;
    let mut states = vec![Model::genesis(&spec())];
    let mut blocks: Vec<Executed> = Vec::new();
    // Readers from earlier, which must not notice anything.
    let mut readers: Vec<(Arc<dyn ChainState>, Model, Vec<B256>)> = Vec::new();
    let (mut landed, mut finalised) = (0, 0);

    for step in steps {
        let head = blocks.len() as u64;
        match step {
            Step::Append { seed } => {
                let block = next(&chain, &states[blocks.len()], &mut rng(seed));
                chain.append(&block).unwrap();
                let mut state = states[blocks.len()].clone();
                state.apply(&block.diff);
                states.push(state);
                blocks.push(block);
                let wanted = limits.history.oldest(blocks.len() as u64, finalised);
                oldest = wanted.clamp(oldest, oldest + FORGET_STATES);
            }
            Step::Unwind { depth } => {
                let to = head.saturating_sub(depth);
                let result = chain.unwind(to);
                if to < finalised {
                    assert!(matches!(result, Err(StorageError::UnwindBelowFinalised { .. })));
                } else {
                    let gone = blocks.split_off(to as usize);
                    let gone: Vec<_> = gone.into_iter().rev().map(|executed| executed.block).collect();
                    assert_eq!(result.unwrap(), gone);
                    states.truncate(to as usize + 1);
                    landed = landed.min(to);
                }
            }
            Step::Land { back, finalise } => {
                let number = head.saturating_sub(back).max(landed);
                let hash = chain.canonical_hash(number).unwrap().unwrap();
                let last = if finalise { BlockNumHash { number, hash } } else { chain.heads().finalised };
                chain.put_heads(BlockNumHash { number, hash }, last).unwrap();
                (landed, finalised) = (number, last.number);
            }
            Step::Reopen => {
                drop(readers.split_off(0));
                drop(chain);
                chain = open(limits);
            }
        }

        let (model, head_now) = (states.last().unwrap(), blocks.len() as u64);
        let checked = chain.check().unwrap();
        assert_eq!(checked.blocks, blocks.len() as u64 + 1);
        assert_eq!(checked.accounts, model.0.len() as u64);
        assert_eq!(chain.head().number, blocks.len() as u64);
        assert_eq!((chain.heads().landed.number, chain.heads().finalised.number), (landed, finalised));
        model.assert_is(&*chain.state_at_head());
        assert_eq!(chain.oldest_state(), oldest);
        assert_eq!(checked.old_states, head_now - oldest);
        for number in 0..=head_now {
            let (at, state) = (number as usize, chain.state_at(number));
            if number < oldest {
                let refused = StorageError::StateForgotten { number, oldest }.to_string();
                assert_eq!(state.err().unwrap().to_string(), refused);
            } else {
                states[at].assert_is(&*state.unwrap());
            }
        }
        let random = (oldest + head_now) / 2;
        states[random as usize].assert_proven_by(&*chain.state_at(random).unwrap());
        for executed in &blocks {
            let (number, hash) = (executed.block.number, executed.block.hash());
            assert_eq!(chain.block(hash).unwrap().as_ref(), Some(&executed.block));
            assert_eq!(chain.receipts(number).unwrap().as_ref(), Some(&executed.receipts));
            assert_eq!(chain.bal(number).unwrap().as_ref(), Some(&executed.bal));
        }
        assert!(chain.header(blocks.len() as u64 + 1).unwrap().is_none());

        let hashes = std::iter::once(spec().genesis_hash()).chain(blocks.iter().map(|executed| executed.block.hash()));
        readers.push((chain.state_at_head(), model.clone(), hashes.collect()));
        for (state, model, hashes) in readers.iter().step_by(3) {
            model.assert_is(&**state);
            for (number, hash) in (0u64..).zip(hashes) {
                assert_eq!(state.block_hash(number).unwrap(), *hash);
                assert_eq!(keccak256(state.header(number).unwrap()), *hash);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(48) })]

    #[test]
    fn random_appends_and_unwinds_equal_a_model_in_memory(limits in limits(), steps in collection::vec(step(), 1..40)) {
        let memory = Memory::new();
        run(|limits| Chain::on(Arc::new(memory.clone()), spec(), limits).unwrap(), limits, steps);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(6) })]

    #[test]
    fn random_appends_and_unwinds_equal_a_model_on_disk(limits in limits(), steps in collection::vec(step(), 1..40)) {
        let folder = tempfile::tempdir().unwrap();
        run(|limits| Chain::open(folder.path(), spec(), limits).unwrap(), limits, steps);
    }

    #[test]
    fn a_power_loss_leaves_a_prefix(seed in any::<u64>(), kept in 0usize..12) {
        let memory = Memory::new();
        let mut rng = rng(seed);
        let chain = Chain::on(Arc::new(memory.clone()), spec(), keeping(2)).unwrap();
        let mut model = Model::genesis(&spec());
        grow(&chain, &mut model, &mut rng, 5);
        finalise(&chain, 5);
        let mut hashes = vec![chain.head().hash()];
        let mut states = vec![model.clone()];
        for _ in 0..8 {
            let block = next(&chain, &model, &mut rng);
            chain.append_with(&block, Durability::Buffered).unwrap();
            model.apply(&block.diff);
            hashes.push(chain.head().hash());
            states.push(model.clone());
        }
        prop_assert_eq!(memory.unsynced(), 8);
        let after = Chain::on(Arc::new(memory.crash_keeping(kept)), spec(), keeping(2)).unwrap();
        after.check().unwrap();
        let kept = kept.min(8);
        prop_assert_eq!(after.head().hash(), hashes[kept]);
        states[kept].assert_is(&*after.state_at_head());
        // States are forgotten together with the append that pushed them out.
        let oldest = if kept == 0 { 0 } else { (after.head().number - 2).min(5) };
        prop_assert_eq!(after.oldest_state(), oldest);
        chain.sync().unwrap();
        prop_assert_eq!(memory.unsynced(), 0);
    }
}
