"""Models that speak, make music, or say a recording again."""

from __future__ import annotations

import json
import string
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

TEXT = (
    "the quick brown fox jumps over the lazy dog while the rocket flies to the moon and the engines are shut down "
    "Please read this text aloud. A calm piano melody with soft drums, and rain on a roof."
)
"""What tokenizers are trained on."""

# --- speaking


def tiny_vits(folder: Path) -> None:
    """An MMS voice that knows small letters, 16 kHz."""
    from transformers import VitsConfig, VitsModel, VitsTokenizer

    vocabulary = {letter: i for i, letter in enumerate("_ '-" + string.ascii_lowercase)}
    config = VitsConfig(
        vocab_size=len(vocabulary) + 1, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, ffn_dim=8, flow_size=8,
        spectrogram_bins=9, upsample_initial_channel=16, upsample_rates=[8, 8], upsample_kernel_sizes=[16, 16],
        resblock_kernel_sizes=[3], resblock_dilation_sizes=[[1, 3]], duration_predictor_filter_channels=8,
        duration_predictor_num_flows=2, prior_encoder_num_flows=2, prior_encoder_num_wavenet_layers=1,
        posterior_encoder_num_wavenet_layers=1,
    )  # fmt: skip
    VitsModel(config).save_pretrained(folder)
    file = folder / "vocab.json"
    file.write_text(json.dumps(vocabulary))
    VitsTokenizer(file, pad_token="_", unk_token="<unk>", phonemize=False, language="eng").save_pretrained(folder)


def tiny_speecht5_tts(folder: Path) -> None:
    """SpeechT5 that reads letters."""
    from transformers import SpeechT5Config, SpeechT5ForTextToSpeech

    tokenizer = _letters(folder)
    model = SpeechT5ForTextToSpeech(SpeechT5Config(**SPEECHT5, vocab_size=len(tokenizer)))
    _talkative(model).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


SPEECHT5: Mapping[str, Any] = {
    "hidden_size": 16, "encoder_layers": 1, "encoder_attention_heads": 2, "encoder_ffn_dim": 16, "decoder_layers": 1,
    "decoder_attention_heads": 2, "decoder_ffn_dim": 16, "num_mel_bins": 8, "speech_decoder_prenet_units": 16,
    "speech_decoder_postnet_layers": 2, "speech_decoder_postnet_units": 16, "speaker_embedding_dim": 32,
    "conv_dim": (8, 8, 8), "conv_kernel": (10, 3, 3), "conv_stride": (5, 8, 8), "num_conv_pos_embeddings": 8,
    "num_conv_pos_embedding_groups": 2, "max_text_positions": 120, "reduction_factor": 4,
}  # fmt: skip


def tiny_speecht5_vc(folder: Path) -> None:
    """SpeechT5 that says a recording again."""
    from transformers import SpeechT5Config, SpeechT5FeatureExtractor, SpeechT5ForSpeechToSpeech

    _talkative(SpeechT5ForSpeechToSpeech(SpeechT5Config(**SPEECHT5))).save_pretrained(folder)
    SpeechT5FeatureExtractor(num_mel_bins=8).save_pretrained(folder)


def _talkative(model: Any) -> Any:
    """A SpeechT5 that doesn't end with the first frame: it goes on to the most that an input may give."""
    model.speech_decoder_postnet.prob_out.bias.data.fill_(-9.0)
    return model


def tiny_hifigan(folder: Path) -> None:
    """SpeechT5's vocoder: 256 samples for each frame, 16 kHz."""
    from transformers import SpeechT5HifiGan, SpeechT5HifiGanConfig

    config = SpeechT5HifiGanConfig(
        model_in_dim=8, upsample_initial_channel=8, upsample_rates=[16, 16], upsample_kernel_sizes=[32, 32],
        resblock_kernel_sizes=[3], resblock_dilation_sizes=[[1, 3]],
    )  # fmt: skip
    SpeechT5HifiGan(config).save_pretrained(folder)


