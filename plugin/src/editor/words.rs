//! The prompt, what to stay away from, and the words of a cue: typed, pasted, or read from a file.

use egui::{Align2, Id, Rect, Response, ScrollArea, TextEdit, Ui, pos2, vec2};

use super::scene::Scene;
use super::theme;
use super::widgets::{self, Look};

/// One of the texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// What to hear.
    Prompt,
    /// What not to hear.
    Negative,
    /// What to hear in the cue that is selected.
    Cue,
}

/// The texts between frames.
#[derive(Debug, Default)]
pub struct Words {
    /// Which text asked the desktop for words.
    asked: Option<Field>,
}

impl Words {
    /// Least height of both fields with their labels.
    pub const HEIGHT: f32 = 24.0 + 72.0 + 16.0 + 24.0 + 32.0;

    /// Least height of both fields and that of a cue.
    pub const BOARD_HEIGHT: f32 = Self::HEIGHT + Self::LINE;
    /// Height of a field of one line with its label, and the gap above it.
    const LINE: f32 = 24.0 + theme::FIELD + theme::GRID;

    /// Draws them.
    pub fn ui(&mut self, ui: &mut Ui, rect: Rect, scene: &Scene) {
        let (rest, negative) = rect.split_top_bottom_at_y(rect.bottom() - 24.0 - theme::FIELD);
        let mut rest = rest.with_max_y(rest.bottom() - theme::GAP);
        self.field(ui, negative, Field::Negative, scene);
        let mut first = Field::Prompt;
        if scene.cue.is_some() {
            let (cue, shared) = rest.split_top_bottom_at_y(rest.bottom() - Self::LINE);
            self.field(ui, shared.with_min_y(shared.top() + theme::GRID), Field::Prompt, scene);
            (rest, first) = (cue.with_max_y(cue.bottom() - theme::GRID), Field::Cue);
        }
        self.field(ui, rest, first, scene);
    }

    /// Puts words into the text that asked for them.
    pub fn take(&mut self, words: &str, scene: &Scene) {
        let field = self.asked.take();
        // What was dropped is for what is being worked on.
        let field = field.unwrap_or(if scene.cue.is_some() { Field::Cue } else { Field::Prompt });
        field.set(scene, words.trim().to_owned());
    }

    fn field(&mut self, ui: &mut Ui, rect: Rect, field: Field, scene: &Scene) {
        let well = rect.with_min_y(rect.top() + 24.0);
        let name = field.name(scene);
        widgets::caps(ui, rect.left_top() + vec2(0.0, 8.0), Align2::LEFT_CENTER, name, theme::MUTED);
        self.helpers(ui, rect, field, scene);
        let id = Id::unique(("words", field));
        widgets::well(ui, well, ui.memory(|memory| memory.has_focus(id)));
        let mut text = field.text(scene).to_owned();
        let inner = well.shrink2(vec2(theme::GRID, 7.0));
        let edit = match field {
            Field::Prompt if scene.cue.is_some() => TextEdit::singleline(&mut text),
            Field::Prompt | Field::Cue => TextEdit::multiline(&mut text).desired_rows(3),
            Field::Negative => TextEdit::singleline(&mut text),
        };
        let edit = edit.id(id).hint_text(field.hint(scene)).frame(egui::Frame::NONE).desired_width(inner.width() - 8.0);
        let response = widgets::inside(ui, name, inner, |ui| {
            ScrollArea::vertical().id_salt(field).auto_shrink(false).show(ui, |ui| ui.add(edit)).inner
        });
        let response = response.accessible_name(name);
        catch_clicks(ui, well, &response);
        if response.changed() {
            field.set(scene, text);
        }
    }

    fn helpers(&mut self, ui: &mut Ui, rect: Rect, field: Field, scene: &Scene) {
        let mut right = rect.right();
        for (name, what) in [("From file…", "from file"), ("Paste", "paste")] {
            let width = widgets::quiet_width(ui, name);
            let place = Rect::from_min_max(pos2(right - width, rect.top() - 4.0), pos2(right, rect.top() + 20.0));
            right -= width + 4.0;
            let full = format!("{} {what}", field.name(scene));
            let response = widgets::inside(ui, &full, place, |ui| widgets::button(ui, place, name, Look::Quiet, true));
            response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &full));
            if response.clicked() {
                self.asked = Some(field);
                match what {
                    "paste" => scene.host.desktop().paste_words(),
                    _ => scene.host.desktop().choose_words(),
                }
            }
        }
    }
}

impl Field {
    fn name(self, scene: &Scene) -> &'static str {
        match self {
            Self::Prompt if scene.cue.is_some() => "All cues",
            Self::Prompt => "Prompt",
            Self::Negative => "Avoid",
            Self::Cue => "This cue",
        }
    }

    fn hint(self, scene: &Scene) -> &'static str {
        match self {
            Self::Prompt if scene.cue.is_some() => "What do all cues share? Chamber strings, felt piano…",
            Self::Prompt | Self::Cue => "What should it sound like? Slow strings, distant piano, fog…",
            Self::Negative => "What should it not have? Drums, vocals…",
        }
    }

    fn text<'a>(self, scene: &'a Scene) -> &'a str {
        match self {
            Self::Prompt => &scene.project.brief.prompt,
            Self::Negative => &scene.project.brief.negative,
            Self::Cue => scene.cue().map_or("", |cue| &cue.words),
        }
    }

    fn set(self, scene: &Scene, text: String) {
        match (self, scene.cue) {
            (Self::Prompt, _) => scene.edit(|project| project.brief.prompt = text),
            (Self::Negative, _) => scene.edit(|project| project.brief.negative = text),
            (Self::Cue, Some(cue)) => scene.edit_cue(cue, |cue| cue.words = text),
            (Self::Cue, None) => {}
        }
    }
}

/// A click beside the last line is a click into the field. Not only its beginning: at its end the field finds that it was
/// elsewhere, and lets go.
pub(super) fn catch_clicks(ui: &Ui, well: Rect, field: &Response) {
    let clicks = ui.input(|input| input.pointer.primary_pressed() || input.pointer.primary_clicked());
    if clicks && pressed_in(ui, well) {
        field.request_focus();
    }
}

fn pressed_in(ui: &Ui, rect: Rect) -> bool {
    ui.ctx().layer_id_at(ui.input(|input| input.pointer.interact_pos()).unwrap_or_default()) == Some(ui.layer_id())
        && ui.input(|input| input.pointer.interact_pos()).is_some_and(|pos| rect.contains(pos))
}
