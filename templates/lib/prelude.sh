# shellcheck shell=bash
# What every script has at hand. Bash alone, no other program.

# Tells the person what happens now: one line of progress.
# shellcheck disable=SC2329 # not every script calls it
say() { printf '%s\n' "$*"; }

# Tells the person of what was done and is not all as it should be.
# shellcheck disable=SC2329
caution() { printf 'warning\t%s\n' "${*//$'\n'/ }"; }

# Ends the script: the reason to stderr, exit code 1.
# shellcheck disable=SC2329
die() {
  printf '%s\n' "$*" >&2
  exit 1
}

# Prints the absolute path of `~` or `~/x`; other paths as they are.
# shellcheck disable=SC2329
expand() {
  local home=~
  case $1 in
    \~) printf '%s\n' "$home" ;;
    \~/*) printf '%s\n' "${home%/}/${1#\~/}" ;;
    *) printf '%s\n' "$1" ;;
  esac
}

# Writes a whole file or none: beside it first, then in its place. What lies there is never written through: a link that
# somebody has put there is removed, and noclobber (O_EXCL) refuses one that comes back.
# shellcheck disable=SC2329
put() { # PATH TEXT
  rm -f -- "$1.new" && (set -C && printf '%s' "$2" >"$1.new") && mv -fT -- "$1.new" "$1"
}
