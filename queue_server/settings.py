"""The centre's settings file: ports, paths, broker, devices, and the seed of services, counters and rules."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec

from .doors.broker import FOREIGN, BrokerSettings, BrokerUser, foreign_user, is_loopback
from .doors.mosquitto import MosquittoSettings
from .doors.speech.voice import SpeechSettings
from .dossiers.codes import AGENCY, MOST_SERIAL_DIGITS, SERIAL_DIGITS
from .dossiers.life import CodeRule, CodeWay
from .line.decide import Refused, check_setup
from .line.setup import WEEKDAYS, Counter, Hours, Officer, Rules, Service, Setup
from .satisfaction.circular01 import Declared
from .store.devices import hash_password
from .store.holidays import LocalDays
from .wire import settings as wire_settings
from .wire import topics
from .wire.settings import SettingsError
from .wire.words import Frozen, Names, PriorityGroup


class CentreSettings(Frozen, forbid_unknown_fields=True):
    """`[centre]`: who we are. `id` stands in every topic: small letters, digits, - and _."""

    id: str = "motcua"
    name: Names = Names(vi="Trung tâm Phục vụ hành chính công", en="Public Service Centre")
    authority: Names = Names(vi="", en="")
    hotline: str = "1022"
    agency: str = ""
    """Mã định danh cơ quan: the first part of dossier codes made here."""


class WebSettings(Frozen, forbid_unknown_fields=True):
    """`[web]`: anything but loopback is encrypted. `take`: off · centre · free.

    `names`: the host names and addresses by which devices and phones reach this machine; they stand
    in the certificate.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    public_url: str = ""
    take: str = "centre"
    session_minutes: int = 600
    names: tuple[str, ...] = ()


class VaultSettings(Frozen, forbid_unknown_fields=True):
    """`[vault]`: where the master key lies; never in the data folder nor in a backup."""

    key_file: str = ""


class OutsideBroker(Frozen, forbid_unknown_fields=True):
    """`[outside_broker]`: Mosquitto instead of our own NATS, when `host` is set.

    Our users are written into `mosquitto.folder` in its own formats, and it is told to read them.
    """

    host: str = ""
    port: int = 8883
    mosquitto: MosquittoSettings = MosquittoSettings()


class ForeignUser(Frozen, forbid_unknown_fields=True):
    """One `[[foreign]]`: a user of our broker with topics of its own (docs/bought-devices.md), below `prefixes` only.

    `password_file`: a file that holds the password, mode 600. A change counts from the next start.
    """

    name: Annotated[str, msgspec.Meta(pattern=topics.SAFE.pattern)]
    password_file: str
    prefixes: tuple[str, ...]

    def user(self) -> BrokerUser:
        """Raises SettingsError."""
        path = Path(self.password_file)
        try:
            if path.stat().st_mode & 0o077:
                raise SettingsError(f"{path}: others may read this password; set its mode to 600")
            password = path.read_text("utf-8").strip()
            return foreign_user(f"{FOREIGN}.{self.name}", hash_password(password), self.prefixes)
        except (OSError, ValueError) as error:
            raise SettingsError(f"[[foreign]] {self.name}: {error}") from error


class HoursSettings(Frozen, forbid_unknown_fields=True):
    """`[hours]`: sessions as `"07:30-11:30"` by weekday (mon … sun)."""

    mon: tuple[str, ...] = ()
    tue: tuple[str, ...] = ()
    wed: tuple[str, ...] = ()
    thu: tuple[str, ...] = ()
    fri: tuple[str, ...] = ()
    sat: tuple[str, ...] = ()
    sun: tuple[str, ...] = ()
    enforced: bool = False
    early_minutes: int = 30
    cut_off_minutes: int = 0


class CatalogueSettings(Frozen, forbid_unknown_fields=True):
    """`[catalogue]`: the table that maps fields to services at the first start (default: the sample's)."""

    services: str = ""


class FormsSettings(Frozen, forbid_unknown_fields=True):
    """`[forms]`: `sample`: forms that nobody has marked as checked are filed too, under the word MẪU."""

    sample: bool = False


class DossierSettings(Frozen, forbid_unknown_fields=True):
    """`[dossiers]`: where dossier codes come from, how long dossiers are kept, which days differ here.

    `codes`: `own` serials from 0001 each day, a `band` of serials that the province left to this centre
    (`band_first` … `band_last`), or the `province` alone; without a code a dossier has a provisional number.
    `width`: digits of the serial. `keep_days`: from filing, and anew from the result. `closed`, `worked`: days off
    and working days besides the public ones, by which due dates are counted.
    """

    codes: CodeWay = CodeWay.OWN
    width: int = SERIAL_DIGITS
    band_first: int = 1
    band_last: int = 0
    keep_days: int = 730
    closed: tuple[dt.date, ...] = ()
    worked: tuple[dt.date, ...] = ()


class ProvinceSettings(Frozen, forbid_unknown_fields=True):
    """`[province]`: where filed dossiers are passed on to (docs/province-port.md); nothing is while `url` is empty.

    `key_id`, `key_file`: our name there and the shared key (32 bytes or more, mode 600); `ca_file`: the authority of
    their certificate, if it is none that everybody knows. Times in seconds: `timeout` for an answer; `settle` before
    an unclear one is asked about; `retry` at first, doubled up to `longest_retry`. `samples`: dossiers under the word
    MẪU go too. `since`: what was received before this day is left where it is.
    """

    url: str = ""
    key_id: str = ""
    key_file: str = ""
    ca_file: str = ""
    timeout: float = 30.0
    settle: float = 60.0
    retry: float = 30.0
    longest_retry: float = 3600.0
    samples: bool = False
    since: dt.date | None = None


