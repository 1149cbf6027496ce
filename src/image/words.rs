//! What a picture looks like, in a few words that a music model understands.
//!
//! Plain statistics, for bundles whose weights were never trained to look: brightness, colourfulness, warmth and detail
//! each give at most one word, and the first three together a mood. The bounds lie between the drawings in
//! `examples/frames`, which tests name one by one.

use super::Picture;
use image::imageops;

/// Side that pictures are brought to: small enough that noise of single pixels is no detail.
const SIDE: u32 = 64;
/// Share of either side that is left out at each edge: drawings have frames.
const MARGIN: f64 = 0.04;
/// Difference in brightness between neighbours that is an edge.
const EDGE: f64 = 0.06;

impl Picture {
    /// A phrase such as "bright, warm, colourful scene, cheerful and carefree".
    pub fn words(&self) -> String {
        let look = Look::of(self);
        let facts: Vec<&str> = [look.brightness(), look.warmth(), look.colour(), look.detail()]
            .into_iter()
            .filter(|word| !word.is_empty())
            .collect();
        let scene = if facts.is_empty() { "even scene".to_string() } else { format!("{} scene", facts.join(", ")) };
        format!("{scene}, {}", look.mood())
    }
}

/// Statistics of a picture, each 0..=1.
#[derive(Debug, Clone, Copy)]
struct Look {
    /// Mean luma.
    light: f64,
    /// Mean of the largest minus the smallest channel.
    chroma: f64,
    /// Shares of all chroma that are red to yellow, and green to blue; of purple neither.
    warm: f64,
    cool: f64,
    /// Share of pixels that differ from a neighbour.
    edges: f64,
}

impl Look {
    fn of(picture: &Picture) -> Self {
        let (width, height) = (picture.width(), picture.height());
        let margin = |side: u32| (f64::from(side) * MARGIN) as u32;
        let (left, top) = (margin(width), margin(height));
        let inner = imageops::crop_imm(&*picture.pixels, left, top, width - 2 * left, height - 2 * top).to_image();
        let small = imageops::thumbnail(&inner, SIDE, SIDE);
        let pixels: Vec<[f64; 3]> = small.pixels().map(|pixel| pixel.0.map(|c| f64::from(c) / 255.0)).collect();
        let count = pixels.len() as f64;
        let luma: Vec<f64> = pixels.iter().map(|[r, g, b]| 0.2126 * r + 0.7152 * g + 0.0722 * b).collect();
        let (mut chroma, mut warm, mut cool) = (0.0, 0.0, 0.0);
        for (hue, depth) in pixels.iter().map(|rgb| hue_and_chroma(*rgb)) {
            chroma += depth;
            match hue {
                90.0..265.0 => cool += depth,
                265.0..330.0 => {}
                _ => warm += depth,
            }
        }
        let side = SIDE as usize;
        let differs = |i: usize, j: usize| (luma[i] - luma[j]).abs() > EDGE;
        let is_edge =
            |&i: &usize| i % side + 1 < side && differs(i, i + 1) || i + side < luma.len() && differs(i, i + side);
        Self {
            light: luma.iter().sum::<f64>() / count,
            chroma: chroma / count,
            warm: if chroma > 0.0 { warm / chroma } else { 0.0 },
            cool: if chroma > 0.0 { cool / chroma } else { 0.0 },
            edges: (0..luma.len()).filter(is_edge).count() as f64 / count,
        }
    }

    fn is_warm(self) -> bool {
        self.chroma > 0.065 && self.warm > 0.6
    }

    fn is_cool(self) -> bool {
        self.chroma > 0.02 && self.cool > 0.6
    }

    fn is_colourful(self) -> bool {
        self.chroma > 0.17
    }

