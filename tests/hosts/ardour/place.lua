-- Puts each file of the session where the file itself says that it begins, on the track with which its region's name
-- starts, and sets the tempi in TEMPI, "quarters bpm" a line.
AudioEngine:set_backend("None (Dummy)", "", "")
AudioEngine:set_device_name("Silence")
local session = load_session(os.getenv("SESSION"), "t")
assert(session, "no session")

-- Copies would join the list.
local regions, files = ARDOUR.RegionFactory.regions(), {}
for _, region in regions:iter() do
  files[#files + 1] = region
end
for _, file in ipairs(files) do
  local region = ARDOUR.RegionFactory.clone_region(file, true, false)
  local track = session:route_by_name(file:name():match("%a+")):to_track()
  track:playlist():add_region(region, file:source(0):natural_position(), 1, false)
end

local map = Temporal.TempoMap.write_copy()
for quarters, bpm in os.getenv("TEMPI"):gmatch("(%S+) (%S+)") do
  local ticks = math.tointeger(quarters * Temporal.ticks_per_beat)
  map:set_tempo(Temporal.Tempo(tonumber(bpm), tonumber(bpm), 4), Temporal.timepos_t.from_ticks(ticks))
end
Temporal.TempoMap.update(map)
session:save_state("")
close_session()
quit()
