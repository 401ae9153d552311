from rest_framework.routers import SimpleRouter

from .views import AlertViewSet, DetectorViewSet

router = SimpleRouter()
# The longer address first: "alerts/detectors" is no alert's number.
router.register("alerts/detectors", DetectorViewSet, basename="detector")
router.register("alerts", AlertViewSet, basename="alert")
urlpatterns = router.urls
