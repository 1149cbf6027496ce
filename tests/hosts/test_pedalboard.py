"""The VST3 in a host without a play head: pedalboard. Good for parameters, state and offline mode. It always
says 120 bpm, and takes of another tempo would be stretched to that."""

import json
import subprocess
import sys

import juce
import numpy as np
import pedalboard


def load(vst3):
    return pedalboard.load_plugin(vst3, initialization_timeout=0.2)


def fields(plugin):
    return json.loads(juce.unwrap(plugin.raw_state))["fields"]


def test_states_go_round(vst3, make_project):
    project = make_project(44100, 120.0, 1)
    plugin = load(vst3)
    plugin.raw_state = project.file.read_bytes()
    assert fields(plugin) == json.loads(project.json)["fields"]
    for _ in range(10):
        state = plugin.raw_state
        plugin = load(vst3)
        plugin.raw_state = state
        assert fields(plugin) == json.loads(project.json)["fields"]


def test_nonsense_is_survived(vst3, make_project):
    project = make_project(44100, 120.0, 1)
    plugin = load(vst3)
    plugin.raw_state = project.file.read_bytes()
    dice = np.random.default_rng(2)
    for length in [0, 1, 100, 10000]:
        for state in (dice.bytes(length), juce.wrap(dice.bytes(length)), juce.wrap(project.json[:length])):
            try:
                plugin.raw_state = state
            except (RuntimeError, ValueError):
                pass
            assert fields(plugin) == json.loads(project.json)["fields"]


def test_a_host_that_never_rolls_hears_nothing_in_any_block_size(vst3, make_project):
    project = make_project(48000, 120.0, 1)
    plugin = load(vst3)
    plugin.raw_state = project.file.read_bytes()
    for size in [1, 64, 511, 8192]:
        out = plugin([], duration=0.2, sample_rate=48000, num_channels=2, buffer_size=size)
        assert out.shape == (2, 9600)
        assert not out.any()


def test_parameters_have_units_and_read_back(vst3):
    plugin = load(vst3)
    assert {"gain_db", "mute", "loop", "take", "influence", "guidance", "steps", "generate"} <= set(plugin.parameters)
    plugin.gain_db = -6.0
    assert abs(plugin.gain_db - -6.0) < 0.1
    plugin.take = 5
    assert plugin.take == 5
    plugin.steps = 50
    state = json.loads(juce.unwrap(plugin.raw_state))["params"]
    assert state["take"] == {"i32": 5} and state["steps"] == {"i32": 50}


DROPPED = """
import random, sys, threading
import pedalboard
for _ in range(100):
    plugin = pedalboard.load_plugin(sys.argv[1], initialization_timeout=0.0)
    def work():
        for _ in range(4):
            for name in ("gain_db", "take", "influence", "guidance", "steps"):
                plugin.parameters[name].raw_value = random.random()
            plugin([], duration=0.001, sample_rate=48000, num_channels=2, buffer_size=64, reset=False)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    del work, plugin
"""


def test_instances_may_go_while_their_parameters_move(vst3):
    """The framework's own thread may be about to report a parameter of an instance that is gone."""
    run = subprocess.run([sys.executable, "-c", DROPPED, vst3], capture_output=True, text=True, timeout=100)
    assert run.returncode == 0, run.stderr[-2000:]
