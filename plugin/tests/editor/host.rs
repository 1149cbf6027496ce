//! A CLAP host with one window, around the plugin that is linked into this program.
//!
//! The editor sits in a pane of a window with a border, as in most hosts, and audio runs on a thread of its own.

use std::error::Error;
use std::io::Cursor;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use clack_extensions::gui::{GuiApiType, GuiConfiguration, GuiSize, HostGui, HostGuiImpl, PluginGui, Window};
use clack_extensions::state::PluginState;
use clack_host::events::event_types::{TransportEvent, TransportFlags};
use clack_host::prelude::*;
use clack_host::utils::{BeatTime, SecondsTime};
use x11rb::connection::Connection;
use x11rb::protocol::Event as XEvent;
use x11rb::protocol::xproto::*;
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

pub type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Width of the host's own border around the editor, in pixels.
pub const BORDER: u16 = 24;
const RATE: f64 = 48_000.0;
const BLOCK: usize = 512;

/// How the host behaves.
#[derive(Debug, Clone, Copy, Default)]
pub struct Manners {
    /// Says that its window takes drops, as toolkits do, though it does nothing with them.
    pub aware: bool,
    /// Takes the space bar for itself by a passive grab.
    pub grabs_space: bool,
    /// Takes the keyboard focus back whenever the editor gets it.
    pub steals_focus: bool,
}

#[derive(Default)]
struct Requests {
    callback: AtomicBool,
    size: Mutex<Option<GuiSize>>,
    closed: AtomicBool,
}

struct Shared(Arc<Requests>);

impl SharedHandler<'_> for Shared {
    fn request_restart(&self) {}
    fn request_process(&self) {}
    fn request_callback(&self) {
        self.0.callback.store(true, Relaxed);
    }
}

impl HostGuiImpl for Shared {
    fn resize_hints_changed(&self) {}
    fn request_resize(&self, size: GuiSize) -> std::result::Result<(), HostError> {
        *self.0.size.lock().expect("no panic while held") = Some(size);
        Ok(())
    }
    fn request_show(&self) -> std::result::Result<(), HostError> {
        Ok(())
    }
    fn request_hide(&self) -> std::result::Result<(), HostError> {
        Ok(())
    }
    fn closed(&self, _was_destroyed: bool) {
        self.0.closed.store(true, Relaxed);
    }
}

struct Handlers;

impl HostHandlers for Handlers {
    type Shared<'a> = Shared;
    type MainThread<'a> = ();
    type AudioProcessor<'a> = ();

    fn declare_extensions(builder: &mut HostExtensions<Self>, _shared: &Self::Shared<'_>) {
        builder.register::<HostGui>();
    }
}

/// The transport, shared with the audio thread.
struct Transport {
    stop: AtomicBool,
    playing: AtomicBool,
    tempo: AtomicU64,
}

struct Audio {
    transport: Arc<Transport>,
    thread: std::thread::JoinHandle<StoppedPluginAudioProcessor<Handlers>>,
}

/// The host and its window. One thread owns it and calls [`Host::pump`] often.
pub struct Host {
    instance: PluginInstance<Handlers>,
    requests: Arc<Requests>,
    audio: Option<Audio>,
    x: RustConnection,
    window: u32,
    pane: u32,
    manners: Manners,
    scale: Option<f64>,
    open: bool,
    /// Keys that reached the host's window instead of the editor, as key codes.
    pub keys: Vec<u8>,
    /// XDND messages that reached the host's window.
    pub drag_messages: usize,
}

