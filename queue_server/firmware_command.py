"""`motcua firmware`: make and sign packages for terminals, keep them at the centre, and want them on terminals."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from . import settings
from .accounts_command import Refused, devices_of, order
from .by_hand import Away
from .folder import Folder
from .keeping_command import settings_of
from .line import orders as o
from .store.devices import UnknownDevice
from .store.packages import NoPackage, Packages
from .wire import firmware
from .wire.files import write_new
from .wire.firmware import BadPackage
from .wire.settings import SettingsError

NONE = "none"


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Hang `firmware` and its commands on `motcua`."""
    parser = commands.add_parser("firmware", help="signed firmware for terminals")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    at_centre = argparse.ArgumentParser(add_help=False)
    at_centre.add_argument("--data", type=Path, default=Path("var"), help="data folder")
    at_centre.add_argument("--settings", type=Path, help="settings file of the centre")

    keying = actions.add_parser("key", help="a new key to sign with; its public half is shown")
    keying.add_argument("file", type=Path, help="where the private half goes (mode 600)")
    keying.set_defaults(run=run, do=_key)
    making = actions.add_parser("make", help="a signed package of the files of a folder")
    making.add_argument("folder", type=Path)
    making.add_argument("--name", required=True, help="kind of terminal, such as rating5")
    making.add_argument("--version", required=True, help="two numbers, such as 1.2")
    making.add_argument("--key", type=Path, required=True, help="the private key's file")
    making.add_argument("--out", type=Path, default=Path(), help="folder for the package")
    making.set_defaults(run=run, do=_make)
    checking = actions.add_parser("check", help="whether a package is whole and signed by a key")
    checking.add_argument("file", type=Path)
    checking.add_argument("--public", required=True, help="public key (64 hexadecimal digits)")
    checking.set_defaults(run=run, do=_check)

    adding = actions.add_parser("add", parents=[at_centre], help="keep a package at the centre")
    adding.add_argument("file", type=Path)
    adding.set_defaults(run=run, do=_add)
    listing = actions.add_parser("list", parents=[at_centre], help="the packages of the centre")
    listing.set_defaults(run=run, do=_list)
    wanting = actions.add_parser("want", parents=[at_centre], help="have a terminal run a package")
    wanting.add_argument("bridge", help="the bridge that the terminal hangs on")
    wanting.add_argument("terminal")
    wanting.add_argument("package", help=f"such as rating5-1.2, or {NONE}")
    wanting.set_defaults(run=run, do=_want)


def run(args: argparse.Namespace) -> int:
    """Do it; 0, or 1 after one line on stderr that says why not."""
    try:
        args.do(args)
    except (Refused, Away, SettingsError, BadPackage, NoPackage, OSError, ValueError) as error:
        print(f"motcua firmware: {error}".replace("\n", " "), file=sys.stderr)
        return 1
    return 0


def _key(args: argparse.Namespace) -> None:
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    write_new(args.file, pem)
    print(f"public key  {firmware.public_hex(key)}")


def _private(path: Path) -> Ed25519PrivateKey:
    if path.stat().st_mode & 0o077:
        raise Refused(f"{path}: others may read this key; set its mode to 600")
    key = load_pem_private_key(path.read_bytes(), None)
    if not isinstance(key, Ed25519PrivateKey):
        raise Refused(f"{path}: no Ed25519 key")
    return key


def _make(args: argparse.Namespace) -> None:
    found = [path for path in args.folder.rglob("*") if path.is_file()]
    if not found:
        raise Refused(f"{args.folder}: no files")
    files = {path.relative_to(args.folder).as_posix(): path.read_bytes() for path in found}
    manifest, content = firmware.make(args.name, args.version, files, _private(args.key))
    path = args.out / f"{manifest.package}.zip"
    write_new(path, content, 0o644)
    print(f"{path}: {len(files)} files, {sum(map(len, files.values()))} bytes")


def _check(args: argparse.Namespace) -> None:
    package = firmware.read(args.file.read_bytes(), [args.public])
    print(f"{package.manifest.package}: {len(package.files)} files, signed by this key")


def _add(args: argparse.Namespace) -> None:
    folder = Folder(args.data)
    keys = settings.read(settings_of(folder, args.settings)).firmware.keys
    if not keys:
        raise Refused("no keys under [firmware] in the settings: nobody is trusted to sign")
    manifest = Packages(folder.firmware).add(args.file.read_bytes(), keys)
    order(folder, o.Note(what="firmware_added", subject=manifest.package))
    print(f"{manifest.package} is kept; `motcua firmware want BRIDGE TERMINAL {manifest.package}`")


def _list(args: argparse.Namespace) -> None:
    for name in Packages(Folder(args.data).firmware).names():
        print(name)


def _want(args: argparse.Namespace) -> None:
    folder = Folder(args.data)
    package = "" if args.package == NONE else args.package
    if package:
        Packages(folder.firmware).content(package)
    try:
        devices_of(folder).want_firmware(
            args.bridge, args.terminal, package, int(time.time() * 1000), "command"
        )
    except UnknownDevice as error:
        raise Refused(f"there is no bridge {args.bridge}") from error
    detail = {"terminal": args.terminal, "package": package}
    order(folder, o.Note(what="firmware_wanted", subject=args.bridge, detail=detail), True)
    print(
        f"{args.terminal}: {package or 'nothing'} is wanted; `accounts device show` says how it goes"
    )
