"""Speech to text."""

import numpy as np
import pytest

from hugginggpt.core.errors import HuggingGPTError, InputError, StoppedError
from tests.experts.bundled.conftest import Bench, StoppedAfter


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("speech.flac", "had he married a more amiable woman he might have been made still more respectable than he was"),
        ("complaint.wav", "i am very disappointed"),
    ],
)
async def test_a_recording_is_written_down(bench: Bench, name: str, said: str) -> None:
    heard = await bench.run("automatic-speech-recognition", audio=bench.demo(name))
    assert said in heard.text.lower().replace(",", "")


async def test_its_pieces_follow_each_other_within_its_length(bench: Bench) -> None:
    data = (await bench.run("automatic-speech-recognition", audio=bench.demo("speech.flac"))).data
    times = [edge for segment in data["segments"] for edge in (segment["start"], segment["end"])]
    assert times == sorted(times)
    assert times[0] >= 0
    assert times[-1] <= data["seconds"] + 0.05
    assert data["seconds"] == pytest.approx(9.34, abs=0.01)


@pytest.mark.parametrize("samples", [np.zeros(32_000, np.float32), np.zeros(10, np.float32)])
async def test_in_silence_nothing_is_made_up(bench: Bench, samples: np.ndarray) -> None:
    with pytest.raises(InputError, match=r"^No speech is heard in this recording\.$"):
        await bench.run("automatic-speech-recognition", audio=bench.sound(samples, 16_000))


async def test_a_video_without_sound_is_one_sentence(bench: Bench) -> None:
    with pytest.raises(HuggingGPTError, match=r"^There is no sound in this file\.$"):
        await bench.run("automatic-speech-recognition", audio=bench.demo("clip.mp4"))


async def test_it_can_be_stopped(bench: Bench) -> None:
    with pytest.raises(StoppedError):
        await bench.run("automatic-speech-recognition", StoppedAfter(0), audio=bench.demo("speech.flac"))
