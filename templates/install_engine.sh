# Builds one engine's environment under $pi/engines, proves that it starts, and only then marks it as right.
# `progress`, the bytes that were unpacked so far and all that shall be, comes out as one line every two seconds.
# Safe to run twice: an environment that is right is left alone, an unfinished one is taken up where it stopped.
pi={{ pi | path }}
id={{ id }}
digest={{ digest }}
python={{ python }}
others={{ others }}
headers={{ headers }}
packages=({{ packages | words }})
options=({{ options | words }})
overrides=({{ overrides | words }})
trial={{ trial }}
bytes={{ bytes }}
pod_env=({{ pod_env | words }})

use_env "${pod_env[@]}"
engine=$pi/engines/$id
if [[ -f $engine/pi-recipe && $(<"$engine/pi-recipe") == "$digest" ]]; then
  say "$id is there already"
  return 0
fi

unpacked() { # → REPLY
  REPLY=$(du -sb -- "$UV_CACHE_DIR" 2>/dev/null) || true
  REPLY=${REPLY%%[!0-9]*}
  REPLY=${REPLY:-0}
}

# What holds the output open when the script has ended would be waited for.
watch_bytes() {
  local before
  unpacked
  before=$REPLY
  while sleep 2 &>/dev/null && kill -0 $$ 2>/dev/null; do
    unpacked
    if ((REPLY > before)); then printf 'progress\t%s\t%s\n' $((REPLY - before)) "$bytes"; fi
  done
}

need_uv "$pi"
# what was begun before takes less long
began=
if [[ ! -d $engine ]]; then began=$SECONDS; fi
mkdir -p -- "$engine"
rm -f -- "$engine/pi-recipe"
make_venv "$engine" "$python" "$others" ${headers:+"$headers"}
say "installing ${packages[*]}"
printf '%s\n' "${overrides[@]}" >"$engine/overrides.txt"
if ((${#overrides[@]})); then options+=(--override "$engine/overrides.txt"); fi
watch_bytes &
watcher=$!
trap 'kill "$watcher" 2>/dev/null' EXIT
code=0
"$uv" pip install --python "$engine/bin/python" "${options[@]}" -- "${packages[@]}" || code=$?
kill "$watcher" 2>/dev/null || true
trap - EXIT
((code == 0)) || die "uv could not install ${packages[*]}"
if [[ -n $trial ]]; then
  say "trying it"
  if ! "$engine/bin/python" -c "$trial"; then
    die "$id is installed and does not start"
  fi
fi
fence
if [[ -n $began ]]; then put "$engine/pi-took" $((SECONDS - began)); fi
put "$engine/pi-recipe" "$digest"
