"""The hosted back end: whom it asks, with which token, for how long; and what it makes of long and odd inputs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hugginggpt.core.errors import BackendError, ExpertError, InputError
from hugginggpt.experts.hosted.expert import HostedExpert
from hugginggpt.experts.hosted.text import _split_for_models
from hugginggpt.hub.account import parse_endpoint
from hugginggpt.hub.client import HubAddresses
from hugginggpt.hub.search import HubSearch
from tests import hosted_server as at_server
from tests.experts.hosted.conftest import HostedBench
from tests.hosted_server import TOKEN, refused_url

pytestmark = pytest.mark.slow

TEXT = "What a lovely day, I am so happy!"


def test_a_model_is_offered_by_those_who_serve_it_for_this_very_task_now(hosted: HostedBench) -> None:
    hosted.server.serve("text-to-image", "o/paints", provider="fal-ai", downloads=9)
    hosted.server.serve("text-to-image", "o/paints", provider="together")
    hosted.server.serve("text-to-image", "o/paints", provider="nscale")
    hosted.server.serve("text-to-image", "o/soon", provider="together", live="staging")
    hosted.server.serve("text-to-video", "o/films", provider="fal-ai", pipeline_tag="text-to-image")
    hosted.server.serve("text-to-image", "o/unheard-of", provider="somebody-new")
    hosted.server.models["o/empty"] = at_server.Model("o/empty", "text-to-image")
    cards = hosted.expert().cards({"text-to-image"})
    assert [(card.id, card.provider) for card in cards] == [("o/paints", "fal-ai"), ("o/paints", "together")]
    assert cards[0].source == "the Hub's search, just now"


def test_a_provider_may_be_asked_for(hosted: HostedBench) -> None:
    hosted.server.serve("text-to-image", "o/paints", provider="fal-ai")
    hosted.server.serve("text-to-image", "o/paints", provider="nscale")
    hosted.server.serve("text-to-image", "o/other", provider="fal-ai")
    cards = hosted.expert(provider="nscale").cards({"text-to-image"})
    assert [(card.id, card.provider) for card in cards] == [("o/paints", "nscale")]


def test_a_provider_that_keeps_failing_is_offered_last(hosted: HostedBench) -> None:
    hosted.server.serve("text-to-image", "o/paints", provider="fal-ai")
    hosted.server.serve("text-to-image", "o/paints", provider="nscale")
    for _ in range(4):
        hosted.circuits.record_outcome("fal-ai", hosted.circuits.request_permit("fal-ai"), succeeded=False)
    assert [card.provider for card in hosted.expert().cards({"text-to-image"})] == ["nscale", "fal-ai"]


def test_without_a_token_nothing_is_offered_and_nobody_is_asked(hosted: HostedBench) -> None:
    hosted.server.serve("text-to-image")
    assert hosted.expert(token="").cards() == []
    assert hosted.server.asked == []


def test_only_the_tasks_that_are_asked_about_cost_a_question(hosted: HostedBench) -> None:
    hosted.expert().cards({"text-to-image", "image-to-text", "depth-estimation"})
    assert {asked.one("pipeline_tag") for asked in hosted.server.asked} == {"text-to-image", "image-text-to-text"}


def test_where_the_hub_can_not_be_asked_the_shipped_list_serves(tmp_path: Path, hosted: HostedBench) -> None:
    shared = HostedExpert(HubSearch(tmp_path / "none", HubAddresses(refused_url(), hosted.server.url)), hosted.circuits)
    from hugginggpt.hub.account import Visitor

    cards = shared.bind_visitor(Visitor(TOKEN)).cards({"text-to-image"})
    assert len(cards) >= 5
    assert {card.provider for card in cards} == {""}
    assert cards[0].source.startswith("the shipped list (The Hugging Face Hub can't be reached: check the network")


async def test_a_model_of_the_shipped_list_finds_its_provider_when_it_is_needed(hosted: HostedBench) -> None:
    hosted.server.serve("text-to-image", "stabilityai/sd-turbo", provider="nscale")
    hosted.server.faults["/api/models"].append(at_server.status(500))
    card = hosted.card("text-to-image", "stabilityai/sd-turbo")
    assert card.provider == ""
    result = await hosted.expert().run(hosted.call(card, {"text": "a fox"}))
    assert result.outputs[0].path
    gone = hosted.card("text-to-image")  # now the Hub answers
    assert gone.provider == "nscale"


async def test_a_model_that_nobody_serves_any_more_is_told(hosted: HostedBench) -> None:
    hosted.server.models["Qwen/Qwen-Image"] = at_server.Model("Qwen/Qwen-Image", "text-to-image")
    hosted.server.faults["/api/models"].append(at_server.status(500))
    card = hosted.card("text-to-image", "Qwen/Qwen-Image")
    with pytest.raises(ExpertError, match="No provider serves Qwen/Qwen-Image for text-to-image now: choose another model"):
        await hosted.expert().run(hosted.call(card, {"text": "a fox"}))


async def test_where_others_wait_a_model_takes_half_of_the_time(hosted: HostedBench) -> None:
    hosted.server.serve("text-classification", "o/slow")
    hosted.card("text-classification", "o/slow")
    hosted.server.faults["/hf-inference"].append(at_server.hang(60))
    with pytest.raises(ExpertError, match="did not answer within 1 s"):
        await hosted.run("text-classification", "o/slow", seconds=2, has_fallback=True, text=TEXT)


async def test_an_endpoint_is_called_at_its_address(hosted: HostedBench) -> None:
    own = parse_endpoint("text-classification", f"{hosted.server.endpoint('text-classification')}?secret=4711")
    expert = hosted.expert(endpoints=(own,))
    (card,) = [card for card in expert.cards({"text-classification"}) if card.source == "you"]
    assert "4711" not in repr(card)
    assert card.provider == "127.0.0.1"
    result = await expert.run(hosted.call(card, {"text": TEXT}))
    assert result.outputs[0].data["classes"]
    assert hosted.server.asked[-1].one("secret") == "4711"


async def test_an_endpoint_with_a_chat_model_answers_about_pictures(hosted: HostedBench) -> None:
    own = parse_endpoint("visual-question-answering", hosted.server.endpoint("image-text-to-text"))
    expert = hosted.expert(endpoints=(own,))
    card = next(card for card in expert.cards({"visual-question-answering"}) if card.source == "you")
    call = hosted.call(card, {"image": hosted.demo("cat.jpg"), "text": "What is it?"})
    assert (await expert.run(call)).outputs[0].text
    assert hosted.server.asked[-1].path.endswith("/v1/chat/completions")


async def test_a_refused_token_is_the_whole_back_ends_fault(hosted: HostedBench) -> None:
    hosted.server.serve("text-classification", "o/locked")
    card = hosted.card("text-classification", "o/locked")
    hosted.server.faults["/hf-inference"].append(at_server.status(401))
    with pytest.raises(BackendError, match="Hugging Face refused the token"):
        await hosted.expert().run(hosted.call(card, {"text": TEXT}))


async def test_long_texts_go_in_pieces_whose_places_are_those_of_the_whole(hosted: HostedBench) -> None:
    text = " ".join(f"Ines saw {number} cats in Paris." for number in range(100))
    hosted.server.serve("token-classification")
    result = await hosted.run("token-classification", text=text)
    assert len([asked for asked in hosted.server.asked if asked.method == "POST"]) == 3
    assert hosted.progress == ["part 1 of 3", "part 2 of 3", "part 3 of 3"]
    entities = result.outputs[0].data["entities"]
    assert entities
    assert all(text.strip()[entry["start"] : entry["end"]] == entry["text"] for entry in entities)
    assert max(entry["start"] for entry in entities) > 2_000
    sent = [asked.json["inputs"] for asked in hosted.server.asked if asked.method == "POST"]
    assert "".join(sent).replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize("checkpoint", ["tiny/bert-mask", "tiny/roberta-mask"])
async def test_a_gap_is_written_as_the_model_writes_it(hosted: HostedBench, checkpoint: str) -> None:
    model = f"o/{checkpoint.partition('/')[2]}"
    hosted.server.serve("fill-mask", model, checkpoint)
    result = await hosted.run("fill-mask", model, text="Ines saw a ___ in ___.")
    gaps = result.outputs[0].data["gaps"]
    assert len(gaps) == 2
    assert result.outputs[0].data["filled"].count("mask") == 0


async def test_boxes_are_those_of_the_original_picture(hosted: HostedBench, tmp_path: Path) -> None:
    """A large picture is sent smaller; what comes back is scaled up again."""
    with Image.open(hosted.demo("coffee.jpg").path or "") as small:
        small.resize((4_096, 2_048)).save(tmp_path / "large.png")
    large = hosted.workspace.add_file(tmp_path / "large.png")
    hosted.server.serve("object-detection", "o/sees", "tiny/yolos")
    result = await hosted.run("object-detection", "o/sees", image=large)
    with Image.open(result.outputs[0].path or "") as drawn:
        assert drawn.size == (4_096, 2_048)
    sides = np.array([thing["box"] for thing in result.outputs[0].data["objects"]])
    assert sides.size
    assert sides[:, 2].max() > 2_048
    assert (sides <= [4_096, 2_048, 4_096, 2_048]).all()
    sent = next(asked for asked in hosted.server.asked if asked.method == "POST")
    assert b"\xff\xd8\xff" in sent.body[:20] or b"/9j/" in sent.body[:40]


async def test_a_silent_recording_is_not_sent(hosted: HostedBench, tmp_path: Path) -> None:
    from hugginggpt.workspace.media import write_wav

    write_wav(tmp_path / "silence.wav", np.zeros(16_000, np.float32), 16_000)
    silence = hosted.workspace.add_file(tmp_path / "silence.wav")
    hosted.server.serve("automatic-speech-recognition")
    with pytest.raises(InputError, match="silent"):
        await hosted.run("automatic-speech-recognition", audio=silence)


async def test_a_translation_into_a_language_that_the_model_does_not_write_goes_to_the_next(hosted: HostedBench) -> None:
    hosted.server.serve("translation", "o/german", tags=("en", "de"))
    with pytest.raises(ExpertError, match="o/german is not for French: choose another model"):
        await hosted.run("translation", "o/german", text="Good day to you all.", language="French")


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (at_server.status(401), "The endpoint at 127.0.0.1 refused the call: it belongs to another account, or wants a token"),
        (at_server.status(403), "The endpoint at 127.0.0.1 refused the call"),
        (at_server.status(500), "127.0.0.1 has trouble of its own"),
    ],
)
async def test_an_endpoint_that_fails_says_nothing_about_all_hosted_models(
    hosted: HostedBench, fault: at_server.Fault, said: str
) -> None:
    own = parse_endpoint("text-classification", hosted.server.endpoint("text-classification"))
    expert = hosted.expert(endpoints=(own,))
    card = next(card for card in expert.cards({"text-classification"}) if card.source == "you")
    hosted.server.faults["/endpoint"].append(fault)
    with pytest.raises(ExpertError, match=said) as caught:
        await expert.run(hosted.call(card, {"text": TEXT}))
    assert not isinstance(caught.value, BackendError)


async def test_an_endpoint_that_is_away_is_told_apart_from_no_network(hosted: HostedBench) -> None:
    expert = hosted.expert(endpoints=(parse_endpoint("text-classification", f"{refused_url()}/x?key=4711"),))
    card = next(card for card in expert.cards({"text-classification"}) if card.source == "you")
    with pytest.raises(ExpertError, match=r"The endpoint at 127\.0\.0\.1 can't be reached: check its address") as caught:
        await expert.run(hosted.call(card, {"text": TEXT}, seconds=5))
    assert not isinstance(caught.value, BackendError)


async def test_two_endpoints_at_one_address_are_told_apart_by_their_task(hosted: HostedBench) -> None:
    both = [
        parse_endpoint(task, f"{hosted.server.endpoint(task, path='one')}?n={n}")
        for n, task in enumerate(("zero-shot-classification", "text-classification"))
    ]
    expert = hosted.expert(endpoints=tuple(both))
    card = next(card for card in expert.cards(set()) if card.task == "text-classification")
    await expert.run(hosted.call(card, {"text": TEXT}))
    assert hosted.server.asked[-1].one("n") == "1"


@pytest.mark.parametrize(
    ("text", "longest"),
    [("word " * 1_000, 1_200), ("無" * 5_000, 400), ("x" * 5_000, 1_200), ("Ja. " * 900, 1_200), ("猫がいる。" * 500, 400)],
)
def test_a_text_is_cut_into_pieces_that_a_model_can_read(text: str, longest: int) -> None:
    pieces = _split_for_models(text.strip())
    assert all(len(piece.text) <= longest for piece in pieces)
    assert "".join(piece.text + piece.gap for piece in pieces) == text.strip()
    assert len(pieces) <= 2 * len(text) / longest + 1


async def test_columns_of_one_name_are_kept_apart(hosted: HostedBench, tmp_path: Path) -> None:
    path = tmp_path / "twice.csv"
    path.write_text("name,age,age\nInes,36,37\nTom,41,42\n")
    hosted.server.serve("table-question-answering")
    await hosted.run("table-question-answering", table=hosted.workspace.add_file(path), question="How old is Tom?")
    sent = next(asked.json for asked in hosted.server.asked if asked.method == "POST")
    assert list(sent["inputs"]["table"]) == ["name", "age", "age (3)"]
