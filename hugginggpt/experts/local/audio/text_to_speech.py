"""Speech from texts, sounds from descriptions (https://huggingface.co/docs/transformers/tasks/text-to-speech)."""

import re
import textwrap
from collections.abc import Iterator, Sequence
from typing import Final

from hugginggpt.core.errors import InputError
from hugginggpt.core.sentences import split_pieces
from hugginggpt.experts.base import Call, Result
from hugginggpt.experts.local.audio.text_to_audio import COMPOSERS, compose_by_diffusion
from hugginggpt.experts.local.audio.tts_models import VOICE_OPENERS
from hugginggpt.experts.local.audio.waveforms import save_recording
from hugginggpt.experts.local.runtime.runtime import Runtime

_MAX_CHARS: Final = 20_000  # longest text that is spoken: about 25 minutes
_PAUSE_SECONDS: Final = 0.15  # silence between two sentences
_DANDA: Final = re.compile(r"(?<=[।॥။។])\s*")
"""Full stops of Indian scripts, Burmese and Khmer."""
_CLAUSE_END: Final = re.compile(r"(?<=[;:,،；]\s)|(?<=[、，；])")  # the full-width ones aren't followed by a space
_WORD: Final = re.compile(r"\w")  # a piece without any is only signs, of which nothing can be said


def synthesize_speech(calls: Sequence[Call], runtime: Runtime) -> list[Result]:
    """Run text-to-speech: a WAV file, mono, 16 bit, at the model's own rate, spoken sentence by sentence.

    Returns:
        ``data["seconds"]``: its length; ``data["rate"]``: samples per second.

    Raises:
        InputError: There is nothing in the text that this voice can say.
    """
    import torch

    (call,) = calls
    text = call.text()
    notes = [f"Only the first {_MAX_CHARS:,} characters are spoken."] if len(text) > _MAX_CHARS else []
    with VOICE_OPENERS[runtime.checkpoint.model_type](runtime, call) as voice, torch.inference_mode():
        utterances = split_into_utterances(text[:_MAX_CHARS], voice.max_chars)
        pause = torch.zeros(round(_PAUSE_SECONDS * voice.sample_rate))
        parts: list[torch.Tensor] = []
        for number, utterance in enumerate(utterances):
            call.token.check()
            call.progress(f"sentence {number + 1} of {len(utterances)}", number / len(utterances))
            if (sound := voice.say(utterance)) is not None:
                parts += [sound.float().cpu().reshape(-1), pause]
        if not parts:
            raise InputError("There is nothing in this text that this voice can say.")
        output = save_recording(call, torch.cat(parts[:-1]), voice.sample_rate)  # less the last pause
        return [Result((output,), note=" ".join([*notes, voice.note]).strip())]


def split_into_utterances(text: str, max_chars: int) -> list[str]:
    """Split a text into sentences; a longer one is cut at a pause, else between words, else anywhere.

    Args:
        text: In any language.
        max_chars: Longest piece, in characters.

    >>> split_into_utterances("Dr. Lee left. 她走了。他也是。", 20)
    ['Dr. Lee left.', '她走了。', '他也是。']
    """
    parts = (part.strip() for piece in split_pieces(text) for part in _DANDA.split(piece.text))
    return [piece for part in parts for piece in _cut_sentence(part, max_chars) if _WORD.search(piece)]


def _cut_sentence(sentence: str, max_chars: int) -> Iterator[str]:
    if len(sentence) <= max_chars:
        yield sentence
        return
    current = ""
    for clause in _CLAUSE_END.split(sentence):
        if len(current) + len(clause) <= max_chars:
            current += clause
            continue
        *done, current = [current, *(textwrap.wrap(clause, max_chars) or [""])]  # `wrap` returns [] for white space
        yield from (piece.strip() for piece in done)
        current += clause[len(clause.rstrip()) :]  # `wrap` drops the space before the next clause
    yield current.strip()


def generate_audio(calls: Sequence[Call], runtime: Runtime) -> list[Result]:
    """Run text-to-audio: a WAV file of some seconds, 16 bit, at the model's own rate, mono or stereo as the model makes it.

    Returns:
        ``data["seconds"]``: its length; ``data["rate"]``: samples per second.
    """
    (call,) = calls
    compose = COMPOSERS.get(runtime.checkpoint.model_type, compose_by_diffusion)
    sound, rate = compose(call.text(), runtime, call)
    return [Result((save_recording(call, sound, rate),))]
