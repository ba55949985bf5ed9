#!/usr/bin/env bash
# docker-compose.yml for real: builds the image, starts everything, runs two copies of escalation, sends one report and follows
# it to the mail that its missed deadline raises.
#
#   tests/compose.sh             compiles on this machine (release) and puts the binaries into the image
#   tests/compose.sh FOLDER      takes the binaries in FOLDER
#   tests/compose.sh --inside    compiles inside the image
#
# Needs a Docker engine with compose, and the images postgres:18, nats:2.15 and debian:bookworm-slim. Everything that it makes is
# gone afterwards; COMPOSE_KEEP=1 keeps it to be looked at.
set -euo pipefail
cd "$(dirname "$0")/.."

skip() {
  echo
  echo "=== SKIPPED: docker-compose.yml was NOT checked: $1 ==="
  exit 0
}

command -v docker >/dev/null || skip "there is no docker on this machine"
docker info >/dev/null 2>&1 || skip "no Docker engine answers"
if docker compose version >/dev/null 2>&1; then compose=(docker compose)
elif command -v docker-compose >/dev/null; then compose=(docker-compose); export DOCKER_BUILDKIT=1 COMPOSE_DOCKER_CLI_BUILD=1
else skip "the engine is there, compose is not"; fi

export COMPOSE_PROJECT_NAME=duban-test DUBAN_DEMONSTRATION=true DUBAN_LOG_FORMAT=human
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
DUBAN_PORT=$(free_port) DUBAN_MAIL_PAGE_PORT=$(free_port) DUBAN_TRACES_PORT=$(free_port)
export DUBAN_PORT DUBAN_MAIL_PAGE_PORT DUBAN_TRACES_PORT
gateway=http://127.0.0.1:$DUBAN_PORT mail=http://127.0.0.1:$DUBAN_MAIL_PAGE_PORT traces=http://127.0.0.1:$DUBAN_TRACES_PORT

finish() {
  code=$?
  if [ $code -ne 0 ]; then
    echo "--- what the containers said last"
    "${compose[@]}" ps || true
    "${compose[@]}" logs --no-color --tail 40 2>&1 | tail -n 300 || true
  fi
  [ -n "${COMPOSE_KEEP:-}" ] || "${compose[@]}" down --volumes --remove-orphans >/dev/null 2>&1 || true
  exit $code
}

# Tries a command until it succeeds, for so many seconds.
within() {
  local seconds=$1; shift
  local until=$((SECONDS + seconds))
  until "$@" >/dev/null 2>&1; do
    if [ $SECONDS -gt $until ]; then echo "not within $seconds s: $*"; "$@" || true; return 1; fi
    sleep 1
  done
}

asks() { python3 -c 'import sys, urllib.request; urllib.request.urlopen(sys.argv[1], timeout=5).read()' "$1"; }
duban() { "${compose[@]}" run --rm -T duban "$@"; }

# Docker wants the binaries within the folder that it builds from; small ones, too.
hand_over() {
  rm -rf target/containers && mkdir -p target/containers
  for program in duban duban-gateway duban-intake duban-escalation duban-archive duban-notifications duban-container; do
    strip -o "target/containers/$program" "$1/$program" 2>/dev/null || cp "$1/$program" target/containers/
  done
  export BINARIES=target/containers
}

case "${1:-}" in
  --inside) export BINARIES= ;;
  "") cargo build --release --locked --workspace --bins; hand_over "${CARGO_TARGET_DIR:-target}/release" ;;
  *) hand_over "$1" ;;
esac

trap finish EXIT
echo "--- image"
"${compose[@]}" build gateway
echo "--- start"
"${compose[@]}" up --detach --scale escalation=2
within 180 asks "$gateway/readyz"
within 60 asks "$mail/messages"

echo "--- packs, organisation, producers"
duban install
token=$("${compose[@]}" run --rm -T --entrypoint cat duban /data/env | sed -n "s/^export DUBAN_TOKEN_HOTLINE='\(.*\)'.*/\1/p")
[ -n "$token" ] || { echo "install left no token of the hotline"; exit 1; }

