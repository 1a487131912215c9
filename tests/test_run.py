"""A whole run against a local server: plan, send, store, grade, extend, refuse."""

from __future__ import annotations

import json
import shutil

import pytest

from books import png, small_book
from fake_server import Fault, Reply
from medsyn.case import Casebook, InputError
from medsyn.model import open_models
from medsyn.run import Run, Study, grade_run, run_study
from medsyn.run.budget import Budget, Prices
from medsyn.run.reading import NOT_ASKED
from medsyn.run.start import dry_run
from medsyn.task import open_task


@pytest.fixture
def place(tmp_path):
    small_book(tmp_path / "book")
    return tmp_path


def study(place, server=None, **more):
    model = {"name": "openai:m", "base_url": server.url, "retries": 0} if server else "baseline:random"
    return Study(**({"cases": place / "book", "out": place / "run", "model": [model]} | more))


def test_what_is_shown_reaches_the_wire_in_the_order_of_the_view(place, fake_server):
    run_study(study(place, fake_server, task="fdx", limit=1))
    parts = fake_server.received[0].parts
    texts = [part if isinstance(part, str) else "<image>" for part in parts]
    joined = "\n".join(texts)
    case = Casebook.load(place / "book").cases[0]
    images = [part for part in parts if isinstance(part, bytes)]
    assert images == [image.path.read_bytes() for image in case.images]
    places = [joined.index(mark) for mark in ("History of patient 0.", "CT", "Microscopy", "Measles")]
    assert places == sorted(places)
    ct, microscopy = (number for number, text in enumerate(texts) if text == "<image>")
    assert "CT" in "".join(texts[:ct])
    assert "Microscopy" in "".join(texts[ct:microscopy])
    assert "Microscopy" not in "".join(texts[:ct])
    assert "A mass" not in joined, "findings were shown beside the images"


def test_the_texts_none_and_na_reach_the_prompt(place, fake_server):
    run_study(study(place, fake_server, task="fdx"))
    with_both = [received for received in fake_server.received if "None" in received.text]
    assert with_both
    assert all("NA" in received.text for received in with_both)


def test_answers_grades_and_rights_are_what_the_server_said(place, fake_server):
    book = Casebook.load(place / "book")
    right = {case.history: case.right_option.text for case in book}

    def answer(received):
        truth = next(text for history, text in right.items() if history in received.text)
        if "1." in received.text or "A." not in received.text:
            return f"1. Something else\n2. {truth}"
        line = next(line for line in received.text.splitlines() if line.strip().endswith(truth))
        return line.strip()[0]

    fake_server.answer = answer
    outcome = run_study(study(place, fake_server, task="ddx,fdx", judge="exact"))
    for result in outcome.run.results:
        assert result.status == "answered", result
        if result.task == "fdx":
            assert result.right, result
        else:
            verdict = result.verdicts["exact"]
            assert (verdict.score, verdict.rank) == (5, 2)


def test_open_fdx_asks_for_the_differential_once_and_shows_it_again(place, fake_server):
    fake_server.answer = lambda received: "1. Gout\n2. Malaria" if "Malaria\n" not in received.text else "Gout"
    asked = []

    def answer(received):
        asked.append(received.text)
        return "1. Qqq disease\n2. Www disease" if "Qqq disease" not in received.text else "Www disease"

    fake_server.answer = answer
    outcome = run_study(study(place, fake_server, task="ddx,open-fdx"))
    assert fake_server.count == 8, "four differentials, each asked once, and four final questions"
    final = [result for result in outcome.run.results if result.task == "open-fdx"]
    assert [result.diagnoses for result in final] == [("Www disease",)] * 4
    again = run_study(study(place, fake_server, task="ddx,open-fdx"))
    assert fake_server.count == 8
    assert again.run.results == outcome.run.results


def test_a_run_is_extended_by_models_conditions_tasks_cases_and_judges(place, fake_server):
    first = run_study(study(place, fake_server, task="fdx", limit=2))
    assert len(first.run.results) == 2
    more = run_study(study(place, fake_server, task="fdx,ddx", condition="images,findings", judge="exact"))
    assert fake_server.count == 16, "two of the sixteen were stored"
    assert len(more.run.results) == 16
    both = run_study(study(place, task="fdx", permutations=2))
    assert set(both.run.models) == {"openai:m", "baseline:random"}
    assert len(both.run.results) == 16 + 8


