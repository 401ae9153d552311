"""Incidents, corrections."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from commandcenter.core.errors import require

from .models import CorrectionRequest, Incident
from .policies import may_see_quality


@login_required
@require_GET
def incidents(request: HttpRequest) -> HttpResponse:
    require(may_see_quality(request.user))
    rows = Incident.objects.visible_to(request.user).alive().select_related("dataset")
    return render(request, "datahub/quality/incidents.html", {"rows": rows})


@login_required
@require_GET
def incident(request: HttpRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Incident.objects.visible_to(request.user).select_related("dataset"), pk=pk)
    return render(request, "datahub/quality/incident.html", {"incident": found})


@login_required
@require_GET
def corrections(request: HttpRequest) -> HttpResponse:
    rows = CorrectionRequest.objects.visible_to(request.user).select_related("dataset")
    return render(request, "datahub/quality/corrections.html", {"rows": rows})
