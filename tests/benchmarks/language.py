"""Tokens per second and time to the first token: `python -m tests.benchmarks.language`. Takes some minutes.

SmolLM2-135M for 1, 4 and 16 students at once, in one process: our engines (llama.cpp behind our streams, and our
continuous batching on transformers in bfloat16, which the gallery uses on graphics cards alone; both with the ten
likeliest tokens at every place), llama.cpp called directly without them, with eight slots as ours, and transformers'
own `generate` in float32 and bfloat16. The engines take turns on the same prompts, in either order, and the median of
the rounds counts. `generate` cannot take in students who come later: it gets its prompts as one batch, which flatters
it.
"""

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any

from models.backends import causal_lm, llama_cpp
from models.devices import Device, available_devices, configure_torch
from models.locations import default_cache
from models.pinned import SMOLLM2_135M
from models.store import WeightStore
from models.tasks import LanguageModel, TextRequest

GGUF = SMOLLM2_135M.files[0].name
LECTURE = "To get an A+ in deep generative models, students have to"
ROUNDS = 5
STUDENTS = (1, 4, 16)
TOKENS = 48


@dataclass(frozen=True)
class Run:
    """One group of students served: tokens in all, seconds in all, seconds until the last of them saw something."""

    tokens: int
    seconds: float
    first: float

    @property
    def rate(self) -> float:
        return self.tokens / self.seconds


@dataclass
class Engine:
    name: str
    serve: Callable[[list[str]], Run]
    load_seconds: float
    memory: float
    runs: dict[int, list[Run]] = field(default_factory=lambda: {students: [] for students in STUDENTS})
    """By number of students, one for each round."""


Ask = Callable[[str], tuple[int, float]]
"""Continues a prompt; gives the number of new tokens and the seconds to the first."""


def main() -> None:
    device = available_devices()[-1]
    files = WeightStore(default_cache()).fetch(SMOLLM2_135M)
    engines = [
        loaded("ours (llama.cpp)", lambda: ours(llama_cpp.load(files, device))),
        loaded("ours (transformers)", lambda: ours(causal_lm.load(files, replace(device, precision="bfloat16")))),
        loaded("llama.cpp directly", lambda: directly(files, device)),
        loaded("transformers float32", lambda: transformers(files, replace(device, precision="float32"))),
        loaded("transformers bfloat16", lambda: transformers(files, replace(device, precision="bfloat16"))),
    ]
    for number in range(1, ROUNDS + 1):
        for engine in engines if number % 2 else reversed(engines):
            for students, runs in engine.runs.items():
                runs.append(engine.serve(prompts(100 * number + students, students)))
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    print(f"{device.name}, {device.threads} cores, load {load:.1f}; {TOKENS} tokens each, median of {ROUNDS} rounds\n")
    report(engines)


def prompts(number: int, students: int) -> list[str]:
    """Different at the start, so that no cached prefix helps."""
    return [f"{number}.{student} {LECTURE}" for student in range(students)]


def loaded(name: str, load: Callable[[], Callable[[list[str]], Run]]) -> Engine:
    memory, begin = resident_bytes(), time.perf_counter()
    serve = load()
    load_seconds = time.perf_counter() - begin
    serve(prompts(10_000, max(STUDENTS)))  # the caches take their memory when they are first used
    return Engine(name, serve, load_seconds, resident_bytes() - memory)


def resident_bytes() -> int:
    statm = Path("/proc/self/statm")
    return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if statm.exists() else 0


def at_once(ask: Ask) -> Callable[[list[str]], Run]:
    def serve(prompts: list[str]) -> Run:
        begin = time.perf_counter()
        with ThreadPoolExecutor(len(prompts)) as pool:
            counts, firsts = zip(*pool.map(ask, prompts), strict=True)
        return Run(sum(counts), time.perf_counter() - begin, max(firsts))

    return serve


def ours(model: LanguageModel) -> Callable[[list[str]], Run]:
    def ask(prompt: str) -> tuple[int, float]:
        begin = time.perf_counter()
        stream = model.generate(TextRequest(prompt, max_new_tokens=TOKENS))
        next(stream)
        first = time.perf_counter() - begin
        return 1 + sum(1 for _ in stream), first

    return at_once(ask)


def directly(files: Path, device: Device) -> Callable[[list[str]], Run]:
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(files / GGUF)
    parameters.n_parallel = llama_cpp.SLOTS
    parameters.n_ctx = llama_cpp.CONTEXT * llama_cpp.SLOTS
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = device.threads
    parameters.verbosity = 0
    server = xllamacpp.Server(parameters)

    def ask(prompt: str) -> tuple[int, float]:
        begin = time.perf_counter()
        arrivals: list[float] = []

        def on_chunk(chunk: dict[str, Any]) -> None:
            if chunk["choices"][0]["text"]:
                arrivals.append(time.perf_counter() - begin)

        server.handle_completions({"prompt": prompt, "max_tokens": TOKENS, "stream": True, "seed": 0}, on_chunk)
        return len(arrivals), arrivals[0]

    return at_once(ask)


def transformers(files: Path, device: Device) -> Callable[[list[str]], Run]:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    configure_torch()
    plain = GgufConfig(dequantize=True)
    dtype = getattr(torch, device.precision)
    network: Any = AutoModelForCausalLM.from_pretrained(files, gguf_file=GGUF, quantization_config=plain, dtype=dtype)
    tokenizer = AutoTokenizer.from_pretrained(files, gguf_file=GGUF, padding_side="left")

    def generate(prompts: list[str], tokens: int) -> tuple[int, float]:
        begin = time.perf_counter()
        inputs = tokenizer(prompts, return_tensors="pt", padding=True)
        torch.manual_seed(0)
        output = network.generate(**inputs, do_sample=True, temperature=0.8, max_new_tokens=tokens)
        new = output[:, inputs.input_ids.shape[1] :]
        return int((new != tokenizer.pad_token_id).sum()), time.perf_counter() - begin

    def serve(prompts: list[str]) -> Run:
        _, first = generate(prompts, 1)
        return Run(*generate(prompts, TOKENS), first)

    return serve


def report(engines: list[Engine]) -> None:
    header = [f"tokens/s: {students}" for students in STUDENTS]
    header += [f"slowest first: {students}" for students in STUDENTS]
    print(f"{'':24}" + "".join(f"{title:>18}" for title in [*header, "load", "memory"]))
    for engine in engines:
        cells = [f"{median(run.rate for run in runs):.1f}" for runs in engine.runs.values()]
        cells += [f"{1000 * median(run.first for run in runs):.0f} ms" for runs in engine.runs.values()]
        cells += [f"{engine.load_seconds:.1f} s", f"{engine.memory / 1e6:.0f} MB"]
        print(f"{engine.name:24}" + "".join(f"{cell:>18}" for cell in cells))
    print()
    on_cpu, on_card, *others = engines
    for our, other in [*((on_cpu, other) for other in others), *((on_card, other) for other in others[1:])]:
        # The rounds went in pairs, so the ratio of each pair: that way the load of the machine cancels out.
        ratios = (
            median(a.rate / b.rate for a, b in zip(our.runs[students], other.runs[students], strict=True))
            for students in STUDENTS
        )
        print(f"{our.name + ' / ' + other.name:44}" + "".join(f"{ratio:>10.2f}" for ratio in ratios))


if __name__ == "__main__":
    main()
