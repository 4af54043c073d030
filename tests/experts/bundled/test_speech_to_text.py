"""Speech to text."""

import re
from dataclasses import replace

import numpy as np
import pytest
from hibari import Hibari

from hugginggpt.core.errors import ExpertError, HuggingGPTError, InputError, StoppedError
from hugginggpt.experts.base import Limits
from hugginggpt.workspace import media
from tests.conftest import MEDIA
from tests.experts.bundled.conftest import Bench, Done, StoppedAfter


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


FOREIGN = {
    "German": "ɡˈuːtən mˈɔɾɡən maɪn nˈɑːmə ɪst tˈoːmɑːs ʊnt ɪç vˈoːnə zaɪt dɾˈaɪ jˈɑːrən ɪn ˌaɪnɜ klˈaɪnən ʃtˈat",
    "Spanish": "el tɾˈem pˌaɾa maðɾˈid sˈale a las nwˈeβe i ðjˈeθ ðel andˈen kwˈatɾo poɾ faβˈoɾ tɾˈaɪɣa su βiʎˈete",
}
"""Sentences in the alphabet of the bundled voice, by espeak-ng's rules."""


@pytest.fixture(scope="session")
def voice() -> Hibari:
    return Hibari(voice="heart")


async def find_outcome(bench: Bench, samples: np.ndarray, rate: int) -> str:
    """Whether a recording was refused, or told as unsure; the decoder draws lots where it is in doubt, so both may come."""
    try:
        done = await bench.run("automatic-speech-recognition", audio=bench.sound(samples, rate))
    except ExpertError as error:
        return "refused" if "English speech in this recording: it may be another language" in str(error) else str(error)
    return "unsure" if done.data.get("unsure") and "not made out with confidence" in done.result.note else "told"


@pytest.mark.parametrize("language", FOREIGN)
async def test_another_language_becomes_no_english(bench: Bench, voice: Hibari, language: str) -> None:
    assert await find_outcome(bench, voice.from_phonemes(FOREIGN[language], seed=0), 24_000) in {"refused", "unsure"}


async def test_english_played_backwards_becomes_no_english(bench: Bench) -> None:
    samples = media.read_audio(MEDIA / "complaint.wav", rate=16_000, max_seconds=60)[::-1]
    assert await find_outcome(bench, samples, 16_000) in {"refused", "unsure"}


TIME = np.arange(5 * 16_000) / 16_000
CHORD = sum(np.sin(2 * np.pi * pitch * TIME) * np.exp(-2 * (TIME % 1)) for pitch in (220, 262, 330, 440, 523)) * 0.15
HUM = sum(np.sin(2 * np.pi * n * np.cumsum(180 + 60 * np.sin(2 * np.pi * 0.7 * TIME)) / 16_000) / n for n in range(1, 20)) * 0.2
NOISE = np.random.default_rng(0).standard_normal(TIME.size) * 0.1


@pytest.mark.parametrize(
    "samples", [CHORD, HUM, NOISE, NOISE * (np.sin(8 * np.pi * TIME) > 0), 0.3 * np.sin(100 * np.pi * TIME), NOISE * 0.005],
    ids=["music", "hum", "noise", "bursts", "mains", "hiss"],
)  # fmt: skip
async def test_sound_without_speech_is_no_speech(bench: Bench, samples: np.ndarray) -> None:
    with pytest.raises(InputError, match=r"^No speech is heard in this recording\.$"):
        await bench.run("automatic-speech-recognition", audio=bench.sound(samples.astype(np.float32), 16_000))


async def test_a_recording_longer_than_what_is_heard_is_written_down_as_far_as_that(bench: Bench) -> None:
    call = replace(
        bench.call("automatic-speech-recognition", audio=bench.demo("complaint.wav")), limits=Limits(max_audio_seconds=4.0)
    )
    done = Done(await bench.expert.run(call))
    assert "blender" in done.text
    assert "disappointed" not in done.text
    assert done.note.endswith("Only the first 0:04 of 0:07 are written down: that is the longest that is heard.")


async def test_subtitles_are_a_file_with_times(bench: Bench) -> None:
    done = await bench.run("automatic-speech-recognition", audio=bench.demo("complaint.wav"), instruction="subtitles as SRT")
    assert done.path.suffix == ".srt"
    assert done.path.read_text(encoding="utf-8") == done.text
    assert re.match(r"1\n00:00:0\d,\d{3} --> 00:00:0\d,\d{3}\nThe blender", done.text)


async def test_a_video_without_sound_is_one_sentence(bench: Bench) -> None:
    with pytest.raises(HuggingGPTError, match=r"^There is no sound in this file\.$"):
        await bench.run("automatic-speech-recognition", audio=bench.demo("clip.mp4"))


async def test_it_can_be_stopped(bench: Bench) -> None:
    with pytest.raises(StoppedError):
        await bench.run("automatic-speech-recognition", StoppedAfter(0), audio=bench.demo("speech.flac"))
