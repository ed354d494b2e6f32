# What the server's session runs; written to its run as run.sh.
engine={{ engine }}
model={{ model }}
file={{ file }}
revision={{ revision }}
models={{ models | path }}
port={{ port }}
context={{ context }}
assignments=({{ assignments | words }})
words=({{ words | words }})
restart={{ restart }}
log_limit={{ log_limit }}

begin_session "$1"
take_env "${assignments[@]}"
pi=$(cd -- "$1/../../../.." && pwd)
export HF_HOME=$models HF_HUB_CACHE=$models/hub HF_HUB_OFFLINE=${HF_HUB_OFFLINE:-1}
if [[ $model != /* ]]; then
  model=$(snapshot "$models" "$model" "$revision")${file:+/$file}
fi
if [[ -n ${api_key-} ]]; then export PI_API_KEY=$api_key; fi
unset api_key
if [[ -n $engine ]]; then export PATH=$pi/engines/$engine/bin:$PATH; fi
command=()
for word in "${words[@]}"; do
  word=${word//'{port}'/"$port"}
  word=${word//'{context}'/"$context"}
  command+=("${word//'{model}'/"$model"}")
done
serve "$1" "$restart" "${command[@]}"
