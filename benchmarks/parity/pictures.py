"""Models of pictures and videos, beside transformers' pipelines, or the code of its documentation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image

from benchmarks.parity.cases import Case
from benchmarks.parity.texts import read_classes, read_text, run_pipeline, score_classes
from hugginggpt.experts.base import Result

LABELS: Final = "cat, dog, coffee"
_CAT: Final = {"image": "cat.jpg"}


def _open(path: Path) -> Image.Image:
    return Image.open(path).convert("RGB")


def _classify(folder: Path, inputs: Mapping[str, Any]) -> Any:
    return score_classes(run_pipeline("image-classification", folder, _open(inputs["image"]), top_k=5))


def _score(folder: Path, inputs: Mapping[str, Any]) -> Any:
    """Return the scores alone: such tiny models give all labels the same, in any order."""
    return list(_classify(folder, inputs).values())


def _sort_by_labels(folder: Path, inputs: Mapping[str, Any]) -> Any:
    labels = inputs["labels"].split(", ")
    return score_classes(
        run_pipeline("zero-shot-image-classification", folder, _open(inputs["image"]), candidate_labels=labels)
    )


def _list_things(found: Mapping[str, Any], labels: Sequence[str], size: tuple[int, int], sure: float = 0.5) -> Any:
    """Return the sure things, else all, as our back end shows them: the surest first, boxes clipped to the picture."""
    rows = sorted(
        zip(found["scores"].tolist(), labels, found["boxes"].tolist(), strict=True), key=lambda row: -round(row[0], 4)
    )
    shown = [row for row in rows if round(row[0], 4) >= sure] or rows
    limits = size * 2
    return [
        (label, score, [min(max(side, 0), limit) for side, limit in zip(box, limits, strict=True)])
        for score, label, box in shown
    ]


def _read_things(result: Result) -> Any:
    return [(thing["label"], thing["score"], list(thing["box"])) for thing in result.outputs[0].data["objects"]]


def _detect(folder: Path, inputs: Mapping[str, Any]) -> Any:
    import torch
    from transformers import AutoImageProcessor, AutoModelForObjectDetection

    picture = _open(inputs["image"])
    processor, model = AutoImageProcessor.from_pretrained(folder), AutoModelForObjectDetection.from_pretrained(folder).eval()
    with torch.inference_mode():
        outputs = model(**processor(images=picture, return_tensors="pt"))
    sizes = torch.tensor([picture.size[::-1]])
    (found,) = processor.post_process_object_detection(outputs, threshold=0.3, target_sizes=sizes)
    return _list_things(found, [model.config.id2label[int(i)] for i in found["labels"]], picture.size)


def _detect_named(folder: Path, inputs: Mapping[str, Any]) -> Any:
    import torch
    from transformers import AutoModelForZeroShotObjectDetection, AutoProcessor

    picture, labels = _open(inputs["image"]), inputs["labels"].split(", ")
    processor, model = AutoProcessor.from_pretrained(folder), AutoModelForZeroShotObjectDetection.from_pretrained(folder).eval()
    with torch.inference_mode():
        encoded = processor(text=[labels], images=picture, return_tensors="pt")
        outputs = model(**encoded)
    ids = {"input_ids": encoded["input_ids"]} if "grounding" in folder.parts[-3] else {}
    (found,) = processor.post_process_grounded_object_detection(
        outputs, **ids, threshold=0.1, target_sizes=[picture.size[::-1]], text_labels=[labels]
    )
    kept = _find_distinct(found)
    labels = [label for label, keep in zip(found["text_labels"], kept, strict=True) if keep]
    return _list_things({name: found[name][kept] for name in ("scores", "boxes")}, labels, picture.size, 0.1)


def _find_distinct(found: Mapping[str, Any]) -> Any:
    """Return a mask without boxes that a surer one of the same label covers: such models mark a thing several times."""
    import torch
    from transformers.loss.loss_for_object_detection import box_iou

    kept = torch.zeros(len(found["scores"]), dtype=torch.bool)
    for i in found["scores"].mul(1e4).round().argsort(descending=True, stable=True).tolist():
        rivals = [j for j in kept.nonzero().flatten().tolist() if found["text_labels"][j] == found["text_labels"][i]]
        overlaps = box_iou(found["boxes"][i : i + 1], found["boxes"][rivals])[0] if rivals else torch.zeros(1)
        kept[i] = not bool((overlaps > 0.6).any())  # that of two boxes without an area is no number
    return kept


def _segment(folder: Path, inputs: Mapping[str, Any]) -> Any:
    found = run_pipeline("image-segmentation", folder, _open(inputs["image"]))
    shares: dict[str, float] = {}
    for region in found:
        label = region["label"].strip()
        shares[label] = shares.get(label, 0.0) + float((np.asarray(region["mask"]) > 0).mean())
    return {label: share for label, share in shares.items() if share > 0}


def _read_regions(result: Result) -> Any:
    shares: dict[str, float] = {}
    for region in result.outputs[0].data["regions"]:
        shares[region["label"]] = shares.get(region["label"], 0.0) + region["share"]
    return shares


def _estimate_depth(folder: Path, inputs: Mapping[str, Any]) -> Any:
    depth = run_pipeline("depth-estimation", folder, _open(inputs["image"]))["predicted_depth"].numpy()
    return [float(depth.min()), float(depth.max())]


def _read_depth(result: Result) -> Any:
    data = result.outputs[0].data
    return [data["min"], data["max"]]


def _caption(folder: Path, inputs: Mapping[str, Any], tokens: int = 64) -> Any:
    import torch
    from transformers import AutoImageProcessor, AutoModelForImageTextToText, AutoTokenizer

    processor, tokenizer = AutoImageProcessor.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    model = AutoModelForImageTextToText.from_pretrained(folder).eval()
    with torch.inference_mode():
        pixels = processor(images=_open(inputs["image"]), return_tensors="pt")["pixel_values"]
        ids = model.generate(pixel_values=pixels, max_new_tokens=tokens)
    return str(tokenizer.decode(ids[0], skip_special_tokens=True)).strip()


def _read_line(folder: Path, inputs: Mapping[str, Any]) -> Any:
    return _caption(folder, inputs, 128)


def _choose_answers(folder: Path, inputs: Mapping[str, Any]) -> Any:
    import torch
    from transformers import AutoModelForVisualQuestionAnswering, AutoProcessor

    processor, model = AutoProcessor.from_pretrained(folder), AutoModelForVisualQuestionAnswering.from_pretrained(folder).eval()
    with torch.inference_mode():
        logits = model(**processor(images=_open(inputs["image"]), text=inputs["text"], return_tensors="pt")).logits[0]
    scores, indices = logits.sigmoid().topk(min(5, len(logits)))
    return {model.config.id2label[int(i)]: float(score) for i, score in zip(indices, scores, strict=True)}


def _write_answer(folder: Path, inputs: Mapping[str, Any]) -> Any:
    import torch
    from transformers import AutoModelForVisualQuestionAnswering, AutoProcessor

    processor, model = AutoProcessor.from_pretrained(folder), AutoModelForVisualQuestionAnswering.from_pretrained(folder).eval()
    with torch.inference_mode():
        ids = model.generate(
            **processor(images=_open(inputs["image"]), text=inputs["text"], return_tensors="pt"), max_new_tokens=64
        )
    return processor.decode(ids[0], skip_special_tokens=True).strip()


def _chat(folder: Path, inputs: Mapping[str, Any]) -> Any:
    content = [{"type": "image", "image": _open(inputs["image"])}, {"type": "text", "text": inputs["text"]}]
    found = run_pipeline(
        "image-text-to-text",
        folder,
        text=[{"role": "user", "content": content}],
        generate_kwargs={"max_new_tokens": 128, "do_sample": False},
    )
    return found[0]["generated_text"][-1]["content"].strip()


def _answer_from_page(folder: Path, inputs: Mapping[str, Any]) -> Any:
    """Answer with transformers' pipeline, from the words that our back end reads too."""
    from hugginggpt.experts.bundled import ocr

    picture = _open(inputs["image"])
    words = []
    for row in ocr.read_text_rows(picture):
        for line in row:
            left, top, right, bottom = line.box
            step, at = (right - left) / len(line.text), 0
            for word in line.text.split():
                at = line.text.index(word, at)
                box = (left + at * step, top, left + (at + len(word)) * step, bottom)
                words.append(
                    (
                        word,
                        [round(1000 * min(max(side / size, 0), 1)) for side, size in zip(box, picture.size * 2, strict=True)],
                    )
                )
                at += len(word)
    found = run_pipeline(
        "document-question-answering", folder, image=picture, question=inputs["text"], word_boxes=words, max_answer_len=30
    )
    return found[0]["answer"]


