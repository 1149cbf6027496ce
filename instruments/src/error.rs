//! Why there is no sound.

use score::Part;

/// Why a font cannot be read or a score cannot be played. Says what the caller can do; what was loaded stays usable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The soundfont is damaged, incomplete or of another kind. Use another copy or another font.
    #[error("soundfont {font}: {problem}")]
    Font {
        /// Its file, or what else it is known by.
        font: String,
        /// What is wrong and what would be right.
        problem: String,
    },
    /// The rendering asks for something that cannot be. Change it and ask again.
    #[error("{what}: {problem}")]
    Rendering {
        /// The field, by the name the user knows.
        what: &'static str,
        /// What is wrong and what would be right.
        problem: String,
    },
    /// A part has nothing to be played with. Choose another font for it.
    #[error("soundfont {font}: has nothing that could play the {part}; use a General MIDI soundfont")]
    NoInstrument {
        /// The part without an instrument.
        part: Part,
        /// The font that was asked.
        font: String,
    },
}
