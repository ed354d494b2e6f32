# What the server's session runs; written to its run as run.sh.
engine={{ engine }}
model={{ model }}
file={{ file }}
revision={{ revision }}
models={{ models | path }}
assignments=({{ assignments | words }})
args=({{ args | words }})
restart={{ restart }}
log_limit={{ log_limit }}

begin_session "$1"
take_env "${assignments[@]}"
pi=$(cd -- "$1/../../../.." && pwd)
export HF_HOME=$models HF_HUB_CACHE=$models/hub VLLM_NO_USAGE_STATS=1 DO_NOT_TRACK=1 PYTHONPATH=$1
if [[ $model != /* ]]; then
  # by its path: the hub's client calls a commit incomplete when only formats that vLLM does not load were left out
  model=$(snapshot "$models" "$model" "$revision")${file:+/$file}
fi
export HF_HUB_OFFLINE=${HF_HUB_OFFLINE:-1}
if [[ -n ${api_key-} ]]; then
  export VLLM_API_KEY=$api_key
  args+=(--middleware pi_guard.guard)
fi
unset api_key PYTHONDONTWRITEBYTECODE
export PATH=$pi/engines/$engine/bin:$PATH
serve "$1" "$restart" "$pi/engines/$engine/bin/vllm" serve "$model" "${args[@]}"
