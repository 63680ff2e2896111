//! Whether everybody agrees about a block: building and executing with revm, `stateless::validate` with our witness, and LEVM.

use crate::Tally;
use alloy_consensus::Typed2718;
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::Bytes;
use bridge::execute::StatelessInput;
use chainspec::ChainSpec;
use execution::{
    Attributes, Building, ChainState, Executed, Included, RecoveredTx, Refused, Sizes,
    block::SealedHeader,
    execute,
    executor::Verdict,
    second::{self, SecondOpinion},
    stateless,
};
use std::{fmt, sync::Arc};

/// A block that was built, with all that led to it.
pub struct Case {
    /// The chain.
    pub spec: Arc<ChainSpec>,
    /// Its parent.
    pub parent: SealedHeader,
    /// The state after the parent.
    pub state: Arc<dyn ChainState>,
    /// What the proposer chose.
    pub attributes: Attributes,
    /// What was offered to the builder, in order.
    pub offered: Vec<Offer>,
    /// What the builder expected of the sizes just before it sealed.
    pub sizes: Sizes,
    /// The block.
    pub executed: Executed,
    /// Its EXECUTE input.
    pub input: StatelessInput,
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Case").field("number", &self.executed.block.header().number).finish_non_exhaustive()
    }
}

/// A transaction that was offered to the builder.
#[derive(Debug)]
pub struct Offer {
    /// For the tally.
    pub kind: &'static str,
    /// It.
    pub tx: RecoveredTx,
    /// There was to be no room for it.
    pub over_budget: bool,
    /// What became of it.
    pub outcome: Result<Included, Refused>,
}

/// Somebody disagrees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disagreement {
    /// Who, in a few words: two failures with the same words are taken for the same.
    pub what: &'static str,
    /// How.
    pub why: String,
}

impl Disagreement {
    /// A disagreement.
    pub fn new(what: &'static str, why: &dyn fmt::Display) -> Self {
        Self { what, why: why.to_string() }
    }
}

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.why)
    }
}

fn require(holds: bool, what: &'static str, why: impl FnOnce() -> String) -> Result<(), Disagreement> {
    if holds { Ok(()) } else { Err(Disagreement { what, why: why() }) }
}

/// Everything that must hold of a block.
pub fn judge(case: &Case, tally: &mut Tally) -> Result<(), Disagreement> {
    count(case, tally);
    agree(case)?;
    tally.one("blocks on which all agree");
    parity(case, tally)?;
    refusals(case, tally)
}

/// revm again, `stateless::validate` and LEVM on one block.
pub fn agree(case: &Case) -> Result<(), Disagreement> {
    let Case { executed, .. } = case;
    let again = execute(&case.spec, &case.parent, &executed.block, Some(&executed.bal), &*case.state)
        .map_err(|error| Disagreement::new("executing what was built", &error))?;
    require(again.receipts == executed.receipts, "receipts of building and executing", String::new)?;
    require(again.diff == executed.diff, "differences of building and executing", String::new)?;
    require(again.bal == executed.bal, "access lists of building and executing", String::new)?;
    require(again.witness == executed.witness, "witnesses of building and executing", String::new)?;
    within(case)?;
    let bytes = case.input.encode();
    let valid = stateless::validate(&bytes).map_err(|error| Disagreement::new("stateless validation", &error))?;
    let (got, expected) = (valid.header.hash(), executed.block.hash());
    require(got == expected, "block hash of stateless validation", || format!("{got}, built {expected}"))?;
    second::check(&bytes).map_err(|error| Disagreement::new(second_opinion(&error), &error))
}

fn second_opinion(error: &SecondOpinion) -> &'static str {
    match error {
        SecondOpinion::Input(_) => "LEVM, input",
        SecondOpinion::Witness(_) => "LEVM, witness",
        SecondOpinion::Header(_) => "LEVM, header",
        SecondOpinion::Execution(_) => "LEVM, execution",
        SecondOpinion::Result { what, .. } => what,
        SecondOpinion::Panic(_) => "LEVM, panic",
    }
}

/// The sizes that the builder expected are bounds of the real ones.
fn within(case: &Case) -> Result<(), Disagreement> {
    let executed = &case.executed;
    let lens = executed.block.body().transactions.iter().map(|tx| tx.encode_2718_len());
    let (bound, exact) = (case.sizes, Sizes::of(lens, &executed.bal, &executed.witness));
    let pairs = [
        (bound.transactions, exact.transactions),
        (bound.transaction_count, exact.transaction_count),
        (bound.bal, exact.bal),
        (bound.nodes, exact.nodes),
        (bound.node_count, exact.node_count),
        (bound.codes, exact.codes),
        (bound.code_count, exact.code_count),
        (bound.headers, exact.headers),
        (bound.header_count, exact.header_count),
        (bound.input_len(), case.input.encoded_len()),
    ];
    let holds = pairs.iter().all(|(bound, exact)| bound >= exact);
    require(holds, "size bounds", || format!("{bound:?} of {exact:?}"))
}

