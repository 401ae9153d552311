from rest_framework.routers import SimpleRouter

from .views import DatasetViewSet, DeliveryViewSet

router = SimpleRouter()
router.register("datasets", DatasetViewSet, basename="dataset")
router.register("deliveries", DeliveryViewSet, basename="delivery")
urlpatterns = router.urls
