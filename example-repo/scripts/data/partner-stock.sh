#!/bin/sh
# Fetches the wholesaler's stock list. Their export is often still being written when we ask, so an attempt may
# fail; the job's `retry` asks again.
set -eu
. "$BELFRY_BUNDLE/scripts/lib/lantern.sh"

busy=${BELFRY_PARAM_BUSY:-2} attempt=${BELFRY_ATTEMPT:-1}
whole busy "$busy"
whole attempt "$attempt"

# Stands in for `curl https://wholesaler.example/stock.csv`: "come back later" as often as `busy` says, then the list.
fetch() {
  [ "$attempt" -gt "$busy" ] || return 22
  printf 'isbn,copies\n'
  for last in 1 2 3 4 5 6; do
    printf '97800000000%d%d,%d\n' "$last" "$last" $((last * 7 % 13))
  done
}

if ! fetch >stock.csv; then
  say "attempt $attempt: the wholesaler answers 503, its export is not ready"
  exit 75   # EX_TEMPFAIL: worth another try
fi

lines=0
while IFS=, read -r isbn copies; do
  if [ "$isbn" = isbn ]; then continue; fi
  [ "${#isbn}" -eq 13 ] || die "'$isbn' is not an ISBN"
  whole copies "$copies"
  lines=$((lines + 1))
done <stock.csv
[ "$lines" -gt 0 ] || die "the list is empty; the old one stays"

shelf=$(state_folder stock)
mv stock.csv "$shelf/stock.csv"
say "attempt $attempt: took over $lines titles"
