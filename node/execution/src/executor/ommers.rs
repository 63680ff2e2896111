//! Ommers of mined blocks (Yellow Paper, section 11.1): how many, how old, related how, and each a valid header.
//!
//! Their rewards are paid with the block's own, at its end. Must not know: what a block's transactions do.

use super::{BlockError, Root};
use crate::{
    block::{RecoveredBlock, SealedHeader},
    header::{self, HeaderError},
    state::{ChainState, StateError},
};
use alloy_consensus::{EMPTY_OMMER_ROOT_HASH, Header};
use alloy_hardforks::EthereumHardforks;
use alloy_primitives::B256;
use alloy_rlp::Decodable;
use chainspec::ChainSpec;
use std::collections::{BTreeMap, BTreeSet};

/// Most ommers of a block.
pub const OMMERS_MAX: usize = 2;
/// How many ancestors are looked at: an ommer's parent is the second to the seventh.
pub const OMMER_GENERATIONS: u64 = 7;

/// Why a block may not name its ommers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OmmerError {
    /// None any more (EIP-3675).
    #[error("{0} ommers since the merge")]
    AfterMerge(usize),
    /// More than two.
    #[error("{0} ommers, at most 2 are allowed")]
    TooMany(usize),
    /// Named twice, by this block or by one of its ancestors before.
    #[error("ommer {0} was named before")]
    Again(B256),
    /// An ancestor is no ommer.
    #[error("ommer {0} is an ancestor")]
    Ancestor(B256),
    /// Its parent is none of the second to the seventh ancestor.
    #[error("ommer {0} is no child of a recent ancestor")]
    Unrelated(B256),
    /// Its header is not valid.
    #[error("ommer {hash}: {reason}")]
    Header {
        /// Of the ommer.
        hash: B256,
        /// The rule it breaks.
        reason: HeaderError,
    },
}

/// Checks the ommers of `block`, a child of `parent`.
pub(super) fn check(
    spec: &ChainSpec,
    parent: &SealedHeader,
    block: &RecoveredBlock,
    state: &dyn ChainState,
) -> Result<(), BlockError> {
    let (header, ommers) = (block.header(), &block.body().ommers);
    if spec.is_paris_active_at_block(header.number) {
        // The header rules hold the hash to that of the empty list.
        return if ommers.is_empty() { Ok(()) } else { Err(OmmerError::AfterMerge(ommers.len()).into()) };
    }
    super::equal(Root::Ommers, header.ommers_hash, block.body().calculate_ommers_root())?;
    if ommers.is_empty() {
        return Ok(());
    }
    if ommers.len() > OMMERS_MAX {
        return Err(OmmerError::TooMany(ommers.len()).into());
    }
    let (ancestors, mut named) = family(parent, state)?;
    for ommer in ommers {
        let hash = ommer.hash_slow();
        if !named.insert(hash) {
            return Err(OmmerError::Again(hash).into());
        }
        if ancestors.contains_key(&hash) {
            return Err(OmmerError::Ancestor(hash).into());
        }
        let under = ancestors.get(&ommer.parent_hash).filter(|under| under.hash() != parent.hash());
        let under = under.ok_or(OmmerError::Unrelated(hash))?;
        header::validate(spec, under, ommer).map_err(|reason| OmmerError::Header { hash, reason })?;
    }
    Ok(())
}

/// The last seven ancestors by hash, and the hashes of the ommers that they named.
fn family(
    parent: &SealedHeader,
    state: &dyn ChainState,
) -> Result<(BTreeMap<B256, SealedHeader>, BTreeSet<B256>), StateError> {
    let (mut ancestors, mut named) = (BTreeMap::new(), BTreeSet::new());
    let mut at = parent.clone();
    for _ in 0..OMMER_GENERATIONS {
        if at.ommers_hash != EMPTY_OMMER_ROOT_HASH {
            named.extend(state.ommers(at.number)?.iter().map(Header::hash_slow));
        }
        let next = at.number.checked_sub(1);
        ancestors.insert(at.hash(), at);
        let Some(number) = next else { break };
        let why = "an ancestor's header does not decode";
        let header = Header::decode(&mut &state.header(number)?[..])
            .map_err(|_| StateError::Corrupt { hash: B256::ZERO, why })?;
        at = SealedHeader::seal_slow(header);
    }
    Ok((ancestors, named))
}
