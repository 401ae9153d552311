"""Areas for screens and partners: look up, drill down, locate a point. Any member of staff may ask."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from city import selectors
from city.locate import locate
from commandcenter.core.coordinates import TO_CGCS2000


class AreaOut(serializers.Serializer):
    code = serializers.CharField()
    name = serializers.CharField()
    short_name = serializers.CharField()
    level = serializers.CharField()
    parent_code = serializers.CharField()
    has_polygon = serializers.BooleanField()
    is_demo_boundary = serializers.BooleanField()


class AreaQuestion(serializers.Serializer):
    under = serializers.CharField(required=False, default="", allow_blank=True, help_text="'' for the city")


class PointQuestion(serializers.Serializer):
    lon = serializers.FloatField(min_value=-180, max_value=180)
    lat = serializers.FloatField(min_value=-90, max_value=90)
    datum = serializers.ChoiceField(choices=sorted(TO_CGCS2000), default="cgcs2000")


class LocatedOut(serializers.Serializer):
    code = serializers.CharField(allow_null=True)
    path = AreaOut(many=True)


class AreaList(APIView):
    @extend_schema(operation_id="areas_list", parameters=[AreaQuestion], responses=AreaOut(many=True))
    def get(self, request: Request) -> Response:
        question = AreaQuestion(data=request.query_params)
        question.is_valid(raise_exception=True)
        found = selectors.children(question.validated_data["under"])
        return Response([asdict(one) for one in found])


class AreaDetail(APIView):
    @extend_schema(operation_id="areas_retrieve", responses=AreaOut)
    def get(self, request: Request, code: str) -> Response:
        found = selectors.area(code)
        if found is None:
            raise Http404
        return Response(asdict(found))


class AreaLocate(APIView):
    @extend_schema(operation_id="areas_locate", parameters=[PointQuestion], responses=LocatedOut)
    def get(self, request: Request) -> Response:
        question = PointQuestion(data=request.query_params)
        question.is_valid(raise_exception=True)
        asked: dict[str, Any] = question.validated_data
        lon, lat = TO_CGCS2000[asked["datum"]](asked["lon"], asked["lat"])
        code = locate(float(lon), float(lat))
        path = selectors.area_path(code) if code else []
        return Response({"code": code, "path": [asdict(one) for one in path]})
