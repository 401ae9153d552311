from django.urls import path

from datahub.quality.api.views import CorrectionsView, CorrectionView

from .views import CatalogueView, RowsView

app_name = "share"
urlpatterns = [
    path("catalogue", CatalogueView.as_view(), name="catalogue"),
    path("<str:code>/rows", RowsView.as_view(), name="rows"),
    path("<str:code>/corrections", CorrectionsView.as_view(), name="corrections"),
    path("<str:code>/corrections/<str:number>", CorrectionView.as_view(), name="correction"),
]