def _read_page(folder: Path, inputs: Mapping[str, Any]) -> Any:
    """Look at a page with Donut, as its documentation does."""
    import re

    import torch
    from transformers import AutoProcessor, VisionEncoderDecoderModel

    processor, model = AutoProcessor.from_pretrained(folder), VisionEncoderDecoderModel.from_pretrained(folder).eval()
    tokenizer = processor.tokenizer
    prompt = f"<s_docvqa><s_question>{inputs['text']}</s_question><s_answer>"
    ids = tokenizer(prompt, add_special_tokens=False, return_tensors="pt").input_ids
    most = model.config.decoder.max_position_embeddings - ids.shape[1]
    pixels = processor(images=_open(inputs["image"]), return_tensors="pt").pixel_values
    with torch.inference_mode():
        written = model.generate(
            pixels, decoder_input_ids=ids, max_new_tokens=most,
            pad_token_id=tokenizer.pad_token_id, eos_token_id=tokenizer.eos_token_id, bad_words_ids=[[tokenizer.unk_token_id]],
        )  # fmt: skip
    text = tokenizer.decode(written[0, ids.shape[1] :]).partition("</s_answer>")[0]
    for special in (tokenizer.eos_token, tokenizer.pad_token):
        text = text.replace(special, "")
    return re.sub(r"</?s_\w+>", " ", text).strip()


