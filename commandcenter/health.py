"""Questions that machines ask: are you up, and how are you."""

from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.crypto import constant_time_compare
from django_prometheus.exports import ExportToDjangoView


def healthz(request: HttpRequest) -> JsonResponse:
    """200 when the database and Redis answer; an exception, hence 500, when one does not."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    cache.get("healthz")
    return JsonResponse({"ok": True})


def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus figures, for the holder of CC_METRICS_TOKEN only; without a token there is no such page."""
    given = request.headers.get("Authorization", "")
    if not settings.METRICS_TOKEN or not constant_time_compare(given, f"Bearer {settings.METRICS_TOKEN}"):
        raise Http404
    return ExportToDjangoView(request)
