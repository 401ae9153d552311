from django.urls import path

from .views import call_backs, intake, tickets

app_name = "hotline"
urlpatterns = [
    path("", tickets.ticket_list, name="ticket_list"),
    path("export.csv", tickets.export, name="export"),
    path("intake/", intake.intake, name="intake"),
    path("intake/queue/", intake.queue, name="queue"),
    path("intake/caller/", intake.caller, name="caller"),
    path("intake/suggest/", intake.suggest, name="suggest"),
    path("intake/place/", intake.place, name="place"),
    path("intake/draft/", intake.draft, name="draft"),
    path("intake/take/", intake.take, name="take"),
    path("intake/pick/area/", intake.pick, {"what": "area"}, name="pick_area"),
    path("intake/pick/category/", intake.pick, {"what": "category"}, name="pick_category"),
    path("intake/pick/org/", intake.pick, {"what": "org"}, name="pick_org"),
    path("call-backs/", call_backs.call_backs, name="call_backs"),
    path("call-backs/<int:pk>/", call_backs.record, name="record_call_back"),
    path("openings/<int:request_id>/", tickets.decide, name="decide_opening"),
    path("<int:pk>/", tickets.ticket, name="ticket"),
    path("<int:pk>/answer/", tickets.act, {"action": "answer"}, name="answer"),
    path("<int:pk>/reject/", tickets.act, {"action": "reject"}, name="reject"),
    path("<int:pk>/queue/", tickets.act, {"action": "queue"}, name="hand_over"),
    path("<int:pk>/dispatch/", tickets.act, {"action": "dispatch"}, name="dispatch"),
    path("<int:pk>/open-caller/", tickets.open_caller, name="open_caller"),
    path("<int:pk>/ask/", tickets.ask, name="ask"),
]
