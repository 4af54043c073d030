"""Speech from text."""

import time

import pytest
import soundfile

from hugginggpt.core.errors import InputError, StoppedError
from tests.experts.bundled.conftest import Bench, StoppedAfter

LONG = "This is a sentence that takes the voice a little while. " * 300


async def test_speech_is_a_wav_that_every_browser_plays(bench: Bench) -> None:
    done = await bench.run("text-to-speech", text="Good morning.")
    info = soundfile.info(done.path)
    assert (info.format, info.subtype, info.samplerate, info.channels) == ("WAV", "PCM_16", 24_000, 1)
    assert done.data["seconds"] == pytest.approx(info.duration, abs=0.01)
    assert 0.5 < info.duration < 3


async def test_a_number_that_is_spoken_is_heard(bench: Bench) -> None:
    done = await bench.run("text-to-speech", text="Invoice number 20417.")
    assert "20417" in await bench.transcribed(done.path)


async def test_the_same_text_gives_the_same_sound(bench: Bench) -> None:
    first, second = [(await bench.run("text-to-speech", text="It is raining.")).path.read_bytes() for _ in range(2)]
    assert first == second


async def test_rows_of_a_page_are_spoken_apart(bench: Bench) -> None:
    rows, flat = [(await bench.run("text-to-speech", text=text)).data["seconds"] for text in ("one\ntwo\nsix", "one two six")]
    assert rows > flat


@pytest.mark.parametrize("text", ["发票号码是多少", "Сколько это стоит?", "كم الثمن؟"])
async def test_another_script_is_refused_and_not_spelt_out(bench: Bench, text: str) -> None:
    with pytest.raises(InputError, match="The built-in voice speaks English only, and this text is in another script"):
        await bench.run("text-to-speech", text=text)


@pytest.mark.parametrize("text", ["...", "?!", "— –", "🙂"])
async def test_signs_alone_are_nothing_to_say(bench: Bench, text: str) -> None:
    with pytest.raises(InputError, match="There is nothing in this text that can be spoken"):
        await bench.run("text-to-speech", text=text)


async def test_some_foreign_words_are_left_out_and_the_person_is_told(bench: Bench) -> None:
    done = await bench.run("text-to-speech", text="The sign says 出口 which means exit.")
    assert done.note == "Words in other scripts are left out: the built-in voice speaks English only."


async def test_a_long_text_stops_between_two_sentences(bench: Bench) -> None:
    begun = time.process_time()
    with pytest.raises(StoppedError):
        await bench.run("text-to-speech", StoppedAfter(2), text=LONG)
    assert time.process_time() - begun < 5  # the whole of it takes a minute
    assert [fraction for _, fraction in bench.progress] == sorted(fraction for _, fraction in bench.progress)
    assert len(bench.progress) == 2
