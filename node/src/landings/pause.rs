//! How long nothing is landed after Hub refused something.

/// Longest pause after refused landings, in L1 blocks.
const PAUSE_MAX_BLOCKS: u64 = 64;

/// Each refusal in a row doubles the pause: a defect of ours must not burn an `advance` in every slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Pause {
    in_a_row: u32,
    until: u64,
}

impl Pause {
    /// Hub refused a landing in L1 block `l1_number`.
    pub(super) fn refused(&mut self, l1_number: u64) {
        self.in_a_row = self.in_a_row.saturating_add(1);
        self.until =
            l1_number.saturating_add(1u64.checked_shl(self.in_a_row).unwrap_or(u64::MAX).min(PAUSE_MAX_BLOCKS));
    }

    /// The L1 block with which it ends.
    pub(super) const fn until(&self) -> u64 {
        self.until
    }

    /// Whether it is over at L1 head `l1_number`.
    pub(super) const fn is_over(&self, l1_number: u64) -> bool {
        l1_number >= self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_in_a_row_doubles_the_pause_up_to_its_limit() {
        let mut pause = Pause::default();
        let mut pauses = Vec::new();
        for _ in 0..8 {
            pause.refused(100);
            pauses.push(pause.until - 100);
        }
        assert_eq!(pauses, [2, 4, 8, 16, 32, 64, 64, 64]);
        pause = Pause { in_a_row: u32::MAX, until: 0 };
        pause.refused(u64::MAX);
        assert_eq!(pause.until, u64::MAX);
    }
}
