"""Captioners and models that answer questions about pictures.

Random weights may end at once or never: each of these is kept from ending before its first word, and drawn to it after.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.checkpoints.pictures import SIZE, VISION, seeded
from tests.checkpoints.vocabularies import bert_tokenizer, byte_pair_tokenizer

ANSWERS = {0: "yes", 1: "no", 2: "red", 3: "two", 4: "a cat", 5: "nothing"}
SIZES: Mapping[str, int] = {
    "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16,
    "max_position_embeddings": 66,
}  # fmt: skip
DECODER: Mapping[str, int] = {"n_embd": 16, "n_layer": 1, "n_head": 2, "n_positions": 200}
LANGUAGE: Mapping[str, int] = {
    "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 2,
    "max_position_embeddings": 2048,
}  # fmt: skip
CHAT = (
    "{% for message in messages %}{{ message.role }}: {% for part in message.content %}"
    "{% if part.type == 'image' %}IMAGE{% else %}{{ part.text }}{% endif %}{% endfor %}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant: {% endif %}"
)
"""A chat template; IMAGE stands for what marks a picture."""


def talkative(model: Any, end: int, never: Sequence[int] = ()) -> Any:
    """Have a model say something, and end soon after."""
    model.generation_config.eos_token_id = end
    model.generation_config.begin_suppress_tokens = [end]
    model.generation_config.exponential_decay_length_penalty = (4, 3.0)
    if never:
        model.generation_config.suppress_tokens = list(never)
    return model


def _blip(head: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        import transformers

        tokenizer = bert_tokenizer()
        text = {
            **SIZES, "vocab_size": len(tokenizer), "encoder_hidden_size": 16, "bos_token_id": tokenizer.cls_token_id,
            "eos_token_id": tokenizer.sep_token_id, "sep_token_id": tokenizer.sep_token_id,
            "pad_token_id": tokenizer.pad_token_id,
        }  # fmt: skip
        config = transformers.BlipConfig(text_config=text, vision_config=dict(VISION), projection_dim=16)
        model = getattr(transformers, head)(config)
        talkative(model.text_decoder, tokenizer.sep_token_id)
        talkative(model, tokenizer.sep_token_id).save_pretrained(folder)
        pixels = transformers.BlipImageProcessorPil(size=SIZE)
        transformers.BlipProcessor(pixels, tokenizer).save_pretrained(folder)

    return make


def tiny_blip2(folder: Path) -> None:
    from transformers import Blip2Config, Blip2ForConditionalGeneration, Blip2Processor, BlipImageProcessorPil

    tokenizer = byte_pair_tokenizer("GPT2Tokenizer", pad_token="<pad>")
    tokenizer.add_special_tokens({"additional_special_tokens": ["<image>"]})
    image = tokenizer.convert_tokens_to_ids("<image>")
    text = {
        "model_type": "opt", "vocab_size": len(tokenizer), "hidden_size": 16, "ffn_dim": 16, "num_hidden_layers": 1,
        "num_attention_heads": 2, "word_embed_proj_dim": 16, "max_position_embeddings": 200, "bos_token_id": 0,
        "eos_token_id": 2, "pad_token_id": tokenizer.pad_token_id,
    }  # fmt: skip
    qformer = {**SIZES, "vocab_size": 8, "encoder_hidden_size": 16}
    config = Blip2Config(
        text_config=text, vision_config=dict(VISION), qformer_config=qformer, num_query_tokens=4, image_token_index=image
    )
    model = Blip2ForConditionalGeneration(config)
    talkative(model, 2, [0, 1, image]).save_pretrained(folder)
    Blip2Processor(BlipImageProcessorPil(size=SIZE), tokenizer, num_query_tokens=4).save_pretrained(folder)


def tiny_git(folder: Path) -> None:
    from transformers import CLIPImageProcessorPil, GitConfig, GitForCausalLM, GitProcessor

    tokenizer = bert_tokenizer()
    config = GitConfig(
        vision_config=dict(VISION), vocab_size=len(tokenizer), bos_token_id=tokenizer.cls_token_id,
        eos_token_id=tokenizer.sep_token_id, pad_token_id=tokenizer.pad_token_id, **{**SIZES, "max_position_embeddings": 200},
    )  # fmt: skip
    talkative(GitForCausalLM(config), tokenizer.sep_token_id).save_pretrained(folder)
    pixels = CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size=SIZE)
    GitProcessor(pixels, tokenizer).save_pretrained(folder)


def _encoder_decoder(folder: Path, decoder: Any, tokenizer: Any) -> None:
    from transformers import VisionEncoderDecoderConfig, VisionEncoderDecoderModel, ViTConfig, ViTImageProcessorPil

    config = VisionEncoderDecoderConfig.from_encoder_decoder_configs(ViTConfig(**VISION), decoder)
    model = VisionEncoderDecoderModel(config=config)
    for settings in (model.config, model.generation_config):
        settings.decoder_start_token_id = tokenizer.bos_token_id
        settings.pad_token_id = tokenizer.pad_token_id
        settings.eos_token_id = tokenizer.eos_token_id
    talkative(model, tokenizer.eos_token_id).save_pretrained(folder)
    ViTImageProcessorPil(size=SIZE).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def vit_gpt2_captioning(folder: Path) -> None:
    from transformers import GPT2Config

    tokenizer = byte_pair_tokenizer("GPT2Tokenizer", pad_token="<pad>")
    decoder = GPT2Config(vocab_size=len(tokenizer), add_cross_attention=True, is_decoder=True, **DECODER)
    _encoder_decoder(folder, decoder, tokenizer)


def tiny_trocr(folder: Path) -> None:
    from transformers import TrOCRConfig

    tokenizer = byte_pair_tokenizer("RobertaTokenizer")
    decoder = TrOCRConfig(
        vocab_size=len(tokenizer), d_model=16, decoder_layers=1, decoder_attention_heads=2, decoder_ffn_dim=16,
        max_position_embeddings=200, cross_attention_hidden_size=16,
    )  # fmt: skip
    _encoder_decoder(folder, decoder, tokenizer)


def tiny_donut(folder: Path) -> None:
    """Answers questions about documents."""
    from transformers import (
        DonutImageProcessorPil,
        DonutProcessor,
        DonutSwinConfig,
        MBartConfig,
        VisionEncoderDecoderConfig,
        VisionEncoderDecoderModel,
        XLMRobertaTokenizer,
    )

    letters = [(letter, -3.0) for letter in "▁abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,?!"]
    special = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    tokenizer = XLMRobertaTokenizer(vocab=special + letters)
    tags = ["<s_docvqa>", "<s_question>", "</s_question>", "<s_answer>", "</s_answer>"]
    tokenizer.add_special_tokens({"additional_special_tokens": tags})
    encoder = DonutSwinConfig(
        embed_dim=8, depths=[1, 1], num_heads=[1, 2], window_size=2, image_size=[64, 48], patch_size=4, hidden_size=16
    )
    decoder = MBartConfig(
        vocab_size=len(tokenizer), d_model=16, decoder_layers=1, decoder_attention_heads=2, decoder_ffn_dim=16,
        encoder_layers=1, encoder_attention_heads=2, encoder_ffn_dim=16, max_position_embeddings=48, is_decoder=True,
        add_cross_attention=True,
    )  # fmt: skip
    model = VisionEncoderDecoderModel(config=VisionEncoderDecoderConfig.from_encoder_decoder_configs(encoder, decoder))
    model.generation_config.forced_eos_token_id = None
    never = [0, 1, 3, *tokenizer.convert_tokens_to_ids(tags)]
    talkative(model, tokenizer.eos_token_id, never).save_pretrained(folder)
    DonutProcessor(DonutImageProcessorPil(size={"height": 64, "width": 48}), tokenizer).save_pretrained(folder)


def tiny_vilt(folder: Path) -> None:
    from transformers import ViltConfig, ViltForQuestionAnswering, ViltImageProcessorPil, ViltProcessor

    tokenizer = bert_tokenizer()
    config = ViltConfig(
        vocab_size=len(tokenizer), **{**SIZES, "max_position_embeddings": 40}, image_size=32, patch_size=8, id2label=ANSWERS,
        label2id={answer: i for i, answer in ANSWERS.items()},
    )  # fmt: skip
    ViltForQuestionAnswering(config).save_pretrained(folder)
    pixels = ViltImageProcessorPil(size={"shortest_edge": 32}, size_divisor=8)
    ViltProcessor(pixels, tokenizer).save_pretrained(folder)


def tiny_layoutlm(folder: Path) -> None:
    from transformers import LayoutLMConfig, LayoutLMForQuestionAnswering

    tokenizer = bert_tokenizer()
    config = LayoutLMConfig(vocab_size=len(tokenizer), **SIZES)
    LayoutLMForQuestionAnswering(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def tiny_layoutlmv3(folder: Path) -> None:
    """Looks at the page, too."""
    from transformers import LayoutLMv3Config, LayoutLMv3ForQuestionAnswering, LayoutLMv3ImageProcessorPil

    tokenizer = byte_pair_tokenizer("LayoutLMv3Tokenizer", model_max_length=128)
    config = LayoutLMv3Config(
        vocab_size=len(tokenizer), **{**SIZES, "max_position_embeddings": 130, "hidden_size": 24}, coordinate_size=4,
        shape_size=4, input_size=32, patch_size=8, pad_token_id=tokenizer.pad_token_id, rel_pos_bins=8, rel_2d_pos_bins=8,
    )  # fmt: skip
    LayoutLMv3ForQuestionAnswering(config).save_pretrained(folder)
    LayoutLMv3ImageProcessorPil(size=SIZE).save_pretrained(folder)  # by itself it would call Tesseract
    tokenizer.save_pretrained(folder)


def _idefics3(folder: Path, family: str) -> None:
    import transformers

    rows = [f"<row_{row + 1}_col_{column + 1}>" for row in range(6) for column in range(6)]
    special = ["<fake_token_around_image>", "<image>", "<end_of_utterance>", "<global-img>", *rows]
    tokenizer = byte_pair_tokenizer("GPT2Tokenizer", pad_token="<pad>")
    tokenizer.add_special_tokens({"additional_special_tokens": special})
    vision = {**VISION, "model_type": "smolvlm_vision" if family == "SmolVLM" else "idefics3_vision"}
    config = getattr(transformers, f"{family}Config")(
        text_config={"model_type": "llama", "vocab_size": len(tokenizer), **LANGUAGE}, vision_config=vision, scale_factor=2,
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"), pad_token_id=tokenizer.pad_token_id,
    )  # fmt: skip
    model = getattr(transformers, f"{family}ForConditionalGeneration")(config)
    never = [tokenizer.pad_token_id, *tokenizer.convert_tokens_to_ids(special)]
    talkative(model, tokenizer.eos_token_id, never).save_pretrained(folder)
    pixels = getattr(transformers, f"{family}ImageProcessorPil")(size={"longest_edge": 64}, max_image_size={"longest_edge": 32})
    template = CHAT.replace("IMAGE", "<image>")
    processor = transformers.Idefics3Processor(pixels, tokenizer, image_seq_len=4, chat_template=template)
    processor.save_pretrained(folder)


def tiny_idefics3(folder: Path) -> None:
    _idefics3(folder, "Idefics3")


def tiny_smolvlm(folder: Path) -> None:
    _idefics3(folder, "SmolVLM")


def tiny_llava(folder: Path) -> None:
    from transformers import CLIPImageProcessorPil, LlavaConfig, LlavaForConditionalGeneration, LlavaProcessor

    tokenizer = byte_pair_tokenizer("GPT2Tokenizer", pad_token="<pad>")
    tokenizer.add_special_tokens({"additional_special_tokens": ["<image>"]})
    config = LlavaConfig(
        text_config={"model_type": "llama", "vocab_size": len(tokenizer), **LANGUAGE},
        vision_config={"model_type": "clip_vision_model", **VISION, "num_hidden_layers": 2},
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"), image_seq_length=16,
    )  # fmt: skip
    model = LlavaForConditionalGeneration(config)
    never = [tokenizer.pad_token_id, tokenizer.convert_tokens_to_ids("<image>")]
    talkative(model, tokenizer.eos_token_id, never).save_pretrained(folder)
    pixels = CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size=SIZE)
    LlavaProcessor(
        pixels, tokenizer, patch_size=8, vision_feature_select_strategy="default", num_additional_image_tokens=1,
        chat_template=CHAT.replace("IMAGE", "<image>"),
    ).save_pretrained(folder)  # fmt: skip


def _qwen_vl(folder: Path, family: str) -> None:
    """Laid out as on the Hub, where the processor's settings lie in ``preprocessor_config.json``."""
    import transformers

    special = ["<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"]
    tokenizer = byte_pair_tokenizer("Qwen2Tokenizer")
    tokenizer.add_special_tokens({"additional_special_tokens": special})
    start, end, image, video = tokenizer.convert_tokens_to_ids(special)
    rope = {"rope_type": "default", "mrope_section": [1, 1, 2], "rope_theta": 10000.0}
    vision = {
        "depth": 1, "num_heads": 2, "patch_size": 4, "spatial_merge_size": 2, "temporal_patch_size": 2, "in_channels": 3,
        "hidden_size": 16, "embed_dim": 16, "out_hidden_size": 16, "intermediate_size": 16, "window_size": 16,
        "fullatt_block_indexes": [0],
    }  # fmt: skip
    config = getattr(transformers, f"{family}Config")(
        text_config={"vocab_size": len(tokenizer), **LANGUAGE, "rope_parameters": rope}, vision_config=vision,
        image_token_id=image, video_token_id=video, vision_start_token_id=start, vision_end_token_id=end,
    )  # fmt: skip
    model = getattr(transformers, f"{family}ForConditionalGeneration")(config)
    talkative(model, tokenizer.eos_token_id, [start, end, image, video]).save_pretrained(folder)
    transformers.Qwen2VLImageProcessorPil(
        patch_size=4, size={"shortest_edge": 64 * 64, "longest_edge": 96 * 96}
    ).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    template = CHAT.replace("IMAGE", "<|vision_start|><|image_pad|><|vision_end|>")
    (folder / "chat_template.jinja").write_text(template)


