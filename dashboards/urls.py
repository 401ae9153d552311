from django.urls import path

from . import views

app_name = "dashboards"
urlpatterns = [
    path("cockpit/", views.cockpit_page, name="cockpit"),
    path("cockpit/data/", views.cockpit_data, name="cockpit_data"),
    path("cockpit/passport/<str:key>/", views.passport, name="passport"),
    path("cockpit/areas/<str:code>.json", views.areas, name="areas"),
    path("tiles/<slug:layer>/<int:z>/<int:x>/<int:y>.mvt", views.tile, name="tile"),
    path("trace/<str:ref>/", views.trace_page, name="trace"),
    path("search/", views.search_page, name="search"),
]
