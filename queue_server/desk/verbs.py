"""Every order that may be given by name through the local door and the API."""

from __future__ import annotations

import re
from typing import Any, get_args

from ..line import orders as o
from ..wire import messages as m
from . import commands as c

VERBS: dict[str, type[Any]] = {
    **{kind.__name__: kind for kind in get_args(o.AnyOrder)},
    "TakeTicket": m.TakeTicket,
    "FreeTimes": m.FreeTimes,
    "BookTime": m.BookTime,
    "ComeForTime": m.CheckIn,
    "CancelTime": m.CancelTime,
    "Rate": m.Rate,
    "FinishService": c.FinishService,
    "ImportCatalogue": c.ImportCatalogue,
    "SaveAccount": c.SaveAccount,
    "OpenSeal": c.OpenSeal,
    "MoveAlert": c.MoveAlert,
    "FileDossier": c.FileDossier,
    "MoveDossier": c.MoveDossier,
    "GiveDossierCode": c.GiveDossierCode,
    "OpenDossier": c.OpenDossier,
    "NotePassing": c.NotePassing,
    "PassAgain": c.PassAgain,
    "FileFeedback": c.FileFeedback,
    "AddWords": c.AddWords,
    "JudgeFeedback": c.JudgeFeedback,
    "MoveFeedback": c.MoveFeedback,
    "OpenFeedback": c.OpenFeedback,
}

PEOPLE_GIVE = tuple(
    name
    for name in VERBS
    if name
    not in {
        "PassTime",
        "OpenEpoch",
        "IssueTicket",
        "WithdrawTicket",
        "BookAppointment",
        "CheckIn",
        "FreeTimes",
        "LeaseNumbers",
        "HandOver",
        "Finish",
        "NotePrint",
        "GiveRating",
        "Rate",
        "PressRating",
        "StaySilent",
        "TurnAlert",
        "MarkForm",
        "RegisterDossier",
        "TurnDossier",
        "CodeDossier",
        "FileDossier",
        "PassOn",
        "NotePassing",
        "SayProvince",
        "RegisterFeedback",
        "TurnFeedback",
        "WeighFeedback",
        "AddToFeedback",
        "FileFeedback",
        "AddWords",
        "Note",
        "ImportCatalogue",
        "SaveAccount",
        "ProposeMove",
        "LearnTimes",
    }
)
"""The orders that a person gives; the others are the devices', the clock's, the twin's or the desk's own."""


def path_of(verb: str) -> str:
    """`CallNext` → `call-next`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", verb).lower()
