-- Makes a session of one track with the plugin on it, at the tempo in TEMPO, and saves it.
AudioEngine:set_backend("None (Dummy)", "", "")
AudioEngine:set_device_name("Silence")
local session = create_session(os.getenv("SESSION"), "t", tonumber(os.getenv("RATE")))
assert(session, "no session")
local route
for r in session:new_audio_route(2, 2, nil, 1, "bed", ARDOUR.PresentationInfo.Flag.AudioBus,
                                 ARDOUR.PresentationInfo.max_order):iter() do
  route = r
end
local plugin = ARDOUR.LuaAPI.new_plugin(session, "MeLFusion", ARDOUR.PluginType.VST3, "")
assert(not plugin:isnil(), "the plugin was not found")
assert(route:add_processor_by_index(plugin, 0, nil, true) == 0, "the plugin was not added")
local bpm = tonumber(os.getenv("TEMPO"))
local map = Temporal.TempoMap.write_copy()
map:set_tempo(Temporal.Tempo(bpm, bpm, 4), Temporal.timepos_t(0))
Temporal.TempoMap.update(map)
session:save_state("")
close_session()
quit()
