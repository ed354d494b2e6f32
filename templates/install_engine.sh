# Builds one engine's environment under $pi/engines, proves that it starts, and only then marks it as right.
# Safe to run twice: an environment that is right is left alone, an unfinished one is taken up where it stopped.
# shellcheck disable=SC2088 # expanded below
pi={{ pi }}
id={{ id }}
digest={{ digest }}
python={{ python }}
packages=({{ packages | words }})
options=({{ options | words }})
overrides=({{ overrides | words }})
import={{ import }}
pod_env=({{ pod_env | words }})

use_env "${pod_env[@]}"
pi=$(expand "$pi")
engine=$pi/engines/$id
if [[ -f $engine/pi-recipe && $(<"$engine/pi-recipe") == "$digest" ]]; then
  say "$id is there already"
  return 0
fi
need_uv "$pi"
mkdir -p -- "$engine"
rm -f -- "$engine/pi-recipe"
make_venv "$engine" "$python"
say "installing ${packages[*]}"
printf '%s\n' "${overrides[@]}" >"$engine/overrides.txt"
if ((${#overrides[@]})); then options+=(--override "$engine/overrides.txt"); fi
if ! "$uv" pip install --python "$engine/bin/python" "${options[@]}" -- "${packages[@]}"; then
  die "uv could not install ${packages[*]}"
fi
if [[ -n $import ]]; then
  say "trying it: import $import"
  if ! "$engine/bin/python" -c "import $import"; then
    die "$id is installed and does not start"
  fi
fi
put "$engine/pi-recipe" "$digest"
