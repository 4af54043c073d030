"""Local audio tasks: speech recognition, speech and sounds, conversion.

Imported by name, through ``functions.yaml`` beside `experts.local.expert`, at the first call. A new model family is a
function in `asr_models` or `tts_models`.
"""
