//! The prompt, and what to stay away from: typed, pasted, or read from a file.

use egui::{Align2, Id, Rect, ScrollArea, TextEdit, Ui, pos2, vec2};

use super::scene::Scene;
use super::theme;
use super::widgets::{self, Look};
use crate::project::Project;

/// One of the two texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Field {
    /// What to hear.
    #[default]
    Prompt,
    /// What not to hear.
    Negative,
}

/// The texts between frames.
#[derive(Debug, Default)]
pub struct Words {
    /// Which text asked the desktop for words last.
    asked: Field,
}

impl Words {
    /// Least height of both fields with their labels.
    pub const HEIGHT: f32 = 24.0 + 72.0 + 16.0 + 24.0 + 32.0;

    /// Draws both.
    pub fn ui(&mut self, ui: &mut Ui, rect: Rect, scene: &Scene) {
        let (prompt, negative) = rect.split_top_bottom_at_y(rect.bottom() - 24.0 - theme::FIELD);
        self.field(ui, prompt.with_max_y(prompt.bottom() - theme::GAP), Field::Prompt, scene);
        self.field(ui, negative, Field::Negative, scene);
    }

    /// Puts words into the text that asked for them.
    pub fn take(&mut self, words: &str, scene: &Scene) {
        let field = std::mem::take(&mut self.asked);
        scene.edit(|project| *field.text_mut(project) = words.trim().to_owned());
    }

    fn field(&mut self, ui: &mut Ui, rect: Rect, field: Field, scene: &Scene) {
        let well = rect.with_min_y(rect.top() + 24.0);
        widgets::caps(ui, rect.left_top() + vec2(0.0, 8.0), Align2::LEFT_CENTER, field.name(), theme::MUTED);
        self.helpers(ui, rect, field, scene);
        let id = Id::unique(("words", field));
        widgets::well(ui, well, ui.memory(|memory| memory.has_focus(id)));
        let mut text = field.text(&scene.project).to_owned();
        let inner = well.shrink2(vec2(theme::GRID, 7.0));
        let edit = match field {
            Field::Prompt => TextEdit::multiline(&mut text).desired_rows(3),
            Field::Negative => TextEdit::singleline(&mut text),
        };
        let edit = edit.id(id).hint_text(field.hint()).frame(egui::Frame::NONE).desired_width(inner.width() - 8.0);
        let response = widgets::inside(ui, field.name(), inner, |ui| {
            ScrollArea::vertical().id_salt(field).auto_shrink(false).show(ui, |ui| ui.add(edit)).inner
        });
        let response = response.accessible_name(field.name());
        // A click beside the last line is a click into the field. Not only its beginning: at its end the field finds that
        // it was elsewhere, and lets go.
        let clicks = ui.input(|input| input.pointer.primary_pressed() || input.pointer.primary_clicked());
        if clicks && pressed_in(ui, well) {
            response.request_focus();
        }
        if response.changed() {
            scene.edit(|project| *field.text_mut(project) = text);
        }
    }

    fn helpers(&mut self, ui: &mut Ui, rect: Rect, field: Field, scene: &Scene) {
        let mut right = rect.right();
        for (name, what) in [("From file…", "from file"), ("Paste", "paste")] {
            let width = widgets::quiet_width(ui, name);
            let place = Rect::from_min_max(pos2(right - width, rect.top() - 4.0), pos2(right, rect.top() + 20.0));
            right -= width + 4.0;
            let full = format!("{} {what}", field.name());
            let response = widgets::inside(ui, &full, place, |ui| widgets::button(ui, place, name, Look::Quiet, true));
            response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &full));
            if response.clicked() {
                self.asked = field;
                match what {
                    "paste" => scene.host.desktop().paste_words(),
                    _ => scene.host.desktop().choose_words(),
                }
            }
        }
    }
}

impl Field {
    fn name(self) -> &'static str {
        match self {
            Self::Prompt => "Prompt",
            Self::Negative => "Avoid",
        }
    }

    fn hint(self) -> &'static str {
        match self {
            Self::Prompt => "What should it sound like? Slow strings, distant piano, fog…",
            Self::Negative => "What should it not have? Drums, vocals…",
        }
    }

    fn text(self, project: &Project) -> &str {
        match self {
            Self::Prompt => &project.brief.prompt,
            Self::Negative => &project.brief.negative,
        }
    }

    fn text_mut(self, project: &mut Project) -> &mut String {
        match self {
            Self::Prompt => &mut project.brief.prompt,
            Self::Negative => &mut project.brief.negative,
        }
    }
}

fn pressed_in(ui: &Ui, rect: Rect) -> bool {
    ui.ctx().layer_id_at(ui.input(|input| input.pointer.interact_pos()).unwrap_or_default()) == Some(ui.layer_id())
        && ui.input(|input| input.pointer.interact_pos()).is_some_and(|pos| rect.contains(pos))
}
