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
from .by_hand import Away, give, presences
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
from .wire import messages as m
from .wire.enrol import fingerprint
from .wire.health import OF_TERMINALS
from .wire.remote import KEYS, parse, unknown_key, written
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
    verb("show", "how a device is, its terminals and its settings").add_argument("name")
    setting = verb("set", "settings from afar, in place of those before; none: its own again")
    setting.add_argument("name")
    setting.add_argument("values", nargs="*", metavar="KEY=VALUE", help="a value as in TOML")
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


def devices_of(folder: Folder) -> Devices:
    """The table of devices. Raises Refused before the first start."""
    ca = folder.authority / "ca.pem"
    if not ca.exists():
        raise Refused(f"no authority in {folder.authority}: start the centre once")
    return Devices(folder.devices, fingerprint(ca.read_text()))


def _device_list(folder: Folder, args: argparse.Namespace) -> None:
    for device in devices_of(folder).list():
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
    devices = devices_of(folder)
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
    devices = devices_of(folder)
    try:
        code = devices.reissue(args.name, _now())
    except UnknownDevice as error:
        raise Refused(f"there is no device {args.name} that may come in") from error
    _tell(folder, "device_code_reissued", args.name)
    print("\n".join(_how(folder, args, devices.get(args.name), code)))


def _device_revoke(folder: Folder, args: argparse.Namespace) -> None:
    try:
        devices_of(folder).revoke(args.name, _now())
    except UnknownDevice as error:
        raise Refused(f"there is no device {args.name}") from error
    _tell(folder, "device_revoked", args.name)
    print(f"{args.name} is shut out")


def _device_set(folder: Folder, args: argparse.Namespace) -> None:
    devices = devices_of(folder)
    try:
        kind = devices.get(args.name).kind
        values = parse("\n".join(args.values))
        stranger = unknown_key(kind, values)
        if stranger:
            keys = ", ".join(KEYS[kind]) or "nothing"
            raise Refused(f"{stranger} cannot be set from afar on a {kind}; {keys} can")
        config = devices.configure(args.name, values, _now(), "command")
    except UnknownDevice as error:
        raise Refused(f"there is no device {args.name} that may come in") from error
    detail = {"version": str(config.version), "keys": ", ".join(sorted(values))}
    _tell(folder, "device_configured", args.name, detail)
    print(f"{args.name}: version {config.version} is wanted; `device show` has its answer")


def _device_show(folder: Folder, args: argparse.Namespace) -> None:
    devices = devices_of(folder)
    try:
        device = devices.get(args.name)
    except UnknownDevice as error:
        raise Refused(f"there is no device {args.name}") from error
    counter = f", counter {device.counter}" if device.counter is not None else ""
    print(f"{device.name}: {device.kind}{counter}, {_standing(device)}")
    seen = presences(folder).get(args.name)
    if seen is None:
        print("  not heard of since the server's start")
    else:
        print("\n".join(_how_it_is(seen)))
    wanted = devices.wanted().get(args.name)
    if wanted is not None:
        print(f"  settings from afar, {_answer(wanted.config, seen)}")
        print("".join(f"    {x}\n" for x in written(wanted.config.values).splitlines()), end="")
        for terminal, package in sorted(wanted.config.firmware.items()):
            print(f"    {terminal} is to run {package}")


def _how_it_is(seen: m.Presence) -> Iterator[str]:
    alive = seen.state == "online" and seen.until >= _now()
    last = _minute(seen.at) if seen.at else "never"
    version = f", version {seen.version}" if seen.version else ""
    yield f"  {'online' if alive else 'out of reach'}, last seen {last}{version}"
    for part, word in sorted(seen.health.items()):
        if not part.startswith(OF_TERMINALS):
            yield f"  {part}: {word}"
    for one in seen.terminals:
        figures = [f"counter {one.counter}", f"last seen {_minute(one.seen)}" if one.seen else ""]
        figures += [f"battery {one.battery} %" if one.battery is not None else ""]
        figures += [f"version {one.version}" if one.version else ""]
        figures += [f"key {one.key}" if one.key else "", f"lost {one.lost}" if one.lost else ""]
        figures += [f"firmware {one.update}" if one.update else ""]
        told = ", ".join(x for x in figures if x)
        yield f"  {one.name}: {one.kind} ({one.make}), {one.state}, {told}"


def _answer(wanted: m.DeviceConfig, seen: m.Presence | None) -> str:
    run = seen.config if seen is not None else None
    if run is None or run.version != wanted.version:
        return f"version {wanted.version}: no answer yet"
    said = {"applied": "in use", "restart": "from its next start", "refused": "refused"}
    why = f" ({run.reason} {run.key})".replace(" )", ")") if run.reason else ""
    return f"version {wanted.version}: {said.get(run.state, run.state)}{why}"


def _minute(at: int) -> str:
    return dt.datetime.fromtimestamp(at / 1000).strftime("%Y-%m-%d %H:%M")


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
    "show": _device_show,
    "set": _device_set,
}
