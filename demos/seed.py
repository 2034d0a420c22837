"""The seed of whatever is random, and beside it the dice that draws a new one."""

import gradio as gr

MAX_SEED = 2**31 - 1


def seed_input(seed: int = 0, *, info: str | None = None) -> gr.Number:
    """Draws the number and the dice, which is thrown in the browser. `info` says what the seed changes."""
    with gr.Row(elem_classes="seed-row"):
        number = gr.Number(seed, label="Seed", info=info, precision=0, minimum=0, maximum=MAX_SEED, min_width=120)
        dice = gr.Button("⚄ New seed", min_width=140, scale=0)
    dice.click(None, None, number, js="() => Math.floor(Math.random() * 1e6)", api_visibility="private")
    return number