all_ready() {
  local id
  for id in $("${compose[@]}" ps -q gateway intake escalation archive notifications); do
    [ "$(docker inspect --format '{{.State.Health.Status}}' "$id")" = healthy ] || return 1
  done
}
within 120 all_ready
[ "$("${compose[@]}" ps -q escalation | wc -l)" = 2 ] || { echo "escalation does not run in two copies"; exit 1; }

echo "--- none reads another's secrets"
if "${compose[@]}" exec -T intake cat /run/duban/DUBAN_CLAIM_SEED >/dev/null 2>&1; then echo "intake can read the gateway's key"; exit 1; fi
"${compose[@]}" exec -T gateway test -r /run/duban/DUBAN_CLAIM_SEED

report() {
python3 - "$gateway" "$token" <<'PYTHON'
import json, sys, time, urllib.error, urllib.request, uuid

gateway, token = sys.argv[1:]
report = {"channel": "phone", "subject": "空调不制冷，多次维修无果", "text": "要求尽快处理",
          "reporter": {"name": "测试", "phone": "13900001234"}}
request = urllib.request.Request(f"{gateway}/v1/reports", json.dumps(report).encode(), {
    "Content-Type": "application/json", "Authorization": f"Bearer {token}", "Idempotency-Key": str(uuid.uuid4())})
try:
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 202, answer.status
        code = json.load(answer)["tracking_code"]
except urllib.error.HTTPError as error:
    sys.exit(f"refused: {error.code} {error.read().decode()}")
print("accepted", code)
deadline = time.time() + 60
while True:
    with urllib.request.urlopen(f"{gateway}/v1/reports/{code}", timeout=10) as answer:
        told = json.load(answer)
    if told["state"] != "accepted":
        break
    assert time.time() < deadline, f"not registered: {told}"
    time.sleep(0.5)
print("registered", told["case"]["number"])
PYTHON
}
echo "--- a report"
told=$(report)
echo "$told"
number=$(sed -n 's/^registered //p' <<<"$told")

echo "--- nobody does anything for three days"
duban clock step --by 72h --leave-real-time
mail_came() { python3 -c '
import json, sys, urllib.request
mails = json.load(urllib.request.urlopen(sys.argv[1] + "/messages", timeout=5))
about = [mail for mail in mails if sys.argv[2] in mail["subject"] + mail["text"]]
sys.exit(0 if any(mail["message_id"] and mail["to"] and "http" in mail["text"] for mail in about) else 1)' "$mail" "$number"; }
within 120 mail_came
echo "--- of two copies of escalation each rung was raised by one"
python3 -c '
import collections, json, sys, urllib.request
mails = json.load(urllib.request.urlopen(sys.argv[1] + "/messages"))
ids = collections.defaultdict(set)
for mail in mails: ids[mail["to"][0], mail["subject"], mail["text"].split("http")[0]].add(mail["message_id"])
twice = [key for key, seen in ids.items() if len(seen) > 1]
assert not twice, f"raised twice: {twice}"
for mail in [mail for mail in mails if sys.argv[2] in mail["subject"] + mail["text"]][:3]: print(mail["to"][0], mail["subject"])' "$mail" "$number"

echo "--- traces"
observed="the images of collector and trace viewer"
if ! timeout 120 "${compose[@]}" --profile observe pull collector traces >/dev/null 2>&1; then
  observed="stand-ins"
  docker build --quiet --network host --tag duban-test/observe tests/observe >/dev/null
  export DUBAN_COLLECTOR_IMAGE=duban-test/observe DUBAN_TRACES_IMAGE=duban-test/observe
fi
OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4317 "${compose[@]}" --profile observe up --detach --scale escalation=2
within 180 asks "$gateway/readyz"
report
services_told() { python3 -c '
import json, sys, urllib.request
seen = set(json.load(urllib.request.urlopen(sys.argv[1] + "/api/services", timeout=5))["data"])
missing = {"gateway", "intake", "escalation"} - {name.removeprefix("duban-") for name in seen}
sys.exit(f"nothing came of {missing}, only of {seen}" if missing else 0)' "$traces"; }
within 120 services_told
if [ "$observed" = stand-ins ]; then
  echo "=== The profile observe was tried with STAND-INS: the images of collector and trace viewer cannot be had here ==="
fi
echo "containers: 1 passed, 0 failed"
