"""A small centre for tests of the rules: orders in, events folded, time in minutes."""

from __future__ import annotations

from dataclasses import dataclass, field

from queue_server.line import events as e
from queue_server.line import orders as o
from queue_server.line.decide import Issued, Reply, decide
from queue_server.line.setup import Counter, Officer, Rules, Service, Setup
from queue_server.line.state import State, Ticket, apply
from queue_server.wire.words import MINUTE, Names, PriorityGroup

START = 1_795_480_200_000  # 2026-11-24 07:30 in Vietnam


def names(text: str) -> Names:
    return Names(vi=text, en=text)


def small_setup(**rules: object) -> Setup:
    """Two services, three counters: 1 and 2 serve both, 3 only the second; lan has only the first skill."""
    return Setup(
        centre="test",
        services=(
            Service(id="a", letter="A", name=names("A"), mean_minutes=5),
            Service(id="b", letter="B", name=names("B"), mean_minutes=8),
        ),
        counters=(
            Counter(id=1, name=names("1"), serves=("a", "b")),
            Counter(id=2, name=names("2"), serves=("a", "b"), priority=True),
            Counter(id=3, name=names("3"), serves=("b",)),
        ),
        officers=(
            Officer(account="hoa", name="Hoa", skills=("a", "b")),
            Officer(account="binh", name="Bình", skills=("a", "b")),
            Officer(account="lan", name="Lan", skills=("a",)),
        ),
        priorities=(
            PriorityGroup(id="old", name=names("Người cao tuổi")),
            PriorityGroup(id="baby", name=names("Con nhỏ")),
        ),
        rules=Rules(**rules),  # type: ignore[arg-type]
    )


@dataclass
class Room:
    """`at` is minutes after 7:30; every event is kept in `events`."""

    setup: Setup = field(default_factory=small_setup)
    state: State = field(default_factory=State)
    events: list[tuple[e.Event, int, e.Actor]] = field(default_factory=list)
    issued: int = 0

    def __post_init__(self) -> None:
        self.do(o.ChangeSetup(setup=self.setup))

    def do(self, order: o.AnyOrder, at: float = 0, account: str = "") -> Reply:
        actor = e.Actor(device="test", account=account)
        now = START + int(at * MINUTE)
        events, reply = decide(self.state, order, now, actor)
        for event in events:
            apply(self.state, event, now, actor)
            self.events.append((event, now, actor))
        return reply

    def take(self, service: str = "a", at: float = 0, **more: object) -> str:
        self.issued += 1
        order = o.IssueTicket(
            service=service,
            visit=f"v{self.issued}",
            token_hash=f"t{self.issued}",
            **more,  # type: ignore[arg-type]
        )
        reply = self.do(order, at)
        assert isinstance(reply, Issued)
        return reply.ticket

    def open(self, counter: int, account: str = "hoa", at: float = 0) -> None:
        self.do(o.OpenCounter(counter=counter), at, account)

    def call(self, counter: int = 1, at: float = 0, account: str = "hoa", **more: object) -> str:
        reply = self.do(o.CallNext(counter=counter, **more), at, account)  # type: ignore[arg-type]
        return reply.ticket

    def finish(self, counter: int = 1, at: float = 0, account: str = "hoa", offer: str = "") -> str:
        held = self.state.counters[counter].ticket
        assert held is not None
        self.do(o.Finish(counter=counter, ticket=held, offer=offer), at, account)
        return held

    def ticket(self, ticket: str) -> Ticket:
        return self.state.tickets[ticket]

    def replayed(self) -> State:
        """The state that the kept events alone fold to."""
        state = State()
        for event, at, actor in self.events:
            apply(state, event, at, actor)
        return state
