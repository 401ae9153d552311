from django.urls import include, path
from rest_framework.routers import SimpleRouter

from .views import CategoryViewSet, TicketViewSet

router = SimpleRouter()
router.register("tickets", TicketViewSet, basename="ticket")
router.register("ticket-categories", CategoryViewSet, basename="ticket_category")

urlpatterns = [path("", include(router.urls))]
