"""校核 by a consumer: ask for a correction of a record under the grant, and see what became of it."""

from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from commandcenter.core.errors import BadInput, Problem
from datahub.sharing.api.views import ShareView, token_of
from datahub.sharing.models import Agreement
from datahub.sharing.services import Asked
from datahub.sharing.services.calls import admit, note_call, terms_of_agreement
from datahub.sharing.states import Denial, Outcome, Way

from ..models import CorrectionRequest
from ..records import covered, granted_record
from ..services.corrections import ask_correction
from .serializers import CorrectionAsked, CorrectionProgress, CorrectionRefusal

REFUSALS: dict[Any, Any] = {
    400: OpenApiResponse(CorrectionRefusal, description="The request cannot be understood."),
    403: OpenApiResponse(CorrectionRefusal, description="No token, or no grant that is in force."),
    429: OpenApiResponse(CorrectionRefusal, description="The calls of the day are used up."),
}


def _asked(request: Request, code: str) -> Asked:
    return Asked(
        dataset_code=code.replace("\x00", ""),
        token=token_of(request),
        ip=request.META.get("REMOTE_ADDR") or None,
    )


def progress_of(correction: CorrectionRequest) -> dict[str, Any]:
    return {
        "number": correction.number,
        "dataset": correction.dataset.code,
        "row": correction.row_ref,
        "column": correction.column,
        "state": correction.state,
        "asked_at": correction.asked_at,
        "due_at": correction.due_at,
        "reason": correction.reason,
        "delivery": correction.delivery_id,
    }


class CorrectionsView(ShareView):
    @extend_schema(
        operation_id="share_correction_ask",
        request=CorrectionAsked,
        responses={
            201: CorrectionProgress,
            409: OpenApiResponse(CorrectionRefusal, description="The same is asked for already."),
            **REFUSALS,
        },
        auth=[{"shareToken": []}],
        description="Asks the owner of a record to correct one value. The owner decides within working days.",
    )
    def post(self, request: Request, code: str) -> Response:
        asked = _asked(request, code)
        agreement = admit(asked)
        try:
            made = self._ask(request, agreement)
        except BadInput:
            note_call(
                agreement,
                asked.dataset_code,
                Way.API,
                Outcome.REFUSED,
                denial=Denial.BAD_REQUEST,
                ip=asked.ip,
            )
            raise
        note_call(
            agreement, asked.dataset_code, Way.API, Outcome.OK, ip=asked.ip, counted=True,
            body={"correction": made.number},
        )  # fmt: skip
        return Response(progress_of(made), status=201)

    def _ask(self, request: Request, agreement: Agreement) -> CorrectionRequest:
        form = CorrectionAsked(data=request.data)
        if not form.is_valid():
            raise BadInput([Problem(None, name, str(said)[:200]) for name, said in form.errors.items()])
        data = form.validated_data
        terms = terms_of_agreement(agreement)
        row = data.get("row", "")
        if bool(row) == bool(data.get("match")):
            raise BadInput(Problem(None, "row", "name the record by `row` or by `match`, one of them"))
        if data.get("match"):
            row = granted_record(agreement.dataset, terms, data["match"]).ref
        elif not covered(agreement.dataset, terms, row):
            raise BadInput(Problem(None, "row", "there is no such record among those of the grant"))
        return ask_correction(
            row_ref=row,
            column=data["column"],
            wrong=data["wrong"],
            proposed=data["proposed"],
            evidence=data["evidence"],
            agreement=agreement,
        )


class CorrectionView(ShareView):
    @extend_schema(
        operation_id="share_correction",
        responses={
            200: CorrectionProgress,
            403: REFUSALS[403],
            404: OpenApiResponse(CorrectionRefusal, description="No such request of this grant."),
            429: REFUSALS[429],
        },
        auth=[{"shareToken": []}],
        description="What became of a request, for the consumer who asked.",
    )
    def get(self, request: Request, code: str, number: str) -> Response:
        asked = _asked(request, code)
        agreement = admit(asked)
        found = (
            CorrectionRequest.objects.filter(
                requester_ref=agreement.consumer_ref,
                dataset=agreement.dataset,
                number=number.replace("\x00", "")[:24],
            )
            .select_related("dataset")
            .first()
        )
        note_call(
            agreement,
            agreement.dataset.code,
            Way.API,
            Outcome.OK,
            ip=request.META.get("REMOTE_ADDR"),
            counted=True,
        )
        if found is None:
            return Response({"code": "not_found", "detail": "no such request"}, status=404)
        return Response(progress_of(found))