def tiny_bark(folder: Path) -> None:
    """Bark with vocabularies of a few dozen tokens, and one voice."""
    import numpy as np
    from transformers import BarkConfig, BarkModel, GenerationConfig
    from transformers.models.bark import BarkCoarseConfig, BarkFineConfig, BarkSemanticConfig

    words = words_tokenizer(folder)
    meanings, codes = 16, 8
    size: Mapping[str, Any] = {"hidden_size": 8, "num_layers": 1, "num_heads": 2, "block_size": 128}
    after = meanings + len(words) + 1  # where the ids of text end
    config = BarkConfig(
        semantic_config=BarkSemanticConfig(**size, input_vocab_size=after + 1, output_vocab_size=meanings + 1),
        coarse_acoustics_config=BarkCoarseConfig(**size, input_vocab_size=48, output_vocab_size=48),
        fine_acoustics_config=BarkFineConfig(**size, input_vocab_size=codes + 1, output_vocab_size=codes + 1, n_codes_total=4),
        codec_config=_encodec(codebook_size=codes, rate=24_000),
    )
    model = BarkModel(config)
    model.generation_config = GenerationConfig(
        semantic_config={
            "eos_token_id": meanings, "max_new_tokens": 12, "text_encoding_offset": meanings, "text_pad_token": after - 1,
            "semantic_infer_token": after, "semantic_vocab_size": meanings, "max_input_semantic_length": 24,
        },
        coarse_acoustics_config={
            "coarse_semantic_pad_token": 40, "coarse_infer_token": 41, "max_coarse_input_length": 24,
            "max_coarse_history": 48, "sliding_window_len": 12,
        },
        fine_acoustics_config={"max_fine_history_length": 16, "max_fine_input_length": 32, "n_fine_codebooks": 4},
        codebook_size=codes, sample_rate=24_000,
    )  # fmt: skip
    model.save_pretrained(folder)
    random = np.random.default_rng(0)
    prompts = {
        "semantic_prompt": random.integers(0, meanings, 20),
        "coarse_prompt": random.integers(0, codes, (2, 30)),
        "fine_prompt": random.integers(0, codes, (4, 30)),
    }
    files = {name: f"en_speaker_0_{name}.npy" for name in prompts}
    for name, prompt in prompts.items():
        np.save(folder / files[name], prompt)
    voices = {"repo_or_path": "tiny/bark", "v2/de_speaker_0": dict.fromkeys(files, "missing.npy"), "v2/en_speaker_0": files}
    (folder / "speaker_embeddings_path.json").write_text(json.dumps(voices))


# --- making sounds


def tiny_musicgen(folder: Path) -> None:
    """MusicGen of four codebooks at fifty frames a second."""
    from transformers import MusicgenConfig, MusicgenForConditionalGeneration, T5Config
    from transformers.models.musicgen import MusicgenDecoderConfig

    words = words_tokenizer(folder)
    config = MusicgenConfig(
        text_encoder=T5Config(vocab_size=len(words), d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2),
        audio_encoder=_encodec(codebook_size=16, rate=3_200),
        decoder=MusicgenDecoderConfig(
            vocab_size=16, num_hidden_layers=1, ffn_dim=16, num_attention_heads=2, hidden_size=16, num_codebooks=4,
            pad_token_id=16, bos_token_id=16,
        ),
    )  # fmt: skip
    _save_musicgen(MusicgenForConditionalGeneration(config), folder)


def tiny_musicgen_melody(folder: Path) -> None:
    """MusicGen Melody, which could also be given a melody."""
    from transformers import MusicgenMelodyConfig, MusicgenMelodyForConditionalGeneration, T5Config
    from transformers.models.musicgen_melody import MusicgenMelodyDecoderConfig

    words = words_tokenizer(folder)
    config = MusicgenMelodyConfig(
        text_encoder=T5Config(vocab_size=len(words), d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2),
        audio_encoder=_encodec(codebook_size=16, rate=3_200),
        decoder=MusicgenMelodyDecoderConfig(
            vocab_size=16, num_hidden_layers=1, ffn_dim=16, num_attention_heads=2, hidden_size=16, num_codebooks=4,
            pad_token_id=16, bos_token_id=16,
        ),
    )  # fmt: skip
    _save_musicgen(MusicgenMelodyForConditionalGeneration(config), folder)


