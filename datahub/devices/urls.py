"""Included into datahub's own names: datahub:devices, datahub:device, datahub:faults, …"""

from django.urls import path

from .views import devices, faults, upkeep

urlpatterns = [
    path("", devices.devices, name="devices"),
    path("map/", devices.device_map, name="device_map"),
    path("export.csv", devices.export, name="devices_export"),
    path("faults/", faults.inbox, name="faults"),
    path("faults/<int:pk>/", faults.fault, name="fault"),
    path("faults/<int:pk>/<slug:action>/", faults.act, name="fault_act"),
    path("availability/", faults.availability, name="availability"),
    path("maintenance/", upkeep.maintenance, name="device_maintenance"),
    path("upkeep/", upkeep.upkeep, name="device_upkeep"),
    path("<int:pk>/", devices.device, name="device"),
    path("<int:pk>/card/", devices.card, name="device_card"),
    path("<int:pk>/<slug:action>/", devices.act, name="device_act"),
]