impl Host {
    /// Starts the plugin with audio running, and shows an empty window on `display`.
    pub fn new(display: Option<&str>, manners: Manners) -> Result<Self> {
        let (x, screen) = RustConnection::connect(display)?;
        let screen = x.setup().roots[screen].clone();
        let (window, pane) = (x.generate_id()?, x.generate_id()?);
        let events = EventMask::STRUCTURE_NOTIFY | EventMask::KEY_PRESS | EventMask::FOCUS_CHANGE;
        let look = CreateWindowAux::new().background_pixel(screen.white_pixel).event_mask(events);
        let side = 200;
        x.create_window(0, window, screen.root, 40, 30, side, side, 0, WindowClass::INPUT_OUTPUT, 0, &look)?;
        let border = BORDER as i16;
        let look = CreateWindowAux::new().background_pixel(screen.black_pixel);
        x.create_window(0, pane, window, border, border, side, side, 0, WindowClass::INPUT_OUTPUT, 0, &look)?;
        x.change_property8(PropMode::REPLACE, window, AtomEnum::WM_NAME, AtomEnum::STRING, b"Host")?;
        let host = Self::around(x, window, pane, manners)?;
        host.show_manners()?;
        host.x.map_window(pane)?;
        host.x.map_window(window)?;
        host.x.sync()?;
        Ok(host)
    }

    fn around(x: RustConnection, window: u32, pane: u32, manners: Manners) -> Result<Self> {
        // SAFETY: the entry is a static of this program, made by the framework's macro for this very purpose.
        let entry = unsafe {
            let entry = &*std::ptr::from_ref(&melfusion_plugin::clap_entry).cast();
            PluginEntry::load_from_raw(entry, c"/static")?
        };
        let info = HostInfo::new("GUI host", "MeLFusion", "https://melfusion.invalid", "0.1.0")?;
        let requests = Arc::new(Requests::default());
        let shared = requests.clone();
        let factory = entry.get_plugin_factory().ok_or("the entry has no factory")?;
        let plugin = factory.plugin_descriptors().next().and_then(|plugin| plugin.id()).ok_or("there is no plugin")?;
        let instance = PluginInstance::<Handlers>::new(move |_| Shared(shared), |_| (), &entry, plugin, &info)?;
        let mut host = Self {
            instance,
            requests,
            audio: None,
            x,
            window,
            pane,
            manners,
            scale: None,
            open: false,
            keys: Vec::new(),
            drag_messages: 0,
        };
        host.start_audio()?;
        Ok(host)
    }

    fn show_manners(&self) -> Result<()> {
        if self.manners.aware {
            let aware = self.x.intern_atom(false, b"XdndAware")?.reply()?.atom;
            self.x.change_property32(PropMode::REPLACE, self.window, aware, AtomEnum::ATOM, &[5])?;
        }
        if self.manners.grabs_space {
            let space = self.space()?;
            self.x.grab_key(true, self.window, ModMask::ANY, space, GrabMode::ASYNC, GrabMode::ASYNC)?.check()?;
        }
        Ok(())
    }

    fn space(&self) -> Result<u8> {
        let setup = self.x.setup();
        let (first, last) = (setup.min_keycode, setup.max_keycode);
        let map = self.x.get_keyboard_mapping(first, last - first + 1)?.reply()?;
        let per_code = usize::from(map.keysyms_per_keycode);
        let row = map.keysyms.chunks(per_code).position(|row| row.contains(&0x20)).ok_or("no space bar")?;
        Ok(first + row as u8)
    }

    /// The host's window.
    pub fn window(&self) -> u32 {
        self.window
    }

    /// The editor's window, while it is open.
    pub fn editor(&self) -> Option<u32> {
        self.x.query_tree(self.pane).ok()?.reply().ok()?.children.first().copied()
    }

    /// Where the editor's corner is on the screen.
    pub fn origin(&self) -> Result<(i16, i16)> {
        let root = self.x.setup().roots[0].root;
        let at = self.x.translate_coordinates(self.pane, root, 0, 0)?.reply()?;
        Ok((at.dst_x, at.dst_y))
    }

    /// Scale of the editors opened from now on.
    pub fn set_scale(&mut self, scale: f64) {
        self.scale = Some(scale);
    }

