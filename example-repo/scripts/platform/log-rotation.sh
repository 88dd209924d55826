#!/bin/bash
# Compresses the shop's access log when it has grown past `size` KiB, and keeps the newest `keep` old files.
set -eu
. "$BELFRY_BUNDLE/scripts/lib/lantern.sh"

size=${BELFRY_PARAM_SIZE:-4} keep=${BELFRY_PARAM_KEEP:-5}
whole size "$size"
whole keep "$keep"
folder=$(state_folder access-log)
log=$folder/access.log

# Stands in for the web server, which would have written these lines since the last time.
for ((i = 0; i < 60; i++)); do
  printf '192.0.2.%d - - [%(%FT%TZ)T] "GET /books/%d HTTP/1.1" 200 %d\n' \
    $((RANDOM % 250 + 1)) -1 $((RANDOM % 900)) $((RANDOM + 500))
done >>"$log"

bytes=$(stat -c %s "$log")
if ((bytes < size * 1024)); then
  say "$bytes bytes: not yet"
  exit 0
fi

stamp=$(date -u +%Y%m%dT%H%M%SZ)
mv "$log" "$folder/access-$stamp.log"
: >"$log"
gzip -f "$folder/access-$stamp.log"
say "$bytes bytes became access-$stamp.log.gz, $(stat -c %s "$folder/access-$stamp.log.gz") bytes"

# Names hold the time, so their order is the order of age.
old=("$folder"/access-*.log.gz)
for ((i = 0; i < ${#old[@]} - keep; i++)); do
  rm -- "${old[i]}"
  say "dropped ${old[i]##*/}"
done
