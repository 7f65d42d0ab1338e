"""The catalogue: read from any file, never half imported, found without marks, honest about what is unsure."""

import argparse
import gzip
import json
import os
import signal
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from queue_server import catalogue_command
from queue_server.dossiers.calendar import ProcessingTime, TimeUnit
from queue_server.dossiers.catalogue import (
    CatalogueSettings,
    Channel,
    ComponentKind,
    Left,
    Procedure,
    Reason,
    ServiceRule,
    fee_text,
    own_record,
    summarise,
)
from queue_server.dossiers.portal import from_portal
from queue_server.dossiers.search import fold, terms
from queue_server.store.catalogue import (
    FILE,
    TEXTS,
    Catalogue,
    ImportRunning,
    NothingToImport,
    _alone,
    import_procedures,
)
from queue_server.store.catalogue_file import (
    SAMPLE,
    import_sample,
    procedures,
    read_settings,
)
from queue_server.wire.texts import Texts

ROOT = Path(__file__).parents[1]
PORTAL = ROOT.parent / "shared" / "data" / "portal_procedures_commune.jsonl.gz"
SERVICES = [
    "ho_tich",
    "chung_thuc",
    "cu_tru",
    "dat_dai",
    "ho_kinh_doanh",
    "xay_dung",
    "bao_tro",
    "tra_ket_qua",
]
SETTINGS = read_settings()
SAY = Texts(TEXTS).say


def method(channel="DIRECT", time=3, unit="WORKING_DAY", fees=()):
    return {
        "submissionMethod": channel,
        "processingTime": time,
        "processingTimeUnit": unit,
        "fees": [{"value": value, "description": text} for value, text in fees],
    }


def record(code="1.000001", name="Thủ tục đăng ký thử", field="Hộ tịch", methods=None, **detail):
    return {
        "id": "x",
        "code": code,
        "name": name,
        "detail": {
            "executionMethods": [method()] if methods is None else methods,
            "category": None,
            "categoriesDetails": [{"name": field}],
            **detail,
        },
    }


def case(quantity, unit):
    return {"processingDay": {"qty": quantity, "type": unit}}


def read(**changes) -> Procedure:
    procedure = from_portal(record(**changes), SETTINGS)
    assert isinstance(procedure, Procedure)
    return procedure


def file_of(path: Path, *lines: object) -> Path:
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_text("\n".join(texts) + "\n", "utf-8")
    return path


def read_all(path: Path):
    found = list(procedures(path, SETTINGS))
    return [f for f in found if isinstance(f, Procedure)], [f for f in found if isinstance(f, Left)]


def motcua(*words: object) -> int:
    parser = argparse.ArgumentParser()
    catalogue_command.add_parser(parser.add_subparsers())
    args = parser.parse_args(["catalogue", *map(str, words)])
    return args.run(args)


# --- one record ------------------------------------------------------------------------------------


def test_a_portal_record_without_category_takes_its_field_from_the_details():
    procedure = read(code="1.0133611")
    assert (procedure.field, procedure.service, procedure.code) == (
        "Hộ tịch",
        "ho_tich",
        "1.0133611",
    )


@pytest.mark.parametrize(
    ("time", "unit", "cases", "expected"),
    [
        (1, "OTHER", [], (TimeUnit.SAME_DAY, 1, True)),
        (
            1,
            "OTHER",
            [case(1, "DAY"), case(5, "WORKING_DAY")],
            (TimeUnit.SAME_DAY, 1, True),
        ),
        (1, "OTHER", [case(1, "MONTH")], (TimeUnit.MONTH, 1, False)),
        (0, "OTHER", [case(1, "WORKING_DAY")], (TimeUnit.SAME_DAY, 1, True)),
        (0, "OTHER", [case(3, "WORKING_DAY")], (TimeUnit.WORKING_DAY, 3, False)),
        (0, "OTHER", [case(3, "HOUR")], (TimeUnit.HOUR, 3, True)),
        (0, "OTHER", [case(1, "OTHER")], (TimeUnit.UNSTATED, 0, True)),
        (5, "OTHER", [case(5, "WORKING_DAY")], (TimeUnit.WORKING_DAY, 5, True)),
        (5, "OTHER", [case(25, "DAY")], (TimeUnit.WORKING_DAY, 5, False)),
        ("0", "OTHER", [], (TimeUnit.UNSTATED, 0, True)),
        ("Không quy định", "OTHER", [], (TimeUnit.UNSTATED, 0, True)),
        (7.5, "WORKING_DAY", [], (TimeUnit.WORKING_DAY, 7.5, True)),
        (None, None, [], (TimeUnit.UNSTATED, 0, True)),
    ],
)
def test_the_portals_times_are_promised_only_where_they_are_told(time, unit, cases, expected):
    found = read(methods=[method(time=time, unit=unit)], cases=cases).time
    assert (found.unit, found.value, found.certain) == expected