def test_another_casebook_is_refused_with_the_difference(place):
    run_study(study(place, task="fdx"))
    lines = (place / "book" / "cases.jsonl").read_text().splitlines()
    case = json.loads(lines[1])
    case["history"] = "Something new."
    (place / "book" / "cases.jsonl").write_text("\n".join([lines[0], json.dumps(case), *lines[3:]]) + "\n")
    with pytest.raises(InputError, match=r"another casebook: removed: c02; changed: c01"):
        run_study(study(place, task="fdx"))
    with pytest.raises(InputError, match="is not the casebook of this run"):
        Run.load(place / "run")


def test_a_renamed_image_is_the_same_casebook_and_a_changed_byte_is_another(place):
    run_study(study(place, task="fdx"))
    image = place / "book" / "images" / "c00-1.png"
    image.rename(image.with_name("other.png"))
    cases = place / "book" / "cases.jsonl"
    cases.write_text(cases.read_text().replace("images/c00-1.png", "images/other.png"))
    assert run_study(study(place, task="fdx")).answers[0].stored == 4
    image.with_name("other.png").write_bytes(png((9, 9, 9)))
    with pytest.raises(InputError, match=r"other\.png"):
        run_study(study(place, task="fdx"))


def test_other_settings_are_refused(place):
    run_study(study(place, task="fdx"))
    with pytest.raises(InputError, match=r"seed: found 5, expected 0"):
        run_study(study(place, task="fdx", seed=5))


def test_a_folder_that_is_no_run_is_refused(place):
    (place / "run").mkdir()
    (place / "run" / "precious.txt").write_text("mine")
    with pytest.raises(InputError, match=r"not empty and has no run\.json"):
        run_study(study(place, task="fdx"))
    with pytest.raises(InputError, match=r"found no run\.json"):
        Run.load(place)


def test_failures_of_the_server_are_missing_kept_and_retried_only_on_request(place, fake_server):
    faults = [Fault("status", status=500), Fault("garbage"), Fault("cut"), None]
    fake_server.faults = faults
    wanted = study(place, fake_server, task="fdx")
    results = run_study(wanted).run.results
    assert sorted(result.status for result in results).count("missing") == 3
    assert all(result.right is None and result.reason for result in results if result.status == "missing")
    assert fake_server.count == 4
    run_study(wanted)
    assert fake_server.count == 4, "a failure was repeated without a request"
    again = run_study(wanted.model_copy(update={"retry_failed": True}))
    assert fake_server.count == 7
    assert all(result.status == "answered" for result in again.run.results)


def test_refusals_cuts_and_nonsense_count_as_not_right(place, fake_server):
    replies = iter(
        [
            Reply(None, refusal="I cannot help with that."),
            Reply("The patient", finish_reason="length"),
            Reply("Blue."),
            Reply(""),
        ]
    )
    fake_server.answer = lambda received: next(replies)
    results = run_study(study(place, fake_server, task="fdx", model=[
        {"name": "openai:m", "base_url": fake_server.url, "concurrency": 1}])).run.results  # fmt: skip
    assert [result.status for result in results] == ["refused", "cut-off", "unparsed", "unparsed"]
    assert [result.right for result in results] == [False] * 4
    assert all(result.reason for result in results)


def test_more_images_than_the_server_takes_is_an_error_and_none_is_dropped(place, fake_server):
    model = {"name": "openai:m", "base_url": fake_server.url, "max_images": 1}
    results = run_study(study(place, task="fdx", model=[model])).run.results
    assert fake_server.count == 0
    assert {result.status for result in results} == {"missing"}
    assert all("2 images" in result.reason and "1" in result.reason for result in results)


def test_a_budget_stops_cleanly_and_the_same_command_goes_on(place, fake_server):
    model = [{"name": "openai:m", "base_url": fake_server.url, "concurrency": 1}]
    wanted = study(place, task="fdx", model=model, budget="150")
    outcome = run_study(wanted)
    assert fake_server.count == 2, "each answer takes 101 tokens, so two pass 150"
    assert "2 requests were not sent" in outcome.stopped
    reasons = [result.reason for result in outcome.run.results if result.status == "missing"]
    assert reasons == [NOT_ASKED] * 2
    done = run_study(wanted.model_copy(update={"budget": None}))
    assert fake_server.count == 4
    assert done.stopped is None


def test_a_budget_in_money_needs_prices_for_every_model(place, tmp_path, fake_server):
    prices = tmp_path / "prices.yaml"
    prices.write_text("currency: EUR\nmodels:\n  openai:m: {input: 10, output: 0}\n")
    model = [{"name": "openai:m", "base_url": fake_server.url, "concurrency": 1}]
    wanted = study(place, task="fdx", model=model, prices=prices, budget="0.0015 EUR")
    outcome = run_study(wanted)
    assert fake_server.count == 2
    assert outcome.answers[0].cost == pytest.approx(0.002)
    with pytest.raises(InputError, match="prices are in EUR"):
        Budget.parse("5 USD", Prices.load(prices))