    /// Opens the editor and fits the window around it; returns its size in pixels.
    pub fn open(&mut self) -> Result<(u32, u32)> {
        let plugin = self.instance.plugin_handle();
        let gui = plugin.get_extension::<PluginGui>().ok_or("the plugin has no editor")?;
        gui.create(&plugin, GuiConfiguration { api_type: GuiApiType::X11, is_floating: false })?;
        if let Some(scale) = self.scale {
            gui.set_scale(&plugin, scale)?;
        }
        // SAFETY: the pane lives as long as the host, which closes the editor first.
        unsafe { gui.set_parent(&plugin, Window::from_x11_handle(self.pane.into()))? };
        gui.show(&plugin)?;
        let size = gui.get_size(&plugin).ok_or("the editor has no size")?;
        self.open = true;
        self.fit(size)?;
        Ok((size.width, size.height))
    }

    /// Closes the editor.
    pub fn close(&mut self) {
        if std::mem::take(&mut self.open) {
            let plugin = self.instance.plugin_handle();
            if let Some(gui) = plugin.get_extension::<PluginGui>() {
                gui.destroy(&plugin);
            }
        }
    }

    /// Resizes the editor as if the user dragged the host's window; returns what it agreed to.
    pub fn resize(&mut self, width: u32, height: u32) -> Result<(u32, u32)> {
        let plugin = self.instance.plugin_handle();
        let gui = plugin.get_extension::<PluginGui>().ok_or("the plugin has no editor")?;
        let size = gui.adjust_size(&plugin, GuiSize { width, height }).ok_or("the editor keeps its size")?;
        gui.set_size(&plugin, size)?;
        self.fit(size)?;
        Ok((size.width, size.height))
    }

    fn fit(&self, size: GuiSize) -> Result<()> {
        let grown = |extra: u32| ConfigureWindowAux::new().width(size.width + extra).height(size.height + extra);
        self.x.configure_window(self.pane, &grown(0))?;
        self.x.configure_window(self.window, &grown(2 * u32::from(BORDER)))?;
        self.x.sync()?;
        Ok(())
    }

    /// Starts or stops the transport.
    pub fn play(&self, tempo: Option<f64>) {
        if let Some(audio) = &self.audio {
            audio.transport.tempo.store(tempo.unwrap_or(120.0).to_bits(), Relaxed);
            audio.transport.playing.store(tempo.is_some(), Relaxed);
        }
    }

    /// What the host would write into its project.
    pub fn save(&mut self) -> Result<Vec<u8>> {
        let plugin = self.instance.plugin_handle();
        let state = plugin.get_extension::<PluginState>().ok_or("the plugin has no state")?;
        let mut bytes = Vec::new();
        state.save(&plugin, &mut bytes)?;
        Ok(bytes)
    }

    /// Loads what [`Host::save`] returned.
    pub fn load(&mut self, bytes: &[u8]) -> Result<()> {
        let plugin = self.instance.plugin_handle();
        let state = plugin.get_extension::<PluginState>().ok_or("the plugin has no state")?;
        Ok(state.load(&plugin, &mut Cursor::new(bytes))?)
    }

    /// The plugin's own part of the state.
    pub fn project(&mut self) -> Result<String> {
        let state: serde_json::Value = serde_json::from_slice(&self.save()?[8..])?;
        let field = state["fields"]["project"].as_str().ok_or("no project in the state")?;
        Ok(serde_json::from_str(field)?)
    }

    /// Replaces the plugin's own part of the state.
    pub fn set_project(&mut self, text: &str) -> Result<()> {
        let mut state: serde_json::Value = serde_json::from_slice(&self.save()?[8..])?;
        state["fields"]["project"] = serde_json::to_string(text)?.into();
        let json = serde_json::to_vec(&state)?;
        let mut bytes = (json.len() as u64).to_le_bytes().to_vec();
        bytes.extend(json);
        self.load(&bytes)
    }

    /// Does what the plugin and the X server ask of the host. Returns within milliseconds.
    pub fn pump(&mut self) -> Result<()> {
        if self.requests.callback.swap(false, Relaxed) {
            self.instance.call_on_main_thread_callback();
        }
        let size = self.requests.size.lock().expect("no panic while held").take();
        if let Some(size) = size {
            self.fit(size)?;
        }
        if self.requests.closed.swap(false, Relaxed) {
            self.close();
        }
        while let Some(event) = self.x.poll_for_event()? {
            self.handle(&event)?;
        }
        Ok(())
    }