    fn brightness(self) -> &'static str {
        match self.light {
            0.0..0.38 => "dark",
            0.38..0.48 => "dim",
            0.57.. => "bright",
            _ => "",
        }
    }

    fn warmth(self) -> &'static str {
        match (self.is_warm(), self.is_cool()) {
            (true, _) => "warm",
            (_, true) => "cool",
            _ => "",
        }
    }

    fn colour(self) -> &'static str {
        match self.chroma {
            0.0..0.02 => "colourless",
            0.02..0.09 => "muted",
            _ if self.is_colourful() => "colourful",
            _ => "",
        }
    }

    fn detail(self) -> &'static str {
        match self.edges {
            0.0..0.07 => "sparse",
            0.22.. => "busy",
            _ => "",
        }
    }

    fn mood(self) -> &'static str {
        match (self.brightness(), self.is_colourful()) {
            ("dark", true) if self.is_warm() => "dramatic and intense",
            ("dark", true) => "nocturnal and electric",
            ("dark", false) if self.is_cool() => "gloomy and tense",
            ("dark", false) => "mysterious and tense",
            ("dim", true) => "moody and passionate",
            ("dim", false) if self.is_cool() => "lonely and bleak",
            ("dim", false) => "lonely and melancholic",
            ("bright", true) if self.is_cool() => "fresh and serene",
            ("bright", true) => "cheerful and carefree",
            ("bright", false) if self.is_cool() => "airy and calm",
            ("bright", false) => "gentle and peaceful",
            (_, _) if self.is_cool() => "fresh and serene",
            (_, true) => "lively and hopeful",
            (_, false) if self.is_warm() => "tender and nostalgic",
            _ => "calm and thoughtful",
        }
    }
}

/// Hue in degrees, and the largest minus the smallest channel.
fn hue_and_chroma([r, g, b]: [f64; 3]) -> (f64, f64) {
    let (largest, smallest) = (r.max(g).max(b), r.min(g).min(b));
    let chroma = largest - smallest;
    if chroma == 0.0 {
        return (0.0, 0.0);
    }
    let sixth = if largest == r {
        ((g - b) / chroma).rem_euclid(6.0)
    } else if largest == g {
        (b - r) / chroma + 2.0
    } else {
        (r - g) / chroma + 4.0
    };
    (sixth * 60.0, chroma)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn the_example_frames_are_described_as_a_person_would() {
        for (frame, words) in [
            ("battlefield", "dark, warm, colourful scene, dramatic and intense"),
            ("castle_in_the_storm", "dark, cool, muted scene, gloomy and tense"),
            ("chase_at_night", "dark, muted scene, mysterious and tense"),
            ("empty_station", "dim, warm, muted scene, lonely and melancholic"),
            ("farewell_letter", "warm scene, tender and nostalgic"),
            ("first_planet", "dark scene, mysterious and tense"),
            ("forest_clearing", "cool, colourful, busy scene, fresh and serene"),
            ("garden_party", "bright, warm, colourful scene, cheerful and carefree"),
            ("harbour", "bright, warm, busy scene, gentle and peaceful"),
            ("mountain_dawn", "bright, warm scene, gentle and peaceful"),
            ("neon_street", "dark, colourful scene, nocturnal and electric"),
            ("open_road", "bright, colourful scene, cheerful and carefree"),
        ] {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("examples/frames/{frame}.png"));
            assert_eq!(Picture::open(&path).unwrap().words(), words, "{frame}");
        }
    }

    #[test]
    fn plain_colours_have_the_words_of_their_colour() {
        let plain = |rgb: [u8; 3]| Picture::from_rgb(9, 7, rgb.repeat(63)).unwrap().words();
        assert_eq!(plain([0, 0, 0]), "dark, colourless, sparse scene, mysterious and tense");
        assert_eq!(plain([255, 255, 255]), "bright, colourless, sparse scene, gentle and peaceful");
        assert_eq!(plain([255, 200, 60]), "bright, warm, colourful, sparse scene, cheerful and carefree");
        assert_eq!(plain([20, 30, 90]), "dark, cool, colourful, sparse scene, nocturnal and electric");
    }

    #[test]
    fn a_picture_of_one_pixel_has_words() {
        assert!(Picture::from_rgb(1, 1, vec![10, 200, 90]).unwrap().words().ends_with("fresh and serene"));
    }
}
