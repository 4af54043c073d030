"""The page's theme: one accent colour, the theme's own type, nothing loud."""

from pathlib import Path
from typing import Final

import gradio as gr

from hugginggpt.ui.assets import load_script

_ASSETS: Final = Path(__file__).with_name("assets")
JS: Final = load_script("chat")
"""Script that runs once the page is there."""
CSS: Final = sorted(_ASSETS.glob("*.css"), key=lambda sheet: (sheet.name != "page.css", sheet.name))
"""Style sheets: the page's own first, then those of the parts that are drawn as HTML."""
THEME: Final = gr.themes.Default(
    primary_hue="teal",
    secondary_hue="teal",
    neutral_hue="zinc",
    # Gradio's file for the weight 600 holds a few letters only
    font=[gr.themes.LocalFont("Source Sans Pro", weights=(400, 700)), "ui-sans-serif", "system-ui", "sans-serif"],
).set(
    body_text_color_subdued="*neutral_500",
    body_text_color_subdued_dark="*neutral_400",
    input_placeholder_color="*neutral_500",
    link_text_color="*primary_700",
    link_text_color_visited="*primary_700",
    link_text_color_hover="*primary_800",
    link_text_color_active="*primary_800",
    link_text_color_dark="*primary_300",
    link_text_color_visited_dark="*primary_300",
    link_text_color_hover_dark="*primary_200",
    link_text_color_active_dark="*primary_200",
    button_primary_background_fill="*primary_700",
    button_primary_background_fill_hover="*primary_600",
    button_primary_background_fill_dark="*primary_700",
    button_primary_background_fill_hover_dark="*primary_600",
)
