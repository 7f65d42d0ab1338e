"""`motcua accounts`: people and devices of a centre, running or not, from the shell."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from . import first_start, settings
from .by_hand import Away, give
from .desk.commands import SaveAccount
from .doors.broker import is_loopback
from .folder import Folder
from .keeping_command import settings_of
from .line import orders as o
from .store import people
from .store.devices import Device, Devices, NameTaken, UnknownDevice
from .store.log import load
from .store.people import Account
from .store.schema import CannotOpen, connect
from .wire.enrol import fingerprint
from .wire.settings import SettingsError
from .wire.words import DeviceKind, Frozen, Role

PROGRAMS = {DeviceKind.KIOSK: "kiosk", DeviceKind.TABLET: "tablet", DeviceKind.BRIDGE: "bridge"}
AT_A_COUNTER = (DeviceKind.TABLET, DeviceKind.BOARD)


class Refused(Exception):
    """The command cannot be done; the text is one line."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Hang `accounts` and its commands on `motcua`."""
    parser = commands.add_parser("accounts", help="people and devices of the centre")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--data", type=Path, default=Path("var"), help="data folder")
    common.add_argument("--settings", type=Path, help="settings file of the centre")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    roles = [str(role) for role in Role]

    def action(name: str, help_text: str) -> argparse.ArgumentParser:
        made = actions.add_parser(name, help=help_text, parents=[common])
        made.set_defaults(run=run, do=_PEOPLE[name])
        return made

    action("list", "everybody who may log in")
    adding = action("add", "a new account; its password is shown once")
    adding.add_argument("account", help="what she logs in with, such as hoa01")
    adding.add_argument("--name", required=True, help="her full name, as on her tag")
    adding.add_argument("--role", required=True, choices=roles)
    action("reset", "a new password, shown once").add_argument("account")
    action("disable", "shut an account; its sessions end").add_argument("account")
    action("enable", "open a shut account again").add_argument("account")
    changing = action("role", "give an account another role")
    changing.add_argument("account")
    changing.add_argument("role", choices=roles)
    _add_devices(actions, common)


def _add_devices(
    actions: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser
) -> None:
    parser = actions.add_parser("device", help="kiosks, tablets, bridges and boards")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="ACTION")

    def verb(name: str, help_text: str) -> argparse.ArgumentParser:
        made = verbs.add_parser(name, help=help_text, parents=[common])
        made.set_defaults(run=run, do=_DEVICES[name])
        return made

    adding = verb("add", "a new device; its one-time code is shown once")
    adding.add_argument("name", help="small letters, digits, - and _, such as kiosk-2")
    adding.add_argument("--kind", required=True, choices=[str(kind) for kind in DeviceKind])
    adding.add_argument("--counter", type=int, help="the counter that it stands at")
    verb("list", "every device and whether it may come in")
    verb("revoke", "shut a device out, at once").add_argument("name")
    again = verb("reissue", "a new code for a device that lost its own")
    again.add_argument("name")
    for made in (adding, again):
        made.add_argument("--server", help="address of the pages as the device reaches it")


def run(args: argparse.Namespace) -> int:
    """Do it; 0, or 1 after one line on stderr that says why not."""
    try:
        folder = Folder(args.data)
        if not folder.database.exists():
            raise Refused(f"no centre in {args.data}: start it once with `motcua up`")
        args.do(folder, args)
    except (Refused, Away, CannotOpen, SettingsError, OSError, ValueError) as error:
        print(f"motcua accounts: {error}", file=sys.stderr)
        return 1
    return 0


def order(folder: Folder, body: Frozen, devices_changed: bool = False) -> None:
    """Have it done by the centre. Raises Refused with the centre's own words; Away."""
    answer = give(folder, type(body).__name__, body, devices_changed)
    if answer.refusal is not None:
        raise Refused(answer.refusal.en or answer.refusal.code)


# --- people ---


def _everyone(folder: Folder) -> list[Account]:
    conn = connect(folder.database, read_only=True)
    try:
        return people.everyone(conn)
    finally:
        conn.close()


