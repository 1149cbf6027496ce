//! A and B: the two takes that were heard last, to switch between.

/// Two takes by their ids, and which of them sounds.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Pair {
    takes: [Option<u64>; 2],
    side: usize,
}

impl Pair {
    /// Follows what sounds: another take than before takes the place of the one that was not heard last.
    pub fn follow(&mut self, sounding: Option<u64>) {
        let Some(take) = sounding else { return };
        if self.takes[self.side] == Some(take) {
            return;
        }
        if self.takes[self.side].is_some() {
            self.side = 1 - self.side;
        }
        self.takes[self.side] = Some(take);
    }

    /// Forgets takes that are gone.
    pub fn keep(&mut self, exists: impl Fn(u64) -> bool) {
        for take in &mut self.takes {
            *take = take.filter(|take| exists(*take));
        }
    }

    /// The take that does not sound.
    pub fn other(&self) -> Option<u64> {
        self.takes[1 - self.side]
    }

    /// The letter of a take.
    pub fn letter(&self, take: u64) -> Option<&'static str> {
        let side = self.takes.iter().position(|held| *held == Some(take))?;
        Some(["A", "B"][side])
    }
}

#[cfg(test)]
mod tests {
    use super::Pair;

    #[test]
    fn the_two_last_heard_takes_keep_their_letters() {
        let mut pair = Pair::default();
        for take in [1, 2] {
            pair.follow(Some(take));
        }
        assert_eq!((pair.letter(1), pair.letter(2), pair.other()), (Some("A"), Some("B"), Some(1)));
        pair.follow(Some(1));
        assert_eq!((pair.letter(1), pair.letter(2), pair.other()), (Some("A"), Some("B"), Some(2)));
        pair.follow(Some(3));
        assert_eq!((pair.letter(1), pair.letter(2), pair.letter(3)), (Some("A"), None, Some("B")));
    }

    #[test]
    fn a_deleted_take_makes_room() {
        let mut pair = Pair::default();
        pair.follow(Some(1));
        pair.follow(Some(2));
        pair.keep(|take| take == 2);
        assert_eq!(pair.other(), None);
        pair.follow(Some(5));
        assert_eq!((pair.letter(5), pair.other()), (Some("A"), Some(2)));
    }
}