def _find_pose(folder: Path, inputs: Mapping[str, Any]) -> Any:
    """Find keypoints of the surest person (https://huggingface.co/docs/transformers/model_doc/vitpose)."""
    import torch
    from transformers import AutoImageProcessor, AutoModelForObjectDetection, VitPoseForPoseEstimation

    picture = _open(inputs["image"])
    detector = next(folder.parents[2].glob("models--tiny--sees-people/snapshots/*"))
    processor, model = (
        AutoImageProcessor.from_pretrained(detector),
        AutoModelForObjectDetection.from_pretrained(detector).eval(),
    )
    with torch.inference_mode():
        outputs = model(**processor(images=picture, return_tensors="pt"))
        sizes = torch.tensor([picture.size[::-1]])
        (found,) = processor.post_process_object_detection(outputs, threshold=0.5, target_sizes=sizes)
        left, top, right, bottom = found["boxes"][found["scores"].argmax()].clamp(min=0).tolist()
        box = [left, top, min(right, picture.width) - left, min(bottom, picture.height) - top]
        processor = AutoImageProcessor.from_pretrained(folder)
        model = VitPoseForPoseEstimation.from_pretrained(folder).eval()
        outputs = model(**processor(picture, boxes=[[box]], return_tensors="pt"))
        (people,) = processor.post_process_pose_estimation(outputs, boxes=[[box]])
    return [round(float(value), 1) for value in people[0]["keypoints"][0]]  # the nose


def _read_nose(result: Result) -> Any:
    point = next(each for each in result.outputs[0].data["people"][0]["keypoints"] if each["name"] == "nose")
    return [point["x"], point["y"]]


def _enlarge(folder: Path, inputs: Mapping[str, Any]) -> Any:
    import torch
    from transformers import AutoImageProcessor, AutoModelForImageToImage

    processor, model = AutoImageProcessor.from_pretrained(folder), AutoModelForImageToImage.from_pretrained(folder).eval()
    picture = _open(inputs["image"])
    with torch.inference_mode():
        pixels = model(**processor(picture, return_tensors="pt")).reconstruction[0].clamp(0, 1)
    width, height = (side * model.config.upscale for side in picture.size)
    return pixels[:, :height, :width].permute(1, 2, 0).mul(255).round().div(255).numpy()


def read_pixels(result: Result) -> Any:
    """Return our picture, in 0..1."""
    path = next(output.path for output in result.outputs if output.path is not None)
    return np.asarray(_open(path)) / 255


