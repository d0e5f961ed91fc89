import pytest
from sidecar.text_model import CORPUS, SENTENCE_END, TextModel, tokenize


def test_tokens_joined_are_the_text_again() -> None:
    text = " ".join(CORPUS.read_text(encoding="utf-8").split())
    assert "".join(tokenize(text)) == text


def test_same_prompt_and_seed_give_the_same_text(text_model: TextModel) -> None:
    first, second, other = (text_model.complete("the lamp", seed, 24, 128) for seed in (7, 7, 8))
    assert first == second
    assert first.text != other.text


def test_ends_with_a_sentence(text_model: TextModel) -> None:
    completion = text_model.complete("the ledger", seed=1, tokens_min=30, tokens_max=500)
    assert completion.finish_reason == "stop"
    assert completion.tokens[-1] in SENTENCE_END
    assert len(completion.tokens) >= 30


@pytest.mark.parametrize("tokens_max", [1, 2, 3, 17, 1000])
def test_is_cut_off_at_the_limit(text_model: TextModel, tokens_max: int) -> None:
    completion = text_model.complete("", seed=1, tokens_min=tokens_max, tokens_max=tokens_max)
    assert len(completion.tokens) == tokens_max


def test_begins_with_what_the_prompt_is_about(text_model: TextModel) -> None:
    starts = {" ".join(text_model.complete("fishermen with baskets", s, 8, 64).tokens[:2]) for s in range(20)}
    assert starts == {"In  the"}
