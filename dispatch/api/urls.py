"""Addresses of the interface, under /api/v1/."""

from rest_framework.routers import SimpleRouter

from .views import OrderViewSet

router = SimpleRouter()
router.register("orders", OrderViewSet, basename="api_orders")
urlpatterns = router.urls
