"""How good the translations are: `python -m tests.benchmarks.translation [--directions]`. Takes some minutes.

Corpus chrF and BLEU (sacrebleu) of the best model that runs here, against the references in assets/translation/, our
own sentences: 60 between Chinese and English, 24 with German, French and Spanish. Greedy against beam search from
Chinese to English; with `--directions`, greedy in every direction.
"""

import argparse
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from demos.model_picker import best_model
from demos.services import Services, make_services
from demos.settings import read_settings
from demos.translating import DIRECTIONS, Translated, bleu, chrf, sentence_pairs, title_of, translate
from models.tasks import Decoding, Task, TranslationRequest

ALL_DIRECTIONS = ("zh-en", "en-zh", "de-en", "en-de", "fr-en", "en-fr", "es-en", "en-es")
AT_ONCE = 2


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.translation", description=__doc__)
    parser.add_argument("--directions", action="store_true", help="greedy in every direction instead")
    services = make_services(read_settings([]))
    if parser.parse_args().directions:
        measure(services, [(direction, "greedy") for direction in ALL_DIRECTIONS])
    else:
        measure(services, [("zh-en", "greedy"), ("zh-en", "beam")])
    services.registry.close()


def measure(services: Services, runs: Sequence[tuple[str, Decoding]]) -> None:
    model = best_model(services.registry, Task.TRANSLATION)
    print(f"{services.registry[model].title}\n")
    print(f"{'':22}{'decoding':>10}{'sentences':>11}{'chrF':>8}{'BLEU':>8}{'s each':>9}{'log p/token':>13}  offered")
    for direction, decoding in runs:
        source, target = direction.split("-")
        pairs = sentence_pairs(source, target)
        requests = [TranslationRequest(pair.source, source, target, decoding) for pair in pairs]
        started = time.perf_counter()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            results = list(pool.map(lambda request: finished(services, request, model), requests))
        each = (time.perf_counter() - started) / len(pairs)
        texts, references = [result.text for result in results], [pair.target for pair in pairs]
        logprobs = [result.logprob_per_token or 0.0 for result in results]
        print(
            f"{title_of(direction):22}{decoding:>10}{len(pairs):>11}{chrf(texts, references):>8.1f}"
            f"{bleu(texts, references, target):>8.1f}{each:>9.2f}{sum(logprobs) / len(logprobs):>13.3f}"
            f"  {'yes' if direction in DIRECTIONS else 'no'}",
            flush=True,
        )


def finished(services: Services, request: TranslationRequest, model: str) -> Translated:
    *_, last = translate(services, request, model)
    assert isinstance(last, Translated)
    return last


if __name__ == "__main__":
    main()
