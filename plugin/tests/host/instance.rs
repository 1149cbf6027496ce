//! A CLAP host of one instance of the plugin.
#![allow(clippy::unwrap_used, dead_code, reason = "shared by several test binaries")]

use std::ffi::CStr;
use std::io::Cursor;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use clack_extensions::params::{
    HostParams, HostParamsImplMainThread, HostParamsImplShared, ParamClearFlags, ParamInfoBuffer, ParamRescanFlags,
    PluginParams,
};
use clack_extensions::render::{PluginRender, RenderMode};
use clack_extensions::state::{HostState, HostStateImpl, PluginState};
use clack_host::events::Match;
use clack_host::events::event_types::{NoteOnEvent, ParamValueEvent};
use clack_host::prelude::*;

use crate::transport::Head;

/// The plugin's id, as hosts store it in projects.
pub const ID: &CStr = c"org.melfusion.melfusion";

pub struct Host;

#[derive(Default)]
pub struct Shared {
    state: OnceLock<PluginState>,
    params: OnceLock<PluginParams>,
    render: OnceLock<PluginRender>,
    callback: AtomicBool,
}

pub struct Main;

impl HostHandlers for Host {
    type Shared<'a> = Shared;
    type MainThread<'a> = Main;
    type AudioProcessor<'a> = ();

    fn declare_extensions(builder: &mut HostExtensions<Self>, _: &Shared) {
        builder.register::<HostParams>().register::<HostState>();
    }
}

impl<'a> SharedHandler<'a> for Shared {
    fn initializing(&self, plugin: InitializingPluginHandle<'a>) {
        let _ = self.state.set(plugin.get_extension().unwrap());
        let _ = self.params.set(plugin.get_extension().unwrap());
        let _ = self.render.set(plugin.get_extension().unwrap());
    }

    fn request_restart(&self) {}

    fn request_process(&self) {}

    fn request_callback(&self) {
        self.callback.store(true, SeqCst);
    }
}

impl HostParamsImplShared for Shared {
    fn request_flush(&self) {}
}

impl<'a> MainThreadHandler<'a> for Main {}

impl HostParamsImplMainThread for Main {
    fn rescan(&self, _: ParamRescanFlags) {}

    fn clear(&self, _: ClapId, _: ParamClearFlags) {}
}

impl HostStateImpl for Main {
    fn mark_dirty(&self) {}
}

/// The plugin that is linked into this program.
pub fn entry() -> PluginEntry {
    // SAFETY: the entry is the plugin's own, made by the framework.
    unsafe { PluginEntry::load_from_raw(&melfusion_plugin::clap_entry, c"/linked") }.unwrap()
}

/// The main thread's side of an instance.
pub struct Instance {
    plugin: PluginInstance<Host>,
    state: PluginState,
    params: PluginParams,
    render: PluginRender,
}

impl Instance {
    /// One of the plugin that is linked into this program.
    pub fn new() -> Self {
        Self::of(&entry())
    }

    /// One of another copy of the plugin.
    pub fn of(entry: &PluginEntry) -> Self {
        let about = HostInfo::new("test", "test", "https://test.invalid", "1").unwrap();
        let plugin = PluginInstance::new(|()| Shared::default(), |_| Main, entry, ID, &about).unwrap();
        let (state, params, render) = plugin.access_shared_handler(|shared: &Shared| {
            (*shared.state.get().unwrap(), *shared.params.get().unwrap(), *shared.render.get().unwrap())
        });
        Self { plugin, state, params, render }
    }

    /// Loads `state`, as [`Instance::save`] writes it.
    ///
    /// # Errors
    ///
    /// `false` if the plugin refuses it.
    pub fn load(&mut self, state: &[u8]) -> bool {
        let loaded = self.state.load(&self.plugin.plugin_handle(), &mut Cursor::new(state)).is_ok();
        self.serve();
        loaded
    }

    pub fn save(&mut self) -> Vec<u8> {
        let mut state = Vec::new();
        self.state.save(&self.plugin.plugin_handle(), &mut state).unwrap();
        state
    }

    /// What the plugin asked to have done on the main thread.
    pub fn serve(&mut self) {
        if self.plugin.access_shared_handler(|shared| shared.callback.swap(false, SeqCst)) {
            self.plugin.call_on_main_thread_callback();
        }
    }

