//! Hostile EXECUTE inputs: what an attacker makes of a valid one, and the rule that decides whether accepting it is right.
//!
//! The rule: an accepted input is one that LEVM accepts too, that plain execution on the real state accepts if it is about the real
//! parent, and whose 43 bytes of output name exactly the payload that was in it. Must not know how validation works.

mod bytes;
mod forged;
mod parts;

use crate::{
    Case, Plan, Tally,
    generate::Random,
    judge::{self, Disagreement},
    play,
};
use alloy_consensus::{BlockBody, transaction::SignerRecoverable};
use alloy_eips::eip2718::Decodable2718;
use alloy_primitives::keccak256;
use bridge::execute::{StatelessInput, ValidationResult};
use execution::{Block, RecoveredBlock, Transaction, execute, second, stateless};

/// What is known of a mutant beforehand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// Nobody may accept it.
    Refused,
    /// It may be another true statement; the rule decides.
    Judged,
    /// It says the same as the original, and must be accepted.
    Accepted,
}

/// Attacks every block of `plan`.
pub fn attack(plan: &Plan, tally: &mut Tally) -> Result<(), Disagreement> {
    let mut random = Random::new(plan.seed ^ 0x686f_7374_696c);
    let mut previous: Option<StatelessInput> = None;
    play::play(plan, tally, |case, tally| {
        tally.one("blocks attacked");
        judge::agree(case)?;
        let mut attacker = Attacker { case, tally, random: &mut random };
        parts::attack(&mut attacker, previous.as_ref())?;
        bytes::attack(&mut attacker)?;
        forged::attack(&mut attacker)?;
        previous = Some(case.input.clone());
        Ok(())
    })?;
    forged::attack_with_a_twin(plan, tally, &mut random)
}

/// One block under attack.
struct Attacker<'a> {
    case: &'a Case,
    tally: &'a mut Tally,
    random: &'a mut Random,
}

impl Attacker<'_> {
    /// Presents the input that `change` makes of the original; one that changes nothing does not count.
    fn changed(
        &mut self,
        name: &'static str,
        expect: Expect,
        change: impl FnOnce(&mut StatelessInput),
    ) -> Result<(), Disagreement> {
        let mut input = self.case.input.clone();
        change(&mut input);
        if input == self.case.input { Ok(()) } else { self.present(name, expect, &input.encode()) }
    }

    /// As [`Self::changed`], with the block hash recomputed.
    fn repinned(
        &mut self,
        name: &'static str,
        expect: Expect,
        change: impl FnOnce(&mut StatelessInput),
    ) -> Result<(), Disagreement> {
        self.changed(name, expect, |input| {
            change(input);
            input.payload.block_hash = input.header().hash_slow();
        })
    }

    /// Presents bytes to `stateless::validate`, and applies the rule to what it says.
    fn present(&mut self, name: &'static str, expect: Expect, bytes: &[u8]) -> Result<(), Disagreement> {
        self.tally.one("mutants");
        self.tally.one(format!("mutants, {name}"));
        let wrong = |what, why: String| Err(Disagreement { what, why: format!("{name}: {why}") });
        let valid = match stateless::validate(bytes) {
            Err(refusal) if expect == Expect::Accepted => {
                return wrong("a harmless change is refused", refusal.to_string());
            }
            Err(refusal) => {
                self.tally.one(format!("mutants refused, {}", class(&refusal)));
                return Ok(());
            }
            Ok(valid) => valid,
        };
        self.tally.one("mutants accepted, by everybody");
        if expect == Expect::Refused {
            return wrong("a false statement is accepted", format!("block {}", valid.header.hash()));
        }
        let input = match StatelessInput::decode(bytes) {
            Ok(input) => input,
            Err(error) => return wrong("accepted, but does not decode", error.to_string()),
        };
        let says = ValidationResult::new(input.request_root(), true, input.chain_id).encode();
        let parent = input.witness.headers.last().map(keccak256);
        let bound = valid.output == says
            && valid.header.hash() == input.payload.block_hash
            && parent == Some(input.payload.parent_hash);
        if !bound {
            return wrong("the output is not bound to the input", format!("{:02x?}", valid.output));
        }
        if let Err(error) = second::check(bytes) {
            return wrong("accepted what LEVM refuses", error.to_string());
        }
        let about_us =
            input.payload.parent_hash == self.case.parent.hash() && input.chain_id == self.case.input.chain_id;
        match about_us.then(|| self.executed(&input)) {
            Some(Err(why)) => wrong("accepted what execution refuses", why),
            _ => Ok(()),
        }
    }

    /// The block of an input, executed on the real state.
    fn executed(&self, input: &StatelessInput) -> Result<(), String> {
        let decode = |bytes: &alloy_primitives::Bytes| Transaction::decode_2718_exact(bytes);
        let decoded: Result<Vec<Transaction>, _> = input.payload.transactions.iter().map(decode).collect();
        let transactions = decoded.map_err(|error| error.to_string())?;
        let senders: Result<Vec<_>, _> = transactions.iter().map(|tx| tx.recover_signer()).collect();
        let senders = senders.map_err(|error| error.to_string())?;
        let body = BlockBody { transactions, ommers: Vec::new(), withdrawals: Some(Default::default()) };
        let block = RecoveredBlock::new(Block { header: input.header(), body }, senders, input.payload.block_hash);
        let bal = &input.payload.block_access_list;
        let Case { spec, parent, state, .. } = self.case;
        execute(spec, parent, &block, Some(bal), &**state).map(drop).map_err(|error| error.to_string())
    }
}

fn class(refusal: &stateless::Refusal) -> &'static str {
    use stateless::{Invalid as I, Refusal as R};
    match refusal {
        R::Decode(_) => "decoding",
        R::Rule(_) => "rollup rule",
        R::Invalid(I::ChainId) => "chain id",
        R::Invalid(I::HeaderCount(_) | I::Header { .. } | I::HeaderChain { .. } | I::Parent { .. }) => "headers",
        R::Invalid(I::Transaction { .. }) => "transaction",
        R::Invalid(I::VersionedHashes(_)) => "versioned hashes",
        R::Invalid(I::BlockHash { .. }) => "block hash",
        R::Invalid(I::Witness(_)) => "witness",
        R::Invalid(I::Block(_)) => "block",
    }
}
