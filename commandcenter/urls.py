"""Where each app hangs."""

from importlib.util import find_spec

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView

from commandcenter import health

PAGES = {
    "": "city",
    "hotline/": "hotline",
    "orders/": "dispatch",
    "grid/": "grid",
    "alerts/": "alerts",
    "data/": "datahub",
}
APPS = [*PAGES.values(), "dashboards"]


def present(dotted: str) -> bool:
    package = dotted.partition(".")[0]
    return find_spec(package) is not None and find_spec(dotted) is not None


def pages() -> list[URLResolver]:
    apps = [(prefix, app) for prefix, app in [*PAGES.items(), ("", "dashboards")] if present(f"{app}.urls")]
    return [path(prefix, include(f"{app}.urls")) for prefix, app in apps]


def api() -> list[URLResolver]:
    apps = [app for app in APPS if present(f"{app}.api") and present(f"{app}.api.urls")]
    return [path("api/v1/", include(f"{app}.api.urls")) for app in apps]


urlpatterns: list[URLPattern | URLResolver] = [
    *pages(),
    *api(),
    path("api/schema/", SpectacularAPIView.as_view(), name="api_schema"),
    path("accounts/", include("allauth.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    path("admin/", admin.site.urls),
    path("healthz", health.healthz, name="healthz"),
    path("metrics", health.metrics, name="metrics"),
]
