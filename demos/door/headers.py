"""Headers that tell browsers what the page may do and who may frame it."""

from collections.abc import Iterable

_MAY = {
    "default-src": "'self'",
    # Gradio's page starts with inline scripts, and its HTML components compile their templates.
    "script-src": "'self' 'unsafe-inline' 'unsafe-eval' blob:",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data: blob:",
    "media-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "connect-src": "'self' data: blob:",
    "worker-src": "'self' blob:",
    "object-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
}
SPACES = ("https://huggingface.co", "https://*.hf.space")


def security_headers(frame_ancestors: Iterable[str] = ()) -> list[tuple[bytes, bytes]]:
    """The headers of every answer. Besides this gallery and Spaces, `frame_ancestors` may show it in a frame."""
    framing = " ".join(["'self'", *SPACES, *frame_ancestors])
    policy = "; ".join(f"{name} {value}" for name, value in (_MAY | {"frame-ancestors": framing}).items())
    return [
        (b"content-security-policy", policy.encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"strict-origin-when-cross-origin"),
    ]
