# GradGrid with all that it needs, for Linux on x86-64: docker build --tag gradgrid . (docs/elsewhere.md says what for).
# Everything is pinned; requirements.lock is made for this version of Python.
FROM python:3.11.14-slim-bookworm@sha256:65a93d69fa75478d554f4ad27c85c1e69fa184956261b4301ebaf6dbb0a3543d

# Whoever runs it may write there, and to the folder itself as its owner.
ENV HOME=/tmp
RUN useradd --no-create-home --home-dir /tmp --uid 1000 gradgrid && install --directory --owner=gradgrid /gradgrid
WORKDIR /gradgrid

COPY requirements.lock .
RUN pip install --no-cache-dir --no-compile --require-hashes --requirement requirements.lock

COPY --chown=gradgrid . .
# A compiler only while the kernel of training is built.
RUN apt-get update && apt-get install --yes --no-install-recommends g++ \
    && pip install --no-cache-dir --no-compile --no-deps --no-build-isolation . && rm -rf build src/*.egg-info \
    && apt-get purge --yes --auto-remove g++ && rm -rf /var/lib/apt/lists/*

# The sources of the folder that a job runs in come first: the image need not be built anew after an edit.
ENV PYTHONPATH=src
USER 1000
CMD ["snakemake", "--cores", "all"]
