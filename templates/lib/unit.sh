# Sourced text for the run scripts. Where systemd is PID 1, a login's processes may end with the login (logind's
# KillUserProcesses), and what begins a session of its own escapes a server's session. A unit of its own holds both: a
# scope, because that keeps the login's environment and limits, which a service does not.

# Prints the directory of every control group that a process is in, where it can be seen.
groups_of() { # PID
  local names path dir
  while IFS=: read -r _ names path; do
    dir=/sys/fs/cgroup
    if [[ -n $names ]]; then
      dir+=/${names#name=}
    elif [[ -d $dir/unified ]]; then
      dir+=/unified
    fi
    if [[ $path != *..* && -f $dir$path/cgroup.procs ]]; then printf '%s\n' "$dir$path"; fi
  done <"/proc/$1/cgroup"
}

# Whether logind was told to end a login's processes with it.
ends_with_login() {
  [[ $(timeout -s KILL 5 busctl get-property org.freedesktop.login1 /org/freedesktop/login1 \
    org.freedesktop.login1.Manager KillUserProcesses 2>/dev/null) == 'b true' ]]
}

# Moves this very process into a scope of its own. Sets $unit to the scope's control group, or to why there is none;
# it is empty where another is PID 1, or this user may not.
enter_unit() { # NAME
  local init='' root=() said scope=pi-$1-$$.scope dir join
  unit=''
  { read -r init </proc/1/comm; } 2>/dev/null || true
  if [[ $init != systemd || ! -d /run/systemd/system ]] || ! type -P systemd-run >/dev/null; then return 0; fi
  if ((EUID)); then
    root=(sudo -n)
    if ! timeout -s KILL 5 sudo -n true </dev/null >/dev/null 2>&1; then
      if ends_with_login; then unit='logind may end it with this login (KillUserProcesses), and this user may not become root'; fi
      return 0
    fi
  fi
  # only root may begin a scope and write there; what it begins with is over when this process is in it
  join="$(declare -f groups_of)
    groups_of \$\$ | while read -r dir; do echo \"\$1\" >\"\$dir/cgroup.procs\"; done"
  said=$("${root[@]}" timeout -s KILL 10 systemd-run --scope --quiet --collect --no-ask-password --unit="$scope" \
    --description="pi: server $1" --property=TasksMax=infinity bash -p -c "$join" join $$ 2>&1 </dev/null) ||
    said+=" (exit code $?)"
  while read -r dir; do
    if [[ $dir == */"$scope" ]]; then unit=$dir; fi
  done < <(groups_of $$)
  if [[ -z $unit ]]; then
    unit="systemd-run: ${said//$'\n'/ }"
    return 0
  fi
  # these name the login, which ends
  unset XDG_RUNTIME_DIR DBUS_SESSION_BUS_ADDRESS "${!XDG_SESSION_@}"
}
