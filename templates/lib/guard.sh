# Sourced text for scripts that write secrets: none is written where others could read it, or have chosen what is there.

# Dies unless each of these directories belongs to whoever is logged in, and others may not write there. Links are
# followed: a user's own `~/.pi` may be one to a larger disk. What does not exist yet is passed over.
guard_directories() { # DIRECTORY…
  local path owner mode
  for path; do
    [[ -e $path ]] || continue
    [[ -d $path ]] || refuse "$path" 'is no directory' "rm $path"
    read -r owner mode < <(stat -L -c '%u %a' -- "$path") || refuse "$path" 'has an owner that is not known' "ls -ld $path"
    guard_owner_and_mode "$path" "$owner" "$mode" "chmod 700 $path"
  done
}

# The same of files, which are no links either.
guard_files() { # FILE…
  local path owner mode
  for path; do
    [[ ! -L $path ]] || refuse "$path" 'is a symbolic link' "rm $path"
    [[ -e $path ]] || continue
    [[ -f $path ]] || refuse "$path" 'is no plain file' "rm -r $path"
    read -r owner mode < <(stat -c '%u %a' -- "$path") || refuse "$path" 'has an owner that is not known' "ls -l $path"
    guard_owner_and_mode "$path" "$owner" "$mode" "chmod 600 $path"
  done
}

guard_owner_and_mode() { # PATH OWNER MODE COMMAND
  if [[ $2 != "$EUID" ]]; then
    refuse "$1" "belongs to user $2, and pi is user $EUID here" "chown -R $EUID $1, once you trust what is in it"
  fi
  if ((8#$3 & 8#022)); then refuse "$1" "may be written by others (mode $3)" "$4, once you trust what is in it"; fi
}

refuse() { # PATH WHY COMMAND
  die "no secret is written: $1 $2. On the pod: $3. If its disk keeps no owners or modes, let \`pi_path\` name another one"
}