@pytest.mark.parametrize(
    ("fees", "expected"),
    [
        ([(0, "")], "Miễn phí"),
        ([(0, "Miễn lệ phí. Phí cấp bản sao thực hiện theo quy định")], "Miễn phí"),
        ([(8000, "")], "8.000 đ"),
        ([(2000, "/trang")], "2.000 đ/trang"),
        ([(15000, "cá nhân"), (10000, "theo danh sách")], "10.000–15.000 đ"),
        (
            [(0, "Do Hội đồng nhân dân tỉnh quy định")],
            "Theo mức của Hội đồng nhân dân tỉnh",
        ),
        ([(0, "Không quy định")], "Theo quy định"),
        ([(20, "20.000 đ/tờ khai")], "Theo quy định"),
        ([(None, "Chi tiết tại văn bản kèm theo")], "Theo quy định"),
        ([(50000, "Nghị quyết 1/NQ-HĐND")], "50.000 đ (hỏi lại tại quầy)"),
        ([], "Chưa nêu, hỏi tại quầy"),
    ],
)
def test_a_fee_that_something_else_decides_is_never_shown_as_sure(fees, expected):
    assert fee_text(read(methods=[method(fees=fees)]), SAY) == expected


def test_the_longest_time_in_person_is_the_promise_and_the_range_is_shown():
    methods = [method("ONLINE", 1), method(time=4), method(time=18)]
    summary = summarise(read(methods=methods), SAY)
    assert (summary.time.vi, summary.time.en) == (
        "4–18 ngày làm việc",
        "4–18 working days",
    )
    assert not summary.same_day


def test_papers_to_show_and_remarks_are_told_from_papers_to_hand_in():
    papers = [{"name": "- Giấy A;", "originalQty": 1, "copyQty": 2, "code": "G15-KQ1"}]
    cases = [
        {"name": "", "profileComponents": papers},
        {"name": "* Giấy tờ phải xuất trình:", "profileComponents": papers},
        {"name": "* Lưu ý :", "profileComponents": papers},
    ]
    components = read(executionCases=cases).components
    assert [c.kind for c in components] == [
        ComponentKind.HAND_IN,
        ComponentKind.SHOW,
        ComponentKind.NOTE,
    ]
    first = components[0]
    assert (first.name, first.original, first.copy, first.code) == (
        "Giấy A",
        1,
        2,
        "G15-KQ1",
    )


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"code": "<b>"}, Reason.BAD_CODE),
        ({"name": "  "}, Reason.NO_NAME),
        ({"isInternal": True}, Reason.INTERNAL),
        ({"departmentPromulgateName": "UBND tỉnh Lào Cai"}, Reason.OTHER_PROVINCE),
        ({"executionMethods": None}, Reason.NOT_A_RECORD),
    ],
)
def test_what_is_left_out_says_why(changes, reason):
    settings = msgspec.structs.replace(SETTINGS, province="Đồng Nai")
    left = from_portal(record(**changes), settings)
    assert isinstance(left, Left) and left.reason is reason


def test_ministries_and_the_own_province_stay_when_a_province_is_set():
    settings = msgspec.structs.replace(SETTINGS, province="Đồng Nai")
    for authority in ("Bộ Tư pháp", "UBND Thành phố Đồng Nai"):
        changed = record(departmentPromulgateName=authority)
        assert isinstance(from_portal(changed, settings), Procedure)


def test_the_first_matching_rule_names_the_service_whatever_the_case_and_marks():
    rules = (
        ServiceRule(service="special", field=("HO TICH",), name=("*lưu động*",)),
        ServiceRule(service="plain", field=("hộ tịch",)),
    )
    settings = CatalogueSettings(rules=rules)
    by_name = {
        name: from_portal(record(name=name), settings).service
        for name in ("Khai sinh lưu động", "Khai sinh")
    }
    assert by_name == {"Khai sinh lưu động": "special", "Khai sinh": "plain"}
    assert from_portal(record(field="Hải quan"), settings).service is None


