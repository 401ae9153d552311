"""The next steps of an agreement for one reader: which form, which service, in which order."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from . import services
from .forms import CompleteForm, FileDropForm, GrantForm, NoteForm, ReasonForm, WebhookForm, YieldForm
from .models import Agreement
from .policies import may_check, may_decide, may_stop, may_use
from .states import AgreementState, ConsumerKind


@dataclass(frozen=True)
class Step:
    """One thing that can be done. main: the page's primary button; grave: asks twice by its colour."""

    name: str
    label: str | Promise
    form: Callable[..., forms.Form]
    run: Callable[..., Any]
    main: bool = False
    grave: bool = False


def _plain(form: type[forms.Form]) -> Callable[..., forms.Form]:
    return lambda agreement, *args, **kwargs: form(*args, **kwargs)


def _grant(agreement: Agreement, by: Any, form: Any) -> Any:
    return services.grant(agreement_id=agreement.pk, by=by, **form.terms())


def _complete(agreement: Agreement, by: Any, form: Any) -> Any:
    return services.complete_application(agreement_id=agreement.pk, by=by, **form.cleaned_data)


def _noted(service: Callable[..., Any], name: str = "note") -> Callable[..., Any]:
    def run(agreement: Agreement, by: Any, form: Any) -> Any:
        return service(agreement_id=agreement.pk, by=by, **{name: form.cleaned_data["note"]})

    return run


def _webhook(agreement: Agreement, by: Any, form: Any) -> str:
    return services.set_webhook(agreement_id=agreement.pk, by=by, url=form.cleaned_data["url"])


def _file(agreement: Agreement, by: Any, form: Any) -> None:
    services.set_file_drop(agreement_id=agreement.pk, by=by, form=form.cleaned_data["form"])


def _yield(agreement: Agreement, by: Any, form: Any) -> None:
    services.report_yield(agreement_id=agreement.pk, by=by, **form.cleaned_data)


def _token(agreement: Agreement, by: Any, form: Any) -> str:
    return services.issue_token(agreement_id=agreement.pk, by=by)


PASS = Step(
    "pass_check", _("Pass the formal check"), _plain(NoteForm), _noted(services.pass_check), main=True
)
RETURN = Step(
    "return", _("Send back to be completed"), _plain(ReasonForm), _noted(services.return_application)
)
REFUSE = Step("refuse", _("Refuse"), _plain(ReasonForm), _noted(services.refuse_application), grave=True)
GRANT = Step("grant", _("Grant"), GrantForm, _grant, main=True)
COMPLETE = Step("complete", _("Send in again"), CompleteForm, _complete, main=True)
WITHDRAW = Step("withdraw", _("Withdraw"), _plain(NoteForm), _noted(services.withdraw_application))
TOKEN = Step("token", _("Make a token"), _plain(forms.Form), _token, main=True)
WEBHOOK = Step("webhook", _("Push new rows"), _plain(WebhookForm), _webhook)
FILES = Step("files", _("Put new rows as files"), _plain(FileDropForm), _file)
YIELD = Step("yield", _("Report what came of it"), _plain(YieldForm), _yield)
STOP = Step(
    "stop", _("Stop this grant"), _plain(ReasonForm), _noted(services.stop_grant, "reason"), grave=True
)
S = AgreementState


def steps_for(user: Any, agreement: Agreement) -> list[Step]:
    """What this reader may do now, the main step first."""
    found: list[Step] = []
    state, uses = agreement.state, may_use(user, agreement)
    if state == S.APPLIED and may_check(user, agreement):
        found += [PASS, RETURN, REFUSE]
    if state == S.CHECKED and may_decide(user, agreement):
        found += [GRANT, REFUSE]
    if state == S.RETURNED and uses:
        found.append(COMPLETE)
    if state in (S.APPLIED, S.RETURNED, S.CHECKED) and uses:
        found.append(WITHDRAW)
    if state == S.GRANTED:
        if uses and agreement.consumer_kind == ConsumerKind.ORGANISATION:
            found += [TOKEN, WEBHOOK, FILES]
        if uses:
            found.append(YIELD)
        if may_stop(user, agreement):
            found.append(STOP)
    return found


def step(user: Any, agreement: Agreement, name: str) -> Step | None:
    return next((one for one in steps_for(user, agreement) if one.name == name), None)
