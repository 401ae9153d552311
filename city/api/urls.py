from django.urls import path

from city.api import views

urlpatterns = [
    path("areas/", views.AreaList.as_view(), name="api_areas"),
    path("areas/locate/", views.AreaLocate.as_view(), name="api_area_locate"),
    path("areas/<str:code>/", views.AreaDetail.as_view(), name="api_area"),
]
