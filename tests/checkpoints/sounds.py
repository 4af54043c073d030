"""Models that hear what is said, or what kind of sound a recording is."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.checkpoints import voices
from tests.checkpoints.voices import TEXT, words_tokenizer

LANGUAGES = ("en", "de", "fr")
LABELS = {0: "speech", 1: "music", 2: "rain", 3: "a dog", 4: "an engine", 5: "silence"}
NAMES: Mapping[str, Any] = {"id2label": LABELS, "label2id": {label: i for i, label in LABELS.items()}}
LAYERS: Mapping[str, Any] = {
    "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16,
}  # fmt: skip
WAVES: Mapping[str, Any] = {
    **LAYERS, "conv_dim": (8, 8, 8), "conv_kernel": (10, 3, 3), "conv_stride": (5, 8, 8), "num_feat_extract_layers": 3,
    "num_conv_pos_embeddings": 8, "num_conv_pos_embedding_groups": 2,
}  # fmt: skip
"""Layers of models that hear the wave itself: fifty frames a second, as the real ones."""


def tiny_whisper(folder: Path) -> None:
    """Whisper that knows three languages and its timestamps."""
    import torch
    from transformers import GenerationConfig, WhisperConfig, WhisperFeatureExtractor, WhisperForConditionalGeneration

    torch.manual_seed(0)  # weights that say something
    tokenizer = _whisper_tokenizer(folder)
    special = tokenizer.get_vocab()
    config = WhisperConfig(
        vocab_size=len(tokenizer), d_model=16, encoder_layers=1, encoder_attention_heads=2, encoder_ffn_dim=16,
        decoder_layers=1, decoder_attention_heads=2, decoder_ffn_dim=16, max_target_positions=160,
        decoder_start_token_id=special["<|startoftranscript|>"], bos_token_id=special["<|endoftext|>"],
        eos_token_id=special["<|endoftext|>"], pad_token_id=special["<|endoftext|>"], begin_suppress_tokens=None,
    )  # fmt: skip
    model = WhisperForConditionalGeneration(config)
    model.generation_config = GenerationConfig(
        is_multilingual=True,
        lang_to_id={f"<|{code}|>": special[f"<|{code}|>"] for code in LANGUAGES},
        task_to_id={task: special[f"<|{task}|>"] for task in ("transcribe", "translate")},
        no_timestamps_token_id=special["<|notimestamps|>"],
        max_initial_timestamp_index=50,
        max_length=48,
        decoder_start_token_id=config.decoder_start_token_id,
        bos_token_id=config.bos_token_id,
        eos_token_id=config.eos_token_id,
        pad_token_id=config.pad_token_id,
    )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    WhisperFeatureExtractor().save_pretrained(folder)


def tiny_early_whisper(folder: Path) -> None:
    """The same with the few generation settings that checkpoints had before timestamps and languages were in there."""
    tiny_whisper(folder)
    file = folder / "generation_config.json"
    kept = {name: value for name, value in json.loads(file.read_text()).items() if name.endswith("_token_id")}
    del kept["no_timestamps_token_id"]
    file.write_text(json.dumps(kept))


def tiny_wav2vec2_ctc(folder: Path) -> None:
    """wav2vec 2.0 that writes letters."""
    import torch
    from transformers import Wav2Vec2Config, Wav2Vec2ForCTC

    torch.manual_seed(0)  # weights that say something
    Wav2Vec2ForCTC(Wav2Vec2Config(**WAVES, **_ctc_letters(folder))).save_pretrained(folder)


def tiny_hubert_ctc(folder: Path) -> None:
    """HuBERT that writes letters."""
    import torch
    from transformers import HubertConfig, HubertForCTC

    torch.manual_seed(0)  # weights that say something
    HubertForCTC(HubertConfig(**WAVES, **_ctc_letters(folder))).save_pretrained(folder)


def tiny_wav2vec2_bert_ctc(folder: Path) -> None:
    """wav2vec 2.0 BERT, which hears a spectrogram."""
    import torch
    from transformers import SeamlessM4TFeatureExtractor, Wav2Vec2BertConfig, Wav2Vec2BertForCTC

    torch.manual_seed(0)  # weights that say something
    config = Wav2Vec2BertConfig(**LAYERS, **_ctc_letters(folder), feature_projection_input_dim=160, output_hidden_size=16)
    Wav2Vec2BertForCTC(config).save_pretrained(folder)
    SeamlessM4TFeatureExtractor().save_pretrained(folder)


def tiny_moonshine(folder: Path) -> None:
    """Moonshine, which hears the wave and writes tokens."""
    import torch
    from transformers import MoonshineConfig, MoonshineForConditionalGeneration, Wav2Vec2FeatureExtractor

    torch.manual_seed(0)  # weights that say something
    words = words_tokenizer(folder)
    config = MoonshineConfig(
        vocab_size=len(words), hidden_size=16, intermediate_size=16, encoder_num_hidden_layers=1,
        decoder_num_hidden_layers=1, encoder_num_attention_heads=2, decoder_num_attention_heads=2,
        bos_token_id=1, eos_token_id=2, decoder_start_token_id=1, pad_token_id=0, tie_word_embeddings=False,
    )  # fmt: skip
    MoonshineForConditionalGeneration(config).save_pretrained(folder)
    Wav2Vec2FeatureExtractor(do_normalize=False, return_attention_mask=True).save_pretrained(folder)


def tiny_wav2vec2_classifier(folder: Path) -> None:
    """wav2vec 2.0 with a head for kinds of sounds."""
    from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2ForSequenceClassification

    config = Wav2Vec2Config(**WAVES, **NAMES, classifier_proj_size=8)
    Wav2Vec2ForSequenceClassification(config).save_pretrained(folder)
    Wav2Vec2FeatureExtractor().save_pretrained(folder)


def tiny_ast(folder: Path) -> None:
    """An audio spectrogram transformer, which looks at ten seconds at once and gives several labels."""
    from transformers import ASTConfig, ASTFeatureExtractor, ASTForAudioClassification

    config = ASTConfig(**LAYERS, **NAMES, problem_type="multi_label_classification")
    ASTForAudioClassification(config).save_pretrained(folder)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="At least one mel filter")  # of the real ones, too
        ASTFeatureExtractor().save_pretrained(folder)


def tiny_whisper_classifier(folder: Path) -> None:
    """Whisper's encoder with a head for kinds of sounds."""
    from transformers import WhisperConfig, WhisperFeatureExtractor, WhisperForAudioClassification

    config = WhisperConfig(
        **NAMES, d_model=16, encoder_layers=1, encoder_attention_heads=2, encoder_ffn_dim=16, decoder_layers=1,
        decoder_attention_heads=2, decoder_ffn_dim=16, classifier_proj_size=8,
    )  # fmt: skip
    WhisperForAudioClassification(config).save_pretrained(folder)
    WhisperFeatureExtractor().save_pretrained(folder)


