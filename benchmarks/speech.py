"""Measure the bundled recognizer on English, and on what is none: ``python -m benchmarks.speech [share]``.

The files are made here: English sentences by the bundled voice, at several speeds and pitches, with noise, echo, a telephone's
band and music; the same backwards; sentences of other languages; music and noises. A share of 0.2 takes every fifth file.
"""

from __future__ import annotations

import asyncio
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any, Final

import numpy as np
import yaml
from numpy.typing import NDArray
from scipy.signal import fftconvolve, resample_poly

from hugginggpt.core.errors import ExpertError
from hugginggpt.core.resources import Origin, Resource
from hugginggpt.core.tasks import Kind
from hugginggpt.experts.base import Call, Result
from hugginggpt.experts.bundled.expert import BundledExpert
from hugginggpt.workspace import media

Sound = NDArray[np.float64]

RATE: Final = 16_000
TEXTS: Final[Mapping[str, Any]] = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))
_random: Final = np.random.default_rng(1)
_NUMBERS: Final = {"ten": "10", "nine": "9", "four": "4", "eight": "8", "twentyseven": "27"}


@dataclass
class Tally:
    """Outcomes of one kind of files."""

    outcomes: Counter[str] = field(default_factory=Counter)
    words: int = 0
    right: int = 0
    seconds: float = 0.0
    """Processor time."""


def add_noise(sound: Sound, decibels: float) -> Sound:
    """Return a sound with white noise, `decibels` below it."""
    noise = _random.standard_normal(sound.size)
    noisy: Sound = sound + noise * np.sqrt(np.square(sound).mean()) * 10 ** (-decibels / 20)
    return noisy


def add_echo(sound: Sound) -> Sound:
    """Return a sound as it is in a hall."""
    tail = _random.standard_normal(RATE // 2) * np.exp(-6.9 * np.arange(RATE // 2) / (RATE // 2))
    echoing: Sound = sound + 0.5 * fftconvolve(sound, tail / np.linalg.norm(tail))[: sound.size]
    return echoing


def cut_band(sound: Sound) -> Sound:
    """Return a sound as a telephone carries it."""
    spectrum, pitches = np.fft.rfft(sound), np.fft.rfftfreq(sound.size, 1 / RATE)
    return np.fft.irfft(spectrum * ((pitches > 300) & (pitches < 3400)), sound.size)


def play_chords(seconds: float) -> Sound:
    """Return four chords, one a second, over and over."""
    at = np.arange(int(seconds * RATE)) / RATE
    roots = np.array([261.6, 220.0, 174.6, 196.0])[at.astype(int) % 4]
    chords: Sound = sum(np.sin(2 * np.pi * roots * step * at) * np.exp(-2 * (at % 1)) for step in (1, 1.25, 1.5, 2, 3)) * 0.12
    return chords


CHANGES: Final[Mapping[str, Callable[[Sound], Sound]]] = {
    "plain": lambda s: s,
    "faster and higher": lambda s: resample_poly(s, 100, 115),
    "slower and lower": lambda s: resample_poly(s, 100, 87),
    "noise 10 dB below": lambda s: add_noise(s, 10),
    "noise 3 dB below": lambda s: add_noise(s, 3),
    "echo": add_echo,
    "telephone": cut_band,
    "faint": lambda s: s * 0.02,
    "over music": lambda s: s + play_chords(s.size / RATE)[: s.size] * 0.6,
}


def make_files() -> Iterator[tuple[str, str, Sound]]:
    """Yield kind, the English words said (none where there are none), and the sound."""
    from hibari import Hibari

    voice = Hibari(voice="heart")
    for text in TEXTS["english"]:
        said = resample_poly(voice(text, seed=0), 2, 3)
        yield from ((f"English, {name}", text, change(said)) for name, change in CHANGES.items())
        yield "backwards", "", said[::-1]
    for phonemes in TEXTS["foreign"].values():
        said = resample_poly(voice.from_phonemes(phonemes, seed=0), 2, 3)
        yield from (("other language", "", said), ("other language, noise", "", add_noise(said, 12)))
        yield "other language, over music", "", CHANGES["over music"](said)
    at = np.arange(8 * RATE) / RATE
    noise = _random.standard_normal(at.size) * 0.1
    yield from (
        ("no speech", "", sound) for sound in (play_chords(8), noise, noise * (np.sin(8 * np.pi * at) > 0), noise * 0.01)
    )
    yield from (
        ("no speech", "", sound)
        for sound in (at * 0, 0.3 * np.sin(100 * np.pi * at), np.sin(2e3 * np.pi * at) * (at % 1 < 0.3))
    )


def count_right(said: str, heard: str) -> tuple[int, int]:
    """Return how many words of what was said were heard, and how many there are."""

    def split(text: str) -> list[str]:
        return [_NUMBERS.get(word, word) for word in re.findall(r"\w+", text.lower().replace("twenty seven", "twentyseven"))]

    words = split(said)
    return sum(b.size for b in SequenceMatcher(None, words, split(heard), autojunk=False).get_matching_blocks()), len(words)


async def measure(share: float) -> Mapping[str, Tally]:
    """Transcribe every file, or a share of them."""
    expert, tallies = BundledExpert(), dict[str, Tally]()
    card = next(card for card in expert.cards() if card.task == "automatic-speech-recognition")
    with tempfile.TemporaryDirectory() as folder:
        for number, (kind, said, sound) in enumerate(make_files()):
            if int(number * share) == int((number - 1) * share) and number:
                continue
            path = Path(folder, f"{number}.wav")
            media.write_wav(path, np.clip(sound, -1, 1), RATE)
            audio = Resource("audio-1", Kind.AUDIO, Origin("upload", path.name), path)
            begun, tally = time.process_time(), tallies.setdefault(kind, Tally())
            try:
                result: Result | None = await expert.run(Call(card, {"audio": audio}, path.with_suffix))
            except ExpertError:
                result = None
            tally.seconds += time.process_time() - begun
            heard = result.outputs[0].text or "" if result else ""
            right, words = count_right(said, heard)
            tally.words, tally.right = tally.words + words, tally.right + right
            hedged = result is not None and "unsure" in result.outputs[0].data
            tally.outcomes["refused" if result is None else "hedged" if hedged else "told" if said else "invented"] += 1
    return tallies


def main() -> None:
    """Print a table."""
    share = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    print(f"{'':28} {'told':>5} {'hedged':>7} {'refused':>8} {'invented':>9} {'words right':>12} {'CPU s a file':>13}")
    for kind, tally in asyncio.run(measure(share)).items():
        counts = [tally.outcomes[name] for name in ("told", "hedged", "refused", "invented")]
        words = f"{tally.right}/{tally.words}" if tally.words else ""
        row = f"{kind:28} {counts[0]:5} {counts[1]:7} {counts[2]:8} {counts[3]:9} {words:>12}"
        print(f"{row} {tally.seconds / sum(counts):13.1f}")


if __name__ == "__main__":
    main()
