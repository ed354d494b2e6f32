# Brings secrets, which come on standard input as lines `name=value`, into the pod's own 0600 file.
# shellcheck disable=SC2088 # expanded below
pi={{ pi }}

pi=$(expand "$pi")
mkdir -p -- "$pi"
guard_directories "$pi"
guard_files "$pi/env"
chmod 0700 -- "$pi"
declare -A fresh=()
while IFS= read -r line; do fresh[${line%%=*}]=$line; done
text=''
if [[ -f $pi/env ]]; then
  while IFS= read -r line; do
    if [[ -z ${fresh[${line%%=*}]+there} ]]; then text+=$line$'\n'; fi
  done <"$pi/env"
fi
for line in "${fresh[@]}"; do text+=$line$'\n'; done
put "$pi/env" "$text"
