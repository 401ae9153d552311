"""Pages of the pulled sources."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from commandcenter.core.errors import require
from datahub.policies import may_deliver

from .models import Source


@login_required
@require_GET
def sources(request: HttpRequest) -> HttpResponse:
    require(may_deliver(request.user))
    found = Source.objects.visible_to(request.user).select_related("dataset")
    return render(request, "datahub/connectors/list.html", {"sources": found})


@login_required
@require_GET
def source(request: HttpRequest, pk: int) -> HttpResponse:
    require(may_deliver(request.user))
    found = get_object_or_404(Source.objects.visible_to(request.user).select_related("dataset"), pk=pk)
    return render(request, "datahub/connectors/source.html", {"source": found})
