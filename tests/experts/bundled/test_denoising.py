"""Speech without its noise."""

import numpy as np
import pytest
import soundfile

from hugginggpt.core.errors import StoppedError
from hugginggpt.experts.bundled.denoising import SAMPLE_RATE
from hugginggpt.workspace import media
from tests.conftest import MEDIA
from tests.experts.bundled.conftest import Bench, StoppedAfter


def si_sdr(estimate: np.ndarray, reference: np.ndarray) -> float:
    """Return the scale-invariant signal-to-distortion ratio of speech, in dB (arXiv 1811.02508)."""
    estimate, reference = estimate.astype(float), reference.astype(float)
    target = reference * (estimate @ reference) / (reference @ reference)
    return float(10 * np.log10((target @ target) / ((estimate - target) @ (estimate - target))))


def samples(path: object) -> np.ndarray:
    return media.read_audio(MEDIA / str(path), rate=SAMPLE_RATE, max_seconds=60)


async def test_the_speech_stands_out_more_than_before(bench: Bench) -> None:
    done = await bench.run("audio-to-audio", audio=bench.demo("noisy-speech.wav"))
    speech, noisy, cleaned = samples("speech.flac"), samples("noisy-speech.wav"), samples(done.path)
    n = min(speech.size, noisy.size, cleaned.size)
    before, after = si_sdr(noisy[:n], speech[:n]), si_sdr(cleaned[:n], speech[:n])
    assert before == pytest.approx(10, abs=0.5)
    assert after > before + 2


async def test_the_cleaned_recording_is_as_long_and_plays_everywhere(bench: Bench) -> None:
    done = await bench.run("audio-to-audio", audio=bench.demo("noisy-speech.wav"))
    info = soundfile.info(done.path)
    assert (info.format, info.subtype, info.samplerate, info.channels) == ("WAV", "PCM_16", 48_000, 1)
    assert info.frames == samples("noisy-speech.wav").size


@pytest.mark.parametrize("count", [1, 479, 48_000])
async def test_silence_of_any_length_stays_silent_and_as_long(bench: Bench, count: int) -> None:
    done = await bench.run("audio-to-audio", audio=bench.sound(np.zeros(count, np.float32), SAMPLE_RATE))
    cleaned, _ = soundfile.read(done.path)
    assert cleaned.shape == (count,)
    assert np.abs(cleaned).max() < 1e-3


async def test_it_can_be_stopped_half_way(bench: Bench) -> None:
    with pytest.raises(StoppedError):
        await bench.run("audio-to-audio", StoppedAfter(2), audio=bench.demo("noisy-speech.wav"))
    assert len(bench.progress) == 2
