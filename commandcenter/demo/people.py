"""Who works in the demo city. Department names follow the usual ones; the people are invented."""

from dataclasses import dataclass, field

from django.conf import settings
from django.contrib.auth.hashers import make_password

from city.functions import Function
from city.models import Organisation, User
from city.roles import Role
from city.services import create_user, grant_role
from city.states import OrganisationKind
from grid.models import CellWorker

from .boundaries import Drawing, short

CITY = "3206"
DEPARTMENTS: dict[str, tuple[str, str]] = {
    Function.COMMAND: ("市域治理现代化指挥中心", "指挥中心"),
    Function.HOUSING: ("住房和城乡建设局", "住建局"),
    Function.URBAN_MGMT: ("城市管理局", "城管局"),
    Function.POLICE: ("公安局", "公安局"),
    Function.EDUCATION: ("教育局", "教育局"),
    Function.HEALTH: ("卫生健康委员会", "卫健委"),
    Function.HR_SOCIAL: ("人力资源和社会保障局", "人社局"),
    Function.MEDICAL_INSURANCE: ("医疗保障局", "医保局"),
    Function.MARKET: ("市场监督管理局", "市监局"),
    Function.ENVIRONMENT: ("生态环境局", "生态环境局"),
    Function.EMERGENCY: ("应急管理局", "应急局"),
    Function.TRANSPORT: ("交通运输局", "交通局"),
    Function.WATER: ("水利局", "水利局"),
    Function.CIVIL_AFFAIRS: ("民政局", "民政局"),
    Function.AGRICULTURE: ("农业农村局", "农业农村局"),
    Function.PLANNING: ("自然资源和规划局", "资规局"),
    Function.JUSTICE: ("司法局", "司法局"),
    Function.TAX: ("税务局", "税务局"),
    Function.CULTURE_TOURISM: ("文化广电和旅游局", "文旅局"),
    Function.FIRE: ("消防救援机构", "消防"),
    Function.UTILITIES: ("公用事业管理中心", "公用中心"),
    Function.DATA: ("数据局", "数据局"),
    Function.LABOUR: ("劳动保障监察机构", "劳动监察"),
}
SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡林郭何高罗郑梁谢宋唐许韩冯邓曹彭曾肖田董潘袁蔡蒋余"
    "于杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯"
    "龙史陶黎贺顾毛郝龚邵万钱严"
)
GIVEN = (
    "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超霞平刚桂华建国文斌志新海燕晓东春梅永康立群云飞"
    "思远嘉宁子轩雨桐佳怡俊浩然亦凡"
)


def person_name(number: int) -> str:
    """An invented name; the same number gives the same name."""
    first = SURNAMES[(number * 37) % len(SURNAMES)]
    a, b = GIVEN[(number * 17 + 5) % len(GIVEN)], GIVEN[(number * 29 + 11) % len(GIVEN)]
    return first + a + (b if number % 3 else "")


@dataclass
class Staff:
    """The people that the story needs. officers: organisation id → user."""

    operators: list[User] = field(default_factory=list)
    dispatchers: list[User] = field(default_factory=list)
    officers: dict[int, User] = field(default_factory=dict)
    grid_workers: list[tuple[User, str]] = field(default_factory=list)
    by_name: dict[str, User] = field(default_factory=dict)


def found_organisations(drawing: Drawing) -> None:
    """Departments of the city and each county, and an office in every town. Safe to repeat."""
    known = set(Organisation.objects.values_list("code", flat=True))
    rows: list[Organisation] = []

    def add(code: str, name: str, short_name: str, function: str, area: str, kind: str) -> None:
        if code not in known:
            rows.append(
                Organisation(
                    code=code, name=name, short_name=short_name, function=function, area_code=area, kind=kind
                )
            )

    for area in [*drawing.of("city"), *drawing.of("county")]:
        for function, (name, short_name) in DEPARTMENTS.items():
            kind = (
                OrganisationKind.COMMAND_CENTRE
                if function == Function.COMMAND
                else OrganisationKind.DEPARTMENT
            )
            said = f"{area.name[:2] if area.level == 'city' else area.name}{short_name}"
            add(f"{area.code}-{function}", f"{area.name}{name}", said, function, area.code, kind)
    for area in drawing.of("town"):
        add(
            f"{area.code}-{Function.TOWN}",
            f"{area.name}便民服务和综合执法局",
            area.name,
            Function.TOWN,
            area.code,
            OrganisationKind.TOWN_OFFICE,
        )
    Organisation.objects.bulk_create(rows, batch_size=500)
    _hang_below(drawing)


