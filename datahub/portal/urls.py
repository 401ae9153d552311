from django.urls import path

from . import ckan_views, views

app_name = "portal"
urlpatterns = [
    path("open/", views.home, name="home"),
    path("open/help/", views.help_page, name="help"),
    path("open/requests/", views.progress, name="progress"),
    path("open/requests/new/", views.ask, name="ask"),
    path("open/data/<str:code>/", views.dataset, name="dataset"),
    path("open/data/<str:code>/rows.<slug:form>", views.rows, name="rows"),
    path("open/data/<str:code>/catalog.jsonld", views.dataset_jsonld, name="dataset_jsonld"),
    path("catalog.jsonld", views.catalogue, name="catalogue"),
    path("api/3/action/<str:name>", ckan_views.action, name="ckan"),
    # Clients that name no version come here.
    path("api/action/<str:name>", ckan_views.action),
    path("data/requests/", views.inbox, name="inbox"),
    path("data/requests/<int:pk>/", views.answer_request, name="answer"),
]
