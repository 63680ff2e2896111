use super::*;
use crate::world::*;
use alloy_rlp::Decodable;

#[test]
fn the_predicted_length_of_a_rollups_list_is_exact() {
    let mut off = 0;
    for seed in 500..560 {
        let mut rng = rng(seed);
        let world = random_world(&mut rng);
        let mut building = world.building();
        for tx in random_txs(&mut rng, &world, 8) {
            let _ = building.push(&tx);
        }
        let predicted = building.sizes().bal;
        let executed = building.seal().unwrap();
        assert!(predicted >= executed.bal.len(), "seed {seed}: {predicted} < {}", executed.bal.len());
        off += predicted - executed.bal.len();
        let list = BlockAccessList::decode(&mut &executed.bal[..]).unwrap();
        assert_eq!(encode(&list), executed.bal);
        assert!(items(&list) <= items_max(executed.block.header().gas_limit));
    }
    assert_eq!(off, 0);
}
