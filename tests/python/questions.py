"""What the suite asks the sidecar's models, so that each test only says what is special about it."""

from typing import Any

CHAT_MODEL = "sidecar-trigram"
EMBEDDING_MODEL = "sidecar-wordllama-256"


def question(seed: int = 1, **changes: Any) -> dict[str, Any]:
    """Arguments of `chat.completions.create`; the same seed is answered with the same text."""
    messages = [{"role": "user", "content": "Who keeps the key of the tower?"}]
    return {"model": CHAT_MODEL, "messages": messages, "seed": seed} | changes


def knobs(**values: str | float) -> dict[str, str]:
    """Headers that ask the sidecar to misbehave: `knobs(tokens_per_second=20)`."""
    return {f"X-Sidecar-{name.replace('_', '-')}": str(value) for name, value in values.items()}
