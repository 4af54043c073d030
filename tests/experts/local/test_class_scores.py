"""Scores of classifiers: shares of 1, of each label by itself, or plain values, as transformers' own pipelines decide."""

import pytest
import torch
from transformers import ViTConfig
from transformers.pipelines.image_classification import ClassificationFunction, sigmoid, softmax

from hugginggpt.experts.local.class_scores import build_scored_result, compute_class_scores
from tests.checkpoints.labels import KINDS, MAKERS
from tests.experts.local.conftest import LocalBench

LOGITS = torch.tensor([-2.0, 0.5, 3.0])
FUNCTIONS = {ClassificationFunction.SIGMOID: sigmoid, ClassificationFunction.SOFTMAX: softmax}
INPUTS = {
    "tiny/vit": ("image-classification", "image", "cat.jpg"),
    "tiny/videomae": ("video-classification", "video", "clip.mp4"),
    "tiny/wav2vec2-classifier": ("audio-classification", "audio", "speech.flac"),
    "tiny/bert-sentiment": ("text-classification", "text", ""),
}


@pytest.mark.parametrize(
    ("labels", "problem_type", "function"),
    [
        (1, None, ClassificationFunction.SIGMOID),
        (1, "multi_label_classification", ClassificationFunction.SIGMOID),
        (1, "regression", ClassificationFunction.NONE),
        (2, None, ClassificationFunction.SOFTMAX),
        (3, "single_label_classification", ClassificationFunction.SOFTMAX),
        (3, "multi_label_classification", ClassificationFunction.SIGMOID),
        (3, "regression", ClassificationFunction.NONE),
    ],
)
def test_the_configuration_decides_how_logits_become_scores(
    labels: int, problem_type: str | None, function: ClassificationFunction
) -> None:
    config = ViTConfig(num_labels=labels, problem_type=problem_type)
    logits = LOGITS[:labels]
    expected = FUNCTIONS.get(function, lambda values: values)(logits.numpy())
    assert compute_class_scores(logits, config).tolist() == pytest.approx(expected.tolist(), abs=1e-6)


@pytest.mark.parametrize(
    ("scores", "problem_type", "said"),
    [
        ([0.02], None, "None of the model's labels is likely: nsfw (2%)."),
        ([0.97], None, "nsfw (97%)."),
        ([0.9, 0.7, 0.1], "multi_label_classification", "nsfw (90%), gore (70%)."),
        ([0.1, 0.2], "multi_label_classification", "None of the model's labels is likely: gore (20%), nsfw (10%)."),
        ([0.7, 0.2, 0.1], None, "nsfw (70%); less likely gore (20%), calm (10%)."),
        ([31.25], "regression", "nsfw: 31.25."),
        ([0.5, -1.5], "regression", "nsfw: 0.50, gore: -1.50."),
    ],
)  # fmt: skip
def test_the_sentence_says_what_the_scores_mean(scores: list[float], problem_type: str | None, said: str) -> None:
    labels = dict(enumerate(["nsfw", "gore", "calm"][: len(scores)]))
    config = ViTConfig(id2label=labels, label2id={name: i for i, name in labels.items()}, problem_type=problem_type)
    assert build_scored_result(torch.tensor(scores), config).outputs[0].text == said


@pytest.mark.parametrize("model", list(MAKERS))
@pytest.mark.parametrize("kind", list(KINDS))
async def test_classifiers_of_all_media_score_alike(local: LocalBench, model: str, kind: str) -> None:
    task, argument, file = INPUTS[model]
    done = await local.run(task, f"{model}-{kind}", **{argument: local.demo(file) if file else "It was a fine day."})
    scores = [entry["score"] for entry in done.data["classes"]]
    assert len(scores) == len(KINDS[kind][0])
    if kind == "values":
        assert "%" not in done.text
    else:
        assert all(0 < score < 1 for score in scores)  # a lone label that shares out 1 would have all of it
        assert sum(scores) != pytest.approx(1, abs=1e-3)
