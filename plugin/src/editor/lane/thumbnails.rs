//! The frames as textures, small.

use std::collections::HashMap;

use egui::{Rect, TextureHandle, Ui, Vec2, pos2, vec2};

use crate::project::{Cue, Frame};

/// Longest side in pixels.
const SIDE: u32 = 256;
/// Pictures that are unpacked in one frame: a window must not wait for sixty.
const PER_FRAME: usize = 2;

/// Textures by the pictures' hashes; `None` for pictures that cannot be read.
#[derive(Default)]
pub(super) struct Thumbnails {
    textures: HashMap<String, Option<TextureHandle>>,
    unpacked: usize,
}

impl Thumbnails {
    /// Begins a frame: forgets the pictures that no cue has any more.
    pub fn begin(&mut self, cues: &[Cue]) {
        let has =
            |hash: &String| cues.iter().any(|cue| cue.picture.as_ref().is_some_and(|frame| frame.sha256 == *hash));
        self.textures.retain(|hash, _| has(hash));
        self.unpacked = 0;
    }

    /// Fills `rect` with the part of a cue's picture that is looked at, its edges cut off as far as needed.
    pub fn paint(&mut self, ui: &Ui, rect: Rect, cue: &Cue) {
        let Some(frame) = &cue.picture else { return };
        let Some(texture) = self.texture(ui, frame) else { return };
        let whole = Rect::from_min_size(pos2(0.0, 0.0), Vec2::splat(1.0));
        let seen = cue.crop.map_or(whole, |crop| {
            let [x, y, width, height] = <[f64; 4]>::from(crop).map(|share| share as f32);
            Rect::from_min_size(pos2(x, y), vec2(width, height))
        });
        let size = texture.size_vec2() * seen.size();
        let scale = (rect.width() / size.x).max(rect.height() / size.y);
        let shown = rect.size() / (texture.size_vec2() * scale);
        let uv = Rect::from_center_size(seen.center(), shown);
        egui::Image::new(&texture).uv(uv).corner_radius(super::theme::ROUND_SMALL).paint_at(ui, rect);
    }

    fn texture(&mut self, ui: &Ui, frame: &Frame) -> Option<TextureHandle> {
        if let Some(known) = self.textures.get(&frame.sha256) {
            return known.clone();
        }
        if self.unpacked == PER_FRAME {
            ui.ctx().request_repaint();
            return None;
        }
        self.unpacked += 1;
        let texture = unpack(ui, frame);
        self.textures.insert(frame.sha256.clone(), texture.clone());
        texture
    }
}

fn unpack(ui: &Ui, frame: &Frame) -> Option<TextureHandle> {
    let picture = image::load_from_memory(&frame.thumbnail).ok()?.thumbnail(SIDE, SIDE).into_rgb8();
    let size = [picture.width() as usize, picture.height() as usize];
    let image = egui::ColorImage::from_rgb(size, picture.as_raw());
    Some(ui.ctx().load_texture("frame", image, egui::TextureOptions::LINEAR))
}
