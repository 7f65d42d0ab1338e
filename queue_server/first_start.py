"""What the first start makes: accounts with random passwords, and the file that tells them once."""

from __future__ import annotations

from pathlib import Path

import msgspec

from .desk.commands import SaveAccount
from .line.setup import Setup
from .store import people
from .wire.files import write_whole
from .wire.words import Role

SAMPLE = (
    ("huongdan01", "Nguyễn Hướng Dẫn", Role.GUIDE),
    ("quanly01", "Trần Quản Lý", Role.MANAGER),
    ("kythuat01", "Lê Kỹ Thuật", Role.TECHNICIAN),
    ("kiemtra01", "Phạm Kiểm Tra", Role.AUDITOR),
    ("quantri01", "Hoàng Quản Trị", Role.ADMINISTRATOR),
)


def first_accounts(setup: Setup) -> tuple[list[SaveAccount], dict[str, dict[str, str]]]:
    """An account for each officer of the setup and one for each other role; and their passwords."""
    who = [(o.account, o.name, Role.OFFICER) for o in setup.officers] + list(SAMPLE)
    accounts, told = [], {}
    for account, name, role in who:
        password = people.random_password()
        told[account] = {"name": name, "role": str(role), "password": password}
        accounts.append(
            SaveAccount(
                account=account,
                name=name,
                role=role,
                password=people.hasher.hash(password),
                must_change=True,
            )
        )
    return accounts, told


def tell(path: Path, told: dict[str, dict[str, str]]) -> None:
    """Write `first-login.json`, mode 600: before the accounts, so that none is ever without its word."""
    write_whole(path, msgspec.json.format(msgspec.json.encode(told)))


def forget(path: Path, account: str) -> None:
    """Take a changed password out of the file; the file goes with the last one."""
    try:
        told: dict[str, dict[str, str]] = msgspec.json.decode(path.read_bytes())
    except (OSError, msgspec.DecodeError):
        return
    if told.pop(account, None) is None:
        return
    if told:
        tell(path, told)
    else:
        path.unlink(missing_ok=True)
