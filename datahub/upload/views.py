"""A file brought in the browser: sent in parts, looked at, corrected, delivered or thrown away."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from commandcenter.core.errors import BadInput, Conflict, DomainError, require
from datahub import tasks
from datahub.declare import MappingSpec
from datahub.models import Dataset, Delivery
from datahub.policies import may_deliver, may_see_hub
from datahub.selectors import spec_for

from . import services
from .forms import FileForm, ReadingForm
from .limits import MAX_BYTES, PART_BYTES, NoRoom
from .looking import Look, look
from .models import Upload
from .states import UploadState

READ = 256 * 1024


@login_required
@require_http_methods(["GET", "POST"])
def upload(request: HttpRequest, code: str) -> HttpResponse:
    """Choose a file. A browser with script sends it in parts; this takes it whole from one without."""
    found = _dataset(request, code)
    form = FileForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            brought = services.bring_file(
                dataset_code=code, file_name=file.name, size=file.size, chunks=file.chunks(), by=request.user
            )
        except DomainError as error:
            form.add_error("file", _said(error))
        else:
            return redirect("datahub:upload_preview", pk=brought.pk)
    waiting = Upload.objects.owned_by(request.user).filter(dataset=found, state=UploadState.STAGED)
    context = {
        "dataset": found,
        "form": form,
        "waiting": waiting.order_by("-at")[:5],
        "max_bytes": MAX_BYTES,
    }
    return render(request, "datahub/upload/choose.html", context)


@login_required
@require_POST
def begin(request: HttpRequest, code: str) -> JsonResponse:
    """Name and size first: what cannot be taken is said before a byte is sent."""
    _dataset(request, code)
    try:
        size = int(request.POST.get("size", ""))
    except ValueError:
        size = 0
    try:
        made = services.begin_upload(
            dataset_code=code, file_name=request.POST.get("name", "")[-255:], size=size, by=request.user
        )
    except DomainError as error:
        return _refused(error)
    answer = {
        "part": reverse("datahub:upload_part", args=[made.pk]),
        "next": reverse("datahub:upload_preview", args=[made.pk]),
        "discard": reverse("datahub:upload_discard", args=[made.pk]),
        "part_bytes": PART_BYTES,
        "received": 0,
    }
    return JsonResponse(answer, status=201)


@login_required
@require_POST
def part(request: HttpRequest, pk: Any) -> JsonResponse:
    """Some bytes from `offset` on, as the body itself."""
    try:
        offset = int(request.GET.get("offset", ""))
        found = services.add_part(upload_id=pk, by=request.user, offset=offset, chunks=_body(request))
    except ValueError:
        return JsonResponse({"error": _("This is no part of a file.")}, status=400)
    except Upload.DoesNotExist as error:
        raise Http404 from error
    except DomainError as error:
        return _refused(error)
    return JsonResponse({"received": found.received, "whole": found.state != UploadState.RECEIVING})


def _body(request: HttpRequest) -> Iterator[bytes]:
    left = PART_BYTES + 1
    while left > 0 and (chunk := request.read(min(READ, left))):
        left -= len(chunk)
        yield chunk
    if left <= 0:
        raise ValueError("a part is larger than a part may be")


def _refused(error: DomainError) -> JsonResponse:
    status = 507 if isinstance(error, NoRoom) else 413 if error.code == "too_large" else 409
    if isinstance(error, BadInput) and status == 409:
        status = 400
    return JsonResponse({"error": _said(error), "code": error.code}, status=status)


def _said(error: DomainError) -> str:
    return "; ".join(str(one.reason) for one in error.problems) if isinstance(error, BadInput) else str(error)


@login_required
@require_http_methods(["GET", "POST"])
def preview(request: HttpRequest, pk: Any) -> HttpResponse:
    """The first rows as they would be delivered; everything found out about the file can be corrected."""
    held = _mine(request, pk)
    if held.state == UploadState.DELIVERED:
        if held.delivery is None:
            raise Http404
        return redirect("datahub:delivery", pk=held.delivery_id)
    if held.state == UploadState.RECEIVING:
        messages.error(request, _("The file did not arrive whole; please choose it again."))
        return redirect("datahub:upload", code=held.dataset.code)
    if not Path(held.path).is_file():
        messages.error(request, _("The file is not kept any more; please choose it again."))
        return redirect("datahub:upload", code=held.dataset.code)
    spec = spec_for(held.dataset)
    action = request.POST.get("action", "read")
    if request.method == "POST" and action == "use":
        return _use(request, held)
    seen = _look(held)
    form = ReadingForm(spec, seen, request.POST if request.method == "POST" else None, upload=held)
    if request.method == "POST" and form.is_valid():
        held, answer = _said_of(request, held, form, action)
        if answer is not None:
            return answer
        if not form.errors:
            seen = _look(held)
            form = ReadingForm(spec, seen, upload=held)
    context = {
        "upload": held,
        "dataset": held.dataset,
        "columns": spec.columns,
        "look": seen,
        "form": form,
        "mappings": held.dataset.mappings.all(),
        "chosen": held.reading.get("name", "") if held.reading else "",
        "before": Delivery.objects.same_identity(
            dataset_id=held.dataset_id, period=held.period, digest=held.digest
        ).first(),
    }
    fragment = request.headers.get("HX-Request")
    return render(request, f"datahub/upload/{'_look' if fragment else 'preview'}.html", context)


def _look(held: Upload) -> Look:
    reading = MappingSpec.model_validate(held.reading) if held.reading else None
    return look(spec_for(held.dataset), held.path, reading, history=held.history)


def _said_of(
    request: HttpRequest, held: Upload, form: ReadingForm, action: str
) -> tuple[Upload, HttpResponse | None]:
    """Keep what the form says; save it under a name, or deliver, where that was asked."""
    data, reading, changed = form.cleaned_data, form.reading(), form.changes(held)
    try:
        held = services.choose_reading(
            upload_id=held.pk,
            by=request.user,
            reading=reading if changed else _stored(held),
            period=data["period"],
            history=data["history"],
        )
        if action == "save":
            if not data["save_as"]:
                form.add_error("save_as", _("Please give a name."))
                return held, None
            services.save_mapping(upload_id=held.pk, by=request.user, name=data["save_as"], reading=reading)
            messages.success(request, _("The mapping “%(name)s” is saved.") % {"name": data["save_as"]})
            return held, redirect("datahub:upload_preview", pk=held.pk)
        if action == "confirm" and changed:
            messages.info(request, _("You changed how it is read: look once more before you deliver."))
        elif action == "confirm":
            return held, _deliver(request, held)
    except (BadInput, Conflict) as error:
        form.add_error("save_as" if action == "save" else None, _said(error))
    held.refresh_from_db()
    return held, None


def _stored(held: Upload) -> MappingSpec | None:
    return MappingSpec.model_validate(held.reading) if held.reading else None


def _use(request: HttpRequest, held: Upload) -> HttpResponse:
    """Another saved mapping, or none: found by the header."""
    name = request.POST.get("mapping", "")
    saved = held.dataset.mappings.filter(name=name).first()
    services.choose_reading(
        upload_id=held.pk,
        by=request.user,
        reading=MappingSpec.model_validate(saved.body) if saved is not None else None,
        period=held.period,
        history=held.history,
    )
    return redirect("datahub:upload_preview", pk=held.pk)


def _deliver(request: HttpRequest, held: Upload) -> HttpResponse:
    delivery = services.confirm_upload(upload_id=held.pk, by=request.user)
    if getattr(delivery, "repeated", False):
        messages.info(request, _("This file was delivered before; nothing was added."))
    elif delivery.is_open:
        tasks.work_dataset.apply_async(kwargs={"dataset_code": held.dataset.code}, queue="lake")
    return redirect("datahub:delivery", pk=delivery.pk)


@login_required
@require_POST
def discard(request: HttpRequest, pk: Any) -> HttpResponse:
    held = _mine(request, pk)
    try:
        services.discard_upload(upload_id=pk, by=request.user)
    except Conflict as error:
        messages.info(request, str(error))
        return redirect("datahub:upload_preview", pk=pk)
    messages.success(request, _("The file was thrown away; nothing of it was kept."))
    return redirect("datahub:upload", code=held.dataset.code)


def _dataset(request: HttpRequest, code: str) -> Dataset:
    require(may_see_hub(request.user))
    found: Dataset = get_object_or_404(Dataset.objects.visible_to(request.user), code=code)
    require(may_deliver(request.user))
    return found


def _mine(request: HttpRequest, pk: Any) -> Upload:
    require(may_deliver(request.user))
    own = Upload.objects.owned_by(request.user).select_related("dataset", "delivery")
    return get_object_or_404(own, pk=pk)
