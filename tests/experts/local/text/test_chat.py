"""Replies of language models: whole dialogues, replies that meet the limit, thoughts, settings of their generation."""

import pytest

from hugginggpt.core.errors import ExpertError
from hugginggpt.experts.local.text.chat import end_at_sentence
from hugginggpt.experts.local.text.thoughts import drop_thoughts, find_open_thoughts
from tests.experts.local.conftest import LocalBench

DIALOGUE = "User: Is it open?\nAssistant: Yes.\nUser: Till when?\nAssistant: Six."


@pytest.mark.parametrize(
    ("model", "reply", "note"),
    [
        ("tiny/dialogue-chat", DIALOGUE, ""),
        ("tiny/transcript-chat", "It is open.", ""),
        ("tiny/whole-chat", " ".join(f"{'W' if n == 1 else 'w'}ord{n}" for n in range(1, 128)), ""),
        ("tiny/think-chat", "It is open.", ""),
        ("tiny/opened-chat", "It is open.", ""),
        ("tiny/special-think-chat", "It is open.", ""),
        ("tiny/scores-chat", "It is open.", ""),
        ("tiny/choices-chat", "It is open.", ""),
        ("tiny/stop-string-chat", "It is open.", ""),
    ],
)
async def test_a_reply_is_what_the_model_wrote_less_its_thoughts(local: LocalBench, model: str, reply: str, note: str) -> None:
    done = await local.run("conversational", model, text="Hi")
    assert (done.text, done.result.note) == (reply, note)


@pytest.mark.parametrize(("model", "last"), [("tiny/long-chat", "word100."), ("tiny/endless-chat", "word128 …")])
async def test_a_reply_that_meets_the_limit_ends_at_a_sentence_and_says_so(local: LocalBench, model: str, last: str) -> None:
    done = await local.run("conversational", model, text="Hi")
    assert done.text.endswith(last)
    assert done.result.note == "The reply met the limit of 128 tokens: it may end early."


async def test_thoughts_that_meet_the_limit_are_no_reply(local: LocalBench) -> None:
    with pytest.raises(ExpertError, match="thought for 128 tokens and came to no reply"):
        await local.run("conversational", "tiny/endless-think-chat", text="Hi")


@pytest.mark.parametrize(
    ("written", "reply"),
    [
        ("<think>So…</think> Six.", "Six."),
        ("<think>\n\n</think>\n\nSix.", "Six."),
        ("<think>So… 10 < 11", ""),
        ("So…\n</think>\nSix.", "Six."),
        ("<think>The tag <think> is meant.</think>Six.", "Six."),
        ("<think>a</think>Six. <think>b</think>Or seven.", "Six. Or seven."),
        ("[THINK]So…[/THINK]Six.", "Six."),
        ("<thought>So…</thought>Six.", "Six."),
        ("<|channel|>analysis<|message|>So…<|end|><|start|>assistant<|channel|>final<|message|>Six.", "Six."),
        ("Write `<think>` first and `</think>` last.", "Write `<think>` first and `</think>` last."),
        ("I think so.", "I think so."),
    ],
)
def test_thoughts_are_no_part_of_a_reply(written: str, reply: str) -> None:
    assert drop_thoughts(written) == reply


@pytest.mark.parametrize(
    ("prompt", "mark"),
    [
        ("<|assistant|><think>\n", "<think>"),
        ("<|assistant|>\n[THINK]", "[THINK]"),
        ("<|assistant|><think>\n\n</think>\n\n", ""),
        ("What is <think>?<|assistant|>\n", ""),
    ],
)
def test_a_template_opens_thoughts_at_the_prompts_end_alone(prompt: str, mark: str) -> None:
    assert find_open_thoughts(prompt) == mark


@pytest.mark.parametrize(
    ("text", "ended"),
    [
        ("It is open. It shuts at six. Then it", "It is open. It shuts at six."),
        ("It. Then it goes on and on and", "It. Then it goes on and on and …"),
        ("Dr. Lee", "Dr. Lee …"),
        ("它开着。它六点关。然后", "它开着。它六点关。"),
        ("- one\n- two\n- th", "- one\n- two"),
        ("See:\n```\nprint(1)\nprint(2)\npri", "See:\n```\nprint(1)\nprint(2)\n```"),
        ("", ""),
    ],
)
def test_a_text_that_is_cut_ends_at_a_sentence(text: str, ended: str) -> None:
    assert end_at_sentence(text) == ended


@pytest.mark.parametrize(
    ("task", "inputs", "data"),
    [
        ("summarization", {"instruction": "in 20 words"}, {"parts": 1}),
        ("text2text-generation", {"instruction": "Make it polite"}, {"parts": 1}),
        ("translation", {"language": "German"}, {"source": "en", "target": "de"}),
    ],
)
async def test_a_model_that_chats_does_other_tasks_when_told(
    local: LocalBench, task: str, inputs: dict[str, str], data: dict[str, object]
) -> None:
    done = await local.run(task, "tiny/scores-chat", text="The library was open and it was old.", **inputs)
    assert (done.text, done.data) == ("It is open.", data)


async def test_a_long_text_is_worked_on_in_parts_and_its_lines_are_kept(local: LocalBench) -> None:
    done = await local.run("translation", "tiny/llama-chat", text="The library is old.\n\n" * 30, language="German")
    assert local.progress[0][0].startswith("Working, part 1 of")
    assert "\n\n" in done.text


def test_specialists_are_offered_before_models_that_chat(local: LocalBench) -> None:
    for model in ("tiny/scores-chat", "tiny/t5", "tiny/bart-cnn"):
        local.cache.add(model)
    local.expert.rescan()
    for task in ("summarization", "translation"):
        ids = [card.id for card in local.expert.cards() if card.task == task]
        assert ids.index("tiny/scores-chat") > ids.index("tiny/t5")
