from django.urls import include, path

from . import views
from .lake import views as lake_views
from .vault import erasure_views
from .vault import views as vault_views

app_name = "datahub"
urlpatterns = [
    path("", views.overview, name="overview"),
    path("deliveries/<int:pk>/", views.delivery, name="delivery"),
    path("deliveries/<int:pk>/rejects.csv", views.rejects_csv, name="rejects"),
    path("devices/", include("datahub.devices.urls")),
    path("sharing/", include("datahub.sharing.urls")),
    path("cascade/", include("datahub.cascade.urls")),
    path("sources/", include("datahub.connectors.urls")),
    path("", include("datahub.push.urls")),
    path("vault/", vault_views.vault, name="vault"),
    path("vault/erasures/", erasure_views.erasures, name="erasures"),
    path("vault/erasures/<int:pk>/", erasure_views.erasure, name="erasure"),
    path("vault/erasures/<int:pk>/certificate/", erasure_views.certificate, name="erasure_certificate"),
    path("vault/erasures/<int:pk>/<slug:action>/", erasure_views.act, name="erasure_act"),
    path("vault/holds/<int:pk>/lift/", erasure_views.lift, name="lift_hold"),
    path("", include("datahub.quality.urls")),
    path("", include("datahub.catalogue.urls")),
    path("<str:code>/", views.dataset, name="dataset"),
    path("", include("datahub.upload.urls")),
    path("<str:code>/register/", lake_views.register, name="register"),
]
