from django.urls import path

from .views import CatalogueView, RowsView

app_name = "share"
urlpatterns = [
    path("catalogue", CatalogueView.as_view(), name="catalogue"),
    path("<str:code>/rows", RowsView.as_view(), name="rows"),
]