    pub fn set_offline(&mut self, offline: bool) {
        let mode = if offline { RenderMode::Offline } else { RenderMode::Realtime };
        self.render.set(&self.plugin.plugin_handle(), mode).unwrap();
    }

    /// The number that an event must carry to set parameter `id` to what `text` says.
    #[track_caller]
    pub fn value(&mut self, id: &str, text: &CStr) -> f64 {
        self.params.text_to_value(&self.plugin.plugin_handle(), param(id), text).unwrap()
    }

    /// The value of parameter `id` as the host sees it.
    #[track_caller]
    pub fn param_value(&mut self, id: &str) -> f64 {
        self.params.get_value(&self.plugin.plugin_handle(), param(id)).unwrap()
    }

    /// Numbers and names of all parameters.
    pub fn param_list(&mut self) -> Vec<(u32, String)> {
        let handle = self.plugin.plugin_handle();
        let mut buffer = ParamInfoBuffer::new();
        (0..self.params.count(&handle))
            .map(|index| {
                let info = self.params.get_info(&handle, index, &mut buffer).unwrap();
                (info.id.get(), String::from_utf8_lossy(info.name).into_owned())
            })
            .collect()
    }

    /// Readies the instance for blocks of up to `max_block` frames at `rate` Hz.
    pub fn start(&mut self, rate: u32, max_block: u32) -> Audio {
        let config =
            PluginAudioConfiguration { sample_rate: rate.into(), min_frames_count: 1, max_frames_count: max_block };
        let stopped = self.plugin.activate(|_, _| (), config).unwrap();
        let processor = stopped.start_processing().ok().unwrap();
        Audio {
            processor,
            ports: AudioPorts::with_capacity(2, 1),
            events: EventBuffer::with_capacity(64),
            rate,
            max_block: max_block as usize,
        }
    }

    pub fn stop(&mut self, audio: Audio) {
        self.plugin.deactivate(audio.processor.stop_processing());
    }
}

/// The number of parameter `id`: the framework's documented hash, which projects and automation lanes refer to.
pub fn param(id: &str) -> ClapId {
    let hash = id.bytes().fold(0u32, |hash, byte| hash.wrapping_mul(31).wrapping_add(byte.into()));
    ClapId::new(hash & !(1 << 31))
}

/// What happens within a block.
#[derive(Debug, Clone, Copy)]
pub enum Change {
    /// The play head goes elsewhere.
    Head(Head),
    /// A parameter's host-side value.
    Param(ClapId, f64),
    /// A note begins.
    Note(u8),
}

/// The audio thread's side of an instance. Processing allocates nothing after the first block.
pub struct Audio {
    processor: StartedPluginAudioProcessor<Host>,
    ports: AudioPorts,
    events: EventBuffer,
    pub rate: u32,
    pub max_block: usize,
}

impl Audio {
    /// One block. `changes` are in order of their offset.
    pub fn process(&mut self, out: [&mut [f32]; 2], head: Option<&Head>, changes: &[(u32, Change)]) {
        self.events.clear();
        for (offset, change) in changes {
            match change {
                Change::Head(head) => self.events.push(&head.event(*offset, self.rate)),
                Change::Note(key) => {
                    let pckn = Pckn::new(0u16, 0u16, u16::from(*key), Match::All);
                    self.events.push(&NoteOnEvent::new(*offset, pckn, 0.8));
                }
                Change::Param(id, value) => {
                    self.events.push(&ParamValueEvent::new(*offset, *id, Pckn::match_all(), *value));
                }
            }
        }
        let mut out = self.ports.with_output_buffers([AudioPortBuffer {
            latency: 0,
            channels: AudioPortBufferType::f32_output_only(out.into_iter()),
        }]);
        let transport = head.map(|head| head.event(0, self.rate));
        self.processor
            .process(
                &InputAudioBuffers::empty(),
                &mut out,
                &self.events.as_input(),
                &mut OutputEvents::void(),
                None,
                transport.as_ref(),
            )
            .unwrap();
    }

    pub fn reset(&mut self) {
        self.processor.reset();
    }

    /// One block in a buffer of its own, filled with something that must be overwritten.
    pub fn block(&mut self, frames: usize, head: Option<&Head>, changes: &[(u32, Change)]) -> Vec<[f32; 2]> {
        let (mut left, mut right) = (vec![f32::NAN; frames], vec![f32::NAN; frames]);
        self.process([&mut left, &mut right], head, changes);
        left.into_iter().zip(right).map(|(left, right)| [left, right]).collect()
    }
}