def _known(folder: Folder, name: str) -> Account:
    for account in _everyone(folder):
        if account.account == name.lower():
            return account
    raise Refused(f"there is no account {name}")


def _save(folder: Folder, account: Account, password: str = "") -> None:
    order(
        folder,
        SaveAccount(
            account=account.account,
            name=account.name,
            role=account.role,
            password=people.hasher.hash(password) if password else "",
            must_change=account.must_change or bool(password),
            disabled=account.disabled,
        ),
    )


def _list(folder: Folder, args: argparse.Namespace) -> None:
    for account in _everyone(folder):
        state = "must change password" if account.must_change else ""
        state = "disabled" if account.disabled else state
        print(f"{account.account:<16} {account.role:<14} {account.name}  {state}".rstrip())


def _add(folder: Folder, args: argparse.Namespace) -> None:
    name = args.account.lower()
    if not people.ACCOUNT.fullmatch(name):
        raise Refused(f"account {args.account}: 3 to 40 small letters, digits, . - _")
    if any(x.account == name for x in _everyone(folder)):
        raise Refused(f"there is an account {name} already: `motcua accounts reset {name}`")
    if not args.name.strip():
        raise Refused("--name: whose account is it?")
    made = Account(
        account=name,
        name=args.name.strip(),
        role=Role(args.role),
        password="",
        must_change=True,
        disabled=False,
    )
    _give_password(folder, made)


def _reset(folder: Folder, args: argparse.Namespace) -> None:
    account = _known(folder, args.account)
    _give_password(folder, account)
    first_start.forget(folder.first_login, account.account)


def _give_password(folder: Folder, account: Account) -> None:
    """Shown once, here; she changes it when she first logs in."""
    password = people.random_password()
    _save(folder, account, password)
    print(f"account   {account.account}  ({account.name}, {account.role})")
    print(f"password  {password}   (shown once; to be changed at first use)")


def _disable(folder: Folder, args: argparse.Namespace) -> None:
    account = _known(folder, args.account)
    _refuse_last_administrator(folder, account)
    _save(folder, replace(account, disabled=True))
    print(f"{account.account} is disabled; its sessions have ended")


def _enable(folder: Folder, args: argparse.Namespace) -> None:
    account = _known(folder, args.account)
    _save(folder, replace(account, disabled=False))
    print(f"{account.account} may log in again")


def _role(folder: Folder, args: argparse.Namespace) -> None:
    account, role = _known(folder, args.account), Role(args.role)
    if role is not Role.ADMINISTRATOR:
        _refuse_last_administrator(folder, account)
    _save(folder, replace(account, role=role))
    print(f"{account.account} is {role} from now on; she logs in again")


def _refuse_last_administrator(folder: Folder, account: Account) -> None:
    left = [
        x
        for x in _everyone(folder)
        if x.role is Role.ADMINISTRATOR and not x.disabled and x.account != account.account
    ]
    if account.role is Role.ADMINISTRATOR and not account.disabled and not left:
        raise Refused(f"{account.account} is the last administrator: make another one first")


# --- devices ---


def _devices(folder: Folder) -> Devices:
    ca = folder.authority / "ca.pem"
    if not ca.exists():
        raise Refused(f"no authority in {folder.authority}: start the centre once")
    return Devices(folder.devices, fingerprint(ca.read_text()))


def _device_list(folder: Folder, args: argparse.Namespace) -> None:
    for device in _devices(folder).list():
        counter = f"counter {device.counter}" if device.counter is not None else ""
        print(f"{device.name:<20} {device.kind:<8} {counter:<12} {_standing(device)}".rstrip())


def _standing(device: Device) -> str:
    if device.revoked_at is not None:
        return f"revoked {_day(device.revoked_at)}"
    if device.enrolled_at is not None:
        return f"enrolled {_day(device.enrolled_at)}"
    return "waits for its code to be used"


def _day(at: int) -> str:
    return dt.datetime.fromtimestamp(at / 1000).strftime("%Y-%m-%d")