def _save_musicgen(model: Any, folder: Path) -> None:
    settings = {"decoder_start_token_id": 16, "pad_token_id": 16, "bos_token_id": 16, "guidance_scale": 3.0, "do_sample": True}
    for name, value in settings.items():
        setattr(model.generation_config, name, value)
    model.save_pretrained(folder)


def _warned(make: Callable[..., Any], **settings: Any) -> Any:
    """What is made of layers that torch has better ones of by now."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*weight_norm", FutureWarning)
        return make(**settings)


def tiny_stable_audio(folder: Path) -> None:
    """Stable Audio: stereo, 400 Hz, some ten seconds at most."""
    from diffusers import (
        AutoencoderOobleck,
        EDMDPMSolverMultistepScheduler,
        StableAudioDiTModel,
        StableAudioPipeline,
        StableAudioProjectionModel,
    )
    from transformers import T5Config, T5EncoderModel

    words = words_tokenizer(folder)
    pipeline = StableAudioPipeline(
        vae=_warned(
            AutoencoderOobleck, encoder_hidden_size=4, downsampling_ratios=[4, 4], channel_multiples=[1, 2], decoder_channels=4,
            decoder_input_channels=4, audio_channels=2, sampling_rate=400,
        ),
        text_encoder=T5EncoderModel(T5Config(vocab_size=len(words), d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=2)),
        projection_model=StableAudioProjectionModel(text_encoder_dim=8, conditioning_dim=8, min_value=0, max_value=32),
        tokenizer=words,
        transformer=StableAudioDiTModel(
            sample_size=256, in_channels=4, num_layers=1, attention_head_dim=4, num_attention_heads=2,
            num_key_value_attention_heads=2, out_channels=4, cross_attention_dim=8, time_proj_dim=8,
            global_states_input_dim=16, cross_attention_input_dim=8,
        ),
        scheduler=EDMDPMSolverMultistepScheduler(
            solver_order=2, prediction_type="v_prediction", sigma_data=1.0, sigma_schedule="exponential"
        ),
    )  # fmt: skip
    pipeline.save_pretrained(folder)


def _encodec(codebook_size: int, rate: int) -> Any:
    """A codec of 64 samples a frame."""
    from transformers import EncodecConfig

    return EncodecConfig(
        sampling_rate=rate, hidden_size=8, num_filters=4, upsampling_ratios=[8, 8], codebook_size=codebook_size,
        target_bandwidths=[rate / 1000], num_lstm_layers=1, codebook_dim=8,
    )  # fmt: skip


# --- tokenizers


def _letters(folder: Path) -> Any:
    """SpeechT5's kind: a SentencePiece model whose pieces are single characters."""
    import sentencepiece
    from transformers import SpeechT5Tokenizer

    model = folder / "spm_char.model"
    with model.open("wb") as file:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter([TEXT, string.printable]), model_writer=file, model_type="char", vocab_size=60,
            hard_vocab_limit=False, bos_id=0, pad_id=1, eos_id=2, unk_id=3, minloglevel=2,
        )  # fmt: skip
    return SpeechT5Tokenizer(str(model))


def words_tokenizer(folder: Path) -> Any:
    """Byte-level BPE with an end-of-text token, saved into the folder too."""
    from tokenizers import ByteLevelBPETokenizer
    from transformers import PreTrainedTokenizerFast

    made = ByteLevelBPETokenizer()
    made.train_from_iterator([TEXT], vocab_size=300, special_tokens=["<pad>", "</s>", "<unk>"], show_progress=False)
    file = folder / "tokenizer.json"
    made.save(str(file))
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(file), pad_token="<pad>", eos_token="</s>", unk_token="<unk>", model_max_length=64
    )
    tokenizer.save_pretrained(folder)
    return tokenizer


CHECKPOINTS: Mapping[str, Callable[[Path], None]] = {
    "tiny/vits": tiny_vits,
    "tiny/speecht5-tts": tiny_speecht5_tts,
    "tiny/speecht5-vc": tiny_speecht5_vc,
    "tiny/speecht5-hifigan": tiny_hifigan,
    "tiny/bark": tiny_bark,
    "tiny/musicgen": tiny_musicgen,
    "tiny/musicgen-melody": tiny_musicgen_melody,
    "tiny/stable-audio": tiny_stable_audio,
}
