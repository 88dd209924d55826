#!/bin/sh
# One line about the host. It needs no other file, so the agent runs it straight from memory.
set -eu

read -r load _ </proc/loadavg
read -r up _ </proc/uptime
memory=unknown
while read -r key value _; do
  if [ "$key" = MemAvailable: ]; then memory=$((value / 1024)); fi
done </proc/meminfo

printf '%s is up for %s min, load %s, %s MiB of memory free: %s\n' \
  "${BELFRY_AGENT:-this host}" "$((${up%.*} / 60))" "$load" "$memory" "${BELFRY_PARAM_GREETING:-all quiet}"