def _classify_video(folder: Path, inputs: Mapping[str, Any]) -> Any:
    """Classify the frames that our back end takes, by the model itself: the pipeline takes the first ones."""
    import torch
    from transformers import AutoImageProcessor, AutoModelForVideoClassification

    from hugginggpt.experts.cancel_token import CancelToken
    from hugginggpt.experts.local.video.frames import read_frames

    model = AutoModelForVideoClassification.from_pretrained(folder).eval()
    config = model.config
    frames = read_frames(inputs["video"], count=config.num_frames, max_pixels=10**8, token=CancelToken())
    processor = AutoImageProcessor.from_pretrained(folder)
    with torch.inference_mode():
        logits = model(processor(list(frames), return_tensors="pt")["pixel_values"]).logits[0]
    several = config.problem_type == "multi_label_classification"
    scores = logits if config.problem_type == "regression" else logits.sigmoid() if several else logits.softmax(-1)
    values, indices = scores.topk(min(5, len(scores)))
    return {config.id2label[int(i)]: float(score) for i, score in zip(indices, values, strict=True)}


def _each(
    task: str, models: str, inputs: Mapping[str, str], reference: Any, read: Any = read_text, purpose: str = ""
) -> list[Case]:
    return [Case(task, f"tiny/{model}", inputs, reference, read, purpose) for model in models.split()]


_ONE_LABEL: Final = "the pipeline shares out 1 among one label, which says 100 % of all; here it is scored by itself"
_DUPLICATES: Final = "boxes of one label that overlap mark one thing, and labels are told apart by their words"
_OBJECTS: Final = (
    "objects count from 50 % on, and where most of them is seen, as the models' papers have it; the pipeline asks 90 %"
)
_CLASSIFIERS: Final = "vit swin resnet convnext vit-one-label vit-tags vit-values"
_DETECTORS: Final = "detr conditional-detr deformable-detr table-transformer yolos rt-detr rt-detr-v2 d-fine detr-resnet18"
_SIGN: Final = {"image": "sign.jpg", "text": "Where?"}
_ASKED: Final = {**_CAT, "text": "What is it?"}
_FILM: Final = {"video": "clip.mp4"}


def _read_answers(result: Result) -> Any:
    return {each["answer"]: each["score"] for each in result.outputs[0].data["answers"]}


CASES: Final[tuple[Case, ...]] = (
    *_each("image-classification", _CLASSIFIERS, _CAT, _classify, read_classes),
    *_each("image-classification", "mobilenet efficientnet", _CAT, _score, lambda result: list(read_classes(result).values())),
    *_each("zero-shot-image-classification", "clip siglip siglip2", {**_CAT, "labels": LABELS}, _sort_by_labels, read_classes),
    *_each("object-detection", _DETECTORS, _CAT, _detect, _read_things),
    *_each("zero-shot-object-detection", "owlvit owlv2", {**_CAT, "labels": LABELS}, _detect_named, _read_things, _DUPLICATES),
    *_each("image-segmentation", "segformer", _CAT, _segment, _read_regions),
    *_each("image-segmentation", "maskformer mask2former detr-panoptic", _CAT, _segment, _read_regions, _OBJECTS),
    *_each("depth-estimation", "dpt depth-anything depth-anything-metric glpn", _CAT, _estimate_depth, _read_depth),
    *_each("image-to-text", "blip-captioning git vit-gpt2-image-captioning", _CAT, _caption),
    *_each("image-to-text", "trocr", {"image": "sign.jpg"}, _read_line),
    *_each("visual-question-answering", "vilt", _ASKED, _choose_answers, _read_answers),
    *_each("visual-question-answering", "blip-vqa", _ASKED, _write_answer),
    *_each("visual-question-answering", "idefics3 llava", _ASKED, _chat),
    *_each("document-question-answering", "layoutlm", _SIGN, _answer_from_page),
    *_each("document-question-answering", "donut-docvqa", _SIGN, _read_page),
    Case("openpose-control", "tiny/vitpose", {"image": "rocket.jpg"}, _find_pose, _read_nose, beside=("tiny/sees-people",)),
    Case("image-to-image", "tiny/swin2sr", {"image": "small.png"}, _enlarge, read_pixels),
    *_each("video-classification", "videomae timesformer videomae-tags videomae-values", _FILM, _classify_video, read_classes),
    *_each("video-classification", "videomae-one-label", _FILM, _classify_video, read_classes, _ONE_LABEL),
)
