//! The same bytes and roots as ethrex 31, whose EXECUTE this format is.

use super::*;
use ethrex_common::types::stateless_ssz::{SszStatelessInput, SszStatelessValidationResult};
use libssz::{SszDecode, SszEncode};
use libssz_merkle::{HashTreeRoot, Sha2Hasher};

fn theirs(bytes: &[u8]) -> Result<SszStatelessInput, libssz::DecodeError> {
    SszStatelessInput::from_ssz_bytes(&bytes[PREFIX_BYTES..])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Ours encoded, read by them and written again is unchanged; roots are equal.
    #[test]
    fn ethrex_reads_what_we_write_and_has_the_same_root(seed in any::<u64>()) {
        let ours = sample(seed);
        let bytes = ours.encode();
        let read = theirs(&bytes).unwrap();
        let mut again = SCHEMA_ID.to_be_bytes().to_vec();
        read.ssz_append(&mut again);
        prop_assert_eq!(&again, &bytes);
        prop_assert_eq!(ours.request_root().0, read.new_payload_request.hash_tree_root(&Sha2Hasher));
        let p = &read.new_payload_request.execution_payload;
        prop_assert_eq!(p.block_number, ours.payload.block_number);
        prop_assert_eq!(p.slot_number, ours.payload.slot_number);
        prop_assert_eq!(p.block_hash, ours.payload.block_hash.0);
        prop_assert_eq!(read.chain_id, ours.chain_id);
    }

    /// On damaged bytes: what we accept they accept; what they accept we refuse only for the bounds and the base fee,
    /// which their decoder leaves to later steps or sets wider.
    #[test]
    fn on_damaged_bytes_the_verdicts_differ_only_where_ours_is_meant_to_be_narrower(seed in 0u64..64, edits in proptest::collection::vec((any::<u32>(), any::<u8>()), 1..4)) {
        let mut bytes = sample(seed).encode();
        for (at, byte) in edits {
            let span = if at % 2 == 0 { bytes.len() } else { bytes.len().min(640) };
            let at = PREFIX_BYTES + (at / 2) as usize % (span - PREFIX_BYTES);
            bytes[at] = byte;
        }
        match (StatelessInput::decode(&bytes), theirs(&bytes)) {
            (Ok(ours), Ok(read)) => prop_assert_eq!(ours.request_root().0, read.new_payload_request.hash_tree_root(&Sha2Hasher)),
            (Ok(_), Err(e)) => prop_assert!(false, "we accept what ethrex refuses: {e:?}"),
            (Err(DecodeError::BaseFee | DecodeError::Ssz(SszError::TooLong { .. })), Ok(_)) | (Err(_), Err(_)) => {}
            (Err(e), Ok(_)) => prop_assert!(false, "we refuse what ethrex accepts: {e}"),
        }
    }

    #[test]
    fn results_are_the_same_bytes(root in any::<[u8; 32]>(), success in any::<bool>(), chain_id in any::<u64>()) {
        let ours = ValidationResult::new(root.into(), success, chain_id);
        let theirs = SszStatelessValidationResult { new_payload_request_root: root, successful_validation: success, chain_id, schema_id: SCHEMA_ID };
        let mut bytes = Vec::new();
        theirs.ssz_append(&mut bytes);
        prop_assert_eq!(&bytes, &ours.encode().to_vec());
        prop_assert_eq!(SszStatelessValidationResult::from_ssz_bytes(&ours.encode()).unwrap(), theirs);
    }
}
