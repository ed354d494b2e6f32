# Ends a server, everything it started and what was started beside it, and forgets them.
# shellcheck disable=SC2088 # expanded below
pi={{ pi }}
name={{ name }}

pi=$(expand "$pi")
dir=$pi/servers/$name
end_beside "$pi" "$name"
if [[ ! -d $dir ]]; then return 0; fi
end_session "$dir"
forget "$dir"
