#!/bin/sh
# Fails when one of the certificates in certs/ ends within `days` days, and names each with its last day.
set -eu
. "$BELFRY_BUNDLE/scripts/lib/lantern.sh"

days=${BELFRY_PARAM_DAYS:-21}
whole days "$days"

# end_of FILE: prints when the certificate ends. python3 stands in where there is no openssl; it shows only
# certificates that may sign (CA:TRUE), which ours are, and the script fails rather than pass over another.
end_of() {
  if command -v openssl >/dev/null; then
    openssl x509 -noout -enddate -in "$1" | cut -d = -f 2
  else
    python3 -I -c '
import ssl, sys
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.load_verify_locations(sys.argv[1])
print(context.get_ca_certs()[0]["notAfter"])' "$1"
  fi
}

now=$(date +%s)
checked=0
soon=0
for file in "$BELFRY_BUNDLE"/certs/*.pem; do
  [ -e "$file" ] || die "there is no certificate in the bundle"
  if ! end=$(end_of "$file") || [ -z "$end" ]; then die "cannot read ${file##*/}"; fi
  left=$((($(date -d "$end" +%s) - now) / 86400))
  printf '%-22s until %s, %6d days\n' "${file##*/}" "$(date -u -d "$end" +%F)" "$left"
  checked=$((checked + 1))
  if [ "$left" -lt "$days" ]; then soon=$((soon + 1)); fi
done

[ "$soon" -eq 0 ] || die "$soon of $checked certificates end within $days days"
say "all $checked are good for at least $days days"