def test_more_judges_grade_the_same_answers_later(place, fake_server):
    fake_server.answer = lambda received: "1. Gout"
    run_study(study(place, fake_server, task="ddx", judge="exact"))
    fake_server.answer = lambda received: '{"score": 3, "rank": null, "reason": "related"}'
    judge = study(place, fake_server, judge=[{"name": "openai:judge", "base_url": fake_server.url}]).judge
    outcome = grade_run(place / "run", judge)
    assert outcome.verdicts == 4
    assert outcome.run.judges == ("exact", "openai:judge")
    for result in outcome.run.results:
        assert result.verdicts["openai:judge"].score == 3
        assert result.verdicts["exact"].score in (0, 5)
    arrived = fake_server.count
    assert grade_run(place / "run", judge).verdicts == 0
    assert fake_server.count == arrived


@pytest.mark.parametrize(("given", "sent"), [({}, 0.0), ({"judge_temperature": "server"}, None)])
def test_judges_grade_at_zero_or_at_what_their_server_takes(place, fake_server, given, sent):
    fake_server.answer = lambda received: '{"score": 3, "rank": null, "reason": "related"}'
    judge = [{"name": "openai:judge", "base_url": fake_server.url}]
    book = Casebook.load(place / "book")
    rows = [f"{case.id},Dr Li,Plague,,," for case in book]
    (place / "readers.csv").write_text("\n".join(["case,reader,differential,option,flag,reason", *rows]))
    run_study(study(place, model=[f"human:{place / 'readers.csv'}"], task="ddx", judge=judge, **given))
    assert {received.body.get("temperature") for received in fake_server.received} == {sent}


def test_a_judge_that_fails_leaves_the_grade_missing(place, fake_server):
    fake_server.answer = lambda received: "1. Gout"
    run_study(study(place, fake_server, task="ddx"))
    fake_server.faults = lambda number, received: Fault("status", status=503)
    judge = study(
        place, fake_server, judge=[{"name": "openai:judge", "base_url": fake_server.url, "retries": 0}]
    ).judge
    outcome = grade_run(place / "run", judge)
    for result in outcome.run.results:
        verdict = result.verdicts["openai:judge"]
        assert verdict.score is None
        assert verdict.missing
    fake_server.faults = ()
    fake_server.answer = lambda received: '{"score": 0, "rank": null, "reason": "no"}'
    outcome = grade_run(place / "run", judge, retry_failed=True)
    assert {result.verdicts["openai:judge"].score for result in outcome.run.results} == {0}


def test_leave_one_out_shows_all_but_the_type_and_leaves_no_trace(place, fake_server):
    outcome = run_study(study(place, fake_server, task="fdx", condition="leave-one-out", limit=1))
    assert set(outcome.run.conditions) == {
        "images",
        "findings",
        "without-ct",
        "without-microscopy",
        "findings+without-ct",
        "findings+without-microscopy",
    }
    without_ct = [r for r in fake_server.received if "CT" not in r.text]
    assert len(without_ct) == 2
    for received in without_ct:
        assert "mass" not in received.text
        assert sum(isinstance(part, bytes) for part in received.parts) <= 1


def test_question_only_skips_tasks_that_need_evidence(place, fake_server):
    outcome = run_study(study(place, fake_server, task="ddx,fdx", condition="question-only"))
    assert {result.task for result in outcome.run.results} == {"fdx"}
    assert {skipped.task for skipped in outcome.run.skipped} == {"ddx"}
    assert all(skipped.reason for skipped in outcome.run.skipped)
    assert not any(isinstance(part, bytes) for received in fake_server.received for part in received.parts)


def test_posteriors_are_in_the_order_of_the_casebook(place, fake_server):
    book = Casebook.load(place / "book")

    def answer(received):
        lines = [line.strip() for line in received.text.splitlines()]
        letter = {line[2:].strip(" .):"): line[0] for line in lines if line[1:2] in (".", ")", ":")}
        case = next(case for case in book if case.history in received.text)
        right = letter[case.right_option.text]
        others = [name for name in "ABCD" if name != right]
        return Reply(right, tokens=[(right, {right: 0.6, others[0]: 0.1, others[1]: 0.1})])

    fake_server.answer = answer
    results = run_study(study(place, fake_server, task="fdx", permutations=4)).run.results
    assert len(results) == 16
    for result in results:
        assert result.posterior is not None, result.posterior_missing
        assert result.posterior.probabilities[0] == pytest.approx(0.75)  # the right one stands first in the book
        assert result.posterior.option_mass == pytest.approx(0.8)
        assert result.right


