"""Where each app hangs."""

from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView

from commandcenter import health

interface = [
    path("", include("city.api.urls")),
    path("", include("datahub.api.urls")),
    path("", include("dispatch.api.urls")),
    path("", include("hotline.api.urls")),
    path("", include("grid.api.urls")),
    path("", include("alerts.api.urls")),
]

urlpatterns = [
    path("", include("city.urls")),
    path("", include("dashboards.urls")),
    path("", include("datahub.portal.urls")),
    path("data/", include("datahub.urls")),
    path("orders/", include("dispatch.urls")),
    path("hotline/", include("hotline.urls")),
    path("grid/", include("grid.urls")),
    path("alerts/", include("alerts.urls")),
    path("api/v1/", include(interface)),
    path("api/share/v1/", include("datahub.sharing.api.urls")),
    path("api/push/v1/", include("datahub.push.api.urls")),
    path("api/devices/v1/", include("datahub.devices.api.urls")),
    path("api/schema/", SpectacularAPIView.as_view(), name="api_schema"),
    path("accounts/", include("allauth.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    path("admin/", admin.site.urls),
    path("healthz", health.healthz, name="healthz"),
    path("metrics", health.metrics, name="metrics"),
]

handler400 = "commandcenter.api.bad_request"
handler404 = "commandcenter.api.not_found"
handler500 = "commandcenter.api.broken"
