"""Sounds with known contents: sentences in several conditions, backwards, in other languages; music and noises."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve, resample_poly

from hugginggpt.core.yaml_files import read_yaml
from hugginggpt.workspace import media

if TYPE_CHECKING:
    from hibari import Hibari

Sound = NDArray[np.float64]

_RATE: Final = 16_000


def speak(text: str = "", language: str = "", change: str = "plain") -> Sound:
    """Return the bundled voice saying an English text, or the sentence of another language in `sounds.yaml`; changed."""
    voice = _load_voice()
    said = voice.from_phonemes(_list_sentences()[language], seed=0) if language else voice(text, seed=0)
    changed: Sound = _CHANGES[change](resample_poly(said, 2, 3))
    return changed


def save(path: Path, sound: Sound) -> None:
    """Write a sound of 16 kHz."""
    media.write_wav(path, np.clip(sound, -1, 1), _RATE)


@functools.cache
def _load_voice() -> Hibari:
    from hibari import Hibari

    return Hibari(voice="heart")


@functools.cache
def _list_sentences() -> Mapping[str, str]:
    return read_yaml(Path(__file__).with_suffix(".yaml"), dict[str, str])


def _add_noise(sound: Sound, decibels: float) -> Sound:
    """Return a sound with white noise, `decibels` below it."""
    noise = np.random.default_rng(1).standard_normal(sound.size)
    noisy: Sound = sound + noise * np.sqrt(np.square(sound).mean()) * 10 ** (-decibels / 20)
    return noisy


def _add_echo(sound: Sound) -> Sound:
    """Return a sound as it is in a hall."""
    tail = np.random.default_rng(1).standard_normal(_RATE // 2) * np.exp(-6.9 * np.arange(_RATE // 2) / (_RATE // 2))
    echoing: Sound = sound + 0.5 * fftconvolve(sound, tail / np.linalg.norm(tail))[: sound.size]
    return echoing


def _cut_band(sound: Sound) -> Sound:
    """Return a sound as a telephone carries it."""
    spectrum, pitches = np.fft.rfft(sound), np.fft.rfftfreq(sound.size, 1 / _RATE)
    return np.fft.irfft(spectrum * ((pitches > 300) & (pitches < 3400)), sound.size)


def _play_chords(seconds: float) -> Sound:
    """Return four chords, one a second, over and over."""
    at = np.arange(int(seconds * _RATE)) / _RATE
    roots = np.array([261.6, 220.0, 174.6, 196.0])[at.astype(int) % 4]
    chords: Sound = sum(np.sin(2 * np.pi * roots * step * at) * np.exp(-2 * (at % 1)) for step in (1, 1.25, 1.5, 2, 3)) * 0.12
    return chords


def _make_noise(seconds: float = 8, level: float = 0.1) -> Sound:
    noise: Sound = np.random.default_rng(1).standard_normal(int(seconds * _RATE)) * level
    return noise


def _play_tone(pitch: float, level: float) -> Sound:
    tone: Sound = level * np.sin(2 * np.pi * pitch * _count_seconds())
    return tone


def _count_seconds(seconds: float = 8) -> Sound:
    return np.arange(int(seconds * _RATE)) / _RATE


_CHANGES: Final[Mapping[str, Callable[[Sound], Sound]]] = {
    "plain": lambda s: s,
    "backwards": lambda s: s[::-1],
    "faster and higher": lambda s: resample_poly(s, 100, 115),
    "slower and lower": lambda s: resample_poly(s, 100, 87),
    "noise 12 dB below": lambda s: _add_noise(s, 12),
    "noise 3 dB below": lambda s: _add_noise(s, 3),
    "echo": _add_echo,
    "telephone": _cut_band,
    "faint": lambda s: s * 0.02,
    "over music": lambda s: s + _play_chords(s.size / _RATE)[: s.size] * 0.6,
}
NO_SPEECH: Final[Mapping[str, Callable[[], Sound]]] = {
    "music": lambda: _play_chords(8),
    "noise": _make_noise,
    "noise in bursts": lambda: _make_noise() * (np.sin(8 * np.pi * _count_seconds()) > 0),
    "faint noise": lambda: _make_noise(level=0.001),
    "silence": lambda: np.zeros(8 * _RATE),
    "hum": lambda: _play_tone(50, 0.3),
    "beeps": lambda: _play_tone(1000, 1.0) * (_count_seconds() % 1 < 0.3),
}
