//! The cues of a storyboard.

use std::borrow::Cow;

use score::Part;

use super::{Engine, RETRY_SEED_STEP, Redecoding, Stem};
use crate::audio::Audio;
use crate::clip::{Clip, Recipe, State};
use crate::error::Error;
use crate::progress::Progress;
use crate::storyboard::{Bed, Board, mix_ringing, stem};

impl Engine {
    /// Composes cue `index` of a board, from 0.
    ///
    /// The clip depends on nothing but what the board says of this cue and, where it morphs, of the next: cues may be
    /// made in any order. The only cue of a board is the clip that [`generate`](Self::generate) makes of its request.
    ///
    /// # Errors
    ///
    /// Those of [`generate`](Self::generate).
    ///
    /// # Panics
    ///
    /// There is no such cue.
    pub fn score(&self, board: &Board, index: usize, progress: &dyn Progress) -> Result<Clip, Error> {
        board.check_reprise(index)?;
        self.generate_towards(&board.request(index), board.morph(index).as_ref(), progress)
    }

    /// Tells of recipes whether a clip that has one is what [`score`](Self::score) would make of cue `index`.
    ///
    /// # Panics
    ///
    /// There is no such cue.
    pub fn is_score(&self, board: &Board, index: usize) -> impl Fn(&Recipe) -> bool + use<> {
        let request = board.request(index);
        let wanted = self.recipe(&request, board.morph(index).as_ref(), request.seed);
        move |recipe| {
            let seeds = [wanted.seed, wanted.seed.wrapping_add(RETRY_SEED_STEP)];
            // A picture is its contents; what its file is called is for people.
            // What is said of words beyond what is heard is for people, too.
            let (picture, reading) = (recipe.picture.clone(), recipe.reading.clone());
            // So is what was seen in it.
            let impression = recipe.impression.clone();
            // Who plays is heard, but composes nothing.
            let instruments = recipe.instruments.clone();
            let named = Recipe { picture, reading, impression, instruments, seed: recipe.seed, ..wanted.clone() };
            seeds.contains(&recipe.seed) && *recipe == named && recipe.heard() == wanted.heard()
        }
    }

    /// Mixes the clips of a board's cues, decoded again where the board has another tempo, key or rate than a clip.
    ///
    /// `clips` has one entry per cue; `None` is silence.
    ///
    /// # Errors
    ///
    /// Those of [`mix_ringing`] and [`redecode`](Self::redecode).
    pub fn bed(&self, board: &Board, clips: &[Option<Clip>], progress: &dyn Progress) -> Result<Bed, Error> {
        let found = |index, bpm| self.found(clips, index, (board, bpm), progress);
        mix_ringing(board, found, |index, bpm| self.tail(clips, index, (board, bpm), progress))
    }

    /// The sound of cue `index` with its lead-in, at full level; `clips` are as for [`bed`](Self::bed).
    ///
    /// # Errors
    ///
    /// Those of [`bed`](Self::bed).
    ///
    /// # Panics
    ///
    /// There is no such cue.
    pub fn stem(
        &self,
        board: &Board,
        index: usize,
        clips: &[Option<Clip>],
        progress: &dyn Progress,
    ) -> Result<Audio, Error> {
        let found = |index, bpm| self.found(clips, index, (board, bpm), progress);
        stem(board, index, found, |index, bpm| self.tail(clips, index, (board, bpm), progress))
    }

    /// As [`stem`](Self::stem), every part by itself, in the order of [`Part::ALL`]; a clip without notes has none.
    ///
    /// # Errors
    ///
    /// Those of [`bed`](Self::bed) and [`stems`](Self::stems).
    ///
    /// # Panics
    ///
    /// There is no such cue.
    pub fn part_stems(
        &self,
        board: &Board,
        index: usize,
        clips: &[Option<Clip>],
        progress: &dyn Progress,
    ) -> Result<Vec<(Part, Audio)>, Error> {
        let Some(clip) = clips.get(index).and_then(Option::as_ref).filter(|clip| clip.score.is_some()) else {
            return Ok(Vec::new());
        };
        // At every tempo at which the cue is heard: its parts, and what rings on of them.
        let mut played: Vec<(f64, [Vec<Stem>; 2])> = Vec::new();
        for bpm in board.tempi(index) {
            let moved = self.moved(clip, board, bpm, progress)?;
            let tails = if board.tails { self.ringing_stems(&moved)? } else { Vec::new() };
            played.push((bpm, [self.stems(&moved)?, tails]));
        }
        let parts: Vec<Part> =
            played.first().iter().flat_map(|(_, [stems, _])| stems.iter().map(|stem| stem.part)).collect();
        let sound = |which: usize, part: Part, bpm: f64| {
            let (_, stems) = played.iter().find(|(other, _)| *other == bpm)?;
            stems[which].iter().find(|stem| stem.part == part).map(|stem| &stem.audio)
        };
        let own = |part: Part| {
            let audio = stem(board, index, |_, bpm| Ok(sound(0, part, bpm)), |_, bpm| Ok(sound(1, part, bpm)))?;
            Ok((part, audio))
        };
        parts.into_iter().map(own).collect()
    }

    /// What rings on of a cue.
    fn tail<'a>(
        &self,
        clips: &'a [Option<Clip>],
        index: usize,
        (board, bpm): (&Board, f64),
        progress: &dyn Progress,
    ) -> Result<Option<Cow<'a, Audio>>, Error> {
        let Some(clip) = clips.get(index).and_then(Option::as_ref) else { return Ok(None) };
        Ok(self.ringing(&*self.moved(clip, board, bpm, progress)?)?.map(Cow::Owned))
    }

    fn found<'a>(
        &self,
        clips: &'a [Option<Clip>],
        index: usize,
        (board, bpm): (&Board, f64),
        progress: &dyn Progress,
    ) -> Result<Option<Cow<'a, Audio>>, Error> {
        clips.get(index).and_then(Option::as_ref).map(|clip| self.fitted(clip, board, bpm, progress)).transpose()
    }

    fn fitted<'a>(
        &self,
        clip: &'a Clip,
        board: &Board,
        bpm: f64,
        progress: &dyn Progress,
    ) -> Result<Cow<'a, Audio>, Error> {
        Ok(match self.moved(clip, board, bpm, progress)? {
            Cow::Borrowed(clip) => Cow::Borrowed(&clip.audio),
            Cow::Owned(clip) => Cow::Owned(clip.audio),
        })
    }

    /// A clip at a tempo, and in the key and at the rate of a board.
    fn moved<'a>(
        &self,
        clip: &'a Clip,
        board: &Board,
        bpm: f64,
        progress: &dyn Progress,
    ) -> Result<Cow<'a, Clip>, Error> {
        let key = board.key.or(clip.recipe.key);
        if clip.recipe.bpm == bpm && clip.recipe.key == key && clip.audio.sample_rate() == board.sample_rate {
            return Ok(Cow::Borrowed(clip));
        }
        let to = Redecoding { bpm: Some(bpm), key, sample_rate: board.sample_rate };
        self.redecode(&State::from(clip), to, progress).map(Cow::Owned)
    }
}
