//! The window. What is in it is [`screen::Screen`]; this is the shell that the plugin framework opens.

mod crop;
mod cue_panel;
pub mod desktop;
mod dials;
mod engine_panel;
pub mod export;
mod generate;
mod history;
pub mod host;
mod icons;
mod lane;
mod listen;
mod meter;
mod notices;
mod pair;
mod phrase;
mod picture_well;
mod readouts;
mod request;
mod scene;
pub mod screen;
mod takes;
pub mod theme;
mod waveform;
mod widgets;
mod words;

use std::sync::Arc;

use egui::{Vec2, ViewportCommand, vec2};
use nice_plug::context::gui::GuiContext;
use nice_plug::editor::ResizeHint;
use nice_plug::editor::dpi::{LogicalSize, Size};
use nice_plug_egui::baseview::{HandlerError, WindowSize};
use nice_plug_egui::{EguiEditor, EguiEditorState, EguiNiceSettings, Frame, NiceEguiApp, create_egui_editor};

use self::host::PluginHost;
use self::screen::Screen;
use crate::params::MelfusionParams;
use crate::session::Session;
use crate::worker::Seat;

/// The smallest window that everything fits into, in logical pixels.
pub const MIN_SIZE: (u32, u32) = (760, 640);
/// Frames after which a window has the size that it was asked to have.
const SETTLED: u32 = 8;

/// The editor's state between frames, and between windows.
pub struct Window {
    session: Arc<Session>,
    params: Arc<MelfusionParams>,
    seat: Arc<Seat>,
    screen: Screen,
    /// While a window is open.
    host: Option<PluginHost>,
    /// Frames since the window opened.
    frames: u32,
    /// No window has been open yet, so that the framework could not tell the host its scale.
    is_first: bool,
}

/// Stops what only an open window can stop. Lives in egui's memory, as nothing else hears of the window closing.
#[derive(Clone)]
struct Closing(#[expect(dead_code, reason = "only dropped")] Arc<Silence>);

struct Silence(Arc<Session>);

impl Drop for Silence {
    fn drop(&mut self) {
        self.0.desk.set_audition(None);
    }
}

impl NiceEguiApp for Window {
    fn build(&mut self, ctx: egui::Context, gui: GuiContext, frame: &mut Frame) -> Result<(), HandlerError> {
        theme::install(&ctx);
        let closing = Closing(Arc::new(Silence(self.session.clone())));
        ctx.data_mut(|data| data.insert_temp(egui::Id::unique("closing"), closing));
        frame.set_clear_color(theme::GROUND.into());
        *self.session.host.lock() = Some(gui.clone());
        let desktop = desktop::open(frame, &ctx, self.session.repaint.clone());
        self.host = Some(PluginHost::new(gui, self.params.clone(), self.seat.clone(), desktop));
        self.screen.reopen();
        self.frames = 0;
        Ok(())
    }

    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut Frame) {
        match self.frames {
            0 if self.is_first && ui.ctx().pixels_per_point() != 1.0 => self.ask_for_size(ui, 1.0),
            0 | 4 => self.ask_for_size(ui, 0.0),
            _ => {}
        }
        if self.frames < SETTLED {
            self.frames += 1;
            self.is_first &= self.frames < SETTLED;
            ui.ctx().request_repaint();
        }
        if let Some(host) = &self.host {
            self.screen.ui(ui, host);
        }
    }

    fn resized(&mut self, size: WindowSize) {
        // Before that, the size is the host's guess and not the user's wish.
        if self.frames < SETTLED {
            return;
        }
        let new = (size.logical.width.round() as u32, size.logical.height.round() as u32);
        let old = &mut self.session.project.lock().window;
        if new.0.abs_diff(old.0).max(new.1.abs_diff(old.1)) > 1 {
            *old = new;
        }
    }
}

impl Window {
    /// The host made room before it knew the size that the project remembers, and before anyone knew the scale of the
    /// screen. The framework tells it only of changes, so that a window of the right size that the host believes to be
    /// smaller first becomes a little taller, by `nudge`.
    fn ask_for_size(&self, ui: &egui::Ui, nudge: f32) {
        let (width, height) = self.session.project.lock().window;
        let least = vec2(MIN_SIZE.0 as f32, MIN_SIZE.1 as f32);
        let wanted = vec2(width as f32, height as f32).max(least) + vec2(0.0, nudge);
        let difference: Vec2 = ui.ctx().content_rect().size() - wanted;
        if difference.abs().max_elem() > 0.5 {
            ui.ctx().send_viewport_cmd(ViewportCommand::InnerSize(wanted));
        }
    }
}

/// Makes the editor; it opens when the host asks.
pub fn create(session: Arc<Session>, params: Arc<MelfusionParams>, seat: Arc<Seat>) -> Option<EguiEditor<Window>> {
    let (width, height) = session.project.lock().window;
    let state = EguiEditorState::from_size(Size::Logical(LogicalSize::new(width.into(), height.into())), 1.0);
    let repaint = session.repaint.clone();
    let minimum = LogicalSize::new(MIN_SIZE.0 as f32, MIN_SIZE.1 as f32);
    let settings = EguiNiceSettings::default()
        .with_tile("MeLFusion")
        .with_resize_hint(ResizeHint::resizable().with_min_logical_size(minimum));
    let screen = Screen::new(session.clone(), params.clone());
    let window = Window { session, params, seat, screen, host: None, frames: 0, is_first: true };
    create_egui_editor(state, repaint, settings, window)
}
