-- Opens the session, rolls, locates and loops while it listens to the meter, and saves it again.
AudioEngine:set_backend("None (Dummy)", "", "")
AudioEngine:set_device_name("Silence")
local session = load_session(os.getenv("SESSION"), "t")
assert(session, "no session")
local rate = session:nominal_sample_rate()
local route = session:route_by_name("bed")
local UI = ARDOUR.TransportRequestSource.TRS_UI

-- The highest level in dB while `seconds` pass.
local function listen(seconds)
  local highest = -200
  for _ = 1, seconds * 20 do
    sleep(0.05)
    highest = math.max(highest, route:peak_meter():meter_level(0, ARDOUR.MeterType.MeterPeak))
  end
  return highest
end

local function report(name, level)
  print(string.format("%s rolling=%s at=%d level=%.1f", name, session:transport_rolling(), session:transport_sample(), level))
end

report("standing", listen(0.3))
session:request_roll(UI)
report("rolling", listen(1.5))
session:request_locate(10 * rate, false, ARDOUR.LocateTransportDisposition.MustRoll, UI)
report("located", listen(1.0))
session:request_play_loop(true, false)
report("looping", listen(3.0))
session:request_play_loop(false, false)
session:request_stop(false, false, UI)
sleep(0.5)
report("stopped", listen(0.5))
session:save_state("")
close_session()
quit()
