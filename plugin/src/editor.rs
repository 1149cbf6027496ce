//! The window.

pub mod desktop;

use std::sync::Arc;

use nice_plug_egui::{EguiEditor, EguiEditorState, EguiNiceSettings, Frame, NiceEguiApp, create_egui_editor};

use crate::params::MelfusionParams;
use crate::session::Session;
use crate::worker::Seat;

/// The editor's state between frames.
pub struct Window {
    _session: Arc<Session>,
    _params: Arc<MelfusionParams>,
    _seat: Arc<Seat>,
}

impl NiceEguiApp for Window {
    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut Frame) {
        ui.label("MeLFusion");
    }
}

/// Makes the editor; it opens when the host asks.
pub fn create(session: Arc<Session>, params: Arc<MelfusionParams>, seat: Arc<Seat>) -> Option<EguiEditor<Window>> {
    let (width, height) = session.project.lock().window;
    let state = EguiEditorState::from_size(
        nice_plug::editor::dpi::Size::Logical(nice_plug::editor::dpi::LogicalSize::new(width.into(), height.into())),
        1.0,
    );
    let repaint = session.repaint.clone();
    let window = Window { _session: session, _params: params, _seat: seat };
    create_egui_editor(state, repaint, EguiNiceSettings::default(), window)
}
