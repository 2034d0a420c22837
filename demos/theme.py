"""The gallery's own theme: a quiet room with the lights on the exhibit. Colours and spacing are in assets/theme/."""

from pathlib import Path

import gradio as gr

THEME_FOLDER = Path(__file__).parent.parent / "assets" / "theme"
FAVICON = THEME_FOLDER / "favicon.svg"

# No downloaded fonts: a lecture hall may have no network.
_SANS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "DejaVu Sans", "sans-serif")
_MONO = ("ui-monospace", "Cascadia Mono", "Menlo", "DejaVu Sans Mono", "monospace")


def theme() -> gr.themes.Base:
    """Gradio's bare theme with the gallery's type scale; assets/theme/gallery.css does the rest."""
    return gr.themes.Base(
        primary_hue=gr.themes.colors.indigo,
        neutral_hue=gr.themes.colors.stone,
        text_size=gr.themes.sizes.text_lg,
        spacing_size=gr.themes.sizes.spacing_md,
        radius_size=gr.themes.sizes.radius_md,
        font=list(_SANS),
        font_mono=list(_MONO),
    ).set(
        body_background_fill="#f6f6f3",
        body_background_fill_dark="#131417",
        body_text_color="#1a1b1e",
        body_text_color_dark="#f1f1ee",
        body_text_color_subdued="#50535a",
        body_text_color_subdued_dark="#b9bcc3",
        block_background_fill="transparent",
        block_background_fill_dark="transparent",
        block_border_width="0px",
        block_label_background_fill="transparent",
        block_label_background_fill_dark="transparent",
        block_label_text_color="#50535a",
        block_label_text_color_dark="#b9bcc3",
        block_title_text_color="#3a3c42",
        block_title_text_color_dark="#d3d5da",
        block_padding="4px",
        input_background_fill="#ffffff",
        input_background_fill_dark="#16181b",
        input_border_width="1px",
        input_border_color="#8a8d94",
        input_border_color_dark="#747982",
        input_placeholder_color="#62656c",
        input_placeholder_color_dark="#a3a7af",
        button_secondary_background_fill="#ecece8",
        button_secondary_background_fill_dark="#2a2d32",
        button_secondary_text_color="#1a1b1e",
        button_secondary_text_color_dark="#f1f1ee",
        shadow_drop="none",
        shadow_drop_lg="none",
    )


def css() -> str:
    return (THEME_FOLDER / "gallery.css").read_text(encoding="utf-8")


def head() -> str:
    """Our script, inline: one request less for every student."""
    return f"<script>{(THEME_FOLDER / 'gallery.js').read_text(encoding='utf-8')}</script>"
