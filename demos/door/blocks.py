"""A `gr.Blocks` whose handlers, queued or not, public or private, only ever see values that fit, and whose callers only
ever see sentences."""

import html
import logging
from typing import Any

import gradio as gr
from gradio.state_holder import SessionState

from demos.door.outcome import outcome_of
from demos.door.queue import FairQueue
from demos.door.values import MISFIT, check_files, check_values
from demos.status import sentence_for
from models.errors import BadInputError, ModelError

log = logging.getLogger(__name__)


LONGEST_SENTENCE = 400
"""Characters of what Gradio itself has to say."""


class GuardedBlocks(gr.Blocks):
    """Checks the values of every call, lets visitors take turns, and puts every fault in words."""

    def queue(self, *arguments: Any, **keywords: Any) -> "GuardedBlocks":
        """As in Gradio, with a `FairQueue`."""
        super().queue(*arguments, **keywords)
        made = self._queue
        self._queue = FairQueue(
            live_updates=made.live_updates,
            concurrency_count=made.max_thread_count,
            update_intervals=made.update_intervals,
            max_size=made.max_size,
            blocks=self,
            default_concurrency_limit=made.default_concurrency_limit,
        )
        return self

    async def preprocess_data(
        self,
        block_fn: Any,
        inputs: list[Any],
        state: SessionState | None,
        explicit_call: bool = False,
    ) -> list[Any]:
        """As in Gradio, once the values are checked. Raises `BadInputError`."""
        # A component that was redrawn for this session, with other samples say, stands in its state.
        components = [
            state[block._id] if state and block._id in state and not block.stateful else block
            for block in block_fn.inputs
        ]
        check_values(components, inputs)
        try:
            processed: list[Any] = await super().preprocess_data(block_fn, inputs, state, explicit_call)
            return processed
        except (gr.Error, ModelError):
            raise
        except Exception as error:  # noqa: BLE001 - Gradio's own checks raise whatever their decoders do
            log.info("a value was refused: %s", type(error).__name__)
            raise BadInputError(MISFIT) from None

    async def postprocess_data(self, *arguments: Any, **keywords: Any) -> list[Any]:
        """As in Gradio, whose updates of a `gr.HTML` name its own properties once more, as listeners of such events:
        functions, which would be answered as text, with where they lie in memory."""
        answers = await super().postprocess_data(*arguments, **keywords)
        return [
            {name: part for name, part in one.items() if not callable(part)} if isinstance(one, dict) else one
            for one in answers
        ]

    async def process_api(self, block_fn: Any, *arguments: Any, **keywords: Any) -> dict[str, Any]:
        """As in Gradio; whatever is raised becomes a `gr.Error` with a sentence."""
        event = keywords.get("event_data")
        try:
            check_files(event and event._data)
            return await super().process_api(block_fn, *arguments, **keywords)
        except gr.Error as error:
            # Gradio's own words have no full stop, and what it did not like in them.
            sentence = f"{error.message[:LONGEST_SENTENCE].rstrip('.')}."
        except Exception as error:  # noqa: BLE001 - the caller gets a sentence for every fault, never a traceback
            if not isinstance(error, ModelError) and (outcome := outcome_of(keywords.get("request"))):
                outcome.is_bug = True
            sentence = sentence_for(error)
        if self._function(block_fn).api_visibility == "private":
            sentence = html.escape(sentence, quote=False)  # the page shows it as HTML
        raise gr.Error(sentence, print_exception=False)

    def _function(self, block_fn: Any) -> Any:
        return self.fns[block_fn] if isinstance(block_fn, int) else block_fn
