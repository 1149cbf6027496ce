"""A session of Ardour's with the files of a storyboard, each where it says that it begins."""

import os
from pathlib import Path
from xml.sax.saxutils import quoteattr

import numpy as np
import soundfile
import test_ardour


class BoardSession(test_ardour.Session):
    def __init__(self, folder: Path, rate: int, tempi: str, bars: int):
        """`tempi`: a line "quarters bpm" each."""
        self.folder = folder / "session"
        settings = {"HOME": folder, "SESSION": self.folder, "RATE": rate, "TEMPI": tempi, "BARS": bars}
        self.environment = os.environ | {name: str(value) for name, value in settings.items()}
        for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
            self.environment.pop(name, None)
        self.rate = rate
        self.lua("tracks.lua")

    def place(self, files: dict[str, list[Path]], markers: list[tuple[int, str]]):
        """Imports the files of each track, and the markers."""
        paths = [(track, path) for track, paths in files.items() for path in paths]
        parts = [self.source_and_region(9000 + 3 * number, *path) for number, path in enumerate(paths)]
        sources, regions = zip(*parts)
        locations = [self.marker(8000 + number, *marker) for number, marker in enumerate(markers)]
        text = self.file.read_text()
        for element, parts in [("Sources", sources), ("Regions", regions), ("Locations", locations)]:
            assert f"<{element}/>" in text, "a new session has none"
            text = text.replace(f"<{element}/>", f"<{element}>{''.join(parts)}</{element}>")
        self.file.write_text(text)
        self.lua("place.lua")
        self.told = [line.split("\t") for line in self.lua("places.lua").splitlines() if "\t" in line]

    def source_and_region(self, number: int, track: str, path: Path) -> tuple[str, str]:
        """The sources and the region of a file, which Ardour's Lua cannot make; `place.lua` reads the region's name."""
        file = f'type="audio" flags="" name={quoteattr(path.name)} origin={quoteattr(str(path))}'
        sources = "".join(f'<Source id="{number + channel}" channel="{channel}" {file}/>' for channel in range(2))
        channels = f'channels="2" source-0="{number}" source-1="{number + 1}"'
        whole = f'whole-file="1" start="a0" length="{self.clock(soundfile.info(path).frames)}@a0"'
        name = quoteattr(f"{track} {path.stem}")
        return sources, f'<Region id="{number + 2}" type="audio" name={name} {channels} {whole}/>'

    def marker(self, number: int, at: int, name: str) -> str:
        """One of the timeline's, which Ardour's Lua cannot make either."""
        time = f'start="{self.clock(at)}" end="{self.clock(at)}" timestamp="1"'
        return f'<Location id="{number}" name={quoteattr(name)} {time} flags="IsMark" locked="0" cue="0"/>'

    def clock(self, frames: int) -> str:
        """Ardour's word for a time."""
        units, rest = divmod(frames * test_ardour.SECOND, self.rate)
        assert rest == 0
        return f"a{units}"

    def places(self, kind: str) -> list[tuple]:
        """What Ardour says of a track's regions, of the markers or the bars: a name and frames each, by place."""
        found = [(name, *map(int, frames)) for about, name, *frames in self.told if about == kind]
        return sorted(found, key=lambda each: each[1])

    def sound(self, track: str, start: int) -> np.ndarray:
        """What Ardour reads of the region that starts there, (frames, 2)."""
        return np.stack([np.fromfile(self.folder / f"{track} {start} {channel}.f32", "<f4") for channel in range(2)], 1)
