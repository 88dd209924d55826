# Shared by the shell scripts of all teams. A job that wants it lists it under run.files and begins with
#   . "$BELFRY_BUNDLE/scripts/lib/lantern.sh"

# say WORD...: one line of log with the time.
say() { printf '%s  %s\n' "$(date -u +%H:%M:%SZ)" "$*"; }

# die WORD...: says why and ends the run as failed.
die() {
  say "error: $*" >&2
  exit 1
}

# whole NAME VALUE: ends the run unless VALUE is a whole number.
whole() {
  case $2 in
    '' | *[!0-9]*) die "parameter $1 must be a whole number, not '$2'" ;;
  esac
}

# state_folder NAME: makes and prints a folder that outlives the run, one for each agent and user.
# The folder a run starts in is fresh and goes away with it.
state_folder() {
  _base=${LANTERN_STATE:-/tmp/lantern-books}-$(id -u)
  (umask 077 && mkdir -p "$_base")
  # Everybody may write to /tmp: a folder or link that somebody else put there is not ours to trust.
  if [ -L "$_base" ] || [ ! -O "$_base" ]; then die "$_base belongs to somebody else"; fi
  mkdir -p "$_base/${BELFRY_AGENT:-by-hand}/$1"
  printf '%s\n' "$_base/${BELFRY_AGENT:-by-hand}/$1"
}
