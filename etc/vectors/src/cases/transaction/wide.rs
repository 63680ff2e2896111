//! Legacy transactions whose gas price has more than 128 bits. The protocol's prices have 256; ours, as alloy's, have 128, so the node
//! refuses such a transaction when it decodes it, and rightly in every block: no account holds 2^128 wei, ether's supply is below
//! 2^97. Transaction tests know no accounts, so what they say of one is checked here. Must not be used for anything else.

use super::Outcome;
use crate::{import::Import, refusal::Refusal};
use alloy_evm::spec_by_timestamp_and_block_number;
use alloy_hardforks::EthereumHardforks;
use alloy_primitives::{B256, Bytes, Signature, TxKind, U256, keccak256};
use alloy_rlp::{Decodable, RlpDecodable, RlpEncodable};
use revm::context_interface::cfg::gas::calculate_initial_tx_gas;

/// The fields of a legacy transaction.
#[derive(RlpDecodable)]
struct Fields {
    nonce: u64,
    gas_price: U256,
    gas_limit: u64,
    to: TxKind,
    value: U256,
    input: Bytes,
    v: u64,
    r: U256,
    s: U256,
}

#[derive(RlpEncodable)]
struct Unsigned<'a> {
    nonce: u64,
    gas_price: &'a U256,
    gas_limit: u64,
    to: &'a TxKind,
    value: &'a U256,
    input: &'a Bytes,
}

#[derive(RlpEncodable)]
struct UnsignedFor<'a> {
    nonce: u64,
    gas_price: &'a U256,
    gas_limit: u64,
    to: &'a TxKind,
    value: &'a U256,
    input: &'a Bytes,
    chain_id: u64,
    zero: u8,
    nothing: u8,
}

/// A transaction that is well-formed but for its price.
pub(super) struct Wide {
    fields: Fields,
    hash: B256,
}

/// Reads one.
pub(super) fn decode(bytes: &[u8]) -> Option<Wide> {
    let mut rest = bytes;
    let fields = Fields::decode(&mut rest).ok()?;
    // What the gas costs has to fit 256 bits.
    fields.gas_price.checked_mul(U256::from(fields.gas_limit))?;
    (rest.is_empty() && fields.gas_price > U256::from(u128::MAX)).then(|| Wide { fields, hash: keccak256(bytes) })
}

impl Wide {
    /// Checks its signature, hash, sender and intrinsic gas.
    pub(super) fn check(self, import: &Import, outcome: &Outcome) -> Result<(), Result<Refusal, String>> {
        let Self { fields: Fields { nonce, gas_price, gas_limit, to, value, input, v, r, s }, hash } = self;
        let nobodys = || Ok(Refusal::Signature { index: 0 });
        let spec = import.spec();
        let (gas_price, to, value, input) = (&gas_price, &to, &value, &input);
        let (odd, signed) = match v {
            27 | 28 => (v == 28, alloy_rlp::encode(Unsigned { nonce, gas_price, gas_limit, to, value, input })),
            35.. if spec.is_spurious_dragon_active_at_block(0) => {
                let (chain_id, zero, nothing) = ((v - 35) / 2, 0, 0);
                if chain_id != spec.chain_id {
                    return Err(nobodys());
                }
                let unsigned = UnsignedFor { nonce, gas_price, gas_limit, to, value, input, chain_id, zero, nothing };
                ((v - 35) % 2 == 1, alloy_rlp::encode(unsigned))
            }
            _ => return Err(nobodys()),
        };
        let signature = Signature::new(r, s, odd);
        if spec.is_homestead_active_at_block(0) && signature.normalize_s().is_some() {
            return Err(nobodys());
        }
        let sender = signature.recover_address_from_prehash(&keccak256(signed)).map_err(|_| nobodys())?;
        let rules = spec_by_timestamp_and_block_number(&**spec, 0, 0);
        let gas = calculate_initial_tx_gas(rules, input, to.is_create(), 0, 0, 0, None).initial_total_gas();
        if gas > gas_limit {
            return Err(Err(format!("the gas limit {gas_limit} is below the intrinsic gas {gas}")));
        }
        outcome.compare(hash, sender, gas).map_err(Err)
    }
}
