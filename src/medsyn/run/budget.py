"""Prices and budgets: what responses cost, and when to stop sending."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from medsyn.case import InputError
from medsyn.model import Usage

FREE = ("baseline:", "human:", "phantom:", "hf:")
"""Prefixes of models that send nothing to anyone who charges for it."""


class Price(BaseModel):
    """What a model's tokens cost, by million."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    input: float = Field(ge=0)
    output: float = Field(ge=0)


class Prices(BaseModel):
    """A price table, such as::

    currency: USD
    models:
      openai:gpt-x: {input: 1.25, output: 10}
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    currency: str = "USD"
    models: dict[str, Price] = {}

    @classmethod
    def load(cls, path: Path) -> Prices:
        """Read a price file.

        Raises:
            InputError: missing or not of this form.
        """
        expected = "'currency:' and 'models:' with input and output prices a million tokens"
        try:
            return cls.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror})") from error
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise InputError(f"{path}: is not YAML: {error}") from error
        except ValidationError as error:
            detail = error.errors()[0]
            where = ".".join(str(step) for step in detail["loc"])
            raise InputError(f"{path}: {where}: found {detail['input']!r}, expected {expected}") from None

    def cost(self, model: str, usage: Usage) -> float | None:
        """Return what a response cost, in the table's currency; None where the price or the usage is unknown."""
        price = self.models.get(model)
        if price is None or usage.input_tokens is None or usage.output_tokens is None:
            return None
        return (usage.input_tokens * price.input + usage.output_tokens * price.output) / 1e6


@dataclass
class Budget:
    """What one command may spend; sending stops when it is used up.

    Requests in flight at that moment still come back, so the overshoot is at most what they cost.
    """

    tokens: int | None = None
    money: float | None = None
    prices: Prices = field(default_factory=Prices)
    spent_tokens: int = 0
    spent_money: float = 0.0

    @classmethod
    def parse(cls, text: str | None, prices: Prices) -> Budget:
        """Read ``2000000``, ``2M tokens`` or ``5.00 USD``.

        Raises:
            InputError: it is neither, or is money in a currency without prices.

        Example:
            >>> Budget.parse("2M tokens", Prices()).tokens
            2000000
        """
        if text is None:
            return cls(prices=prices)
        match = re.fullmatch(r"\s*([0-9][0-9_]*(?:\.[0-9]+)?)\s*([kKM]?)\s*(tokens?|[A-Z]{3})?\s*", str(text))
        if match is None:
            raise InputError(f"budget: found {text!r}, expected tokens, such as 2M, or money, such as '5.00 USD'")
        amount, scale, unit = match.groups()
        value = float(amount) * {"": 1, "k": 1e3, "K": 1e3, "M": 1e6}[scale]
        if unit is None or unit.startswith("token"):
            return cls(tokens=int(value), prices=prices)
        if not prices.models or prices.currency != unit:
            known = f"prices are in {prices.currency}" if prices.models else "there are no prices (--prices FILE)"
            raise InputError(f"budget: found {text!r}, but {known}")
        return cls(money=value, prices=prices)

    def check_models(self, names: list[str]) -> None:
        """Raise InputError where a budget of money meets a model without a price."""
        unpriced = [name for name in names if name not in self.prices.models and not name.startswith(FREE)]
        if self.money is not None and unpriced:
            raise InputError(f"budget: no price for {', '.join(unpriced)}; add it to the price file")

    def spend(self, model: str, usage: Usage) -> float | None:
        """Count a response; return its cost where known."""
        self.spent_tokens += (usage.input_tokens or 0) + (usage.output_tokens or 0)
        cost = self.prices.cost(model, usage)
        self.spent_money += cost or 0.0
        return cost

    @property
    def used_up(self) -> bool:
        """Whether nothing more may be sent."""
        return (self.tokens is not None and self.spent_tokens >= self.tokens) or (
            self.money is not None and self.spent_money >= self.money
        )