@given(st.recursive(st.none() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner)))
def test_any_json_in_a_records_place_is_left_out_and_never_raises(junk):
    assert isinstance(from_portal(junk, SETTINGS), Left)
    broken = from_portal(record(executionMethods=junk), SETTINGS)
    assert isinstance(broken, (Left, Procedure))


def test_folding_takes_marks_and_the_stroke_of_d():
    assert fold("  ĐĂNG ký\nHỘ Khẩu ") == "dang ky ho khau"
    assert terms("Mã 1.001193, ĐẤT đất!") == ("ma", "1.001193", "dat")


# --- a file ----------------------------------------------------------------------------------------


def test_lines_arrays_and_toml_plain_or_gzipped_are_told_by_content(tmp_path):
    two = [record("1.000001"), record("1.000002")]
    plain = {
        "lines.txt": "\n".join(json.dumps(r) for r in two),
        "array.txt": json.dumps(two, indent=2),
        "pretty.txt": "\n".join(json.dumps(r, indent=2) for r in two),
        "marked.txt": "\ufeff" + "\r\n".join(json.dumps(r) for r in two),
    }
    for name, text in plain.items():
        (tmp_path / name).write_text(text, "utf-8")
        (tmp_path / f"{name}.bin").write_bytes(gzip.compress(text.encode()))
        for path in (tmp_path / name, tmp_path / f"{name}.bin"):
            taken, left = read_all(path)
            assert [p.code for p in taken] == ["1.000001", "1.000002"], path
            assert left == []


def test_a_bad_line_is_named_and_the_others_are_taken(tmp_path):
    path = file_of(tmp_path / "f", record("1.000001"), "{oops", "", [1], record("1.000002"))
    taken, left = read_all(path)
    assert [p.code for p in taken] == ["1.000001", "1.000002"]
    assert [(one.line, one.reason) for one in left] == [
        (2, Reason.UNREADABLE),
        (4, Reason.NOT_A_RECORD),
    ]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("indent", [None, 1])
