from django.urls import path

from . import views

app_name = "sharing"
urlpatterns = [
    path("", views.inbox, name="inbox"),
    path("datasets/", views.pick, name="pick"),
    path("ledger/", views.ledger, name="ledger"),
    path("apply/<str:code>/", views.apply_page, name="apply"),
    path("<int:pk>/", views.agreement, name="agreement"),
    path("<int:pk>/files/<str:name>", views.file, name="file"),
    path("<int:pk>/<slug:action>/", views.act, name="act"),
]
