"""Included into datahub's own names: datahub:incidents, datahub:incident, datahub:corrections, …"""

from django.urls import path

from .views import corrections, incidents, mending, rules, scores

urlpatterns = [
    path("incidents/", incidents.inbox, name="incidents"),
    path("incidents/export.csv", incidents.export, name="incidents_export"),
    path("incidents/acknowledge/", incidents.acknowledge_many, name="incidents_acknowledge"),
    path("incidents/<int:pk>/", incidents.incident, name="incident"),
    path("incidents/<int:pk>/<slug:action>/", incidents.act, name="incident_act"),
    path("corrections/", corrections.inbox, name="corrections"),
    path("corrections/ask/", corrections.ask, name="correction_ask"),
    path("corrections/<int:pk>/", corrections.correction, name="correction"),
    path("corrections/<int:pk>/<slug:action>/", corrections.act, name="correction_act"),
    path("deliveries/<int:pk>/mend/", mending.mend, name="mend"),
    path("deliveries/<int:pk>/mend/replace/", mending.replace, name="mend_replace"),
    path("deliveries/<int:pk>/mend/take/", mending.take, name="mend_take"),
    path("deliveries/<int:pk>/mend/check/", mending.check, name="mend_check"),
    path("deliveries/<int:pk>/mend/replay/", mending.replay, name="mend_replay"),
    path("deliveries/<int:pk>/mend/rows.csv", mending.export, name="mend_export"),
    path("deliveries/<int:pk>/mend/upload/", mending.upload, name="mend_upload"),
    path("deliveries/<int:pk>/mend/<int:reject>/open/", mending.open_row, name="mend_open"),
    path("quality/<str:code>/", scores.quality, name="quality"),
    path("quality/<str:code>/rules/", rules.rules, name="rules"),
    path("quality/<str:code>/rules/new/", rules.rule, name="rule_new"),
    path("quality/<str:code>/rules/<str:rule_code>/", rules.rule, name="rule"),
    path("quality/<str:code>/rules/<str:rule_code>/<slug:action>/", rules.act, name="rule_act"),
]
