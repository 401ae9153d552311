"""How the API says no: one shape for every refusal."""

from typing import Any

from django.core.exceptions import PermissionDenied
from rest_framework.response import Response
from rest_framework.views import exception_handler, set_rollback

from commandcenter.core.errors import BadInput, DomainError


def explain(error: Exception, context: dict[str, Any]) -> Response | None:
    """DomainError: 409 (400 for bad input) with a code and a sentence. Everything else as DRF does."""
    if isinstance(error, DomainError):
        set_rollback()
        body: dict[str, Any] = {"code": error.code, "detail": str(error)}
        if isinstance(error, BadInput):
            body["problems"] = error.as_dicts()
            return Response(body, status=400)
        return Response(body, status=409)
    if isinstance(error, PermissionDenied):
        set_rollback()
        return Response({"code": "forbidden", "detail": str(error) or "forbidden"}, status=403)
    return exception_handler(error, context)