def _hang_below(drawing: Drawing) -> None:
    """A county's department answers to the city's of the same function."""
    by_code = {org.code: org for org in Organisation.objects.all()}
    changed = []
    for org in by_code.values():
        above = by_code.get(f"{CITY}-{org.function}")
        if above and above.pk != org.pk and org.parent_id is None:
            org.parent = above
            changed.append(org)
    Organisation.objects.bulk_update(changed, ["parent"], batch_size=500)


def employ(drawing: Drawing) -> Staff:
    """Staff of every role. Only the demo logins have a password. Safe to repeat."""
    staff = Staff()
    orgs = {org.code: org for org in Organisation.objects.all()}
    password = make_password(settings.DEMO_PASSWORD) if settings.DEMO and settings.DEMO_PASSWORD else None
    counter = iter(range(1, 100_000))

    def add(username: str, role: Role, org: Organisation | None, area: str, *, login: bool = False) -> User:
        number = next(counter)
        user = User.objects.filter(username=username).first()
        if user is None:
            user = create_user(
                username=username,
                display_name=person_name(number),
                organisation_id=org.pk if org else None,
                area_code=area,
                check_password=False,
            )
            grant_role(
                user_id=user.pk,
                role=role,
                area_code=area,
                org_id=org.pk if role == Role.OFFICER and org else None,
            )
        if login and password and not user.has_usable_password():
            # One hash for all demo logins: hashing is slow on purpose.
            User.objects.filter(pk=user.pk).update(password=password)
        staff.by_name[username] = user
        return user

    centre = orgs[f"{CITY}-{Function.COMMAND}"]
    staff.operators = [add("operator", Role.OPERATOR, centre, CITY, login=True)]
    staff.operators += [add(f"op{n:02d}", Role.OPERATOR, centre, CITY) for n in range(1, 12)]
    staff.dispatchers = [add("dispatcher", Role.DISPATCHER, centre, CITY, login=True)]
    staff.dispatchers += [add(f"dp{n:02d}", Role.DISPATCHER, centre, CITY) for n in range(1, 5)]
    named = {
        "officer": "320613-housing",
        "officer_rudong": "320623-housing",
        "officer_police": "320613-police",
        "officer_education": "320613-education",
    }
    for username, code in named.items():
        user = add(username, Role.OFFICER, orgs[code], orgs[code].area_code, login=True)
        staff.officers[orgs[code].pk] = user
    for org in orgs.values():
        if org.pk not in staff.officers:
            staff.officers[org.pk] = add(f"of-{org.code}", Role.OFFICER, org, org.area_code)
    add("analyst", Role.ANALYST, centre, CITY, login=True)
    add("analyst2", Role.ANALYST, centre, CITY)
    add("steward", Role.STEWARD, orgs[f"{CITY}-{Function.DATA}"], CITY, login=True)
    add("leader", Role.LEADER, centre, CITY, login=True)
    add("supervisor", Role.SUPERVISOR, centre, CITY, login=True)
    for county in drawing.of("county"):
        add(f"leader-{county.code}", Role.LEADER, orgs[f"{county.code}-{Function.COMMAND}"], county.code)
    add("sysadmin", Role.SYSTEM_ADMIN, None, CITY, login=True)
    add("secadmin", Role.SECURITY_ADMIN, None, CITY, login=True)
    add("auditor", Role.AUDIT_ADMIN, None, CITY, login=True)
    _walk_cells(drawing, staff, add)
    return staff


def _walk_cells(drawing: Drawing, staff: Staff, add) -> None:  # type: ignore[no-untyped-def]
    """Grid workers: one for each fifth cell, and the demo login in the middle of 崇川."""
    cells = drawing.of("cell")
    mine = next(cell for cell in cells if cell.code.startswith("320613"))
    duty = [("grid", mine)] + [(f"grid-{cell.code}", cell) for cell in cells[5::5]]
    for username, cell in duty:
        user = add(username, Role.GRID_WORKER, None, cell.code[:12], login=username == "grid")
        CellWorker.objects.get_or_create(user=user, cell_code=cell.code)
        staff.grid_workers.append((user, cell.code))


__all__ = ["CITY", "Staff", "employ", "found_organisations", "person_name", "short"]
