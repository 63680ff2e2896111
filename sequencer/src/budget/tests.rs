use super::*;

#[test]
fn more_gas_limit_leaves_less_room_for_bytes() {
    let largest = |gas_limit| {
        let settlement = Settlement { gas_limit, ..Settlement::default() };
        let fits = |kib: &usize| settlement.fits(&Sizes { nodes: kib << 10, node_count: kib * 2, ..Sizes::default() });
        (0..200usize).take_while(fits).count()
    };
    let rooms = [5_000_000, 12_000_000, 15_000_000, 16_777_216].map(largest);
    assert!(rooms.is_sorted_by(|more, less| more >= less), "{rooms:?}");
    assert!(rooms[1] >= 60, "{rooms:?}");
    assert_eq!(rooms[3], 0);
}

#[test]
fn every_part_counts() {
    let settlement = Settlement { gas_limit: 12_000_000, ..Settlement::default() };
    let cost = |sizes: Sizes| settlement.cost(&sizes).unwrap();
    let base = cost(Sizes::default());
    for sizes in [
        Sizes { transactions: 1_000, transaction_count: 1, ..Sizes::default() },
        Sizes { bal: 1_000, ..Sizes::default() },
        Sizes { nodes: 1_000, node_count: 2, ..Sizes::default() },
        Sizes { codes: 1_000, code_count: 1, ..Sizes::default() },
        Sizes { headers: 1_000, header_count: 1, ..Sizes::default() },
    ] {
        assert!(cost(sizes).execution >= base.execution + 32_000, "{sizes:?}");
        // Both models count the same bytes; execution's assumes the longest extra data.
        assert_eq!(cost(sizes).input_bytes + 32, sizes.input_len());
    }
    let proof = Settlement { outbox_proof: Items { count: 10, bytes: 4_000 }, ..settlement };
    assert!(proof.cost(&Sizes::default()).unwrap().execution > base.execution);
}
