"""Speech, music and sounds from texts."""

import re
from pathlib import Path

import numpy as np
import pytest
import soundfile

from hugginggpt.core.errors import ExpertError, InputError, StoppedError
from hugginggpt.experts.local.audio.text_to_speech import split_into_utterances
from hugginggpt.experts.local.expert import LocalExpert
from tests.checkpoints import HubCache
from tests.experts.bundled.conftest import StoppedAfter
from tests.experts.local.conftest import Done, LocalBench

VOICES = ("tiny/vits", "tiny/speecht5-tts", "tiny/bark")
COMPOSERS = ("tiny/musicgen", "tiny/musicgen-melody", "tiny/stable-audio")
TEXT = "the quick brown fox"


@pytest.fixture(autouse=True)
def vocoder(hub_cache: HubCache) -> None:
    """SpeechT5's second checkpoint."""
    hub_cache.add("tiny/speecht5-hifigan")


def sound(done: Done) -> np.ndarray:
    """What a WAV file holds, after its measures have been compared with what was said of it."""
    assert done.path.suffix == ".wav"
    samples, rate = soundfile.read(done.path)
    assert done.data == {"seconds": round(len(samples) / rate, 2), "rate": rate}
    return samples


@pytest.mark.parametrize("model", VOICES)
async def test_a_text_becomes_a_recording(local: LocalBench, model: str) -> None:
    done = await local.run("text-to-speech", model, text=TEXT)
    samples = sound(done)
    assert samples.size
    assert samples.ndim == 1
    assert samples.any()


@pytest.mark.parametrize("model", VOICES)
async def test_a_long_text_is_said_sentence_by_sentence(local: LocalBench, model: str) -> None:
    one = await local.run("text-to-speech", model, text=TEXT)
    three = await local.run("text-to-speech", model, text="The quick brown fox. It jumps!\n- over a dog")
    assert three.data["seconds"] > 0.3  # two pauses
    assert three.data["rate"] == one.data["rate"]
    assert [message for message, _ in local.progress][-3:] == [f"sentence {n} of 3" for n in (1, 2, 3)]


@pytest.mark.parametrize("model", VOICES)
async def test_stop_reaches_into_a_sentence(local: LocalBench, model: str) -> None:
    await local.run("text-to-speech", model, text=TEXT)  # loaded
    token = StoppedAfter(6)
    with pytest.raises(StoppedError):
        await local.run("text-to-speech", model, token, text=TEXT)
    assert token.seen == 7


async def test_a_text_that_a_voice_has_no_letters_for_is_refused(local: LocalBench) -> None:
    for text in ("你好。", "... !!"):
        with pytest.raises(InputError, match="nothing in this text"):
            await local.run("text-to-speech", "tiny/vits", text=text)
    partly = await local.run("text-to-speech", "tiny/vits", text="你好。 hello")
    assert sound(partly).size


async def test_a_voice_without_its_vocoder_says_what_is_missing(local: LocalBench, tmp_path: Path) -> None:
    cache = HubCache(tmp_path / "hub")
    alone = LocalBench(cache, local.workspace, LocalExpert(cache.folder, memory_gb=1))
    with pytest.raises(ExpertError, match="microsoft/speecht5_hifigan"):
        await alone.run("text-to-speech", "tiny/speecht5-tts", text=TEXT)


async def test_a_made_up_voice_is_owned_up_to(local: LocalBench) -> None:
    done = await local.run("text-to-speech", "tiny/speecht5-tts", text=TEXT)
    assert "made up" in done.result.note


@pytest.mark.parametrize("model", COMPOSERS)
async def test_a_description_becomes_some_seconds_of_sound(local: LocalBench, model: str) -> None:
    done = await local.run("text-to-audio", model, text="a calm piano melody")
    assert sound(done).any()
    assert 4 <= done.data["seconds"] <= 12
    fractions = [fraction for _, fraction in local.progress if fraction is not None]
    assert len(fractions) > 2
    assert fractions == sorted(fractions)
    assert fractions[-1] <= 1


@pytest.mark.parametrize("model", COMPOSERS)
async def test_stop_reaches_into_the_making_of_a_sound(local: LocalBench, model: str) -> None:
    token = StoppedAfter(20)
    with pytest.raises(StoppedError):
        await local.run("text-to-audio", model, token, text="rain on a roof")
    assert token.seen == 21


@pytest.mark.parametrize(
    "text", ["Dr. Lee left. 她走了。他也是。", "नमस्ते दुनिया। यह एक परीक्षण है।", "one, two; three four " * 9, "a" * 95]
)
def test_no_piece_is_longer_than_a_voice_can_say_and_no_letter_gets_lost(text: str) -> None:
    pieces = split_into_utterances(text, 20)
    assert max(map(len, pieces)) <= 20
    assert re.sub(r"\s", "", "".join(pieces)) == re.sub(r"\s", "", text)
