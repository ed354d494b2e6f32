# Downloads a repository, or one file of it, into the HF cache, with the hub's own client.
# shellcheck disable=SC2088 # expanded below
pi={{ pi }}
# shellcheck disable=SC2088 # expanded below
models={{ models }}
repo={{ repo }}
file=({{ file | words }})
revision=({{ revision | words }})
client={{ client }}
pod_env=({{ pod_env | words }})

use_env "${pod_env[@]}"
pi=$(expand "$pi")
models=$(expand "$models")
need_uv "$pi"
hf=$pi/tools/hf
if [[ ! -f $hf/pi-recipe || $(<"$hf/pi-recipe") != "$client" ]]; then
  say "installing $client"
  make_venv "$hf" 3.12
  "$uv" pip install --quiet --python "$hf/bin/python" -- "$client" || die "uv could not install $client"
  put "$hf/pi-recipe" "$client"
fi
mkdir -p -- "$models/hub"
if [[ -f $pi/env ]]; then
  while IFS= read -r line; do
    if [[ ${line%%=*} == hf_token ]]; then export HF_TOKEN=${line#*=}; fi
  done <"$pi/env"
fi
export HF_HOME=$models HF_HUB_CACHE=$models/hub HF_XET_HIGH_PERFORMANCE=1 HF_HUB_DISABLE_TELEMETRY=1
unset HF_HUB_OFFLINE
# what an interrupted download left is never taken up again by the client
rm -f -- "$models/hub/models--${repo/\//--}"/blobs/*.incomplete
for commit in "${revision[@]}"; do file+=(--revision "$commit"); done
"$hf/bin/hf" download "$repo" "${file[@]}" || die "the hub's client could not fetch $repo"
