"""The VST3 in a host with a real play head: DawDreamer."""

import json
import time

import dawdreamer
import juce
import numpy as np
import pytest
from conftest import assert_same


def load(vst3, project, block=512):
    engine = dawdreamer.RenderEngine(project.rate, block)
    plugin = engine.make_plugin_processor("melfusion", vst3)
    plugin.load_state(str(project.file))
    engine.set_bpm(project.bpm)
    assert engine.load_graph([(plugin, [])])
    return engine, plugin


def render(engine, seconds):
    assert engine.render(seconds)
    return engine.get_audio().T


def rounds(take, frames):
    return np.resize(take, (frames, 2))


def parameter(plugin, name):
    return next(p["index"] for p in plugin.get_parameters_description() if p["name"] == name)


@pytest.mark.parametrize("block", [1, 64, 100, 512, 4096])
@pytest.mark.parametrize(("rate", "bpm"), [(48000, 95.0), (44100, 120.0), (96000, 150.0)])
def test_the_clip_is_heard_sample_for_sample(vst3, make_project, block, rate, bpm):
    project = make_project(rate, bpm, 1)
    engine, _ = load(vst3, project, block)
    seconds = 1.0 if block == 1 else 4.0
    heard = render(engine, seconds)
    assert_same(heard, whole_rounds(project, len(heard)), f"{rate} Hz, {bpm} bpm, blocks of {block}")


def whole_rounds(project, frames, take=0):
    """Rounds begin at rounded multiples of the exact length. One that is a frame longer than the clip ends in the mean of
    its last and first frame."""
    exact = project.bars * 4 * 60 / project.bpm * project.rate
    clip = project.takes[take]
    longer = np.vstack([clip, (clip[:1] + clip[-1:]) * np.float32(0.5)])
    begins = np.round(np.arange(frames / exact + 1) * exact).astype(int)
    return np.vstack([longer[: end - begin] for begin, end in zip(begins, begins[1:])])[:frames]


def test_a_second_render_is_the_same(vst3, make_project):
    project = make_project(48000, 120.0, 2)
    engine, _ = load(vst3, project)
    first, second = render(engine, 3.0), render(engine, 3.0)
    assert_same(first, rounds(project.takes[0], len(first)))
    assert_same(second, first)


def test_a_saved_state_opens_with_the_same_sound(vst3, make_project, tmp_path):
    project = make_project(48000, 120.0, 1)
    _, plugin = load(vst3, project)
    for trip in range(5):
        saved = tmp_path / f"saved{trip}"
        plugin.save_state(str(saved))
        state, original = (json.loads(text) for text in (juce.unwrap(saved.read_bytes()), project.json))
        assert state["fields"] == original["fields"]
        engine, plugin = load(vst3, project._replace(file=saved))
        heard = render(engine, 2.5)
        assert_same(heard, rounds(project.takes[0], len(heard)), f"trip {trip}")


def test_take_and_gain_are_automated(vst3, make_project):
    project = make_project(48000, 120.0, 1)
    engine, plugin = load(vst3, project, 480)
    frames = 4 * 48000
    take = np.zeros(frames, np.float32)
    take[48000:] = 1 / 15
    take[96000:] = 2 / 15
    plugin.set_automation(parameter(plugin, "Take"), take)
    heard = render(engine, 4.0)
    for index in range(3):
        begin, end = 48000 * index + 1440, 48000 * (index + 1)
        assert_same(heard[begin:end], rounds(project.takes[index], frames)[begin:end], f"take {index + 1}")
    mute = np.zeros(frames, np.float32)
    mute[48000:96000] = 1
    plugin.set_automation(parameter(plugin, "Mute"), mute)
    heard = render(engine, 4.0)
    assert not heard[49440:96000].any()
    begin, end = 96000 + 1440, 4 * 48000
    assert_same(heard[begin:end], rounds(project.takes[2], frames)[begin:end], "after mute")