def test_rotations_show_every_option_at_every_place(place):
    book = Casebook.load(place / "book")
    task = open_task("fdx")
    from medsyn.condition import Condition
    from medsyn.task.types import TaskSettings

    questions = task.questions(Condition().view(book.cases[0]), TaskSettings(permutations=4))
    for index in range(4):
        assert sorted(question.order.index(index) for question in questions) == [0, 1, 2, 3]


def test_models_with_one_name_are_refused(place):
    with pytest.raises(InputError, match="named twice"):
        run_study(study(place, task="fdx", model=["baseline:random", {"name": "baseline:random", "retries": 1}]))


def test_a_run_moves_with_its_casebook(place):
    run_study(study(place, task="fdx"))
    moved = place / "elsewhere"
    moved.mkdir()
    shutil.move(place / "book", moved / "book")
    shutil.move(place / "run", moved / "run")
    assert len(Run.load(moved / "run").results) == 4
    shutil.move(moved / "book", moved / "other")
    with pytest.raises(InputError, match="say where it is with --cases"):
        Run.load(moved / "run")
    assert len(Run.load(moved / "run", moved / "other").results) == 4


def test_a_damaged_image_stops_the_run_before_anything_is_sent(place, fake_server):
    image = place / "book" / "images" / "c01-2.png"
    data = image.read_bytes()
    image.write_bytes(data[:-10] + bytes(10))
    with pytest.raises(InputError, match=r"case c01: .*c01-2\.png: found"):
        run_study(study(place, fake_server, task="fdx"))
    assert fake_server.count == 0
    assert not (place / "run").exists()


def test_samples_are_asked_one_by_one_and_kept_apart(place, fake_server):
    outcome = run_study(study(place, fake_server, task="fdx", samples=3, limit=1))
    assert fake_server.count == 3
    assert [result.replicate for result in outcome.run.results] == [0, 1, 2]
    assert fake_server.received[0].body["temperature"] == 1.0


def test_readers_enter_like_any_model(place):
    book = Casebook.load(place / "book")
    rows = ["case,reader,differential,option,flag,reason"]
    for case in book:
        rows.append(f'{case.id},Dr Li,"{case.diagnosis.name}, Plague",{case.right_option.text},,')
    (place / "readers.csv").write_text("\n".join(rows) + "\n")
    assert [m.name for m in open_models(f"human:{place / 'readers.csv'}")] == ["human:Dr Li"]
    outcome = run_study(study(place, model=[f"human:{place / 'readers.csv'}"], task="ddx,fdx", judge="exact"))
    assert all(r.right for r in outcome.run.results if r.task == "fdx")
    assert all(r.verdicts["exact"].score == 5 for r in outcome.run.results if r.task == "ddx")


def test_a_judge_with_nothing_to_grade_gives_refusals_the_lowest_grade(place):
    outcome = run_study(study(place, task="ddx", judge="exact"))
    assert outcome.run.judges == ("exact",)
    assert {result.status for result in outcome.run.results} == {"refused"}
    assert {result.verdicts["exact"].score for result in outcome.run.results} == {0}


# Found by a review


def test_half_characters_from_a_server_are_kept_as_question_marks(place, fake_server):
    fake_server.faults = [Fault("status", status=400, body={"error": {"message": "bad \ud83d text"}})]
    fake_server.answer = lambda received: Reply("1. Gout \ud83d", reasoning="so \ud83d")
    wanted = study(place, fake_server, task="ddx,open-fdx", limit=2)
    results = run_study(wanted).run.results
    assert any("bad ? text" in (result.reason or "") for result in results)
    assert any("Gout ?" in result.text for result in results)
    assert run_study(wanted).run.results == results


def test_half_characters_inside_a_reply_s_json_do_not_end_the_run(place, fake_server):
    fake_server.answer = lambda received: r'{"diagnoses": ["Gout \ud83d", "Sepsis"]}'
    outcome = run_study(study(place, fake_server, task="ddx", judge="exact", limit=2))
    assert {result.diagnoses for result in outcome.run.results} == {("Gout", "Sepsis")}
    assert outcome.verdicts == len(outcome.run.results)


