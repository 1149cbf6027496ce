"""The word lists beside this file: `english.z`, words that are right as they are, `captions.txt`, what captions are made of, and
`moods.txt`, what of them says how pleasant and how lively music is.

    apt-get download wamerican-large wbritish-large     # SCOWL 2020.12.07, sizes up to 70; see LICENSE-SCOWL
    for deb in *.deb; do dpkg-deb -x $deb scowl; done
    python make.py scowl/usr/share/dict/american-english-large scowl/usr/share/dict/british-english-large

Needs numpy, for the recipe's captions. Words are lower-case and without accents, as the recipe's tokenizer has them; those of
under four letters, which are never corrected, and those with an apostrophe are left out.
"""

from __future__ import annotations

import re
import sys
import unicodedata
import zlib
from pathlib import Path

HERE = Path(__file__).parent
SHORTEST = 4
LETTERS = re.compile(r"[^\W\d_]+")

sys.path.insert(0, str(HERE.parents[2] / "bundles/mini/recipe"))
import moods  # noqa: E402
from caption import all_phrases  # noqa: E402


def plain(text: str) -> str:
    """`text` in lower case, without accents."""
    apart = unicodedata.normalize("NFKD", text)
    return "".join(c for c in apart if unicodedata.category(c) != "Mn").lower()


def words(text: str) -> list[str]:
    """The runs of letters in `text`."""
    return LETTERS.findall(plain(text))


def main() -> None:
    """The command line."""
    captions = sorted({word for phrase in all_phrases() for word in words(phrase)})
    terms = "\n".join(line for line in (HERE / "terms.txt").read_text().splitlines() if not line.startswith("#"))
    lines = [line for path in sys.argv[1:] for line in Path(path).read_text().splitlines() if "'" not in line]
    known = {*captions, *words(terms), *(word for line in lines for word in words(line))}
    known = sorted(word for word in known if len(word) >= SHORTEST)
    (HERE / "captions.txt").write_text("\n".join(captions) + "\n")
    (HERE / "english.z").write_bytes(zlib.compress(("\n".join(known) + "\n").encode(), 9))
    say = lambda value: "-" if value is None else f"{value:g}"
    told = sorted(moods.table().items())
    (HERE / "moods.txt").write_text("".join(f"{phrase}|{say(valence)} {say(energy)}\n" for phrase, (valence, energy) in told))
    print(f"{len(known)} words, {len(captions)} of captions")


if __name__ == "__main__":
    main()
