"""Errors in OpenAI's shape, so that its SDKs raise the exception their users expect."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response


class ApiError(Exception):
    """Raised anywhere in an endpoint; becomes `{"error": {message, type, param, code}}`."""

    def __init__(
        self, status: int, message: str, *, param: str | None = None, code: str | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.param = param
        self.code = code

    def response(self) -> JSONResponse:
        error = {
            "message": self.message,
            "type": "invalid_request_error" if self.status < 500 else "server_error",
            "param": self.param,
            "code": self.code,
        }
        return JSONResponse({"error": error}, status_code=self.status)


async def api_error(_request: Request, error: Exception) -> Response:
    """Starlette's handler for `ApiError`."""
    assert isinstance(error, ApiError)
    return error.response()


async def http_error(request: Request, error: Exception) -> Response:
    """Starlette's handler for a route or a method that does not exist."""
    assert isinstance(error, HTTPException)
    message = f"Unknown request URL: {request.method} {request.url.path}."
    return ApiError(error.status_code, message, code="unknown_url").response()