def test_a_torn_file_gives_what_stands_before_the_tear(tmp_path, packed, indent):
    many = [record(f"1.{n:06}", name=os.urandom(200).hex()) for n in range(200)]
    text = json.dumps(many, indent=indent) if indent else "\n".join(map(json.dumps, many))
    data = gzip.compress(text.encode()) if packed else text.encode()
    (tmp_path / "f").write_bytes(data[: len(data) // 2 + 7])
    taken, left = read_all(tmp_path / "f")
    assert 50 < len(taken) < 150
    assert [one.reason for one in left] == [Reason.TORN]
    assert left[0].line > 50


def test_a_missing_key_in_our_own_format_is_named(tmp_path):
    path = tmp_path / "f"
    path.write_text(
        '# ours\n[[procedure]]\ncode = "X.1"\nname = "Thử"\nfeild = "?"\nways = []\n',
        "utf-8",
    )
    taken, left = read_all(path)
    assert taken == [] and left[0].line == 2 and "feild" in left[0].detail


# --- the store -------------------------------------------------------------------------------------


def imported(folder: Path, *codes: str, **changes):
    return import_procedures(folder, [read(code=code, **changes) for code in codes])


def test_an_import_adds_replaces_and_keeps_by_code(tmp_path):
    first = imported(tmp_path, "1.000001", "1.000002", "1.000003")
    second = import_procedures(
        tmp_path, [read(code="1.000002", name="Khác"), read(code="1.000003")]
    )
    assert (first.added, first.total) == (3, 3)
    assert (second.added, second.replaced, second.unchanged, second.kept) == (
        0,
        1,
        1,
        1,
    )
    assert second.changed and second.version != first.version
    assert Catalogue(tmp_path).get("1.000002").name == "Khác"


def test_the_same_import_again_changes_nothing(tmp_path):
    first = imported(tmp_path, "1.000001", "1.000002")
    inode = (tmp_path / FILE).stat().st_ino
    again = imported(tmp_path, "1.000002", "1.000001")
    assert not again.changed
    assert (again.version, again.unchanged) == (first.version, 2)
    assert (tmp_path / FILE).stat().st_ino == inode


def test_the_version_depends_on_content_alone(tmp_path):
    one = imported(tmp_path / "one", "1.000001", "1.000002")
    imported(tmp_path / "two", "1.000002")
    two = imported(tmp_path / "two", "1.000001")
    assert one.version == two.version == Catalogue(tmp_path / "two").version()


def test_the_portals_record_keeps_the_short_name_and_keywords_people_gave(tmp_path):
    own = own_record({"code": "1.000001", "name": "A", "field": "F", "short": "Sổ đỏ"})
    import_procedures(tmp_path, [msgspec.structs.replace(own, keywords=("sổ hồng",))])
    imported(tmp_path, "1.000001")
    again = imported(tmp_path, "1.000001")
    summary = Catalogue(tmp_path).summaries()[0]
    assert (summary.name, summary.keywords, summary.service) == (
        "Sổ đỏ",
        ("sổ hồng",),
        "ho_tich",
    )
    assert not again.changed


def test_a_reader_sees_the_old_catalogue_until_the_new_one_is_whole(tmp_path):
    imported(tmp_path, "1.000001")
    catalogue = Catalogue(tmp_path)

    def records():
        yield read(code="1.000002")
        assert len(catalogue.summaries()) == 1
        yield read(code="1.000003")

    import_procedures(tmp_path, records())
    assert len(catalogue.summaries()) == 3


KILLED = """
import os, signal, sys
from pathlib import Path
from queue_server.store.catalogue import import_procedures
from queue_server.dossiers.catalogue import Procedure
def records():
    for n in range(500):
        yield Procedure(code=f"9.{n:06}", name="x" * 4000, field="f")
    os.kill(os.getpid(), signal.SIGKILL)
import_procedures(Path(sys.argv[1]), records())
"""


def test_a_kill_in_the_middle_of_an_import_leaves_the_old_catalogue(tmp_path):
    before = imported(tmp_path, "1.000001").version
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], cwd=ROOT, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert Catalogue(tmp_path).version() == before
    assert len(Catalogue(tmp_path).summaries()) == 1
    assert imported(tmp_path, "1.000002").total == 2
    assert sorted(p.name for p in tmp_path.iterdir()) == [FILE, "catalogue.lock"]


def test_a_failing_import_changes_nothing_and_leaves_no_rests(tmp_path):
    imported(tmp_path, "1.000001")

    def records():
        yield read(code="1.000002")
        raise OSError("disk gone")

    with pytest.raises(OSError):
        import_procedures(tmp_path, records())
    with pytest.raises(NothingToImport):
        import_procedures(tmp_path, [])
    assert [s.code for s in Catalogue(tmp_path).summaries()] == ["1.000001"]
    assert sorted(p.name for p in tmp_path.iterdir()) == [FILE, "catalogue.lock"]


def test_two_imports_at_once_are_refused(tmp_path):
    with _alone(tmp_path), pytest.raises(ImportRunning):
        imported(tmp_path, "1.000001")


@pytest.fixture(scope="module")
def sample(tmp_path_factory) -> Catalogue:
    folder = tmp_path_factory.mktemp("sample")
    assert import_sample(folder) is not None
    assert import_sample(folder) is None
    return Catalogue(folder)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("khai sinh", "1.001193"),
        ("DANG KY KHAI SI", "1.001193"),
        ("sổ đỏ lần đầu", "1.013978"),
        ("so do", "1.013978"),
        ("sao y", "2.000815"),
        ("cccd het han", "1.014063"),
        ("mo quan", "1.001612"),
        ("1.004222", "1.004222"),
        ("nhan ket qua", "MC.000001"),
        ("doc than", "1.004873"),
    ],
)
def test_people_find_a_procedure_by_the_words_they_use(sample, words, code):
    assert code in [summary.code for summary in sample.search(words, 3)]


@pytest.mark.parametrize("words", ["", "   ", '"', "*", "a AND", "NEAR(", "title:x", "😀", "'; --"])
def test_no_text_breaks_the_search(sample, words):
    assert isinstance(sample.search(words), list)


def test_every_service_of_the_sample_centre_has_procedures(sample):
    by_service = Counter(summary.service for summary in sample.summaries())
    assert sum(by_service.values()) >= 45
    assert all(by_service[s] >= 3 for s in SERVICES if s != "tra_ket_qua")
    assert by_service["tra_ket_qua"] >= 1


