"""The search without network: marks, slips of the finger, half-typed words, codes, everyday words, ranking."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from queue_server.dossiers.catalogue import own_record, summarise
from queue_server.dossiers.everyday import BadEveryday, Everyday, Said, Word, read_everyday, shipped
from queue_server.dossiers.finder import Findable, Finder, findable
from queue_server.dossiers.search import fold
from queue_server.store.catalogue import TEXTS, Catalogue, import_procedures
from queue_server.store.catalogue_file import SAMPLE, import_sample, procedures, read_settings
from queue_server.wire.texts import Texts

ROOT = Path(__file__).parents[1]
PORTAL = ROOT.parent / "shared" / "data" / "portal_procedures_commune.jsonl.gz"
QUERIES = tomllib.loads((ROOT / "tests/data/everyday_queries.toml").read_text("utf-8"))["query"]
needs_portal = pytest.mark.skipif(
    not PORTAL.exists(), reason="the portal's records are not beside the project"
)


@pytest.fixture(scope="module")
def sample() -> Finder:
    """The sample centre's procedures, with the product's table of everyday words."""
    say = Texts(TEXTS).say
    records = tomllib.loads(SAMPLE.read_text("utf-8"))["procedure"]
    return Finder(findable(summarise(own_record(record), say)) for record in records)


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Finder:
    """The national portal's records over the sample catalogue, as a centre imports them."""
    folder = tmp_path_factory.mktemp("whole")
    import_sample(folder)
    import_procedures(folder, procedures(PORTAL, read_settings()))
    return Finder(map(findable, Catalogue(folder).summaries()))


def first(finder: Finder, text: str) -> str:
    hits = finder.find(text)
    return hits[0].code if hits else ""


def small(*entries: Findable, everyday: Everyday | None = None) -> Finder:
    return Finder(entries, everyday or Everyday())


def named(code: str, name: str, **more) -> Findable:
    return Findable(code=code, name=name, **more)


BIRTH, MARRIAGE, COPY, SHOP, DEED = "1.001193", "1.000894", "2.000815", "1.001612", "1.013978"
ID_CARD, SINGLE, STAY, PENSION, LICENCE = "1.014063", "1.004873", "1.004194", "1.014027", "3.000347"


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("đăng ký khai sinh", BIRTH),  # as it is called
        ("DANG KY KHAI SINH", BIRTH),  # no marks
        ("đáng kỵ khải sính", BIRTH),  # wrong marks
        ("đăng kí khai sinh", BIRTH),  # i for y
        ("khai xinh", BIRTH),  # s and x
        ("làm dấy khai sinh", BIRTH),  # gi and d
        ("trứng thực bản xao", COPY),  # ch and tr
        ("nàm sổ đỏ", DEED),  # l and n
        ("đăng ký khai sinhh", BIRTH),  # a letter too many
        ("đăng ký kai sinh", BIRTH),  # one missing
        ("giấy khia sinh", BIRTH),  # two changed about
        ("ddangw kys khai sinh", BIRTH),  # Telex left as letters
        ("ke6t1 hon", MARRIAGE),  # VNI left as digits
        ("khaisinh", BIRTH),  # no blank between
        ("tạm chú", STAY),  # a known word, but not beside this one
        ("đăng ký khai s", BIRTH),  # half typed
        ("chung thuc ban s", COPY),
        ("sổ đ", "1.013831"),
    ],
)
def test_marks_and_slips_do_not_hide_a_procedure(sample, typed, code):
    assert code in [hit.code for hit in sample.find(typed)[:2]]


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("làm giấy khai sinh", BIRTH),
        ("sao y", COPY),
        ("đăng ký quán ăn", SHOP),
        ("làm sổ đỏ", DEED),
        ("làm bìa hồng", DEED),
        ("bằng lái", LICENCE),
        ("đổi căn cước", ID_CARD),
        ("trợ cấp người già", PENSION),
        ("ly hôn xong xin giấy độc thân", SINGLE),
        ("birth certificate", BIRTH),
    ],
)
@pytest.mark.parametrize("how", [str, fold])
def test_everyday_words_lead_to_the_procedure(sample, typed, code, how):
    assert first(sample, how(typed)) == code


@pytest.mark.parametrize(
    "typed",
    [
        "1.001612",
        "1.00161",
        "1001612",
        "001612",
        " 1.001612 ",
        "1.001612.000.00.00.H19",
        "1-001612",
    ],
)
def test_a_code_is_found_whole_begun_without_dots_and_in_a_provinces_form(sample, typed):
    assert first(sample, typed) == SHOP


def test_a_whole_code_finds_that_procedure_alone(sample):
    assert [hit.code for hit in sample.find("1.001612")] == [SHOP]
    assert first(sample, "mc.000001") == "MC.000001"