def test_a_budget_stops_where_the_server_counts_no_tokens(place, fake_server):
    body = {"id": "x", "object": "chat.completion", "created": 0, "model": "m"}
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "A"}}
    fake_server.faults = lambda number, received: Fault("raw", body={**body, "choices": [choice]})
    model = [{"name": "openai:m", "base_url": fake_server.url, "concurrency": 1}]
    assert run_study(study(place, task="fdx", model=model, budget="10 tokens")).stopped
    assert fake_server.count == 1


def test_what_sends_nothing_needs_no_price(place, tmp_path, fake_server):
    prices = tmp_path / "prices.yaml"
    prices.write_text("currency: EUR\nmodels:\n  openai:m: {input: 10, output: 0}\n")
    run_study(study(place, task="fdx", prices=prices, budget="1 EUR"))
    model = [{"name": "openai:n", "base_url": fake_server.url}]
    with pytest.raises(InputError, match="no price for openai:n"):
        run_study(study(place, task="fdx", prices=prices, budget="1 EUR", model=model))


def test_whether_posteriors_are_asked_for_is_no_part_of_a_question_without_options(place, fake_server):
    run_study(study(place, fake_server, task="ddx"))
    run_study(study(place, fake_server, task="ddx", posterior=False))
    assert fake_server.count == 4


def test_equal_requests_of_one_command_are_told_apart_from_stored_ones(place, fake_server):
    fake_server.answer = lambda received: "1. Gout"
    [tally] = run_study(study(place, fake_server, task="ddx,open-fdx")).answers
    assert (tally.stored, tally.shared, tally.done) == (0, 4, 8)


def test_the_reasons_of_failures_are_told_with_their_cases(place, fake_server):
    fake_server.faults = lambda number, received: Fault("status", status=503)
    [tally] = run_study(study(place, fake_server, task="fdx")).answers
    [(reason, cases)] = tally.reasons.items()
    assert reason.startswith("server: ")
    assert sorted(cases) == ["c00", "c01", "c02", "c03"]


def test_an_unreadable_verdict_is_asked_for_again_on_request(place, fake_server):
    fake_server.answer = lambda received: "1. Gout"
    run_study(study(place, fake_server, task="ddx", limit=1))
    judge = study(place, fake_server, judge=[{"name": "openai:judge", "base_url": fake_server.url}]).judge
    fake_server.answer = lambda received: "I like it."
    assert grade_run(place / "run", judge).run.results[0].verdicts["openai:judge"].missing
    assert grade_run(place / "run", judge).verdicts == 0
    fake_server.answer = lambda received: '{"score": 3, "rank": null, "reason": "related"}'
    again = grade_run(place / "run", judge, retry_failed=True)
    assert again.run.results[0].verdicts["openai:judge"].score == 3
    arrived = fake_server.count
    assert grade_run(place / "run", judge, retry_failed=True).verdicts == 0
    assert fake_server.count == arrived


def test_a_verdict_belongs_to_the_request_that_it_answers(place, fake_server):
    fake_server.answer = lambda received: "1. Gout"
    run_study(study(place, fake_server, task="ddx", limit=1))
    judge = study(place, fake_server, judge=[{"name": "openai:judge", "base_url": fake_server.url}]).judge
    fake_server.answer = lambda received: '{"score": 3, "rank": null, "reason": "related"}'
    grade_run(place / "run", judge)
    fake_server.answer = lambda received: '{"score": 5, "rank": 1, "reason": "warm"}'
    warm = grade_run(place / "run", judge, temperature=1.0)
    assert warm.verdicts == 1
    assert warm.run.results[0].verdicts["openai:judge"].score == 5


@pytest.mark.parametrize("address", ["http://me:SECRET@127.0.0.1:1/v1", "http://127.0.0.1:1/v1?api-key=SECRET"])
def test_a_key_in_an_address_is_refused_and_not_repeated(place, address):
    with pytest.raises(InputError, match="base URL") as told:
        run_study(study(place, model=[{"name": "openai:m", "base_url": address}]))
    assert "SECRET" not in str(told.value)
    assert not (place / "run").exists()


def test_a_slip_of_a_key_for_its_variable_is_not_repeated(place):
    with pytest.raises(InputError, match="api_key_env") as told:
        run_study(study(place, model=[{"name": "openai:m", "api_key_env": "sk-SECRET-SECRET"}]))
    assert "SECRET" not in str(told.value)


def test_a_dry_run_refuses_what_the_run_would_refuse(place):
    run_study(study(place, task="fdx"))
    with pytest.raises(InputError, match="judge 'exakt'"):
        dry_run(study(place, judge="exakt"))
    with pytest.raises(InputError, match=r"seed: found 1, expected 0.*give --seed"):
        dry_run(study(place, seed=1))
