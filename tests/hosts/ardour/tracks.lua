-- Makes a session of three empty tracks and saves it.
AudioEngine:set_backend("None (Dummy)", "", "")
AudioEngine:set_device_name("Silence")
local session = create_session(os.getenv("SESSION"), "t", tonumber(os.getenv("RATE")))
assert(session, "no session")
for _, name in ipairs({ "A", "B", "cues" }) do
  session:new_audio_track(2, 2, nil, 1, name, ARDOUR.PresentationInfo.max_order, ARDOUR.TrackMode.Normal, true)
end
session:save_state("")
close_session()
quit()