def _whisper_tokenizer(folder: Path) -> Any:
    """Byte-level BPE, then Whisper's own tokens in Whisper's order, the timestamps of thirty seconds last."""
    from tokenizers import AddedToken, ByteLevelBPETokenizer
    from transformers import WhisperTokenizer

    made = ByteLevelBPETokenizer()
    made.train_from_iterator([TEXT], vocab_size=300, show_progress=False)
    made.save_model(str(folder))
    vocabulary = json.loads((folder / "vocab.json").read_text())
    merges = [tuple(line.split()) for line in (folder / "merges.txt").read_text().splitlines()[1:]]
    tokenizer = WhisperTokenizer(vocabulary, merges)
    special = ["<|endoftext|>", "<|startoftranscript|>", *(f"<|{code}|>" for code in LANGUAGES), "<|translate|>"]
    special += ["<|transcribe|>", "<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"]
    tokenizer.add_special_tokens({"extra_special_tokens": special})
    tokenizer.add_tokens([AddedToken(f"<|{step * 0.02:.2f}|>", normalized=False) for step in range(1501)])
    return tokenizer


def _ctc_letters(folder: Path) -> Mapping[str, Any]:
    """Saves the tokenizer and the feature extractor of CTC models; returns what their configuration says of it."""
    from transformers import Wav2Vec2CTCTokenizer, Wav2Vec2FeatureExtractor

    letters = ["<pad>", "<s>", "</s>", "<unk>", "|", *"'ABCDEFGHIJKLMNOPQRSTUVWXYZ"]
    file = folder / "vocab.json"
    file.write_text(json.dumps({letter: i for i, letter in enumerate(letters)}))
    Wav2Vec2CTCTokenizer(file).save_pretrained(folder)
    Wav2Vec2FeatureExtractor().save_pretrained(folder)
    return {"vocab_size": len(letters), "pad_token_id": 0}


CHECKPOINTS: Mapping[str, Callable[[Path], None]] = {
    **voices.CHECKPOINTS,
    "tiny/whisper": tiny_whisper,
    "tiny/early-whisper": tiny_early_whisper,
    "tiny/wav2vec2-ctc": tiny_wav2vec2_ctc,
    "tiny/hubert-ctc": tiny_hubert_ctc,
    "tiny/wav2vec2-bert-ctc": tiny_wav2vec2_bert_ctc,
    "tiny/moonshine": tiny_moonshine,
    "tiny/wav2vec2-classifier": tiny_wav2vec2_classifier,
    "tiny/ast": tiny_ast,
    "tiny/whisper-classifier": tiny_whisper_classifier,
}