def tiny_qwen2_vl(folder: Path) -> None:
    _qwen_vl(folder, "Qwen2VL")


def tiny_qwen25_vl(folder: Path) -> None:
    _qwen_vl(folder, "Qwen2_5_VL")


_MADE: Mapping[str, Callable[[Path], None]] = {
    "tiny/blip-captioning": _blip("BlipForConditionalGeneration"),
    "tiny/blip-vqa": _blip("BlipForQuestionAnswering"),
    "tiny/blip2": tiny_blip2,
    "tiny/git": tiny_git,
    "tiny/vit-gpt2-image-captioning": vit_gpt2_captioning,
    "tiny/trocr": tiny_trocr,
    "tiny/donut-docvqa": tiny_donut,
    "tiny/vilt": tiny_vilt,
    "tiny/layoutlm": tiny_layoutlm,
    "tiny/layoutlmv3": tiny_layoutlmv3,
    "tiny/idefics3": tiny_idefics3,
    "tiny/smolvlm": tiny_smolvlm,
    "tiny/llava": tiny_llava,
    "tiny/qwen2-vl": tiny_qwen2_vl,
    "tiny/qwen2.5-vl": tiny_qwen25_vl,
}
CHECKPOINTS = {name: seeded(make) for name, make in _MADE.items()}
