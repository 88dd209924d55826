#!/bin/sh
# Copies the orders database while it is in use, checks the copy, compresses it, and keeps the newest `keep` backups.
set -eu
. "$BELFRY_BUNDLE/scripts/lib/lantern.sh"

keep=${BELFRY_PARAM_KEEP:-7}
whole keep "$keep"
[ "$keep" -ge 1 ] || die "keep must be at least 1, or nothing would be left"
backups=$(state_folder backups)

# Into the run's own folder first: a copy that fails halfway leaves nothing among the backups.
python3 -I -B "$BELFRY_BUNDLE/scripts/data/copy_database.py" orders.sqlite
gzip -9 orders.sqlite
gzip -t orders.sqlite.gz

name=orders-$(date -u +%Y%m%dT%H%M%SZ).sqlite.gz
sha256sum <orders.sqlite.gz | cut -d ' ' -f 1 >"$backups/$name.sha256"
cp orders.sqlite.gz "$backups/.$name.part"
sync "$backups/.$name.part"
mv "$backups/.$name.part" "$backups/$name"
say "wrote $name, $(stat -c %s "$backups/$name") bytes, sha256 $(cut -c 1-12 "$backups/$name.sha256")"

# The newest first; what comes after the first `keep` goes.
for old in $(find "$backups" -name 'orders-*.sqlite.gz' -printf '%f\n' | sort -r | tail -n +$((keep + 1))); do
  rm -- "$backups/$old" "$backups/$old.sha256"
  say "dropped $old"
done
say "$(find "$backups" -name 'orders-*.sqlite.gz' | wc -l) of at most $keep backups are there"
