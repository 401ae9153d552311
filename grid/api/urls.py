from rest_framework.routers import SimpleRouter

from .views import EventKindViewSet, ReportViewSet

router = SimpleRouter()
router.register("grid/reports", ReportViewSet, basename="grid-report")
router.register("grid/kinds", EventKindViewSet, basename="grid-kind")
urlpatterns = router.urls
