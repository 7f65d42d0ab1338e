"""`/accounts`: people: who may come in, as what, and with which password at first."""

from __future__ import annotations

import re

from fastapi import Request, Response
from markupsafe import Markup
from msgspec.structs import replace
from nicegui import ui

from ....desk.commands import SaveAccount
from ....line import orders as o
from ....line.setup import Officer
from ....store import people
from ....wire.words import Role
from ..context import Web
from .ask import Field, ask, confirm, show_once
from .counter_view import service_name
from .html import act, chip, row, table, tag
from .layout import PAGES, button, frame
from .page import Page, open_page

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{2,39}")


def account_pages(web: Web) -> None:
    @ui.page("/accounts")
    def accounts(request: Request) -> Response | None:
        page = open_page(web, request, *PAGES["accounts"])
        if isinstance(page, Response):
            return page
        AccountsPage(page).build()
        return None


class AccountsPage:
    def __init__(self, page: Page) -> None:
        self.page = page

    def build(self) -> None:
        page = self.page
        frame(page, page.say("page.accounts"))
        with ui.element("section").classes("mc-card mc-stack"):
            with ui.element("div").classes("mc-line mc-small"):
                button(page, page.say("accounts.add"), self.add, look="unelevated color=primary")
            page.part(
                self._list,
                acts={
                    "change": self.change,
                    "reset": self.reset,
                    "disable": self.disable,
                    "enable": self.enable,
                },
            )
        page.follow()

    def _list(self) -> Markup:
        page = self.page
        names = ("account", "person", "role", "serves", "state")
        head = tuple(page.say(f"table.{name}") for name in names)
        return table((*head, ""), [self._row(a) for a in people.everyone(page.web.database)])

    def _row(self, account: people.Account) -> Markup:
        page = self.page
        me = account.account == page.session.account
        shut = "enable" if account.disabled else "disable"
        words, look = ("accounts.active", "mc-good")
        if account.must_change:
            words, look = ("accounts.first", "mc-first")
        if account.disabled:
            words, look = ("accounts.shut", "mc-dull")
        officer = page.state.setup.officer(account.account)
        skills = ", ".join(service_name(page, s) for s in officer.skills) if officer else ""
        return row(
            tag("b", account.account),
            account.name,
            page.say(f"role.{account.role}"),
            tag("span", skills, cls="mc-soft"),
            chip(page.say(words), look),
            tag(
                "td",
                act("change", page.say("act.change"), account.account, page.fresh),
                act("reset", page.say("act.reset"), account.account, page.fresh and not me),
                act(
                    shut,
                    page.say(f"act.{shut}"),
                    account.account,
                    page.fresh and not me,
                    "mc-danger",
                ),
                cls="mc-acts",
            ),
            data_account=account.account,
        )

    # --- changes ---

    async def add(self, _: str) -> None:
        page = self.page
        answers = await ask(
            page,
            page.say("accounts.add"),
            Field("account", page.say("accounts.account"), most=40),
            *self._fields(None),
        )
        if answers is None:
            return
        account = answers["account"].lower()
        if not NAME.fullmatch(account):
            page.tell(page.say("accounts.bad_name"), "negative")
            return
        if people.find(page.web.database, account) is not None:
            page.tell(page.say("accounts.taken", account=account), "negative")
            return
        password = people.random_password()
        made = SaveAccount(
            account=account,
            name=answers["name"],
            role=Role(answers["role"]),
            password=people.hasher.hash(password),
            must_change=True,
        )
        if await page.did("SaveAccount", made):
            await self._save_skills(account, answers)
            await self._show(account, password)

    def _fields(self, account: people.Account | None) -> tuple[Field, ...]:
        page = self.page
        setup = page.state.setup
        officer = setup.officer(account.account) if account else None
        own = account is not None and account.account == page.session.account
        roles = {r.value: page.say(f"role.{r}") for r in Role if not own or r is account.role}  # type: ignore[union-attr]
        services = {s.id: s.name.say(page.language) for s in setup.services}
        counters = {c.id: c.name.say(page.language) for c in setup.counters}
        return (
            Field(
                "name", page.say("accounts.name"), value=account.name if account else "", most=60
            ),
            Field(
                "role",
                page.say("table.role"),
                roles,
                value=(account.role if account else Role.OFFICER).value,
            ),
            Field(
                "skills",
                page.say("accounts.skills"),
                services,
                several=True,
                needed=False,
                value=list(officer.skills) if officer else [],
            ),
            Field(
                "counter",
                page.say("accounts.counter"),
                counters,
                needed=False,
                value=officer.counter if officer else None,
            ),
        )

    async def change(self, name: str) -> None:
        page, account = self.page, people.find(self.page.web.database, name)
        if account is None:
            return
        answers = await ask(page, page.say("accounts.change", account=name), *self._fields(account))
        if answers is None:
            return
        changed = replace(_as_order(account), name=answers["name"], role=Role(answers["role"]))
        if changed != _as_order(account) and not await page.did("SaveAccount", changed):
            return
        await self._save_skills(name, answers)
        page.draw()

    async def _save_skills(self, account: str, answers: dict[str, object]) -> None:
        """What an officer may serve stands in the centre's setup, beside the account."""
        page, setup = self.page, self.page.state.setup
        before = setup.officer(account)
        others = tuple(x for x in setup.officers if x.account != account)
        officers = others
        if answers["role"] == Role.OFFICER and answers["skills"]:
            mine = Officer(
                account=account,
                name=str(answers["name"]),
                skills=tuple(answers["skills"]),  # type: ignore[arg-type]
                counter=answers["counter"],  # type: ignore[arg-type]
            )
            if mine == before:
                return
            officers = tuple(sorted((*others, mine), key=lambda x: x.account))
        if officers != setup.officers:
            order = o.ChangeSetup(setup=replace(setup, officers=officers), why=f"account {account}")
            await page.did("ChangeSetup", order)

    async def reset(self, name: str) -> None:
        page, account = self.page, people.find(self.page.web.database, name)
        if account is None:
            return
        title = page.say("accounts.reset", account=name)
        if not await confirm(page, title, page.say("accounts.reset_text", name=account.name)):
            return
        password = people.random_password()
        changed = replace(
            _as_order(account), password=people.hasher.hash(password), must_change=True
        )
        if await page.did("SaveAccount", changed):
            page.draw()
            await self._show(name, password)

    async def disable(self, name: str) -> None:
        page, account = self.page, people.find(self.page.web.database, name)
        if account is None or name == page.session.account:
            return
        title = page.say("accounts.disable", account=name)
        if await confirm(page, title, page.say("accounts.disable_text", name=account.name)):
            await page.did("SaveAccount", replace(_as_order(account), disabled=True))

    async def enable(self, name: str) -> None:
        account = people.find(self.page.web.database, name)
        if account is not None:
            await self.page.did("SaveAccount", replace(_as_order(account), disabled=False))

    async def _show(self, account: str, password: str) -> None:
        page = self.page
        title = page.say("accounts.password", account=account)
        await show_once(page, title, password, page.say("accounts.password_text"))


def _as_order(account: people.Account) -> SaveAccount:
    """The account as it is, its password kept."""
    return SaveAccount(
        account=account.account,
        name=account.name,
        role=account.role,
        must_change=account.must_change,
        disabled=account.disabled,
    )
