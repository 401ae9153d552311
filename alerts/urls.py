from django.urls import path

from . import views

app_name = "alerts"
urlpatterns = [
    path("", views.alert_list, name="list"),
    path("<int:pk>/", views.alert, name="alert"),
    path("<int:pk>/series.json", views.alert_series, name="series"),
    path("<int:pk>/verify/", views.verify, name="verify"),
    path("<int:pk>/dispatch/", views.dispatch, name="dispatch"),
    path("detectors/", views.detector_list, name="detector_list"),
    path("detectors/<slug:code>/", views.detector, name="detector"),
    path("detectors/<slug:code>/revise/", views.revise, name="revise"),
    path("detectors/<slug:code>/<slug:action>/", views.switch, name="switch"),
]
