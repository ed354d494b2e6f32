# Tells what is on a pod: one record a line, `key<TAB>field…`, from `pi-probe` to `end`. It changes nothing.
# Needs bash 4.4 (`mapfile -d`) and coreutils. Each section ends with the record `done`; one that fails or hangs has none, and becomes a
# `gap` record, the others go on. Behind alone.sh
# it keeps watch itself: this shell waits by `hear` alone, and touches no file that may hang.
pi_path={{ pi_path }}
models_path={{ models_path }}
mount_targets=({{ mount_targets | words }})
model_paths=({{ model_paths | words }})
repos=({{ repos | words }})
programs=({{ programs | words }})
project={{ project }}
salt={{ salt }}
topology=
{% if topology %}
topology=yes
{% endif %}

set +e +u +o pipefail
shopt -s nullglob
export LC_ALL=C
exec 2>/dev/null

emit pi-probe 1
who
absolute "$pi_path"; pi_path=$REPLY
absolute "$models_path"; models_path=$REPLY
# the slowest first, beside all others
smi=
find_program nvidia-smi && smi=$REPLY && ask_gpus
emit path pi "$pi_path"
emit path models "$models_path"
host
whole host
mounts
whole mounts
sections=(5 programs 5 processes)
if ((${#repos[@]} + ${#model_paths[@]})); then sections+=(5 weights); else whole weights; fi
sections "${sections[@]}" 8 home 5 disks
collect_gpus
emit end
flush
