# The same packages as make demo: from the lock files, every hash checked. No clinician has reviewed the content; see README.md.
#
#   docker build -t taper-cds .
#   docker run --rm -p 127.0.0.1:8000:8000 -e CDS_ALLOW_UNAUTHENTICATED=yes taper-cds
#
# Inside a container the service must listen on every interface, and it refuses to do so for callers that it can't verify.
# CDS_ALLOW_UNAUTHENTICATED=yes says that something in front of it does (a gateway, or as above a port of this machine alone).
# It is left unset here on purpose: an image that is open by default would be open by accident.

ARG BASE=python:3.11-slim-bookworm
FROM ${BASE} AS build
RUN apt-get update \
 && apt-get install --yes --no-install-recommends gcc libc6-dev \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/taper-cds
COPY requirements-build.lock requirements.lock ./
RUN /opt/taper-cds/bin/pip install --require-hashes -r requirements-build.lock \
 && /opt/taper-cds/bin/pip install --require-hashes --no-build-isolation -r requirements.lock
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY cds cds
RUN /opt/taper-cds/bin/pip install --no-deps --no-build-isolation . \
 && /opt/taper-cds/bin/pip uninstall --yes setuptools pip

FROM ${BASE}
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin cds \
 && install --directory --owner 10001 --mode 0700 /srv/taper-cds/var
WORKDIR /srv/taper-cds
COPY --from=build /opt/taper-cds /opt/taper-cds
COPY rules /opt/taper-cds/rules
ENV PATH=/opt/taper-cds/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    CDS_RULES=/opt/taper-cds/rules
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=3s --start-period=10s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health', timeout=2)"]
CMD ["cds", "serve", "--host", "0.0.0.0", "--port", "8000"]
