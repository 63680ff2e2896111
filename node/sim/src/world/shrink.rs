//! From a plan that fails to a smaller one that still does: faults are left out one by one, from the last, until none can
//! be spared. Whatever it fails with counts: which promise breaks first may change with what leads to it.

use super::{
    plan::Plan,
    run::{Failed, run},
};

/// The places of the faults that are needed for `plan` to fail, and how it fails with them alone; `None` when it does not
/// fail.
pub fn shrink(plan: &Plan) -> Option<(Vec<usize>, Box<Failed>)> {
    let fails = |kept: &[usize]| run(&plan.with_only(kept)).err();
    let mut kept: Vec<usize> = (0..plan.strikes.len()).collect();
    let mut failed = fails(&kept)?;
    for at in (0..plan.strikes.len()).rev() {
        let fewer: Vec<usize> = kept.iter().copied().filter(|kept| *kept != at).collect();
        if let Some(still) = fails(&fewer) {
            (kept, failed) = (fewer, still);
        }
    }
    Some((kept, failed))
}