def test_the_sample_has_papers_a_way_in_person_and_rules_that_agree_with_it():
    raw = tomllib.loads(SAMPLE.read_text("utf-8"))["procedure"]
    assert len({one["code"] for one in raw}) == len(raw)
    for one in raw:
        procedure = own_record(one)
        assert isinstance(procedure, Procedure), procedure
        assert procedure.components and procedure.at_counter[0].channel is Channel.DIRECT
        placed = from_portal(
            record(procedure.code, procedure.name, procedure.field), SETTINGS
        ).service
        assert not procedure.service or placed in (procedure.service, None), procedure.code


def test_what_is_done_elsewhere_is_found_but_has_no_service_here(sample):
    summary = sample.search("trợ cấp thất nghiệp")[0]
    assert (summary.code, summary.service) == ("1.014748", None)


def test_fees_that_the_province_sets_stay_marked_in_the_sample(sample):
    licence = sample.get("1.013225")
    assert fee_text(licence, SAY) == "Theo mức của Hội đồng nhân dân tỉnh"
    assert fee_text(sample.get("2.001035"), SAY) == "50.000 đ/giao dịch (hỏi lại tại quầy)"
    assert fee_text(sample.get("2.000815"), SAY, "en") == "1,000–2,000 VND/page"
    assert sample.get("1.001266").time == ProcessingTime(certain=False)


def test_the_words_for_times_and_fees_are_there_in_both_languages():
    texts = Texts(TEXTS)
    assert texts.keys("vi") == texts.keys("en")
    units = {unit.value for unit in TimeUnit} - {"same_day", "unstated"}
    assert {f"time.{unit}.{form}" for unit in units for form in ("one", "many")} <= texts.keys("vi")


# --- the command -----------------------------------------------------------------------------------


def test_the_command_reports_what_it_left_out(tmp_path, capsys):
    path = file_of(tmp_path / "f", record("1.000001", field="Hải quan"), "{oops")
    assert motcua("import", path, "--data", tmp_path) == 0
    shown = capsys.readouterr().out
    assert "added 1, replaced 0, unchanged 0, kept 0, left out 1" in shown
    assert "line 2: unreadable" in shown and "no service: 1" in shown


def test_a_wholly_unreadable_file_is_one_line_and_changes_nothing(tmp_path, capsys):
    imported(tmp_path, "1.000001")
    (tmp_path / "f").write_bytes(bytes(range(256)) * 40)
    assert motcua("import", tmp_path / "f", "--data", tmp_path) == 1
    shown = capsys.readouterr()
    assert shown.out == "" and len(shown.err.splitlines()) == 1
    assert "nothing changed" in shown.err
    assert Catalogue(tmp_path).summaries()[0].code == "1.000001"


def test_a_missing_file_or_folder_is_one_line(tmp_path, capsys):
    assert motcua("import", tmp_path / "none", "--data", tmp_path) == 1
    assert motcua("list", "--data", tmp_path / "none") == 1
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_list_and_show_print_what_is_there(tmp_path, capsys):
    imported(tmp_path, "1.000001", methods=[method(fees=[(8000, "/bản")])])
    assert motcua("list", "--data", tmp_path, "--search", "dang ky") == 0
    assert "1.000001     ho_tich        Đăng ký thử · 3 ngày làm việc · 8.000 đ/bản" in (
        capsys.readouterr().out
    )
    assert motcua("show", "1.000001", "--data", tmp_path) == 0
    assert "direct: 3 working_day; 8000 /bản" in capsys.readouterr().out


@pytest.mark.skipif(not PORTAL.exists(), reason="the portal's records are not beside the project")
def test_the_real_records_of_the_portal_come_in_and_stay_the_same(tmp_path, capsys):
    assert motcua("import", PORTAL, "--data", tmp_path) == 0
    catalogue = Catalogue(tmp_path)
    by_service = Counter(summary.service for summary in catalogue.summaries())
    assert sum(by_service.values()) == 1_101  # 1,120 less 19 internal ones
    assert all(by_service[service] >= 3 for service in SERVICES if service != "tra_ket_qua")
    assert catalogue.search("đăng ký khai sinh")[0].code == "1.001193"
    capsys.readouterr()
    assert motcua("import", PORTAL, "--data", tmp_path) == 0
    assert "(unchanged), 1101 procedures" in capsys.readouterr().out
