//! What is on a track, whatever the program.

use score::{Part, Score};

use super::Item;
use crate::plot::part_colour;

/// A track, or a folder of tracks.
#[derive(Debug)]
pub struct Track<'a> {
    pub name: &'a str,
    /// Whose colour it has.
    pub colour: Option<Part>,
    /// Linear.
    pub gain: f64,
    pub is_muted: bool,
    pub clips: Vec<Placed<'a>>,
    /// Of a folder.
    pub tracks: Vec<Track<'a>>,
}

/// Something on the timeline.
#[derive(Debug)]
pub struct Placed<'a> {
    pub item: Item,
    pub name: &'a str,
    pub content: Content<'a>,
}

#[derive(Debug)]
pub enum Content<'a> {
    /// A file.
    Sound(&'a str),
    /// The notes of a part.
    Notes(&'a Score, Part),
}

impl<'a> Track<'a> {
    pub fn new(name: &'a str) -> Self {
        Self { name, colour: None, gain: 1.0, is_muted: false, clips: Vec::new(), tracks: Vec::new() }
    }

    pub fn folder(name: &'a str, is_muted: bool, tracks: Vec<Self>) -> Self {
        Self { is_muted, tracks, ..Self::new(name) }
    }

    pub fn is_folder(&self) -> bool {
        !self.tracks.is_empty()
    }

    /// Whether its clips are notes.
    pub fn has_notes(&self) -> bool {
        self.clips.iter().any(|clip| matches!(clip.content, Content::Notes(..)))
    }

    /// Red, green and blue.
    pub fn rgb(&self) -> Option<[u8; 3]> {
        self.colour.map(part_colour)
    }
}
