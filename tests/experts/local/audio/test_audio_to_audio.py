"""Recordings made anew."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from hugginggpt.core.errors import InputError, StoppedError
from tests.checkpoints import HubCache
from tests.experts.bundled.conftest import StoppedAfter
from tests.experts.local.conftest import LocalBench

MODEL = "tiny/speecht5-vc"


@pytest.fixture(autouse=True)
def vocoder(hub_cache: HubCache) -> None:
    """The second checkpoint."""
    hub_cache.add("tiny/speecht5-hifigan")


async def test_speech_becomes_speech(local: LocalBench) -> None:
    done = await local.run("audio-to-audio", MODEL, audio=local.demo("noisy-speech.wav"))
    samples, rate = soundfile.read(done.path)
    assert done.data == {"seconds": round(len(samples) / rate, 2), "rate": rate}
    assert rate == 16_000
    assert samples.any()
    assert "made up" in done.result.note


async def test_bad_recordings_are_refused_in_a_sentence(local: LocalBench, tmp_path: Path) -> None:
    for samples, reason in ((np.zeros(16_000), "silent"), (np.ones(5), "shorter than a tenth")):
        path = tmp_path / f"{reason}.wav"
        soundfile.write(path, samples, 16_000)
        with pytest.raises(InputError, match=reason):
            await local.run("audio-to-audio", MODEL, audio=local.file(path))


async def test_stop_reaches_into_a_sentence(local: LocalBench) -> None:
    token = StoppedAfter(6)
    with pytest.raises(StoppedError):
        await local.run("audio-to-audio", MODEL, token, audio=local.demo("speech.flac"))
    assert token.seen == 7