/// The block is the one that is built of the included transactions alone: a refusal leaves nothing behind.
pub fn parity(case: &Case, tally: &mut Tally) -> Result<(), Disagreement> {
    if case.offered.iter().all(|offer| offer.outcome.is_ok()) {
        return Ok(());
    }
    let fault = |error: &dyn fmt::Display| Disagreement::new("building without the refused", error);
    let mut building = Building::start(&case.spec, &case.parent, case.attributes.clone(), &*case.state)
        .map_err(|error| fault(&error))?;
    for offer in case.offered.iter().filter(|offer| offer.outcome.is_ok()) {
        let included = building.push(&offer.tx).map_err(|error| fault(&error))?;
        let same = offer.outcome.as_ref().is_ok_and(|before| *before == included);
        require(same, "outcome without the refused", || format!("{included:?}, before {:?}", offer.outcome))?;
    }
    let sizes = building.sizes();
    require(sizes == case.sizes, "sizes without the refused", || format!("{sizes:?}, before {:?}", case.sizes))?;
    let (clean, noisy) = (building.seal().map_err(|error| fault(&error))?, &case.executed);
    require(clean.block == noisy.block, "block without the refused", String::new)?;
    require(clean.receipts == noisy.receipts, "receipts without the refused", String::new)?;
    require(clean.bal == noisy.bal, "access list without the refused", String::new)?;
    require(clean.witness == noisy.witness, "witness without the refused", String::new)?;
    require(clean.diff == noisy.diff, "difference without the refused", String::new)?;
    tally.one("blocks equal to the one without the refused transactions");
    Ok(())
}

/// What we refuse for ever, LEVM must not take: else L1 would accept blocks that our followers reject.
///
/// The transaction is put behind the block's last. LEVM runs out of witness or finds it invalid; that it gets as far as comparing
/// results means that it took it.
fn refusals(case: &Case, tally: &mut Tally) -> Result<(), Disagreement> {
    for offer in &case.offered {
        let Err(refused @ Refused::Invalid(_)) = &offer.outcome else { continue };
        let mut input = case.input.clone();
        input.payload.transactions.push(Bytes::from(offer.tx.encoded_2718()));
        input.payload.block_hash = input.header().hash_slow();
        match second::check(&input.encode()) {
            Err(SecondOpinion::Result { what, why }) => {
                let why = format!("{} was refused ({refused}), LEVM compares results: {what}, {why}", offer.kind);
                return Err(Disagreement { what: "LEVM takes what we refuse", why });
            }
            Ok(()) => return Err(Disagreement { what: "LEVM takes what we refuse", why: refused.to_string() }),
            Err(SecondOpinion::Panic(why)) => return Err(Disagreement { what: "LEVM panics at what we refuse", why }),
            Err(_) => tally.one("refusals that LEVM shares"),
        }
    }
    Ok(())
}

/// The name of a refusal's class.
pub const fn class(refused: &Refused) -> &'static str {
    match refused {
        Refused::BlockFull { .. } => "BlockFull",
        Refused::BalFull { .. } => "BalFull",
        Refused::Budget => "Budget",
        Refused::BlockTooLong { .. } => "BlockTooLong",
        Refused::NonceAhead { .. } => "NonceAhead",
        Refused::Unpayable(_) => "Unpayable",
        Refused::Signature(_) => "Signature",
        Refused::Type(_) => "Type",
        Refused::Request(_) => "Request",
        Refused::Invalid(_) => "Invalid",
        Refused::State(_) => "State",
        Refused::Evm(_) => "Evm",
    }
}

fn count(case: &Case, tally: &mut Tally) {
    tally.one("blocks");
    for offer in &case.offered {
        match &offer.outcome {
            Ok(included) => {
                tally.one("transactions");
                tally.one(if included.success { "transactions that succeeded" } else { "transactions that failed" });
                tally.one(format!("kind, {}", offer.kind));
                tally.one(format!("type {}", offer.tx.ty()));
                tally.add("logs", included.logs.len() as u64);
            }
            Err(refused) => {
                tally.one("refused");
                tally.one(format!("refused, {}", class(refused)));
                if refused.verdict() == Verdict::Broken {
                    tally.one("refused, builder broken");
                }
            }
        }
    }
    let executed = &case.executed;
    let accounts = executed.diff.accounts.values();
    tally.add("accounts created", accounts.clone().filter(|a| a.before.is_none()).count() as u64);
    let slots = || accounts.clone().flat_map(|a| a.storage.values());
    tally.add("slots filled", slots().filter(|(before, _)| before.is_zero()).count() as u64);
    tally.add("slots cleared", slots().filter(|(_, after)| after.is_zero()).count() as u64);
    tally.add("codes deployed", executed.diff.codes.len() as u64);
    tally.add("witness nodes", executed.witness.state.len() as u64);
    tally.add("witness codes", executed.witness.codes.len() as u64);
    tally.add("witness headers", executed.witness.headers.len() as u64);
    tally.add("input bytes", case.input.encoded_len() as u64);
    tally.add("gas", executed.block.header().gas_used);
}
