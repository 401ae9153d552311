"""The trace walks both ways, and only this case."""

import pytest

from commandcenter.journal.selectors import trace_graph
from commandcenter.journal.services import link, unlink

pytestmark = pytest.mark.django_db


def test_causes_and_effects_of_a_case_and_nothing_beside_it():
    link("datahub.row:1:7", "alerts.alert:1", "evidence")
    link("alerts.alert:1", "dispatch.order:1", "opened")
    link("dispatch.order:1", "journal.fact:1", "scored")
    link("datahub.row:1:7", "alerts.alert:2", "evidence")  # another case on the same row
    graph = trace_graph("dispatch.order:1")
    assert set(graph.nodes) == {"datahub.row:1:7", "alerts.alert:1", "dispatch.order:1", "journal.fact:1"}
    assert len(graph.edges) == 3
    assert not graph.cut


def test_an_undone_link_is_not_walked():
    link("hotline.ticket:1", "hotline.ticket:2", "merged")
    unlink("hotline.ticket:1", "hotline.ticket:2")
    assert trace_graph("hotline.ticket:2").nodes == ["hotline.ticket:2"]


def test_a_circle_ends_and_a_fan_is_cut():
    link("a.a:1", "a.a:2", "x")
    link("a.a:2", "a.a:1", "x")
    assert set(trace_graph("a.a:1").nodes) == {"a.a:1", "a.a:2"}
    for n in range(70):
        link(f"b.b:{n}", "c.c:1", "evidence")
    graph = trace_graph("c.c:1")
    assert graph.cut
    assert len(graph.nodes) == 61
