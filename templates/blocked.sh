# Names what a step waits for that makes no progress: the innermost of its programs, and what holds that up. It changes
# nothing. Standard input: two lines of the step's script that together no other has, so that they are in no command
# line but those of the step's own shells.
#
# Out: `program (PID 7), which waits to open a FIFO`, or nothing where /proc does not tell.
set +e +o pipefail
IFS= read -r deed
IFS= read -r token
mapfile -t shells < <(printf '%s\n' "$token" | timeout -s KILL 5 grep -laF -f - -- /proc/[0-9]*/cmdline 2>/dev/null)
((${#shells[@]})) || exit 0
mapfile -t shells < <(printf '%s\n' "$deed" | timeout -s KILL 5 grep -laF -f - -- "${shells[@]}" 2>/dev/null)
declare -A own=() parents=() states=() births=() busy=()
for file in "${shells[@]}"; do
  pid=${file#/proc/}
  own[${pid%/cmdline}]=yes
done
for file in /proc/[0-9]*/stat; do
  pid=${file#/proc/} pid=${pid%/stat}
  if read_stat "$pid" && [[ $state != [ZX] ]]; then
    parents[$pid]=$parent states[$pid]=$state births[$pid]=$born busy[$parent]=yes
  fi
done

is_of_the_step() { # PID
  local at=$1
  while [[ -n ${parents[$at]-} ]]; do
    if [[ -n ${own[$at]-} ]]; then return 0; fi
    at=${parents[$at]}
  done
  return 1
}

# Sets $program, and $held: what it waits for, as far as that is known.
look_at() { # PID
  local where=''
  program=$(timeout -s KILL 5 head -c 200 -- "/proc/$1/cmdline" 2>/dev/null | tr '\0\n' '  ')
  program=${program% } held=''
  { read -r where <"/proc/$1/wchan"; } 2>/dev/null
  case $where in
    wait_for_partner | fifo_open) held='to open a FIFO' ;;
    *nfs* | *rpc* | *fuse*) held='for network storage' ;;
    *flock* | locks_lock* | fcntl_setlk*) held="for a file's lock" ;;
    *) if [[ ${states[$1]} == D ]]; then held='for a disk, storage or a driver'; fi ;;
  esac
}

chosen='' rank=0
for pid in "${!parents[@]}"; do
  if [[ -n ${busy[$pid]-} ]] || ! is_of_the_step "$pid"; then continue; fi
  look_at "$pid"
  # what cannot go on before other programs, these before the step's own shells, and of two the older one
  if [[ -n $held ]]; then
    now=3
  elif [[ -n ${own[$pid]-} || $program == sleep\ * ]]; then
    continue
  else
    now=2
  fi
  if ((now > rank)) || ((now == rank && births[$pid] < births[$chosen])); then chosen=$pid rank=$now; fi
done
[[ -n $chosen ]] || exit 0
look_at "$chosen"
if [[ -n ${own[$chosen]-} ]]; then program='its own shell'; fi
printf '%s (PID %d)%s\n' "$program" "$chosen" "${held:+, which waits $held}"