class FirmwareSettings(Frozen, forbid_unknown_fields=True):
    """`[firmware]`: `keys`: public keys (64 hexadecimal digits) whose packages for terminals are kept here."""

    keys: tuple[Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")], ...] = ()


class BackupSettings(Frozen, forbid_unknown_fields=True):
    """`[backup]`: where `motcua backup` writes when no folder is named."""

    folder: str = ""
    keep: int = 14


class CentreFile(Frozen, forbid_unknown_fields=True):
    """The whole file. `kiosk`, `tablet` and `bridge` are read by those programs."""

    centre: CentreSettings = CentreSettings()
    broker: BrokerSettings = BrokerSettings()
    outside_broker: OutsideBroker = OutsideBroker()
    foreign: tuple[ForeignUser, ...] = ()
    web: WebSettings = WebSettings()
    vault: VaultSettings = VaultSettings()
    speech: SpeechSettings = SpeechSettings()
    catalogue: CatalogueSettings = CatalogueSettings()
    forms: FormsSettings = FormsSettings()
    dossiers: DossierSettings = DossierSettings()
    circular01: Declared = Declared()
    province: ProvinceSettings = ProvinceSettings()
    firmware: FirmwareSettings = FirmwareSettings()
    backup: BackupSettings = BackupSettings()
    hours: HoursSettings = HoursSettings()
    rules: Rules = Rules()
    colours: dict[str, str] = {}
    services: tuple[Service, ...] = ()
    counters: tuple[Counter, ...] = ()
    officers: tuple[Officer, ...] = ()
    priorities: tuple[PriorityGroup, ...] = ()
    kiosk: dict[str, Any] = {}
    tablet: dict[str, Any] = {}
    bridge: dict[str, Any] = {}

    def code_rule(self) -> CodeRule:
        table = self.dossiers
        return CodeRule(
            way=table.codes,
            agency=self.centre.agency,
            width=table.width,
            first=table.band_first,
            last=table.band_last,
        )

    def own_days(self) -> LocalDays:
        return LocalDays(closed=self.dossiers.closed, worked=self.dossiers.worked)

    def setup(self) -> Setup:
        """The seed of the log's first `SetupChanged`."""
        return Setup(
            centre=self.centre.id,
            name=self.centre.name,
            authority=self.centre.authority,
            hotline=self.centre.hotline,
            services=self.services,
            counters=self.counters,
            officers=self.officers,
            priorities=self.priorities,
            hours=_hours(self.hours),
            rules=self.rules,
        )


def _minutes(text: str) -> int:
    return (dt.datetime.strptime(text.strip(), "%H:%M") - dt.datetime(1900, 1, 1)).seconds // 60


def _hours(table: HoursSettings) -> Hours:
    sessions = {}
    for day in WEEKDAYS:
        spans = [tuple(_minutes(end) for end in span.split("-")) for span in getattr(table, day)]
        sessions[day] = tuple((s[0], s[1]) for s in spans)
    return Hours(
        sessions=sessions,
        enforced=table.enforced,
        early_minutes=table.early_minutes,
        cut_off_minutes=table.cut_off_minutes,
    )


def read(path: Path | None) -> CentreFile:
    """The settings; raises SettingsError with one line that names file, key and line."""
    file = wire_settings.read(CentreFile, path)
    try:
        check_setup(file.setup())
    except Refused as refused:
        raise SettingsError(f"{path}: {refused.values.get('detail', refused.code)}") from refused
    except ValueError as error:
        raise SettingsError(f"{path}: [hours]: {error}") from error
    _check_dossiers(file, path)
    _check_province(file.province, path)
    return file


def _check_province(table: ProvinceSettings, path: Path | None) -> None:
    if not table.url:
        return
    parts = urlsplit(table.url)
    here = parts.scheme == "http" and is_loopback(parts.hostname or "")
    if not (parts.scheme == "https" and parts.hostname) and not here:
        raise SettingsError(f"{path}: [province]: url: https://… is needed")
    if parts.query or parts.fragment or parts.username:
        raise SettingsError(f"{path}: [province]: url: only a host and a path")
    if not table.key_id or not table.key_file:
        raise SettingsError(f"{path}: [province]: key_id and key_file are needed")
    if min(table.timeout, table.settle, table.retry, table.longest_retry) <= 0:
        raise SettingsError(f"{path}: [province]: times: above 0")


def _check_dossiers(file: CentreFile, path: Path | None) -> None:
    table = file.dossiers
    if file.centre.agency and not AGENCY.fullmatch(file.centre.agency):
        raise SettingsError(f"{path}: [centre]: agency: like H19.15 or 000.00.15.H19")
    if not SERIAL_DIGITS <= table.width <= MOST_SERIAL_DIGITS:
        raise SettingsError(f"{path}: [dossiers]: width: {SERIAL_DIGITS} to {MOST_SERIAL_DIGITS}")
    if table.codes is CodeWay.BAND and not 1 <= table.band_first <= table.band_last:
        raise SettingsError(f"{path}: [dossiers]: band_first, band_last")
    if table.keep_days < 1:
        raise SettingsError(f"{path}: [dossiers]: keep_days: at least 1")


def example() -> Path:
    """The sample centre that comes with the program."""
    return Path(__file__).parent.parent / "deploy" / "centre.example.toml"
