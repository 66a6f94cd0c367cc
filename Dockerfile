# The harness on Debian slim. In the folder with pyproject.toml and the scenarios of your project:
#
#     docker build --tag takeover-harness PATH_OF_THIS_REPOSITORY
#     docker run --rm --cap-add SYS_PTRACE --user "$(id -u):$(id -g)" --volume "$PWD:/work" takeover-harness run
#
# Seccomp. The kernel gate installs a seccomp listener in the processes under test. The default profile of Docker and
# Podman allows that, but `pidfd_getfd`, with which an flock of a program is taken, only with --cap-add SYS_PTRACE.
# --cap-add SYS_NICE is for programs with several threads (docs/programs.md). `takeover-harness doctor`, which runs here by
# default, says what is missing. Where a profile forbids seccomp(2), --security-opt seccomp=unconfined
# takes the container's profile away; the code under test stays confined by the harness. A runtime that has a listener
# of its own (seccomp `notify`) excludes ours: the free gate is left.
#
# For a fence in Node, or with packages of its own, begin a Dockerfile with `FROM takeover-harness` and install them
# (`/opt/harness/bin/pip install ...` for Python).

FROM debian:bookworm-slim AS build
RUN apt-get update && apt-get install --yes --no-install-recommends python3 python3-venv
COPY . /src
RUN python3 -m venv /opt/harness && /opt/harness/bin/pip install --no-cache-dir /src pytest

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3 \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /opt/harness /opt/harness
ENV PATH=/opt/harness/bin:$PATH PYTHONDONTWRITEBYTECODE=1
WORKDIR /work
ENTRYPOINT ["takeover-harness"]
CMD ["doctor"]
