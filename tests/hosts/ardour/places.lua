-- Opens the session and says, in frames, where its regions, its markers and the lines of the first BARS bars lie. What
-- Ardour reads of each region goes to the folder of the session: "track start channel.f32".
AudioEngine:set_backend("None (Dummy)", "", "")
AudioEngine:set_device_name("Silence")
local session = load_session(os.getenv("SESSION"), "t")
assert(session, "no session")

local function read(region, channel, path)
  local length = region:length():samples()
  local memory = ARDOUR.DSP.DspShm(length)
  local frames = region:to_readable():read(memory:to_float(0), 0, length, channel)
  local samples = memory:to_float(0):get_table(frames)
  for frame, sample in ipairs(samples) do
    samples[frame] = string.pack("<f", sample)
  end
  local file = assert(io.open(path, "wb"))
  file:write(table.concat(samples))
  file:close()
end

-- Lists are copies, and iterators do not keep them from the garbage collector.
for _, track in ipairs({ "A", "B", "cues" }) do
  local regions = session:route_by_name(track):to_track():playlist():region_list()
  for region in regions:iter() do
    local path = region:source(0):to_filesource():path()
    local start = region:position():samples()
    print(string.format("%s\t%s\t%d\t%d", track, path, start, region:length():samples()))
    for channel = 0, 1 do
      local copy = string.format("%s/%s %d %d.f32", os.getenv("SESSION"), track, start, channel)
      read(region:to_audioregion(), channel, copy)
    end
  end
end
local locations = session:locations():list()
for location in locations:iter() do
  if location:is_mark() then
    print(string.format("marker\t%s\t%d", location:name(), location:start():samples()))
  end
end
local map = Temporal.TempoMap.read()
for bar = 1, tonumber(os.getenv("BARS")) do
  local line = Temporal.timepos_t.from_ticks((bar - 1) * 4 * Temporal.ticks_per_beat)
  print(string.format("bar\t%d\t%d", bar, map:sample_at(line)))
end
close_session()
quit()
