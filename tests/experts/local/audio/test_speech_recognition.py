"""What is said in a recording, and what kind of sound it is."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import soundfile

from hugginggpt.core.errors import InputError, StoppedError
from hugginggpt.core.languages import get_language
from hugginggpt.core.resources import Resource
from hugginggpt.experts.local.audio.waveforms import split_at_silence
from tests.checkpoints.sounds import LABELS, LANGUAGES
from tests.conftest import MEDIA
from tests.experts.bundled.conftest import StoppedAfter
from tests.experts.local.conftest import LocalBench

CTC = ("tiny/wav2vec2-ctc", "tiny/hubert-ctc", "tiny/wav2vec2-bert-ctc")
RECOGNIZERS = ("tiny/whisper", "tiny/early-whisper", "tiny/moonshine", *CTC)
Recording = Callable[..., Resource]
CLASSIFIERS = ("tiny/wav2vec2-classifier", "tiny/ast", "tiny/whisper-classifier")


@pytest.fixture
def recording(local: LocalBench, tmp_path: Path) -> Recording:
    """Attaches samples as a WAV file."""

    def attach(samples: np.ndarray, rate: int = 16_000) -> Resource:
        path = tmp_path / f"{len(samples)}-{rate}.wav"
        soundfile.write(path, samples, rate)
        return local.file(path)

    return attach


def speech(seconds: float, rate: int = 16_000) -> np.ndarray:
    """The demo's speech, over and over."""
    samples, own = soundfile.read(MEDIA / "speech.flac", dtype="float32")
    assert own == 16_000
    return np.resize(np.repeat(samples, rate // own), round(seconds * rate))


@pytest.mark.parametrize("model", RECOGNIZERS)
async def test_speech_becomes_text_in_timed_segments(local: LocalBench, model: str) -> None:
    done = await local.run("automatic-speech-recognition", model, audio=local.demo("speech.flac"))
    assert done.data["seconds"] == 9.34
    segments = done.data["segments"]
    assert done.text == " ".join(segment["text"] for segment in segments)
    for segment in segments:
        assert 0 <= segment["start"] <= segment["end"] <= 9.36
        assert segment["text"]
        assert "<|" not in segment["text"]
    assert [segment["start"] for segment in segments] == sorted(segment["start"] for segment in segments)


@pytest.mark.parametrize("model", RECOGNIZERS)
async def test_a_long_recording_is_heard_to_its_end(local: LocalBench, recording: Recording, model: str) -> None:
    done = await local.run("automatic-speech-recognition", model, audio=recording(speech(47)))
    assert done.data["seconds"] == 47
    assert done.data["segments"][-1]["end"] > 35
    assert done.data["segments"][-1]["end"] <= 47.02
    fractions = [fraction for _, fraction in local.progress if fraction is not None]
    assert len(fractions) >= 2
    assert fractions == sorted(fractions)
    assert fractions[-1] <= 1


async def test_whisper_says_which_language_it_hears(local: LocalBench) -> None:
    done = await local.run("automatic-speech-recognition", "tiny/whisper", audio=local.demo("speech.flac"))
    assert done.data["language"] in LANGUAGES
    spoken = get_language(done.data["language"])
    assert spoken is not None
    assert (f"What is said is in {spoken.name}." in done.result.note) == (spoken.code != "en")


@pytest.mark.parametrize("model", CTC)
async def test_ctc_models_time_each_word(local: LocalBench, model: str) -> None:
    done = await local.run("automatic-speech-recognition", model, audio=local.demo("speech.flac"))
    words = done.data["words"]
    assert " ".join(word["text"] for word in words) == done.text
    for word in words:
        assert 0 <= word["start"] <= word["end"] <= 9.36


@pytest.mark.parametrize("model", RECOGNIZERS)
async def test_stereo_at_any_rate_is_heard(local: LocalBench, recording: Recording, model: str) -> None:
    both = np.stack([speech(3, 192_000)] * 2, axis=1)
    done = await local.run("automatic-speech-recognition", model, audio=recording(both, 192_000))
    assert done.data["seconds"] == 3
    assert done.text


@pytest.mark.parametrize("model", RECOGNIZERS)
async def test_silence_and_a_few_samples_are_refused_in_a_sentence(local: LocalBench, recording: Recording, model: str) -> None:
    with pytest.raises(InputError, match="silent"):
        await local.run("automatic-speech-recognition", model, audio=recording(np.zeros(16_000)))
    with pytest.raises(InputError, match="shorter than a tenth of a second"):
        await local.run("automatic-speech-recognition", model, audio=recording(np.ones(5)))


@pytest.mark.parametrize("model", RECOGNIZERS)
async def test_a_tenth_of_a_second_is_enough_to_listen_to(local: LocalBench, recording: Recording, model: str) -> None:
    with suppress(InputError):  # that no speech is heard in it
        done = await local.run("automatic-speech-recognition", model, audio=recording(speech(0.1)))
        assert done.data["seconds"] == 0.1


@pytest.mark.parametrize("model", RECOGNIZERS)
async def test_stop_reaches_into_a_recording(local: LocalBench, recording: Recording, model: str) -> None:
    token = StoppedAfter(3)
    with pytest.raises(StoppedError):
        await local.run("automatic-speech-recognition", model, token, audio=recording(speech(95)))


@pytest.mark.parametrize("model", CLASSIFIERS)
async def test_a_recording_gets_labels_of_the_model_the_likeliest_first(local: LocalBench, model: str) -> None:
    done = await local.run("audio-classification", model, audio=local.demo("complaint.wav"))
    classes = done.data["classes"]
    assert len(classes) == 5
    assert {entry["label"] for entry in classes} <= set(LABELS.values())
    scores = [entry["score"] for entry in classes]
    assert scores == sorted(scores, reverse=True)
    assert 0 <= scores[-1] <= scores[0] <= 1
    assert done.text.startswith(f"{classes[0]['label']} (")


@pytest.mark.parametrize("model", CLASSIFIERS)
async def test_several_recordings_go_through_the_model_together_and_mean_what_each_means_alone(
    local: LocalBench, recording: Recording, model: str
) -> None:
    given = [local.demo("complaint.wav"), recording(speech(23.4)), recording(speech(6.675)), local.demo("noisy-speech.wav")]
    together = await local.run_all([local.call("audio-classification", model, audio=audio) for audio in given])
    alone = [await local.run("audio-classification", model, audio=audio) for audio in given]
    for one, other in zip(together, alone, strict=True):
        assert [entry["score"] for entry in one.data["classes"]] == pytest.approx(
            [entry["score"] for entry in other.data["classes"]], abs=1e-3
        )


@pytest.mark.parametrize("model", CLASSIFIERS)
async def test_silence_is_a_sound_and_a_few_samples_are_none(local: LocalBench, recording: Recording, model: str) -> None:
    done = await local.run("audio-classification", model, audio=recording(np.zeros(1_600)))
    assert len(done.data["classes"]) == 5
    with pytest.raises(InputError, match="shorter than a tenth of a second"):
        await local.run("audio-classification", model, audio=recording(np.ones(5)))


def test_recordings_are_cut_where_it_is_quiet() -> None:
    samples = speech(60)
    quiet = [slice(18 * 16_000, 18 * 16_000 + 8_000), slice(35 * 16_000, 35 * 16_000 + 8_000)]
    for gap in quiet:
        samples[gap] = 0
    pieces = split_at_silence(samples, 16_000, 20.0)
    assert (pieces[0][0], pieces[-1][1]) == (0, samples.size)
    assert all(one[1] == other[0] for one, other in zip(pieces, pieces[1:], strict=False))
    assert all(0 < end - start <= 20 * 16_000 for start, end in pieces)
    for gap, (_, end) in zip(quiet, pieces, strict=False):
        assert gap.start < end < gap.stop


@pytest.mark.parametrize("size", [320_000, 320_001, 327_999, 640_001])
def test_no_piece_is_too_short_to_listen_to(size: int) -> None:
    pieces = split_at_silence(np.linspace(1, 0, size, dtype=np.float32), 16_000, 20.0)
    assert sum(end - start for start, end in pieces) == size
    assert all(8_000 <= end - start <= 320_000 for start, end in pieces)
