# Sourced text for scripts that use secrets.

# Sets $known, by name, to the secrets of the project whose deed this is; what it has not is taken from the file that all
# projects shared before they had ids.
read_secrets() { # PI
  local file line
  declare -gA known=()
  for file in "$1/env" "$1/secrets/${project_id-}"; do
    if [[ ! -f $file ]]; then continue; fi
    while IFS= read -r line; do known[${line%%=*}]=${line#*=}; done <"$file"
  done
}
