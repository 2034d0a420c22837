"""The cycle of CycleGAN as a drawing: two collections, a network each way, and the losses that tie them together."""

_MARKER = """<defs><marker id="cycle-arrow" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8"
orient="auto"><path d="M0 0 10 5 0 10z" fill="var(--muted)"/></marker></defs>"""


def cycle_diagram() -> str:
    """HTML of the drawing. Its colours follow the page, light or dark; its words are read out as one sentence."""
    label = (
        "A photograph x goes through the network G and becomes a vintage picture G of x. The network F turns that "
        "back into a photograph, which the cycle loss compares with x. A discriminator D judges whether G of x could "
        "be one of the vintage pictures."
    )
    boxes = (
        _box(20, 96, 190, 96, "box", "x", "your photograph"),
        _box(285, 104, 110, 80, "here", "G", "runs here"),
        _box(470, 96, 190, 96, "box", "G(x)", "vintage picture"),
        _box(728, 104, 124, 80, "absent", "F", "not published"),
        _box(920, 96, 190, 96, "box", "F(G(x))", "photograph again"),
        _box(503, 256, 124, 76, "absent", "D", "not published"),
    )
    arrows = (
        '<path class="arrow" d="M210 144H281"/>',
        '<path class="arrow" d="M395 144H466"/>',
        '<path class="arrow" d="M660 144H724"/>',
        '<path class="arrow" d="M852 144H916"/>',
        '<path class="arrow" d="M565 192V252"/>',
        '<path class="loss" d="M115 90C115 20 1015 20 1015 90"/>',
    )
    words = (
        '<text class="loss-words" x="565" y="28">cycle loss: F(G(x)) must be x again, pixel by pixel</text>',
        '<text class="small" x="565" y="360">adversarial loss: G(x) must pass for one of the vintage pictures</text>',
    )
    return (
        f"<div class='cycle-diagram'><svg viewBox='0 0 1130 372' role='img' aria-label='{label}'>"
        f"{_MARKER}{''.join(arrows)}{''.join(boxes)}{''.join(words)}</svg></div>"
    )


def _box(left: int, top: int, width: int, height: int, kind: str, name: str, words: str) -> str:
    middle = left + width // 2
    return (
        f'<rect class="{kind}" x="{left}" y="{top}" width="{width}" height="{height}" rx="10"/>'
        f'<text class="name" x="{middle}" y="{top + height // 2}">{name}</text>'
        f'<text class="small" x="{middle}" y="{top + height // 2 + 24}">{words}</text>'
    )
