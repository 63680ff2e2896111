//! Making a failing plan smaller: whatever can be left out without the failure going away is left out.

use crate::{Plan, judge::Disagreement, plan::Gas};

/// Plans tried for one failure, at most.
const TRIES_MAX: usize = 600;

/// The smallest plan found on which `fails` still gives the same kind of disagreement as `first`.
pub fn shrink(plan: Plan, first: &Disagreement, fails: impl Fn(&Plan) -> Option<Disagreement>) -> (Plan, Disagreement) {
    let mut best = (plan, first.clone());
    let mut tries = 0;
    let mut progress = true;
    while progress && tries < TRIES_MAX {
        progress = false;
        for smaller in candidates(&best.0) {
            tries += 1;
            if tries > TRIES_MAX {
                break;
            }
            if let Some(still) = fails(&smaller).filter(|still| still.what == first.what) {
                best = (smaller, still);
                progress = true;
                break;
            }
        }
    }
    best
}

/// Plans with one thing less, the largest steps first.
fn candidates(plan: &Plan) -> Vec<Plan> {
    let mut candidates = Vec::new();
    let mut less = |change: &dyn Fn(&mut Plan)| {
        let mut smaller = plan.clone();
        change(&mut smaller);
        candidates.push(smaller);
    };
    if plan.history > 0 {
        less(&|p| p.history = 0);
    }
    for block in 0..plan.blocks.len() {
        less(&|p| drop(p.blocks.remove(block)));
    }
    for block in 0..plan.blocks.len() {
        for tx in 0..plan.blocks[block].transactions.len() {
            less(&|p| drop(p.blocks[block].transactions.remove(tx)));
        }
    }
    for contract in 0..plan.contracts.len() {
        if !plan.contracts[contract].code.is_empty() {
            less(&|p| p.contracts[contract].code.clear());
        }
    }
    for contract in 0..plan.contracts.len() {
        for snippet in 0..plan.contracts[contract].code.len() {
            less(&|p| drop(p.contracts[contract].code.remove(snippet)));
        }
        if !plan.contracts[contract].slots.is_empty() {
            less(&|p| p.contracts[contract].slots.clear());
        }
    }
    for (at, block) in plan.blocks.iter().enumerate() {
        for (index, tx) in block.transactions.iter().enumerate() {
            if !tx.access_list.0.is_empty() {
                less(&|p| p.blocks[at].transactions[index].access_list.0.clear());
            }
            for authorization in (0..tx.authorizations.len()).filter(|_| tx.authorizations.len() > 1) {
                less(&|p| {
                    p.blocks[at].transactions[index].authorizations.remove(authorization);
                });
            }
            if matches!(tx.gas, Gas::Swept { .. }) {
                less(&|p| p.blocks[at].transactions[index].gas = Gas::Limit(3_000_000));
            }
            if tx.ty != 4 && tx.ty != 2 {
                less(&|p| p.blocks[at].transactions[index].ty = 2);
            }
        }
    }
    candidates
}