    fn handle(&mut self, event: &XEvent) -> Result<()> {
        match event {
            XEvent::KeyPress(key) => self.keys.push(key.detail),
            XEvent::ClientMessage(_) => self.drag_messages += 1,
            XEvent::FocusOut(out) if self.manners.steals_focus && out.mode == NotifyMode::NORMAL => {
                self.x.set_input_focus(InputFocus::PARENT, self.window, x11rb::CURRENT_TIME)?;
                self.x.flush()?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Pumps for a while.
    pub fn rest(&mut self, time: Duration) -> Result<()> {
        let end = std::time::Instant::now() + time;
        while std::time::Instant::now() < end {
            self.pump()?;
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    fn start_audio(&mut self) -> Result<()> {
        let block = BLOCK as u32;
        let configuration =
            PluginAudioConfiguration { sample_rate: RATE, min_frames_count: 1, max_frames_count: block };
        let processor = self.instance.activate(|_, _| (), configuration)?;
        let transport =
            Arc::new(Transport { stop: false.into(), playing: false.into(), tempo: 120f64.to_bits().into() });
        let theirs = transport.clone();
        let thread = std::thread::spawn(move || run_audio(processor, &theirs));
        self.audio = Some(Audio { transport, thread });
        Ok(())
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.close();
        if let Some(audio) = self.audio.take() {
            audio.transport.stop.store(true, Relaxed);
            if let Ok(processor) = audio.thread.join() {
                self.instance.deactivate(processor);
            }
        }
    }
}

fn run_audio(
    processor: StoppedPluginAudioProcessor<Handlers>,
    transport: &Transport,
) -> StoppedPluginAudioProcessor<Handlers> {
    let mut processor = processor.start_processing().expect("the plugin starts");
    let mut channels = vec![vec![0f32; BLOCK]; 2];
    let mut ports = AudioPorts::with_capacity(2, 1);
    let (mut seconds, mut beats) = (0.0, 0.0);
    while !transport.stop.load(Relaxed) {
        let playing = transport.playing.load(Relaxed);
        let tempo = f64::from_bits(transport.tempo.load(Relaxed));
        let moment = moment(playing, tempo, seconds, beats);
        let mut output = ports.with_output_buffers([AudioPortBuffer {
            latency: 0,
            channels: AudioPortBufferType::f32_output_only(channels.iter_mut().map(Vec::as_mut_slice)),
        }]);
        let (input, events) = (InputAudioBuffers::empty(), InputEvents::empty());
        let done = processor.process(&input, &mut output, &events, &mut OutputEvents::void(), None, Some(&moment));
        done.expect("the plugin processes");
        let length = BLOCK as f64 / RATE;
        if playing {
            seconds += length;
            beats += length * tempo / 60.0;
        }
        std::thread::sleep(Duration::from_secs_f64(length));
    }
    processor.stop_processing()
}

fn moment(playing: bool, tempo: f64, seconds: f64, beats: f64) -> TransportEvent {
    let known = TransportFlags::HAS_TEMPO
        | TransportFlags::HAS_BEATS_TIMELINE
        | TransportFlags::HAS_SECONDS_TIMELINE
        | TransportFlags::HAS_TIME_SIGNATURE;
    let bar = (beats / 4.0).floor();
    TransportEvent {
        header: Default::default(),
        flags: if playing { known | TransportFlags::IS_PLAYING } else { known },
        song_pos_beats: BeatTime::from_float(beats),
        song_pos_seconds: SecondsTime::from_float(seconds),
        tempo,
        tempo_inc: 0.0,
        loop_start_beats: BeatTime::from_float(0.0),
        loop_end_beats: BeatTime::from_float(0.0),
        loop_start_seconds: SecondsTime::from_float(0.0),
        loop_end_seconds: SecondsTime::from_float(0.0),
        bar_start: BeatTime::from_float(bar * 4.0),
        bar_number: bar as i32,
        time_signature_numerator: 4,
        time_signature_denominator: 4,
    }
}
