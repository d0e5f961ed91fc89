"""The whole HTTP surface on one screen."""

from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from . import chat, embeddings, models
from .api_key import RequireApiKey
from .disconnect import ClientLeft, client_left
from .embeddings import EmbeddingModel
from .errors import ApiError, api_error, http_error
from .stats import CountRequests, Stats
from .text_model import TextModel


@dataclass(frozen=True)
class Services:
    """What the endpoints work with; found as `request.app.state.services`."""

    text_model: TextModel
    embedding_model: EmbeddingModel
    stats: Stats


def create_app(api_key: str, text_model: TextModel, embedding_model: EmbeddingModel) -> Starlette:
    stats = Stats()
    app = Starlette(
        routes=[
            Route("/v1/chat/completions", chat.create_completion, methods=["POST"]),
            Route("/v1/embeddings", embeddings.create_embeddings, methods=["POST"]),
            Route("/v1/models", models.list_models),
            Route("/v1/models/{model}", models.show_model),
            Route("/health", health),
            Route("/debug/stats", debug_stats),
        ],
        middleware=[
            Middleware(CountRequests, stats=stats),
            Middleware(RequireApiKey, api_key=api_key, protected_prefix="/v1/", stats=stats),
        ],
        exception_handlers={
            ApiError: api_error,
            ClientLeft: client_left,
            404: http_error,
            405: http_error,
        },
    )
    app.state.services = Services(text_model, embedding_model, stats)
    return app


async def health(_request: Request) -> JSONResponse:
    return JSONResponse({"status": "ok"})


async def debug_stats(request: Request) -> JSONResponse:
    """What the sidecar saw of its callers; open, because tests ask it and it holds no secret."""
    services: Services = request.app.state.services
    return JSONResponse(services.stats.as_json())
