"""All errors have one form: `{"error": {"code", "message", "where"}}`."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from serving.batching import QueueFullError
from serving.schemas import UNKNOWN_KEY, ErrorAnswer

_LONGEST = 300
_RETRY_AFTER = "1"
_CODES = {
    400: "bad_request",
    404: "not_found",
    405: "method_not_allowed",
    408: "too_slow",
    413: "too_large",
    415: "unsupported_encoding",
    422: "invalid_request",
    500: "internal_error",
    503: "overloaded",
}
# For /openapi.json.
ANSWERS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorAnswer, "description": HTTPStatus(status).phrase}
    for status in (400, 408, 413, 415, 422, 500, 503)
}


class RefusalError(Exception):
    """A request that is answered with an error.

    Args:
        status: the HTTP status.
        message: a sentence for the user.
        where: the part of the request that is at fault.
    """

    def __init__(self, status: int, message: str, where: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.where = where


def error_answer(
    status: int, message: str, where: str | None = None, headers: dict[str, str] | None = None
) -> JSONResponse:
    """An error as an answer in the common form."""
    detail = {
        "code": _CODES.get(status, HTTPStatus(status).phrase.lower().replace(" ", "_")),
        "message": _clean(message),
        "where": None if where is None else _clean(where),
    }
    if status == 503:
        headers = {"Retry-After": _RETRY_AFTER, **(headers or {})}
    return JSONResponse({"error": detail}, status, headers)


def add_handlers(app: FastAPI, fields: tuple[str, ...]) -> None:
    """Makes the app answer every error in the common form.

    Args:
        app: the application.
        fields: those of an input.
    """

    async def invalid(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        return error_answer(422, *_first(error, fields))

    async def refused(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RefusalError)
        return error_answer(error.status, error.message, error.where)

    async def http(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        headers = dict(error.headers) if error.headers else None
        # FastAPI's own message says no more.
        message = str(error.detail)
        if error.status_code == 400:
            message = "the body cannot be read: send JSON in UTF-8"
        return error_answer(error.status_code, message, headers=headers)

    async def full(request: Request, error: Exception) -> JSONResponse:
        return error_answer(503, "too many texts are waiting; try again in a moment")

    async def unexpected(request: Request, error: Exception) -> JSONResponse:
        return error_answer(500, "internal error; see the service's log")

    handlers: dict[Any, Callable[[Request, Exception], Awaitable[JSONResponse]]] = {
        RequestValidationError: invalid,
        RefusalError: refused,
        HTTPException: http,
        QueueFullError: full,
        Exception: unexpected,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)


def _first(error: RequestValidationError, fields: tuple[str, ...]) -> tuple[str, str | None]:
    """Message and location of the first error, without what pydantic adds for programmers."""
    first = error.errors()[0]
    if first["type"] == UNKNOWN_KEY:
        return str(first["msg"]), str(first["ctx"]["key"])
    if first["type"] == "json_invalid":
        return "the body is not JSON", None
    if first["loc"] == ("body",) and first["type"] != "string_unicode":
        return "the body has to be a JSON object, sent as Content-Type: application/json", None
    location = [str(part) for part in first["loc"] if part not in ("body", "one", "several")]
    message = str(first["msg"])
    if first["type"] in ("string_type", "model_attributes_type"):
        value = first.get("input")
        if len(fields) == 1 and isinstance(value, dict):
            message = "this checkpoint takes single texts, not objects"
        elif len(fields) > 1 and isinstance(value, str):
            form = ", ".join(f'"{field}": ...' for field in fields)
            message = f"this checkpoint takes objects, not single texts: {{{form}}}"
    elif first["type"] == "string_unicode":
        message = "a text must not have half of a surrogate pair in it"
    return message, ".".join(location) or None


def _clean(text: str) -> str:
    """Shortens a text, and replaces halves of surrogate pairs, which cannot be sent."""
    text = text.encode("utf-8", "replace").decode()
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
