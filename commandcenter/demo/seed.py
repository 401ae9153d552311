"""Making the demo city, once."""

import random
import tempfile
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from django.db import transaction

from alerts.services import load_detectors, put_live
from city.models import Generation
from city.services import AreaRow, activate_generation, appoint_deputy, load_generation, load_years
from commandcenter.core import clock
from commandcenter.core.errors import Conflict
from commandcenter.core.times import SHANGHAI, start_of_day
from commandcenter.journal.selectors import audit_entries
from commandcenter.journal.services import audit, pump
from datahub.services import deliver, load_packs
from grid.services import load_event_kinds
from hotline.models import Ticket
from hotline.services.categories import load_categories, load_knowledge

from . import devices, exchange, sensors, sources, truths
from .boundaries import Drawing, draw_city
from .divisions import read_divisions
from .people import employ, found_organisations
from .quality import seed_quality
from .story import Story

SEED = 3206
STARTED, FINISHED = "demo.seed_started", "demo.seed_finished"
Say = Callable[[str], None]


def seeded_at() -> datetime | None:
    """When the demo city was finished; None while there is none."""
    entry = audit_entries(action=FINISHED).first()
    return entry.at if entry else None


def seed_city(*, days: int, calls_a_day: float, say: Say) -> bool:
    """Draw, staff and fill the city. Returns False when it stands already.

    Raises Conflict when an earlier seed was interrupted: its half cannot be told apart from the rest.
    """
    if seeded_at():
        return False
    if audit_entries(action=STARTED).exists() or Ticket.objects.exists():
        raise Conflict("an earlier seed was interrupted; make the demo city anew with bin/run --recreate")
    audit(actor=None, action=STARTED, body={"days": days, "seed": SEED})
    end = clock.now().replace(microsecond=0)
    start = start_of_day((end - timedelta(days=days)).astimezone(SHANGHAI).date())
    drawing = draw(say)
    with transaction.atomic(), clock.at(start):
        found_organisations(drawing)
        staff = employ(drawing)
        load_catalogues()
        put_live(codes=None, proposer=staff.by_name["analyst"], approver=staff.by_name["analyst2"])
    say(f"{len(staff.by_name):,} people of staff, {len(staff.grid_workers)} on the grid")
    deliver_history(start, end, say)
    Story(start=start, end=end, calls_a_day=calls_a_day, seed=SEED).tell(say)
    plant_the_rest(staff.by_name["officer_police"].pk, staff.by_name["officer_education"].pk, end)
    say(f"{devices.plant_devices(end, SEED):,} cameras and sensors")
    say(f"{seed_quality(end, SEED)['deliveries']} deliveries of a register that gets worse")
    say(f"{sources.seed_sources(end)} sources connected")
    shared = exchange.seed_exchange(end)
    say(f"{shared['agreements']} agreements on sharing, {shared['calls']} calls under them")
    pump(patience=30)
    audit(actor=None, action=FINISHED, body={"days": days, "seed": SEED})
    return True


def draw(say: Say) -> Drawing:
    """Areas by name and code from the lists, boundaries from the project's own drawing."""
    divisions = read_divisions()
    drawing = draw_city(divisions, seed=SEED)
    if not Generation.objects.exists():
        rows = [AreaRow(a.code, a.name, "", a.shape, is_demo_boundary=True) for a in drawing.areas]
        generation = load_generation(
            areas=rows, source=f"{divisions.source}; boundaries drawn by the demo city"
        )
        activate_generation(generation_id=generation.pk)
    counts = {level: len(drawing.of(level)) for level in ("county", "town", "village", "cell")}
    say(", ".join(f"{count:,} {level}" for level, count in counts.items()))
    return drawing


def load_catalogues() -> None:
    """What every city needs: calendar, categories, kinds of events, datasets, detectors."""
    load_years(years=[2025, 2026, 2027])
    load_categories()
    load_knowledge()
    load_event_kinds()
    load_packs()
    load_detectors()


def deliver_history(start: datetime, end: datetime, say: Say) -> None:
    """The stations and their readings up to the days that the story itself delivers."""
    episodes = truths.episodes(end)
    first = start.replace(minute=0, second=0, microsecond=0)
    last = (end - timedelta(days=15)).replace(minute=0, second=0, microsecond=0)
    deliver(dataset_code="env.air_station", table=sensors.register())
    hours = [first + timedelta(hours=n) for n in range(max(0, int((last - first).total_seconds() // 3600)))]
    if hours:
        done = deliver(dataset_code="env.air_quality", table=sensors.readings(hours, episodes), history=True)
        say(f"{done.rows_committed:,} rows of history in the lake")


def plant_the_rest(absent_id: int, deputy_id: int, end: datetime) -> None:
    """A delivery with rows that the hub rejects, and somebody who acts for somebody."""
    appoint_deputy(
        absent_id=absent_id, deputy_id=deputy_id, since=end - timedelta(days=2), until=end - timedelta(days=1)
    )
    rng = random.Random(SEED)
    # A day of a station's own file with three spoilt rows: no time, words for a number, far outside.
    lines = ["station,at,pm2_5,o3,lon,lat"]
    for n in range(24):
        at = (end - timedelta(days=40, hours=n)).astimezone(SHANGHAI).strftime("%Y-%m-%d %H:00:00")
        lines.append(f"NT10,{at},{rng.uniform(20, 60):.1f},{rng.uniform(20, 90):.1f},121.05,32.52")
    lines[5] = "NT10,,35.0,40.0,121.05,32.52"
    lines[9] = "NT10,2026-10-01 08:00:00,很高,40.0,121.05,32.52"
    lines[14] = "NT10,2026-10-01 09:00:00,35.0,40.0,220.5,32.52"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "如东洋口站补报.csv"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        deliver(dataset_code="env.air_quality", path=path, history=True)
