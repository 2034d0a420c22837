"""`python -m tests.space_simulation FOLDER`: what happens after a push to a Space, played on this machine.

A copy of the files that git would push, a fresh virtual environment from requirements.txt and `spaces`, which every
Gradio Space has (torch comes with accelerate, as on a Space that brings none), the variables a Space sets and none of
this shell's own; then the page and one endpoint are asked for. That takes minutes and gigabytes: no test of the suite.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

ROOT = Path(__file__).parent.parent
PORT = 7860
START_SECONDS = 120.0
SENTENCE = "Hello, lecture hall."
_KEPT_VARIABLES = ("PATH", "LANG", "SSL_CERT_FILE", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
_CALL = f"""
from gradio_client import Client
sound, facts = Client("http://127.0.0.1:{PORT}", verbose=False).predict({SENTENCE!r}, api_name="/speak")
print(sound, facts)
"""


def main() -> int:
    """Plays it once; the exit status is 0 if the page and the endpoint answered."""
    parser = argparse.ArgumentParser(prog="python -m tests.space_simulation", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the copy and its environment are made; must not exist")
    parser.add_argument("--python", default=sys.executable, help="interpreter of the environment (%(default)s)")
    chosen = parser.parse_args()
    folder: Path = chosen.folder.resolve()
    folder.mkdir(parents=True)

    space = folder / "app"
    pushed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in pushed.stdout.splitlines():
        if (ROOT / name).is_file():
            (space / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, space / name)

    python = folder / "venv" / "bin" / "python"
    started = time.perf_counter()
    subprocess.run([chosen.python, "-m", "venv", folder / "venv"], check=True)
    subprocess.run([python, "-m", "pip", "install", "-q", "spaces", "-r", space / "requirements.txt"], check=True)
    print(f"environment: {time.perf_counter() - started:.0f} s; {_versions(python)}")
    environment = space_variables(folder / "home")
    with subprocess.Popen([python, "app.py"], cwd=space, env=environment, start_new_session=True) as app:
        try:
            print(f"first page after {_seconds_to_page(app):.1f} s")
            called = subprocess.run([python, "-c", _CALL], env=environment, capture_output=True, text=True, check=False)
            print(f"/speak: {called.stdout.strip() or called.stderr.strip()}")
            return called.returncode
        finally:
            os.killpg(app.pid, signal.SIGTERM)


def space_variables(home: Path) -> dict[str, str]:
    """The environment of a CPU Space whose user's home is `home`
    (https://huggingface.co/docs/hub/spaces-overview#helper-environment-variables)."""
    home.mkdir(parents=True, exist_ok=True)
    return {
        **{name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ},
        **{name: value for name, value in os.environ.items() if name.startswith("PIP_")},
        "HOME": str(home),
        "HF_HOME": str(home / ".huggingface"),
        "SYSTEM": "spaces",
        "SPACE_ID": "lecture/deep-generative-models",
        "SPACE_AUTHOR_NAME": "lecture",
        "SPACE_REPO_NAME": "deep-generative-models",
        "SPACE_TITLE": "Deep Generative Models",
        "SPACE_HOST": "lecture-deep-generative-models.hf.space",
        "CPU_CORES": "2",
        "MEMORY": "16Gi",
        "GRADIO_SERVER_NAME": "0.0.0.0",
        "GRADIO_SERVER_PORT": str(PORT),
        "GRADIO_CACHE_EXAMPLES": "true",
        "GRADIO_ANALYTICS_ENABLED": "False",
        "GRADIO_ALLOW_FLAGGING": "never",
        "PYTHONUNBUFFERED": "1",
    }


def _versions(python: Path) -> str:
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    asked = "import gradio, sys, torch; print('python', sys.version.split()[0], 'gradio', gradio.__version__, 'torch', "
    told = subprocess.run([python, "-c", f"{asked}torch.__version__)"], capture_output=True, text=True, check=True)
    return f"{told.stdout.strip()} (the project asks for python {wanted})"


def _seconds_to_page(app: "subprocess.Popen[bytes]") -> float:
    started = time.perf_counter()
    while time.perf_counter() - started < START_SECONDS:
        if app.poll() is not None:
            sys.exit(f"app.py ended with status {app.returncode}")
        try:
            with urlopen(f"http://127.0.0.1:{PORT}/") as answer:
                assert b"Deep Generative Models" in answer.read()
            return time.perf_counter() - started
        except URLError:
            time.sleep(0.1)
    sys.exit(f"no page after {START_SECONDS:.0f} s")


if __name__ == "__main__":
    sys.exit(main())
