#!/bin/sh
# Prints how full the file systems are that matter to us; fails when one is over the limit.
set -eu
. "$BELFRY_BUNDLE/scripts/lib/lantern.sh"

limit=${BELFRY_PARAM_LIMIT:-97}
whole limit "$limit"

df --output=target,size,used,pcent,ipcent / /tmp /var >all.txt
tail -n +2 all.txt | sort -u >disks.txt   # without the heading; /tmp is often the same file system as /

over=
printf '%-20s %12s %12s %5s %6s\n' 'mounted on' KiB used full inodes
while read -r target size used space inodes; do
  printf '%-20s %12s %12s %5s %6s\n' "$target" "$size" "$used" "$space" "$inodes"
  for percent in "$space" "$inodes"; do
    case ${percent%\%} in
      '' | *[!0-9]*) ;;   # some file systems count none
      *) if [ "${percent%\%}" -gt "$limit" ]; then over="$over $target"; break; fi ;;
    esac
  done
done <disks.txt

[ -z "$over" ] || die "fuller than $limit%:$over"
say "all under $limit%"
