//! What may be done with public weights.

/// The licence of a part of a bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Licence {
    /// The part, as people know it.
    pub part: &'static str,
    /// The licence's name, as an SPDX identifier where there is one.
    pub name: &'static str,
    /// What it allows, in a line.
    pub terms: &'static str,
    /// Where it can be read.
    pub text: &'static str,
}

/// Of every part of an imported bundle, the strictest first.
pub const LICENCES: [Licence; 3] = [
    Licence {
        part: "Tango (music and sound)",
        name: "CC-BY-NC-SA-4.0",
        terms: "NON-COMMERCIAL: neither these weights nor what is derived from them may be used commercially; name the \
                authors, share alike",
        text: "https://creativecommons.org/licenses/by-nc-sa/4.0/",
    },
    Licence {
        part: "Stable Diffusion 2.1 (picture)",
        name: "OpenRAIL++-M",
        terms: "some uses are forbidden (attachment A); pass these restrictions on with the weights",
        text: "https://huggingface.co/stabilityai/stable-diffusion-2/blob/main/LICENSE-MODEL",
    },
    Licence {
        part: "FLAN-T5 (words)",
        name: "Apache-2.0",
        terms: "keep the notices",
        text: "https://www.apache.org/licenses/LICENSE-2.0",
    },
];

/// As the manifest says it.
pub(super) fn expression() -> String {
    LICENCES.map(|licence| licence.name).join(" AND ")
}
