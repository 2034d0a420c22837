"""Downloading one file of a Hugging Face hub repository so that a cut or killed download goes on where it stopped.

`hf_hub_download` of huggingface_hub 2 starts anew after a kill and compares no content hash. With sha256 and size
pinned, a ranged GET is enough; address, token, proxies and error names stay those of huggingface_hub.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from models.errors import FetchError, IntegrityError

_CONNECT_SECONDS = 4.0
_SILENCE_SECONDS = 30.0


def download_from_hub(
    repo: str, revision: str, path: str, target: Path, size: int, on_bytes: Callable[[int], None]
) -> None:
    """Writes `path` of `repo` at `revision` (40 hex digits) to `target`; `size` in bytes is what it must not exceed.

    HF_ENDPOINT, HF_TOKEN (or the stored login) and HF_HUB_OFFLINE count as they are at the moment of the call.
    Raises `FetchError`, or `IntegrityError` if more bytes come than pinned.
    """
    from huggingface_hub import hf_hub_url

    part = target.with_name(target.name + ".part")
    with hub_errors(repo, revision, path) as endpoint:
        _download(hf_hub_url(repo, path, revision=revision, endpoint=endpoint), part, size, on_bytes)
    if part.stat().st_size > size:
        part.unlink()
        raise IntegrityError(f"{repo}: {path} is longer than the pinned {size} bytes")
    os.replace(part, target)


@contextmanager
def hub_errors(repo: str, revision: str, path: str = "such file") -> Iterator[str]:
    """The address of the hub, for a block that asks it; what it refuses in there is raised as a `FetchError`."""
    import httpx2
    from huggingface_hub import constants, errors

    endpoint = os.environ.get("HF_ENDPOINT", "").rstrip("/") or constants.ENDPOINT
    licence = f"accept its licence at {endpoint}/{repo} and set HF_TOKEN to a token of your account"
    try:
        if os.environ.get("HF_HUB_OFFLINE", "").upper() in constants.ENV_VARS_TRUE_VALUES:
            raise errors.OfflineModeIsEnabled
        yield endpoint
    except errors.OfflineModeIsEnabled as error:
        raise FetchError(f"{repo}: HF_HUB_OFFLINE forbids asking the hub") from error
    except errors.GatedRepoError as error:
        raise FetchError(f"{repo} is gated: {licence}") from error
    except errors.RepositoryNotFoundError as error:
        raise FetchError(f"{repo} does not exist at {endpoint}, or is private and needs HF_TOKEN") from error
    except (errors.RevisionNotFoundError, errors.RemoteEntryNotFoundError) as error:
        raise FetchError(f"{repo} has no {path} at revision {revision[:8]}") from error
    except errors.HfHubHTTPError as error:
        status = error.response.status_code
        why = f"refuses access: {licence}" if status in (401, 403) else f"answers with HTTP status {status}"
        raise FetchError(f"{repo}: the hub {why}") from error
    except httpx2.RequestError as error:
        raise FetchError(f"{repo}: the hub at {endpoint} cannot be reached or has cut the connection") from error


def _download(url: str, part: Path, size: int, on_bytes: Callable[[int], None]) -> None:
    """Continues `part` from its last byte; after a cut again, as long as every attempt brings something new."""
    import httpx2

    part.parent.mkdir(parents=True, exist_ok=True)
    part.touch()
    on_bytes(part.stat().st_size)
    while (here := part.stat().st_size) < size:
        try:
            _continue(url, part, size, on_bytes)
            return
        except httpx2.TransportError:
            if part.stat().st_size <= here:
                raise


def _continue(url: str, part: Path, size: int, on_bytes: Callable[[int], None]) -> None:
    import httpx2
    from huggingface_hub import get_session, get_token, hf_raise_for_status

    # Without "identity" the hub may compress text, and a range of compressed bytes continues nothing.
    headers = {"Accept-Encoding": "identity", "Range": f"bytes={part.stat().st_size}-"}
    if token := get_token():
        headers["Authorization"] = f"Bearer {token}"
    timeout = httpx2.Timeout(_SILENCE_SECONDS, connect=_CONNECT_SECONDS)
    with get_session().stream("GET", url, headers=headers, timeout=timeout) as response:
        hf_raise_for_status(response)
        # Status 200 in place of 206: this server knows no ranges and begins with the first byte again.
        with part.open("ab" if response.status_code == httpx2.codes.PARTIAL_CONTENT else "wb") as file:
            # As the network brings them: a larger chunk would be lost if the connection is cut before it is full.
            for chunk in response.iter_bytes():
                file.write(chunk)
                on_bytes(len(chunk))
                if file.tell() > size:
                    return
