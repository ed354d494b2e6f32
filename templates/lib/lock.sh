# shellcheck shell=bash disable=SC2034 # parts of scripts: each uses what others set
# Sourced text: where a pod's lock is, and whose it is. Bash, readlink and stat; it works with and without strict mode.
#
# A lock is a symbolic link, whose target is no path but the holder: TOKEN:SINCE:BOOT:WHO:PROJECT. A link is made with
# all that is in it or not at all, one of up to 59 bytes needs no block of an ext4 disk, and `touch -h` is its
# heartbeat. Where the disk takes no link it lies in memory, so both places count. pi 0.1 made a directory `lock`,
# with the holder in a file.

# Sets $places: where a lock may be, first on the disk, then in memory, by user and directory.
lock_places() { # PI
  local key=$1 here=$PWD
  if cd -P -- "$1" 2>/dev/null; then
    key=$PWD
    cd -- "$here" 2>/dev/null || cd /
  fi
  key=${key//\//%}
  if ((${#key} > 200)); then key=${key: -200}; fi
  places=("$1/lock" "/dev/shm/pi-lock-$EUID-$key")
}

# Sets $holder: token, since, boot, who and project; fails where there is no lock.
read_lock() { # PLACE
  local lines=()
  holder=()
  if [[ -L $1 ]]; then
    # anybody may write in /dev/shm
    if [[ $1 == /dev/shm/* && $(stat -c %u -- "$1" 2>/dev/null) != "$EUID" ]]; then return 1; fi
    mapfile -t -d : holder < <(readlink -n -- "$1" 2>/dev/null)
    ((${#holder[@]}))
  elif [[ -d $1 ]]; then
    if [[ -f $1/holder ]]; then { mapfile -t -n 4 lines <"$1/holder"; } 2>/dev/null || true; fi
    holder=('' "${lines[2]-}" "${lines[3]-}" "${lines[0]-}" "${lines[1]-}")
    holder[2]=${holder[2]%% *}
    holder[2]=${holder[2]:0:8}
  else
    return 1
  fi
}

# When the holder gave its last sign of life.
last_beat() { # PLACE
  stat -c %Y -- "$1/holder" 2>/dev/null || stat -c %Y -- "$1" 2>/dev/null
}

# Takes away the lock that $holder tells of, and no other: it is moved first, so that of two only one gets to remove it.
# Fails where it could not be moved.
break_lock() { # PLACE
  local token=${holder[0]-} since=${holder[1]-} gone=$1.stale.$BASHPID
  mv -T -- "$1" "$gone" 2>/dev/null || [[ ! -L $1 && ! -e $1 ]] || return 1
  if read_lock "$gone" && [[ ${holder[0]-}:${holder[1]-} != "$token:$since" ]]; then
    mv -n -T -- "$gone" "$1" 2>/dev/null || true
  fi
  rm -rf -- "$gone"
}
