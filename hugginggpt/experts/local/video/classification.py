"""What happens in a video (https://huggingface.co/docs/transformers/tasks/video_classification)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from hugginggpt.experts.base import Call, Result
from hugginggpt.experts.local.runtime.cancellation import make_interruptible
from hugginggpt.experts.local.runtime.runtime import SAFE_WEIGHTS, Runtime
from hugginggpt.experts.local.video.frames import read_frames
from hugginggpt.experts.outputs.text import classes
from hugginggpt.hub.cache import Checkpoint

_KEPT: Final = 5
_FRAMES: Final = ("num_frames", "frames_per_clip")
"""What configurations call the number of frames that a model looks at."""
_SETTINGS: Final = ("preprocessor_config.json", "video_preprocessor_config.json")


def classify(calls: Sequence[Call], runtime: Runtime) -> list[Result]:
    """video-classification: a sentence; ``data["classes"]`` holds label and score (0..1) of the five likeliest.

    As many frames as the model was trained on are taken evenly from the whole video. VideoMAE (arXiv 2203.12602),
    TimeSformer (2102.05095), ViViT (2103.15691), V-JEPA 2 (2506.09985).

    Raises:
        InputError: There is no moving picture in the file, or it can't be decoded.
    """
    import torch

    (call,) = calls

    def load(checkpoint: Checkpoint) -> tuple[Any, Any]:
        from transformers import AutoModelForVideoClassification

        model = AutoModelForVideoClassification.from_pretrained(checkpoint.folder, dtype=runtime.dtype, **SAFE_WEIGHTS)
        return _processor(checkpoint), model.to(runtime.device.name).eval()

    path = call.file("video")
    with runtime.load_model("video classifier", load, call.token) as (processor, model), torch.inference_mode():
        config = model.config
        count = next(getattr(config, name) for name in _FRAMES if hasattr(config, name))
        frames = read_frames(path, count=count, max_pixels=call.limits.max_pixels, token=call.token)
        pixels = processor(list(frames), return_tensors="pt")["pixel_values"]
        with make_interruptible(model, call):
            logits = model(**{model.main_input_name: pixels.to(runtime.device.name, runtime.dtype)}).logits[0].float()
    scores, indices = logits.softmax(-1).cpu().topk(min(_KEPT, len(logits)))
    found = [{"label": config.id2label[i], "score": score} for score, i in zip(scores.tolist(), indices.tolist(), strict=True)]
    return [classes(found, shares=True)]


def _processor(checkpoint: Checkpoint) -> Any:
    """What scales, crops and normalizes frames as the checkpoint's own file says.

    transformers' own classes for most video models need torchvision; VideoMAE's has a twin that works on Pillow and
    does the same steps.
    """
    from transformers.models.videomae.image_processing_pil_videomae import VideoMAEImageProcessorPil

    return VideoMAEImageProcessorPil(**_steps(checkpoint.folder, checkpoint.model_type))


def _steps(folder: Path, model_type: str) -> dict[str, Any]:
    """The processor's settings; ViViT's extra step is put into the mean."""
    file = next((folder / name for name in _SETTINGS if (folder / name).is_file()), None)
    if file is None:
        raise FileNotFoundError(f"{folder} has no {_SETTINGS[0]}")
    found: Mapping[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    known = (
        "do_resize", "size", "do_center_crop", "crop_size", "do_rescale", "rescale_factor", "do_normalize", "image_mean",
        "image_std", "resample",
    )  # fmt: skip
    steps = {name: found[name] for name in known if name in found}
    if model_type == "vivit" and found.get("offset", True):  # it scales to -1..1 first and normalizes then
        steps.setdefault("rescale_factor", 1 / 127.5)
        steps["image_mean"] = [mean + 1 for mean in steps.get("image_mean", (0.5, 0.5, 0.5))]
        steps.setdefault("image_std", [0.5, 0.5, 0.5])
    return steps
