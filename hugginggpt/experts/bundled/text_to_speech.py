"""English text to speech with hibari-tts (https://pypi.org/project/hibari-tts/), 24 kHz."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from hugginggpt.core.errors import InputError
from hugginggpt.core.tasks import Kind
from hugginggpt.experts.base import Call, Output, Result
from hugginggpt.experts.bundled.weights import load_once
from hugginggpt.experts.languages import describe_foreign_text
from hugginggpt.workspace import media

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MODEL: Final = "hibari-tts"
SAMPLE_RATE: Final = 24_000
_MAX_PHONEMES: Final = 390  # the model's window, in phonemes; longer sentences are cut into several
_MAX_CHARS: Final = 20_000  # longest text that is spoken, in characters: about 25 minutes of speech
_PAUSE_SECONDS: Final = 0.12  # silence after each sentence
_SPEAKABLE: Final = re.compile(r"[^\W_]|[%&+=$€£@]")
_LETTER: Final = re.compile(r"[^\W\d_]")


@load_once(MODEL)
def _load_voice() -> Any:
    from hibari import Hibari

    voice = Hibari(voice="heart", threads=1)
    _ = voice.g2p.oov  # loads its lazy parts here, under the lock of `load_once`
    return voice


def synthesize_speech(call: Call) -> Result:
    """Run text-to-speech: a WAV file, mono, 24 kHz, 16 bit; ``data["seconds"]`` is its length.

    Raises:
        InputError: The text holds nothing that this English voice can say.
    """
    text = call.text()
    if not _SPEAKABLE.search(text):
        raise InputError("There is nothing in this text that can be spoken.")
    letters = _LETTER.findall(text)
    foreign = [letter for letter in letters if ord(letter) > 0x24F]  # beyond the Latin blocks of Unicode
    if letters and len(foreign) > len(letters) / 2:
        raise InputError("The built-in voice speaks English only, and this text is in another script.")
    samples = synthesize(text[:_MAX_CHARS], call)
    if not samples.size:
        raise InputError("There is nothing in this text that can be spoken.")
    path = call.new_path(".wav")
    media.write_wav(path, samples, SAMPLE_RATE)
    notes = []
    if len(text) > _MAX_CHARS:
        notes.append(f"Only the first {_MAX_CHARS:,} characters are spoken.")
    if strange := describe_foreign_text(call):
        notes.append(strange)
    if foreign:
        notes.append("Words in other scripts are left out: the built-in voice speaks English only.")
    return Result(
        (Output(Kind.AUDIO, path=path, data={"seconds": round(samples.size / SAMPLE_RATE, 2)}),), note=" ".join(notes)
    )


def synthesize(text: str, call: Call) -> NDArray[np.float32]:
    """Return the text as sound, shape (samples,), 24 kHz; sentence by sentence, so that it can be stopped.

    The random generator is seeded: the same text gives the same sound.
    """
    import numpy as np

    voice = _load_voice()
    random = np.random.default_rng(0)
    pause = np.zeros(int(_PAUSE_SECONDS * SAMPLE_RATE), np.float32)
    parts: list[NDArray[np.float32]] = []
    sentences = voice.phonemize(_punctuate_rows(text))
    for number, phonemes in enumerate(sentences):
        for start in range(0, len(phonemes), _MAX_PHONEMES):
            call.token.check()
            parts.append(voice.from_ids(voice.ids(phonemes[start : start + _MAX_PHONEMES]), 1.0, random))
        parts.append(pause)
        if len(sentences) > 5:
            call.progress(f"sentence {number + 1} of {len(sentences)}", (number + 1) / len(sentences))
    return np.concatenate(parts) if any(part.any() for part in parts) else np.zeros(0, np.float32)  # no sound but pauses


def _punctuate_rows(text: str) -> str:
    """End each row of a page like a sentence, so that the voice pauses there."""
    rows = [row.strip() for row in re.split(r"[\n\t]+", text) if row.strip()]  # a tab parts cells in a page that was read
    return " ".join(row if row[-1] in ".!?:;," else row + "." for row in rows)