def test_marks_that_agree_come_first_and_those_that_do_not_are_still_found():
    finder = small(named("1", "Số đo"), named("2", "Sổ đỏ"))
    assert [hit.code for hit in finder.find("sổ đỏ")] == ["2", "1"]
    assert [hit.code for hit in finder.find("số đo")] == ["1", "2"]
    assert len(finder.find("so do")) == 2


def test_what_is_done_here_comes_before_what_is_not_and_what_is_usual_before_its_like():
    finder = small(
        named("1", "Cấp giấy phép săn"),
        named("2", "Cấp giấy phép nổ", service="x"),
        named("3", "Cấp giấy phép mìn", service="x"),
        everyday=Everyday(usual=("3",)),
    )
    assert [hit.code for hit in finder.find("giấy phép")] == ["3", "2", "1"]
    assert finder.most_used(1) == ("3",)


def test_of_several_with_one_title_one_comes_first_and_the_others_last():
    same = [named(f"1.{n}", "Hỗ trợ hỏa táng") for n in range(3)]
    finder = small(*same, named("2.0", "Hỗ trợ chi phí hỏa táng cho người khác"))
    assert [hit.code for hit in finder.find("hỏa táng")] == ["1.0", "2.0", "1.1", "1.2"]


def test_a_filler_that_looks_like_a_word_without_marks_is_read_by_its_neighbour():
    everyday = Everyday(filler=("cần", "đi"))
    finder = small(named("1", "Thẻ căn cước"), named("2", "Phiếu cần câu"), everyday=everyday)
    assert first(finder, "can cuoc") == "1"


def test_a_centres_own_table_adds_to_the_products():
    own = read_everyday(
        '[[word]]\nsay = ["giấy hồng"]\nmeans = ["sổ đỏ"]\n'
        '[[procedure]]\ncodes = ["7", "no such code"]\nsay = ["chạy tàu"]\n'
    )
    finder = Finder([named("7", "Sổ đỏ"), named("8", "Khác")], shipped().added(own))
    assert first(finder, "giay hong") == "7"
    assert first(finder, "chạy tàu") == "7"


def test_a_lone_word_with_other_marks_does_not_mean_the_everyday_one():
    everyday = Everyday(word=(Word(say=("đẻ",), means=("khai sinh",)),))
    finder = small(named("1", "Khai sinh"), everyday=everyday)
    assert first(finder, "đẻ") == first(finder, "de") == "1"
    assert finder.find("để ") == ()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("fillers = []", "fillers"),
        ("[[word]]\nsay = 3", "say"),
        ("say = \n", "line 1"),
        ("\0", "own"),
    ],
)
def test_a_damaged_table_is_named_with_its_fault(text, named):
    with pytest.raises(BadEveryday) as bad:
        read_everyday(text, "own.toml")
    assert "own.toml" in str(bad.value) and named in str(bad.value)


@given(st.text(max_size=300))
@settings(max_examples=150, deadline=None)
def test_no_text_breaks_the_search(sample, text):
    hits = sample.find(text, 5)
    assert len(hits) <= 5 and len({hit.code for hit in hits}) == len(hits)


def test_nothing_is_found_for_nothing_and_among_nothing(sample):
    assert sample.find("") == sample.find("  ?! 😀") == sample.find("qqwxz zzgh") == ()
    assert Finder([]).find("khai sinh") == ()


def test_a_stuck_key_takes_no_longer_than_a_long_text(sample):
    assert len(sample.find("khai sinh " * 10_000)) > 0


def test_what_is_usual_stands_first_where_nothing_is_typed(sample):
    assert sample.most_used(3) == shipped().usual[:3]
    assert LICENCE not in sample.most_used(100)


@needs_portal
@pytest.mark.parametrize("how", [str, fold])
def test_of_200_everyday_queries_95_in_100_have_a_right_answer_in_the_first_three(whole, how):
    assert len(QUERIES) == 200 and sum(query["tune"] for query in QUERIES) == 100
    missed = [
        (query["tune"], query["text"])
        for query in QUERIES
        if not any(hit.code in query["right"] for hit in whole.find(how(query["text"]), 3))
    ]
    assert len(missed) <= 10, missed
    assert sum(not tune for tune, _ in missed) <= 5, missed


@needs_portal
def test_the_products_table_names_only_procedures_that_there_are(whole):
    table = shipped()
    codes = {code for said in table.procedure for code in said.codes} | set(table.usual)
    assert [code for code in sorted(codes) if first(whole, code) != code] == []
    assert all(isinstance(said, Said) and said.say for said in table.procedure)
