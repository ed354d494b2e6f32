# Brings programs by the pod's own package manager. Safe to run twice: where all are there, nothing is done.
manager={{ manager }}
names=({{ names | words }})
programs=({{ programs | words }})
pod_env=({{ pod_env | words }})

missing() { # → REPLY
  local program
  REPLY=
  for program in "${programs[@]}"; do type -P "$program" >/dev/null || REPLY+=" $program"; done
}

missing
if [[ -z $REPLY ]]; then
  say "${programs[*]}: there already"
  return 0
fi
as_root=(env "${pod_env[@]}" DEBIAN_FRONTEND=noninteractive)
if ((EUID != 0)); then as_root=(sudo -n "${as_root[@]}"); fi
say "$manager installs ${names[*]}"
case $manager in
  apt-get)
    # fresh images have no lists; one source that is broken is no reason to give up
    "${as_root[@]}" apt-get -q -o DPkg::Lock::Timeout=300 update || say "apt-get could not read all its sources"
    install=(apt-get -q -y -o DPkg::Lock::Timeout=300 --no-install-recommends install)
    ;;
  dnf) install=(dnf -q -y install) ;;
  apk) install=(apk add --no-cache) ;;
  *) die "$manager is no package manager that pi knows" ;;
esac
"${as_root[@]}" "${install[@]}" "${names[@]}" || die "$manager could not install ${names[*]}"
missing
[[ -z $REPLY ]] || die "$manager has installed ${names[*]}, and there is still no$REPLY"