def test_a_moving_tempo_keeps_every_pip_in_time(vst3, make_project):
    project = make_project(48000, 100.0, 2, "pips")
    engine, _ = load(vst3, project, 64)
    ppqn, quarters = 960, 28
    ticks = np.arange(ppqn * quarters)
    tempo = np.interp(ticks / ppqn, [0, 2, 14, 26], [100, 100, 140, 80])
    engine.set_bpm(tempo.astype(np.float32), ppqn)
    seconds = np.append(0, np.cumsum(60 / tempo / ppqn))
    heard = render(engine, float(seconds[26 * ppqn]))[:, 0]
    power = np.convolve(heard.astype(float) ** 2, np.hanning(385), "same")
    errors = []
    for half in range(2, 50):
        expected = seconds[half * ppqn // 2] * 48000
        begin = int(expected) - 4800
        window = power[max(begin, 0) : int(expected) + 4800]
        assert window.max() > 0.02 * power.max(), f"no pip at {half / 2} quarter notes"
        errors.append((max(begin, 0) + int(window.argmax()) - expected) / 48)
    assert np.abs(errors).max() <= 1.0, f"off by up to {np.abs(errors).max():.2f} ms: {np.round(errors, 2)}"


def test_another_constant_tempo_is_in_time(vst3, make_project):
    project = make_project(48000, 100.0, 2, "pips")
    engine, _ = load(vst3, project)
    engine.set_bpm(117.0)
    heard = render(engine, 10.0)[:, 0]
    power = np.convolve(heard.astype(float) ** 2, np.hanning(385), "same")
    for half in range(1, 38):
        expected = half * 30 / 117 * 48000
        begin = int(expected) - 4800
        error = (begin + int(power[begin : int(expected) + 4800].argmax()) - expected) / 48
        assert abs(error) <= 1.0, f"{error:.2f} ms at {half / 2} quarter notes"


def assert_one_kind(vst3, project, seconds):
    """A render at once, and others when fits have had the time to be made."""
    engine, _ = load(vst3, project)
    engine.set_bpm(110.0)
    at_once = render(engine, seconds)
    assert np.abs(at_once).max() > 0.05
    time.sleep(6)
    assert_same(render(engine, seconds), at_once, "the same instance, later")
    other, _ = load(vst3, project)
    other.set_bpm(110.0)
    # The host has told its tempo, and stands.
    render(other, 0.1)
    time.sleep(6)
    assert_same(render(other, seconds), at_once, "another instance, later")
    return at_once


def test_renders_at_another_tempo_than_the_clips_are_equal_whenever_they_start(vst3, make_project):
    project = make_project(48000, 96.0, 2)
    assert_one_kind(vst3, project, 20.0)


def test_a_long_render_at_another_tempo_is_of_one_kind(vst3, make_project):
    project = make_project(48000, 96.0, 2)
    engine, _ = load(vst3, project)
    engine.set_bpm(110.0)
    long = render(engine, 300.0)
    # Eleven rounds are a whole number of frames: what is copied comes again after as many, and what is stretched does not.
    again = 11 * 8 * 60 * 48000 // 110
    kinds = [np.array_equal(long[at:][:4800], long[at + again :][:4800]) for at in range(48000, len(long) - again, 240000)]
    assert len(kinds) > 40 and len(set(kinds)) == 1, f"copied: {kinds}"


def test_a_storyboard_at_another_tempo_is_of_one_kind(vst3, make_board):
    assert_one_kind(vst3, make_board(48000, 96.0), 14.0)


def test_nonsense_is_survived(vst3, make_project, tmp_path):
    project = make_project(48000, 120.0, 1)
    engine, plugin = load(vst3, project)
    dice = np.random.default_rng(1)
    for length in [0, 1, 100, 100000]:
        file = tmp_path / "nonsense"
        file.write_bytes(juce.wrap(dice.bytes(length)))
        plugin.load_state(str(file))
        file.write_bytes(juce.wrap(project.json[: len(project.json) * length // 200000]))
        plugin.load_state(str(file))
    heard = render(engine, 1.0)
    assert_same(heard, rounds(project.takes[0], len(heard)), "the good state still stands")


@pytest.mark.parametrize("block", [64, 500, 4096])
@pytest.mark.parametrize(("rate", "bpm"), [(48000, 95.0), (44100, 97.0)])
def test_a_storyboard_is_heard_as_the_engine_mixes_it(vst3, make_board, block, rate, bpm):
    board = make_board(rate, bpm)
    engine, _ = load(vst3, board, block)
    bed = board.takes
    heard = render(engine, len(bed) / rate + 0.5)
    assert_same(heard[: len(bed)], bed, f"{rate} Hz, {bpm} bpm, blocks of {block}")
    assert not heard[len(bed) :].any(), "it is played once"


def test_a_storyboard_of_the_command_line_is_heard_bit_for_bit(vst3, written_board):
    board = written_board(
        """
        tempo = 97
        seed = 7
        steps = 4
        style = "warm strings"
        transition = "crossfade 1"
        rate = 44100

        [[cue]]
        prompt = "calm piano"
        picture = "{frames}/harbour.png"
        bars = 1

        [[cue]]
        prompt = "low drums"
        bars = 2

        [[cue]]
        bars = 1
        """
    )
    engine, _ = load(vst3, board)
    heard = render(engine, len(board.takes) / board.rate)
    assert_same(heard, board.takes[: len(heard)], "null test")
    assert np.abs(heard).max() > 0.05


def test_notes_choose_cues_from_bar_line_to_bar_line(vst3, make_board):
    board = make_board(48000, 120.0)
    engine, plugin = load(vst3, board, 480)
    plugin.set_automation(parameter(plugin, "Cues by note"), np.ones(8 * 48000, np.float32))
    # In the first bar the third cue, three bars long, and in the fourth the second, of one bar.
    plugin.add_midi_note(38, 100, 0.7, 0.5)
    plugin.add_midi_note(37, 100, 6.5, 0.5)
    heard = render(engine, 12.0)
    bar, fade = 96000, 600
    third, second = board.cues[2], board.cues[1]
    assert_same(heard[fade:bar], board.takes[fade:bar], "the board")
    assert_same(heard[bar + fade : 4 * bar], third[fade:], "the third cue")
    assert_same(heard[4 * bar + fade : 6 * bar], np.vstack([second, second])[fade:], "the second cue, twice")


def takes(plugin, file):
    plugin.save_state(str(file))
    return json.loads(json.loads(juce.unwrap(file.read_bytes()))["fields"]["project"]).count("\ntake ")


def press_generate(engine, plugin):
    switch = np.zeros(48000, np.float32)
    switch[24000:] = 1
    plugin.set_automation(parameter(plugin, "Generate"), switch)
    render(engine, 1.0)


def wait_for_takes(plugin, file, count):
    end = time.monotonic() + 120
    while takes(plugin, file) < count:
        assert time.monotonic() < end, "no take came"
        time.sleep(0.05)


@pytest.mark.parametrize("is_running", [False, True])
def test_generate_that_was_saved_on_makes_no_take_until_it_is_pressed(vst3, generate_project, tmp_path, is_running):
    engine = dawdreamer.RenderEngine(generate_project.rate, 512)
    plugin = engine.make_plugin_processor("melfusion", vst3)
    assert engine.load_graph([(plugin, [])])
    if is_running:
        render(engine, 1.0)
    plugin.load_state(str(generate_project.file))
    render(engine, 1.0)
    # Those who were served less come first: whatever was ordered above is made before another's second take.
    other_engine, other = load(vst3, generate_project)
    file = tmp_path / "saved"
    for count in (1, 2):
        press_generate(other_engine, other)
        wait_for_takes(other, file, count)
    assert takes(plugin, file) == 0, "nobody pressed it"
    press_generate(engine, plugin)
    wait_for_takes(plugin, file, 1)
    assert takes(plugin, file) == 1
