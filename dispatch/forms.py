"""What a person fills in for each action. The rules themselves are the services'."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from city.selectors import organisations
from commandcenter.core import clock
from commandcenter.core.times import shanghai_day

from . import services
from .items import ITEMS
from .models import Order
from .states import CancelGround, ContactOutcome

if TYPE_CHECKING:
    from city.models import User


def words(label: Any, *, required: bool = True, rows: int = 3, hint: Any = "") -> forms.CharField:
    return forms.CharField(
        label=label,
        required=required,
        max_length=4000,
        help_text=hint,
        widget=forms.Textarea(attrs={"rows": rows}),
    )


class ActionForm(forms.Form):
    """A form that knows the order it is for, so that it can offer the right choices."""

    def __init__(self, *args: Any, order: Order, **kwargs: Any) -> None:
        self.order = order
        super().__init__(*args, **kwargs)

    def arguments(self) -> dict[str, Any]:
        """Keyword arguments for the service."""
        return dict(self.cleaned_data)


class SignForm(ActionForm):
    pass


class ContactForm(ActionForm):
    outcome = forms.ChoiceField(label=_("How it ended"), choices=ContactOutcome.choices)
    note = words(_("Note"), required=False, rows=2)


class HandleForm(ActionForm):
    result = words(
        _("Result"),
        rows=6,
        hint=_("Facts, ground, what was done, when the rest follows. The citizen will read it."),
    )
    solved = forms.ChoiceField(
        label=_("How far it is solved"),
        choices=[
            ("yes", pgettext_lazy("call-back", "Solved")),
            ("partly", _("Partly")),
            ("no", _("Not solved")),
        ],
    )


class CheckForm(ActionForm):
    note = words(_("Finding"), required=False, hint=_("Needed when it is sent back."))
    passed = forms.TypedChoiceField(
        choices=[("1", pgettext_lazy("order", "Close")), ("0", _("Send back"))],
        coerce=lambda value: value == "1",
        widget=forms.HiddenInput,
    )


class RulingForm(ActionForm):
    note = words(_("Ground of the ruling"))
    accepted = forms.TypedChoiceField(
        choices=[("1", _("Accept the return")), ("0", _("The unit keeps it"))],
        coerce=lambda value: value == "1",
        widget=forms.HiddenInput,
    )
    to_org = forms.ModelChoiceField(
        label=_("Give it to"),
        queryset=organisations().none(),
        required=False,
        help_text=_("Empty: the ticket goes back to be dispatched anew."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["to_org"].queryset = other_units(self.order)  # type: ignore[attr-defined]

    def arguments(self) -> dict[str, Any]:
        to_org = self.cleaned_data["to_org"]
        return {
            "note": self.cleaned_data["note"],
            "accepted": self.cleaned_data["accepted"],
            "to_org_id": to_org.pk if to_org else None,
        }


class DecisionForm(ActionForm):
    note = words(_("Answer"), required=False, rows=2, hint=_("Needed when it is refused."))
    granted = forms.TypedChoiceField(
        choices=[("1", _("Grant")), ("0", _("Refuse"))],
        coerce=lambda value: value == "1",
        widget=forms.HiddenInput,
    )


class ReturnForm(ActionForm):
    reason = words(_("Why it is not your unit's duty"))


class ExtensionForm(ActionForm):
    days = forms.IntegerField(
        label=_("Working days"), min_value=1, max_value=services.MAX_EXTENDED_DAYS, initial=3
    )
    reason = words(_("Reason"))


class HoldForm(ActionForm):
    reason = words(_("Objective reason"), rows=2)
    evidence = words(_("Evidence"), rows=2, required=False)
    release_condition = words(_("What ends the hold"), rows=2)
    review_on = forms.DateField(
        label=_("Day to look again"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["review_on"].initial = shanghai_day(clock.now()) + timedelta(days=7)


class ReleaseForm(ActionForm):
    note = words(_("Note"), required=False, rows=2)


class ShareForm(ActionForm):
    org = forms.ModelChoiceField(label=_("Unit"), queryset=organisations().none())
    task = words(_("What the unit has to do"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["org"].queryset = self.units()  # type: ignore[attr-defined]

    def units(self) -> Any:
        return other_units(self.order)

    def arguments(self) -> dict[str, Any]:
        return {"org_id": self.cleaned_data["org"].pk, "task": self.cleaned_data["task"]}


class PassDownForm(ShareForm):
    def units(self) -> Any:
        top = self.order.org.area_code
        return other_units(self.order).filter(area_code__startswith=top).exclude(area_code=top)


class RedoForm(ActionForm):
    reason = words(_("What is still to be done"))


class ExcludeForm(ActionForm):
    items = forms.MultipleChoiceField(
        label=_("Items"),
        choices=[(item.code, format_lazy("{} {}", item.code, item.name)) for item in ITEMS.values()],
        widget=forms.CheckboxSelectMultiple,
    )
    reason = words(_("Ground of the review"))


class CancelForm(ActionForm):
    ground = forms.ChoiceField(label=_("Ground"), choices=CancelGround.choices)
    reason = words(_("Reason"))


def other_units(order: Order) -> Any:
    """Active units of the areas around the order, without its own, the accused one and those under it."""
    code = order.area_code
    units = organisations().active().filter(area_code__startswith=code[:4]).exclude(pk=order.org_id)
    near = units.filter(area_code__in=[code[:4], code[:6], code[:9]]) | units.filter(
        area_code__startswith=code[:6]
    )
    if order.accused_org_id:
        near = near.exclude(pk=order.accused_org_id).exclude(parent_id=order.accused_org_id)
    return near.distinct().order_by("area_code", "code")


@dataclass(frozen=True)
class Action:
    """An action as the page offers it. choice: the hidden field that two buttons fill, yes first."""

    name: str
    label: str | Promise
    form: type[ActionForm]
    service: Callable[..., Any]
    done: str | Promise
    choice: str = ""
    hint: str | Promise = ""
    dangerous: bool = False

    def run(self, *, order: Order, by: "User", form: ActionForm) -> None:
        self.service(order_id=order.pk, by=by, **form.arguments())


ACTIONS: dict[str, Action] = {
    action.name: action
    for action in (
        Action("sign", pgettext_lazy("order", "Sign"), SignForm, services.sign_order, _("Signed.")),
        Action(
            "contact", _("Record a contact"), ContactForm, services.contact_caller, _("Contact recorded.")
        ),
        Action(
            "handle",
            _("Hand in the result"),
            HandleForm,
            services.handle_order,
            _("Handed in for the check."),
        ),
        Action(
            "check",
            pgettext_lazy("order", "Check"),
            CheckForm,
            services.check_order,
            _("Checked."),
            choice="passed",
        ),
        Action(
            "rule", _("Rule on the return"), RulingForm, services.rule_return, _("Ruled."), choice="accepted"
        ),
        Action(
            "decide_extension",
            _("Decide on the extension"),
            DecisionForm,
            services.decide_extension,
            _("Decided."),
            choice="granted",
        ),
        Action(
            "decide_hold",
            _("Decide on the hold"),
            DecisionForm,
            services.decide_hold,
            _("Decided."),
            choice="granted",
        ),
        Action(
            "request_return",
            pgettext_lazy("order", "Return"),
            ReturnForm,
            services.request_return,
            _("The centre will rule on it."),
            hint=_("Once per unit, within 4 working hours. The clock runs on until the ruling."),
            dangerous=True,
        ),
        Action(
            "request_extension",
            pgettext_lazy("order", "Extend"),
            ExtensionForm,
            services.request_extension,
            _("The centre will decide."),
            hint=_("At most twice and 10 working days in all, before the deadline."),
        ),
        Action(
            "request_hold",
            pgettext_lazy("order", "Hold"),
            HoldForm,
            services.request_hold,
            _("The centre will decide."),
            hint=_("The clock stands only from the approval on."),
        ),
        Action(
            "release",
            pgettext_lazy("order", "Release"),
            ReleaseForm,
            services.release_order,
            _("The clock runs again."),
        ),
        Action(
            "assist",
            _("Call in a unit"),
            ShareForm,
            services.open_assist,
            _("The unit was called in."),
            hint=_("This order cannot close while the other unit is still at work."),
        ),
        Action(
            "pass_down",
            pgettext_lazy("order", "Pass down"),
            PassDownForm,
            services.pass_down,
            _("Passed down."),
            hint=_("To a unit of a smaller area. Both clocks run."),
        ),
        Action(
            "redo",
            _("Have it redone"),
            RedoForm,
            services.redo_order,
            _("A new round began."),
            dangerous=True,
        ),
        Action(
            "exclude",
            _("Take out of the scores"),
            ExcludeForm,
            services.exclude_order,
            _("Taken out of the items."),
            hint=_("Recorded for good, with your name and the ground."),
        ),
        Action(
            "cancel",
            pgettext_lazy("order", "Cancel"),
            CancelForm,
            services.cancel_order,
            _("Cancelled."),
            dangerous=True,
        ),
    )
}
