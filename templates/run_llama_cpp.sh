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
if [[ $model != /* ]]; then
  model=$(snapshot "$models" "$model" "$revision")/$file
fi
if [[ -n ${api_key-} ]]; then export LLAMA_API_KEY=$api_key; fi
unset api_key
if [[ -n $engine ]]; then
  serve "$1" "$restart" "$pi/engines/$engine/bin/python" "$1/pi_llama_server.py" --model "$model" "${args[@]}"
fi
serve "$1" "$restart" llama-server --model "$model" "${args[@]}"
