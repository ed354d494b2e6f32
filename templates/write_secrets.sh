# Brings secrets, which come on standard input as lines `name=value`, into the project's own 0600 file: what it changes
# there is nobody else's. Without an id that is the one file which all projects shared before.
pi={{ pi | path }}
mkdir -p -- "$pi"
guard_directories "$pi" "$pi/secrets"
guard_files "$pi/env" ${project_id:+"$pi/secrets/$project_id"}
chmod 0700 -- "$pi"
file=$pi/env
if [[ -n ${project_id-} ]]; then
  mkdir -p -- "$pi/secrets"
  chmod 0700 -- "$pi/secrets"
  file=$pi/secrets/$project_id
fi
declare -A fresh=()
while IFS= read -r line; do fresh[${line%%=*}]=$line; done
text=''
if [[ -f $file ]]; then
  while IFS= read -r line; do
    if [[ -z ${fresh[${line%%=*}]+there} ]]; then text+=$line$'\n'; fi
  done <"$file"
fi
for line in "${fresh[@]}"; do text+=$line$'\n'; done
put "$file" "$text"
