# The hub on a server of your own, on its processor; models on GPUs beside it: compose.yaml.
#   docker build -t demystify .
#   docker run -p 7860:7860 -v demystify:/data demystify
FROM python:3.12-slim

WORKDIR /app
# The packages first: they change less often than the code.
COPY requirements.txt constraints.txt ./
COPY scripts/setup.py scripts/
RUN python scripts/setup.py --packages

COPY . .
# The models in the formats that are used here are made now, not by the first visitor.
ENV DEMYSTIFY_CACHE_DIR=/app/cache
RUN python scripts/setup.py && .venv/bin/python -m compileall -q app.py common spaces

RUN useradd --create-home talk && mkdir /data && chown -R talk /data /app/cache
USER talk
# Also where a file .env is read from.
WORKDIR /data
VOLUME /data
ENV DEMYSTIFY_HOST=0.0.0.0 \
    DEMYSTIFY_RUNS_DIR=/data/runs \
    HF_HOME=/data/huggingface \
    GRADIO_ANALYTICS_ENABLED=False \
    PYTHONUNBUFFERED=1
EXPOSE 7860
# The door answers everybody, also when a room password is set.
HEALTHCHECK --start-period=60s CMD ["/app/.venv/bin/python", "-c", \
    "import urllib.request as web; web.urlopen('http://127.0.0.1:7860/enter', timeout=5)"]
CMD ["/app/.venv/bin/python", "/app/app.py"]
