//! One frame of the film and what shall be heard while it is seen.

use score::Part;
use serde::{Deserialize, Serialize};

use super::{Reprise, Transition};
use crate::image::{Crop, Picture};
use crate::request::{Arrangement, Keep};

/// A place on the board: a picture, words, and the bars that they last. Checked by [`Board::new`](super::Board::new).
///
/// Is read back without its picture, as no more than a name and a hash of that is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cue {
    /// What the composer calls it. May be empty.
    pub name: String,
    /// The frame to look at.
    #[serde(skip_deserializing)]
    pub picture: Option<Picture>,
    /// The part of the frame to look at; `None` is all of it.
    pub crop: Option<Crop>,
    /// What is said of the picture before the words; may be empty. `None` leaves it to the bundle, as
    /// [`RequestFields::picture_words`](crate::request::RequestFields::picture_words) does.
    pub picture_words: Option<String>,
    /// What to hear, beside the board's style. May be empty.
    pub prompt: String,
    /// The bar at which it begins; the first is 1, as DAWs count.
    pub start_bar: u32,
    /// Length, 1..=64 bars.
    pub bars: u32,
    /// How the music gets here from the cue before. Without a cue or a gap before it there is nothing to come from,
    /// and the transition stands for nothing.
    pub transition: Transition,
    /// How much the picture is heard, 0..=1.
    pub influence: f64,
    /// A seed of its own, for another take of this cue alone.
    pub seed: Option<u64>,
    /// Parts that play, and no others; none leaves it to the model.
    #[serde(default)]
    pub parts: Vec<Part>,
    /// Notes of another clip that stay as they are.
    #[serde(default)]
    pub keep: Option<Keep>,
    /// What is asked of the notes beyond words.
    #[serde(default)]
    pub arrangement: Arrangement,
    /// An earlier cue whose lead returns, in place of [`Arrangement::theme`].
    #[serde(default)]
    pub reprise: Option<Reprise>,
}

impl Default for Cue {
    /// Four bars from bar 1 on, without a picture or words.
    fn default() -> Self {
        Self {
            name: String::new(),
            picture: None,
            crop: None,
            picture_words: None,
            prompt: String::new(),
            start_bar: 1,
            bars: 4,
            transition: Transition::default(),
            influence: 1.0,
            seed: None,
            parts: Vec::new(),
            keep: None,
            arrangement: Arrangement::default(),
            reprise: None,
        }
    }
}
