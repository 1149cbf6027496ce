"""What a host pays for looking at the plugin."""

import json
import re
import shutil
import signal
import subprocess

import pytest
from conftest import ROOT, host


def test_scan_and_instances_are_cheap(clap):
    cost = json.loads(host("scan", clap, 64))
    print(cost)
    assert cost["plugins"] == 1
    assert cost["first_mib"] < 30, "an instance needs under 30 MB"
    # The weights would be read 64 times, or at least once: the mini bundle alone is larger than this.
    assert cost["all_mib"] < 64


def test_no_model_file_is_touched(clap):
    if not shutil.which("strace"):
        pytest.skip("strace is not installed")
    program = [ROOT / "target/release/examples/host", "scan", clap, "2"]
    run = subprocess.run(["strace", "-f", "-e", "trace=%file", *program], capture_output=True, text=True, check=True)
    touched = set(re.findall(r'"([^"]*)"', run.stderr))
    assert any(path.endswith("MeLFusion.clap") for path in touched), "the trace shows the plugin itself"
    model = [path for path in touched if re.search(r"safetensors|bundles|tokenizer|manifest\.toml", path)]
    assert not model, f"scanning opened {model}"


@pytest.fixture
def checked():
    """The plugin as it was built with `assert_process_allocs`: any allocation in `process` ends the program."""
    built = ROOT / "target/checked/libmelfusion_plugin.so"
    if not built.exists():
        pytest.skip("not built with assert_process_allocs")
    return built


def test_nothing_is_allocated_in_process(tmp_path, checked):
    host("fixture", tmp_path, 48000, 120, 1)
    print(host("blocks", checked, tmp_path / "state.json", 200_000))


def test_what_were_allocated_in_process_would_end_the_program(tmp_path, checked, monkeypatch):
    host("fixture", tmp_path, 48000, 120, 1)
    monkeypatch.setenv("MELFUSION_PLANT_ALLOCATION", "1")
    with pytest.raises(subprocess.CalledProcessError) as ended:
        host("blocks", checked, tmp_path / "state.json", 1)
    assert ended.value.returncode == -signal.SIGABRT and "memory allocation" in ended.value.stderr
