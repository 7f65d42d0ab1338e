"""Which role may give which order. A device's orders come through its own topics and need no role."""

from __future__ import annotations

from ..line import orders as o
from ..wire.words import Role
from . import commands as c

OFFICER, GUIDE = Role.OFFICER, Role.GUIDE
MANAGER, TECHNICIAN = Role.MANAGER, Role.TECHNICIAN
AUDITOR, ADMINISTRATOR = Role.AUDITOR, Role.ADMINISTRATOR

_COUNTER = frozenset({OFFICER, MANAGER})
_LINE = frozenset({OFFICER, GUIDE, MANAGER})
_CENTRE = frozenset({MANAGER, ADMINISTRATOR})
_ALL_BUT_AUDITOR = frozenset(Role) - {AUDITOR}

MAY: dict[type, frozenset[Role]] = {
    o.ChangeSetup: frozenset({ADMINISTRATOR}),
    o.StartDay: _CENTRE,
    o.EndDay: _CENTRE,
    o.OpenCounter: _COUNTER,
    o.CloseCounter: _COUNTER,
    o.PauseCounter: _COUNTER,
    o.ResumeCounter: _COUNTER,
    o.ChangeServes: frozenset({MANAGER}),
    o.SuspendService: _CENTRE,
    o.ResumeService: _CENTRE,
    o.AcceptMove: _CENTRE,
    o.RefuseMove: _CENTRE,
    o.IssueTicket: _LINE,
    o.BookAppointment: _LINE,
    o.CancelAppointment: _LINE,
    o.CheckIn: _LINE,
    o.CallNext: _COUNTER,
    o.CallNumber: _COUNTER,
    o.Recall: _COUNTER,
    o.Start: _COUNTER,
    o.Finish: _COUNTER,
    o.NoShow: _COUNTER,
    o.PutBack: _LINE,
    o.Transfer: _LINE,
    o.Park: _COUNTER,
    o.Resume: _LINE,
    o.StepOut: _LINE,
    o.StepBack: _LINE,
    o.Cancel: _LINE,
    o.ServeWithoutTicket: _COUNTER,
    o.GrantPriority: _LINE,
    o.WithdrawPriority: _LINE,
    o.Undo: _COUNTER,
    o.CallHelp: _ALL_BUT_AUDITOR,
    o.AnswerHelp: _ALL_BUT_AUDITOR,
    o.MarkForm: _CENTRE,
    o.ChooseSurveys: _CENTRE,
    o.ChooseTriggers: _CENTRE,
    o.DeclareOnline: _CENTRE,
    c.MoveAlert: _CENTRE,
    o.Note: frozenset(Role),
    c.MoveDossier: _COUNTER,
    c.GiveDossierCode: _COUNTER,
    c.OpenDossier: _COUNTER | {AUDITOR},
    c.PassAgain: _CENTRE,
    o.SortFeedback: _CENTRE,
    c.JudgeFeedback: _CENTRE,
    c.MoveFeedback: _CENTRE,
    c.OpenFeedback: _CENTRE | {AUDITOR},
    c.SaveAccount: frozenset({ADMINISTRATOR}),
    c.OpenSeal: frozenset({MANAGER, AUDITOR}),
    c.ImportCatalogue: frozenset({ADMINISTRATOR, TECHNICIAN}),
}


def may(role: Role, order: type) -> bool:
    """Orders that are not in the table are no person's to give."""
    return role in MAY.get(order, frozenset())
