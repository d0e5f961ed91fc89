"""`GET /v1/models` and `GET /v1/models/{model}`."""

from starlette.requests import Request
from starlette.responses import JSONResponse

from .errors import ApiError
from .knobs import Knobs, misbehave_as_asked

CHAT_MODEL = "sidecar-trigram"
EMBEDDING_MODEL = "sidecar-wordllama-256"

# The day the first version was made: clients show it and nothing depends on it.
CREATED = 1_795_392_000


async def list_models(request: Request) -> JSONResponse:
    await misbehave_as_asked(request, Knobs.of(request), request.app.state.services.stats)
    return JSONResponse({"object": "list", "data": [card(CHAT_MODEL), card(EMBEDDING_MODEL)]})


async def show_model(request: Request) -> JSONResponse:
    await misbehave_as_asked(request, Knobs.of(request), request.app.state.services.stats)
    return JSONResponse(card(known(request.path_params["model"], CHAT_MODEL, EMBEDDING_MODEL)))


def known(model: object, *models: str) -> str:
    """The model's name if it is one of `models`, otherwise the error an SDK turns into NotFoundError."""
    if not isinstance(model, str) or model not in models:
        raise ApiError(404, f"The model `{model}` does not exist.", param="model", code="model_not_found")
    return model


def card(model: str) -> dict[str, object]:
    return {"id": model, "object": "model", "created": CREATED, "owned_by": "sidecar"}
