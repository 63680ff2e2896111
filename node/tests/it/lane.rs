//! What a lane of landings asks of an L1, on our own one: a rehearsal before a landing is paid for, several landings in one
//! L1 block, and a dead one replaced by a transfer to ourselves.

use crate::world::{Draft, FEES, FIXED, Rollup, World, signer};
use alloy_eips::{BlockId, eip4844::Blob};
use alloy_primitives::{B256, Bytes};
use alloy_sol_types::SolInterface;
use bridge::{
    abi::Hub::HubErrors,
    opening::{self, Kzg},
};
use chainspec::dev;
use l1::{Hands, HubCall, L1Error, Rehearsal, Sent};
use sequencer::{attributes::Origin, landing::SendFailure};

fn call(world: &World, draft: &Draft) -> HubCall {
    let sidecar = draft.landing.sidecar.clone().unwrap();
    HubCall { hub: world.hub(), input: draft.landing.calldata(), sidecar }
}

/// A block that no L1 block but the next one takes: it names the head, and has the time of the next slot.
async fn next(world: &World, rollup: &Rollup) -> Draft {
    let head = world.head().await;
    let origin = Origin { number: head.at.number, hash: head.at.hash };
    rollup.draft(head.header.timestamp + 1, origin, rollup.named(), &rollup.transfers(2))
}

async fn rehearse(world: &World, draft: &Draft) -> Result<Bytes, L1Error> {
    let head = world.head().await;
    let rehearsal = Rehearsal {
        from: dev::SEQUENCER.address,
        call: &call(world, draft),
        gas_limit: draft.landing.gas_limit,
        max_blob_fee: FEES.max_blob_fee,
        timestamp: draft.executed.block.timestamp.max(head.header.timestamp + 1),
    };
    world.rpc.rehearse(&head, rehearsal).await
}

fn objection(answer: Result<Bytes, L1Error>) -> HubErrors {
    match answer {
        Err(L1Error::Answer { data: Some(data), .. }) => HubErrors::abi_decode(&data).unwrap(),
        other => panic!("no revert: {other:?}"),
    }
}

fn hands(world: &World) -> Hands {
    Hands::new(world.rpc.clone(), signer(&dev::SEQUENCER), world.deployment.config.l1_chain_id)
}

async fn nonce(world: &World) -> u64 {
    world.rpc.nonce(dev::SEQUENCER.address, BlockId::latest()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rehearsal_says_what_the_next_l1_block_would() {
    let (world, mut rollup) = World::start(FIXED).await;
    let draft = next(&world, &rollup).await;
    assert_eq!(rehearse(&world, &draft).await.unwrap(), Bytes::new(), "blobs, opening and EXECUTE as in a transaction");

    let mut broken = next(&world, &rollup).await;
    broken.landing.sidecar = Some(opening::sidecar(Kzg::load(), vec![Blob::ZERO]).unwrap());
    assert!(matches!(objection(rehearse(&world, &broken).await), HubErrors::BlobHashMismatch(_)));
    let unknown = Origin { number: world.head().await.at.number, hash: B256::repeat_byte(7) };
    let stray = rollup.draft(world.head().await.header.timestamp + 1, unknown, rollup.named(), &[]);
    assert!(matches!(objection(rehearse(&world, &stray).await), HubErrors::WrongPrevRandao(_)));

    let winner = world.block(&rollup, &rollup.transfers(1)).await;
    world.land(&mut rollup, &winner).await;
    let stale = objection(rehearse(&world, &draft).await);
    assert!(matches!(stale, HubErrors::WrongParent(wrong) if wrong.head == winner.executed.block.hash()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_landing_is_replaced_by_a_transfer_to_ourselves_that_offers_twice_as_much() {
    let (world, rollup) = World::start(FIXED).await;
    let draft = next(&world, &rollup).await;
    let (hands, nonce) = (hands(&world), nonce(&world).await);
    let sent = hands.call(&call(&world, &draft), nonce, draft.landing.gas_limit, FEES).await;
    let Sent::Taken(dead) = sent else { panic!("{sent:?}") };

    let empty = opening::sidecar(Kzg::load(), vec![Blob::ZERO]).unwrap();
    let gas_limit = sequencer::landing::lane::CANCEL_GAS;
    let low = hands.cancel(&empty, nonce, gas_limit, FEES).await;
    assert!(matches!(low, Sent::Failed(SendFailure::Underpriced, _, _)), "{low:?}");
    let sent = hands.cancel(&empty, nonce, gas_limit, FEES.replacement()).await;
    let Sent::Taken(cancel) = sent else { panic!("{sent:?}") };

    world.mine(1).await;
    let receipt = world.rpc.receipt(cancel).await.unwrap().unwrap();
    assert!(receipt.inner.status() && receipt.gas_used <= gas_limit, "{receipt:?}");
    assert!(world.rpc.receipt(dead).await.unwrap().is_none());
    assert_eq!(world.recorded(rollup.chain_id()).await.number, 0);
}
