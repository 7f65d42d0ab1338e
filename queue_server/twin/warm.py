"""`python -m queue_server.twin.warm`: compiles the twin's loops once, so that nobody waits for it later."""

from __future__ import annotations

from ..line.events import CounterOpened, SetupChanged
from ..line.rule import Weights
from ..line.setup import Counter, Service, Setup
from ..line.state import State, apply
from ..wire.words import Names
from .ahead import answered, question
from .foretell import replay_telling
from .generate import generate
from .present import foreseen, present


def warm() -> None:
    """Plays a small day with estimates; the compiled code is kept beside the user's other caches."""
    replay_telling(generate("mixed", 0.5, 1), "balanced", Weights(), many=2)
    state, name = State(), Names(vi="", en="")
    setup = Setup(
        services=(Service(id="a", letter="A", name=name),),
        counters=(Counter(id=1, name=name, serves=("a",)),),
    )
    apply(state, SetupChanged(setup=setup), 0)
    apply(state, CounterOpened(counter=1, officer="", serves=("a",)), 0)
    here = present(state, 0)
    foreseen(here, 2)
    answered(question(state, here), lambda: "warm", 2, 1)


if __name__ == "__main__":
    warm()
