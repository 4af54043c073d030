"""Tasks that a checkpoint can do, by its own configuration."""

from pathlib import Path

import pytest

from hugginggpt.core.tasks import load_task_table
from hugginggpt.experts.local.runtime.task_matching import match_tasks
from hugginggpt.hub.cache import Checkpoint


def checkpoint(architecture: str, model_type: str = "", tag: str = "", **config: object) -> Checkpoint:
    card = {"pipeline_tag": tag} if tag else {}
    return Checkpoint("some/model", Path("nowhere"), "transformers", architecture, model_type, config, card, 1, 1)


def tasks(*args: str, **config: object) -> set[str]:
    return {match.task for match in match_tasks(checkpoint(*args, **config))}


def test_a_classifier_of_texts_is_none_of_sounds() -> None:
    assert tasks("BertForSequenceClassification", "bert") == {"text-classification"}
    assert tasks("Wav2Vec2ForSequenceClassification", "wav2vec2") == {"audio-classification"}


def test_a_model_that_tells_what_follows_sorts_into_any_labels() -> None:
    labels = {"0": "CONTRADICTION", "1": "NEUTRAL", "2": "ENTAILMENT"}
    assert tasks("BartForSequenceClassification", "bart", id2label=labels) == {"zero-shot-classification"}


def test_a_model_for_several_tasks_does_those_that_it_was_trained_for() -> None:
    name = "BartForConditionalGeneration", "bart"
    assert {"summarization", "text2text-generation"} <= tasks(*name)
    assert tasks(*name, "summarization") == {"summarization"}
    assert "translation" not in tasks(*name, task_specific_params={"summarization": {"max_length": 142}})


def test_a_model_that_says_several_tasks_does_them_all() -> None:
    params = {"summarization": {}, "translation_en_to_de": {}}
    assert {"summarization", "translation"} <= tasks(
        "T5ForConditionalGeneration", "t5", "translation", task_specific_params=params
    )


@pytest.mark.parametrize("architecture", ["", "SomethingNobodyKnows", "BertModel"])
def test_an_architecture_without_a_use_here_does_nothing(architecture: str) -> None:
    assert tasks(architecture, "bert") == set()


def test_only_tasks_of_the_table_are_matched() -> None:
    from hugginggpt.experts.local.runtime.task_matching import _read_table

    assert set(_read_table()) <= set(load_task_table())
