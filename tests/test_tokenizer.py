"""A model's tokenizer from its file, and random text of exactly its length."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from medsyn.case import Case, InputError
from medsyn.condition import parse, random_text
from medsyn.model import ModelSettings, open_models
from medsyn.model.tokenizer import FileTokenizer, open_tokenizer

tokenizers = pytest.importorskip("tokenizers")

ENGLISH = (
    "A 45-year-old woman came with three days of fever, cough and a painful rash on both legs. "
    "Temperature was 38.5 °C, blood pressure 120/80 mmHg; the spleen was felt 2 cm below the rib."
)
CHINESE = "患者，女，45岁，因发热、咳嗽3天，双下肢疼痛性皮疹入院。体温38.5℃，血压120/80 mmHg，脾肋下2 cm可触及。"


@pytest.fixture(scope="module", params=["byte-level BPE", "unigram"])
def file(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small tokenizer.json of the two common kinds, trained here."""
    if request.param == "unigram":
        made = tokenizers.Tokenizer(tokenizers.models.Unigram())
        made.pre_tokenizer = tokenizers.pre_tokenizers.Metaspace()
        made.decoder = tokenizers.decoders.Metaspace()
        trainer = tokenizers.trainers.UnigramTrainer(
            vocab_size=400, special_tokens=["<unk>", "<s>"], unk_token="<unk>", show_progress=False
        )
    else:
        made = tokenizers.Tokenizer(tokenizers.models.BPE())
        made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
        made.decoder = tokenizers.decoders.ByteLevel()
        trainer = tokenizers.trainers.BpeTrainer(
            vocab_size=500,
            initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
            special_tokens=["<unk>", "<s>"],
            show_progress=False,
        )
    made.train_from_iterator([ENGLISH, CHINESE] * 5, trainer)
    # what a model's file adds and what must not count: a first token, padding, a longest length
    made.post_processor = tokenizers.processors.TemplateProcessing("<s> $A", special_tokens=[("<s>", 1)])
    made.enable_truncation(16)
    made.enable_padding(length=64)
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    made.save(str(path))
    return path


@pytest.fixture(scope="module")
def tokenizer(file: Path) -> FileTokenizer:
    return open_tokenizer(file)


@pytest.mark.parametrize(("text", "language"), [(ENGLISH, "en"), (CHINESE, "zh")])
@pytest.mark.parametrize("times", [1, 40])
def test_random_text_has_exactly_as_many_tokens(tokenizer, text, language, times):
    real = "\n".join([text] * times)
    drawn = random_text(real, language, "7:case-1:history", tokenizer)
    assert len(tokenizer.encode(drawn)) == len(tokenizer.encode(real))
    assert drawn != real
    assert drawn == random_text(real, language, "7:case-1:history", tokenizer)
    assert drawn != random_text(real, language, "8:case-1:history", tokenizer)


@pytest.mark.parametrize("length", range(1, 30))
def test_short_texts_are_matched_too(tokenizer, length):
    drawn = random_text(ENGLISH[:length], "en", f"{length}", tokenizer)
    assert len(tokenizer.encode(drawn)) == len(tokenizer.encode(ENGLISH[:length]))


def test_neither_special_tokens_nor_padding_nor_a_longest_length_count(tokenizer):
    ids = tokenizer.encode(ENGLISH)
    assert len(ids) > 16
    assert tokenizer.decode(ids) == ENGLISH
    assert tokenizer.decode([1, *ids]) == ENGLISH
    assert all(0 <= token < tokenizer.size for token in ids)


def test_a_model_is_opened_with_its_tokenizer_and_conditions_use_it(file):
    (model,) = open_models("openai:m", ModelSettings(base_url="http://a/v1", tokenizer=str(file)))
    case = Case(id="c1", language="en", history=ENGLISH)
    ((_, shown),) = parse("random-text", case)[0].view(case, model.tokenizer).texts
    assert len(model.tokenizer.encode(shown)) == len(model.tokenizer.encode(ENGLISH))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read"),
        (b"", "found no tokenizer"),
        (b'{"model": 3}', "found no tokenizer"),
        (b"\xff\xfe", "found no text"),
    ],
)
def test_a_file_that_is_no_tokenizer_is_named(tmp_path, content, words):
    file = tmp_path / "odd.json"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InputError, match=words) as caught:
        open_tokenizer(file)
    assert "odd.json" in str(caught.value)
    assert "expected a model's tokenizer.json" in str(caught.value)


def test_without_the_extra_the_command_that_installs_it_is_told(file, monkeypatch):
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(InputError, match=r"pip install 'medsyn\[tokenizer\]'"):
        open_tokenizer(file)