def _device_add(folder: Folder, args: argparse.Namespace) -> None:
    kind = DeviceKind(args.kind)
    _check_counter(folder, kind, args.counter)
    devices = _devices(folder)
    try:
        code = devices.add(kind, args.name, args.counter, _now())
    except NameTaken as error:
        hint = f"`motcua accounts device reissue {args.name}` gives it a new code"
        raise Refused(f"there is a device {args.name} already: {hint}") from error
    _tell(folder, "device_added", args.name, {"kind": str(kind)})
    print("\n".join(_how(folder, args, devices.get(args.name), code)))


def _check_counter(folder: Folder, kind: DeviceKind, counter: int | None) -> None:
    if counter is None:
        if kind is DeviceKind.TABLET:
            raise Refused("a tablet stands at a counter: --counter N")
        return
    conn = connect(folder.database, read_only=True)
    try:
        known = sorted(c.id for c in load(conn)[0].setup.counters)
    finally:
        conn.close()
    if counter not in known:
        raise Refused(f"there is no counter {counter}; there are {', '.join(map(str, known))}")


def _device_reissue(folder: Folder, args: argparse.Namespace) -> None:
    devices = _devices(folder)
    try:
        code = devices.reissue(args.name, _now())
    except UnknownDevice as error:
        raise Refused(f"there is no device {args.name} that may come in") from error
    _tell(folder, "device_code_reissued", args.name)
    print("\n".join(_how(folder, args, devices.get(args.name), code)))


def _device_revoke(folder: Folder, args: argparse.Namespace) -> None:
    try:
        _devices(folder).revoke(args.name, _now())
    except UnknownDevice as error:
        raise Refused(f"there is no device {args.name}") from error
    _tell(folder, "device_revoked", args.name)
    print(f"{args.name} is shut out")


def _tell(folder: Folder, what: str, name: str, detail: dict[str, str] | None = None) -> None:
    """The log and the server learn of it. The broker does in any case: `up` looks at the table."""
    try:
        order(folder, o.Note(what=what, subject=name, detail=detail or {}), devices_changed=True)
    except (Refused, Away) as error:
        print(f"motcua accounts: done, but not noted in the log: {error}", file=sys.stderr)


def _how(folder: Folder, args: argparse.Namespace, device: Device, code: str) -> Iterator[str]:
    """The code, and what is to be typed on the device."""
    server, here_only = address(folder, args)
    yield f"code  {code}   (once, within a day)"
    program = PROGRAMS.get(device.kind)
    if program is None:
        yield f"on the device, open: {server}"
    else:
        yield "on the device:"
        yield f"  motcua {program} --server {server} --code {code}"
    if here_only:
        yield "  (this address works on this machine only: set [web] host and names for others)"


def address(folder: Folder, args: argparse.Namespace) -> tuple[str, bool]:
    """Where a device finds the pages, and whether that is this machine only."""
    if args.server:
        return str(args.server).rstrip("/"), False
    file = settings.read(settings_of(folder, args.settings))
    port = _running_port(folder) or file.web.port
    if is_loopback(file.web.host):
        return f"http://{file.web.host}:{port}", True
    everywhere = file.web.host in ("0.0.0.0", "::", "")
    host = next(iter(file.web.names), socket.gethostname() if everywhere else file.web.host)
    return f"https://{host}:{port}", False


def _running_port(folder: Folder) -> int:
    try:
        web = str(json.loads(folder.addresses.read_text())["web"])
        return int(web.rsplit(":", 1)[1])
    except (OSError, ValueError, KeyError, IndexError):
        return 0


def _now() -> int:
    return int(time.time() * 1000)


_PEOPLE = {
    "list": _list,
    "add": _add,
    "reset": _reset,
    "disable": _disable,
    "enable": _enable,
    "role": _role,
}
_DEVICES = {
    "add": _device_add,
    "list": _device_list,
    "revoke": _device_revoke,
    "reissue": _device_reissue,
}
